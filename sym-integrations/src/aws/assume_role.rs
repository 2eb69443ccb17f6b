use std::fmt;
use std::time::Duration;

use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::sts::assume_role;
use super::{Credentials, CredentialsSource};
use crate::http::Client;

/// The longest name of a session.
const SESSION_NAME_MAX: usize = 64;

/// For how long a role is assumed: what every role allows.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A role that is assumed, with the credentials of a [`PermissionContext`](super::PermissionContext).
#[derive(Clone, PartialEq, Eq)]
pub struct AssumeRole {
    role_arn: String,
    external_id: Option<String>,
    session_name: String,
    duration: Duration,
}

impl AssumeRole {
    /// A role by its ARN, such as `arn:aws:iam::123456789012:role/sym`.
    pub fn new(role_arn: impl Into<String>) -> Result<Self> {
        let role_arn = role_arn.into();
        let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
        let is_role = matches!(parts[..], ["arn", partition, "iam", "", account, role]
            if partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && role.strip_prefix("role/").is_some_and(|name| !name.is_empty())
                && !role.contains(char::is_whitespace));
        if !is_role {
            return Err(unfit(format!("`{}` is not the ARN of a role", role_arn.escape_debug()))
                .with_hint("it is such as `arn:aws:iam::123456789012:role/sym`"));
        }
        Ok(Self { role_arn, external_id: None, session_name: "sym".to_owned(), duration: HOUR })
    }

    /// What the role's trust policy wants to be told, so that nobody can have the role assumed by another's program.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// The name that CloudTrail shows for what is done in the role. Characters that it cannot have become dashes, and it is cut
    /// at 64.
    #[must_use]
    pub fn session_name(mut self, name: impl AsRef<str>) -> Self {
        self.session_name = session_name(name.as_ref());
        self
    }

    /// For how long the role is assumed before it is assumed anew: from 15 minutes up to what the role allows, 12 hours at most.
    /// Default: an hour.
    pub fn duration(mut self, duration: Duration) -> Result<Self> {
        if !(15 * 60..=12 * 60 * 60).contains(&duration.as_secs()) {
            return Err(unfit(format!(
                "a role cannot be assumed for {duration:?}: it is 15 minutes at least, and 12 hours at most"
            )));
        }
        self.duration = duration;
        Ok(self)
    }

    /// The role.
    pub fn role_arn(&self) -> &str {
        &self.role_arn
    }

    pub(super) fn id_for_role(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    pub(super) fn name_of_session(&self) -> &str {
        &self.session_name
    }

    pub(super) fn seconds(&self) -> u64 {
        self.duration.as_secs()
    }
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole")
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

fn session_name(text: &str) -> String {
    let fit = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let mut name: String = text.chars().map(|c| if fit(c) { c } else { '-' }).take(SESSION_NAME_MAX).collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

/// The credentials of a role, fetched each time.
pub(super) struct RoleCredentials {
    pub(super) sts: Client,
    pub(super) role: AssumeRole,
}

impl CredentialsSource for RoleCredentials {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(assume_role(&self.sts, &self.role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_names_that_aws_takes() {
        assert_eq!(session_name("sym-ana@example.com"), "sym-ana@example.com");
        assert_eq!(session_name("Zugänge für/alle"), "Zug-nge-f-r-alle");
        assert_eq!(session_name(""), "--");
        assert_eq!(session_name(&"é".repeat(100)), "-".repeat(64));
    }

    #[test]
    fn only_the_arn_of_a_role_is_one() {
        for arn in ["arn:aws:iam::123456789012:role/sym", "arn:aws-cn:iam::123456789012:role/team/sym"] {
            assert!(AssumeRole::new(arn).is_ok(), "{arn}");
        }
        for arn in [
            "",
            "sym",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:user/sym",
            "arn:aws:iam::1234:role/sym",
            "arn:aws:sts::123456789012:role/sym",
            "arn:aws:iam::123456789012:role/sym\n",
        ] {
            assert!(AssumeRole::new(arn).is_err(), "{arn:?}");
        }
        let role = AssumeRole::new("arn:aws:iam::123456789012:role/sym").unwrap();
        assert!(role.clone().duration(Duration::from_secs(899)).is_err());
        assert!(role.duration(Duration::from_secs(43_201)).is_err());
    }
}
