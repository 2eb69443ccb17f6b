//! Roles, and the credentials that assuming one yields.

use std::fmt;
use std::time::Duration;

use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::arn::is_account_id;
use super::sts::assume_role;
use super::{Arn, Credentials, CredentialsSource};
use crate::http::Client;

/// The lengths of a session name.
const MIN_SESSION_NAME: usize = 2;
const MAX_SESSION_NAME: usize = 64;

/// The default duration of a session, which every role allows.
const DEFAULT_DURATION: Duration = Duration::from_secs(60 * 60);

/// A role to assume with the credentials of a [`PermissionContext`](super::PermissionContext).
#[derive(Clone, PartialEq, Eq)]
pub struct AssumeRole {
    role_arn: String,
    external_id: Option<String>,
    session_name: String,
    duration: Duration,
}

impl AssumeRole {
    /// Creates a role from its ARN, such as `arn:aws:iam::123456789012:role/sym`.
    pub fn new(role_arn: impl Into<String>) -> Result<Self> {
        let role_arn = role_arn.into();
        let is_role = Arn::parse(&role_arn).is_ok_and(|arn| {
            (arn.service(), arn.region()) == ("iam", "")
                && is_account_id(arn.account())
                && arn.resource().strip_prefix("role/").is_some_and(|name| !name.is_empty())
        });
        if !is_role {
            return Err(configuration_error(format!("`{}` is not the ARN of a role", role_arn.escape_debug()))
                .with_hint("write it as in `arn:aws:iam::123456789012:role/sym`"));
        }
        Ok(Self { role_arn, external_id: None, session_name: "sym".to_owned(), duration: DEFAULT_DURATION })
    }

    /// Sets the external id that the role's trust policy requires, which protects against the confused deputy problem.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// Sets the session name, which CloudTrail shows. Characters that AWS does not allow become `_`. Of a name with more than 64 characters,
    /// the end becomes a hash of the whole, so that different names stay different.
    #[must_use]
    pub fn session_name(mut self, name: impl AsRef<str>) -> Self {
        self.session_name = session_name(name.as_ref());
        self
    }

    /// Sets the duration of a session: from 15 minutes up to the role's maximum, which is at most 12 hours. The default is an hour.
    pub fn duration(mut self, duration: Duration) -> Result<Self> {
        if !(15 * 60..=12 * 60 * 60).contains(&duration.as_secs()) {
            return Err(configuration_error(format!(
                "a role cannot be assumed for {duration:?}: the duration is between 15 minutes and 12 hours"
            )));
        }
        self.duration = duration;
        Ok(self)
    }

    /// Returns the ARN of the role.
    pub fn role_arn(&self) -> &str {
        &self.role_arn
    }

    pub(super) fn external_id_value(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    pub(super) fn session_name_value(&self) -> &str {
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
    let mut name: String = text.chars().map(|c| if fit(c) { c } else { '_' }).collect();
    if name.len() > MAX_SESSION_NAME {
        let hash = format!("-{:016x}", fnv1a(text));
        name.truncate(MAX_SESSION_NAME - hash.len());
        name.push_str(&hash);
    }
    while name.len() < MIN_SESSION_NAME {
        name.push('_');
    }
    name
}

/// A hash that is the same in every version of the program: FNV-1a.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn configuration_error(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

/// Credentials from assuming a role, which is assumed again on each call.
pub(super) struct RoleCredentials {
    pub(super) sts: Client,
    pub(super) role: AssumeRole,
}

impl CredentialsSource for RoleCredentials {
    async fn credentials(&self) -> Result<Credentials> {
        assume_role(&self.sts, &self.role).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IA02: what AWS rejects is replaced, and a name that is cut stays distinct.
    #[test]
    fn session_names_are_valid() {
        assert_eq!(session_name("sym-ana@example.com"), "sym-ana@example.com");
        assert_eq!(session_name("Ana (local)"), "Ana__local_");
        assert_eq!(session_name("PowerUser/Zugänge"), "PowerUser_Zug_nge");
        assert_eq!((session_name(""), session_name("a")), ("__".to_owned(), "a_".to_owned()));
        assert_eq!(session_name(&"a".repeat(64)), "a".repeat(64));
        let (first, second) = (session_name(&("a".repeat(70) + "1")), session_name(&("a".repeat(70) + "2")));
        assert_eq!((first.len(), second.len(), first == second), (64, 64, false));
        assert_eq!(first, "a".repeat(47) + "-" + &format!("{:016x}", fnv1a(&("a".repeat(70) + "1"))));
    }

    #[test]
    fn rejects_arns_that_are_not_roles() {
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
