//! Names of resources.

use std::fmt;
use std::str::FromStr;

use sym_sdk::error::{Error, ErrorKind, Result, codes};

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`. The region and the account may be empty.
///
/// ```
/// use sym_integrations::aws::Arn;
///
/// let arn = Arn::parse("arn:aws-us-gov:iam::123456789012:user/team/ana")?;
/// assert_eq!((arn.partition(), arn.service(), arn.account()), ("aws-us-gov", "iam", "123456789012"));
/// assert_eq!(arn.resource(), "user/team/ana");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn(String);

impl Arn {
    /// Parses an ARN.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the text is none.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let is_arn = matches!(parts[..], ["arn", partition, service, _, _, resource]
            if partition.starts_with("aws") && !service.is_empty() && !resource.is_empty());
        if is_arn && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not an ARN", text.escape_debug());
        Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
            .with_hint("write it as in `arn:aws:iam::123456789012:role/sym`"))
    }

    /// Returns the ARN as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the partition, such as `aws`.
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// Returns the service, such as `iam`.
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// Returns the region; empty for global services.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// Returns the id of the account; empty for resources that belong to none.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Returns the rest, such as `role/sym`.
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }
}

impl FromStr for Arn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is the id of an AWS account.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_what_is_not_an_arn() {
        for text in
            ["", "ana", "arn:aws:iam::1", "arn:aws:iam:::", "urn:aws:iam:::x", "arn:gcp:iam:::x", "arn:aws:iam:::x y"]
        {
            assert!(Arn::parse(text).is_err(), "{text:?}");
        }
        let arn = Arn::parse("arn:aws:sso:::permissionSet/ssoins-1/ps-1").unwrap();
        assert_eq!((arn.region(), arn.account(), arn.resource()), ("", "", "permissionSet/ssoins-1/ps-1"));
    }
}
