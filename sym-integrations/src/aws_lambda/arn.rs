//! The ARN of a function.

use std::fmt;
use std::str::FromStr;

use sym_sdk::error::{Error, ErrorKind, Result};

use super::client::LAMBDA;
use super::codes;
use crate::aws::Region;

/// The maximum length of an ARN with its qualifier.
const MAX_LENGTH: usize = 256;

/// The ARN of a function, with or without a version or an alias. It names the function's region.
///
/// ```
/// use sym_integrations::aws_lambda::FunctionArn;
///
/// let arn = FunctionArn::parse("arn:aws:lambda:eu-central-1:123456789012:function:grant:live")?;
/// assert_eq!(arn.region().as_str(), "eu-central-1");
/// assert_eq!((arn.name(), arn.qualifier()), ("grant", Some("live")));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionArn {
    text: String,
    region: Region,
}

impl FunctionArn {
    /// Parses an ARN.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| {
            let message = format!("`{}` is not the ARN of a function", text.escape_debug());
            LAMBDA
                .error(ErrorKind::InvalidInput, codes::INVALID_ARN, message)
                .with_hint("write it as in `arn:aws:lambda:eu-central-1:123456789012:function:grant`")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "lambda", region, account, "function", name, ref qualifier @ ..] = parts[..] else {
            return None;
        };
        let region = Region::parse(region).ok()?;
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let fits = text.len() <= MAX_LENGTH
            && region.partition() == partition
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && is_name(name)
            && match qualifier {
                [] | ["$LATEST" | "$LATEST.PUBLISHED"] => true,
                [qualifier] => is_name(qualifier),
                _ => false,
            };
        fits.then(|| Self { text: text.to_owned(), region })
    }

    /// Returns the ARN as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the region of the function.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Returns the name of the function.
    pub fn name(&self) -> &str {
        self.text.split(':').nth(6).unwrap_or_default()
    }

    /// Returns the ARN without the version or alias, which share the limits of the function.
    pub(super) fn unqualified(&self) -> String {
        self.text.split(':').take(7).collect::<Vec<_>>().join(":")
    }

    /// Returns the version or the alias.
    pub fn qualifier(&self) -> Option<&str> {
        self.text.split(':').nth(7)
    }
}

impl AsRef<str> for FunctionArn {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl FromStr for FunctionArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_arns_of_functions() {
        for (arn, name, qualifier) in [
            ("arn:aws:lambda:us-east-1:123456789012:function:grant", "grant", None),
            ("arn:aws:lambda:us-east-1:123456789012:function:grant:7", "grant", Some("7")),
            ("arn:aws:lambda:us-east-1:123456789012:function:grant:$LATEST", "grant", Some("$LATEST")),
            // L03
            (
                "arn:aws:lambda:us-east-1:123456789012:function:grant:$LATEST.PUBLISHED",
                "grant",
                Some("$LATEST.PUBLISHED"),
            ),
            ("arn:aws-cn:lambda:cn-north-1:123456789012:function:my_f-1:live", "my_f-1", Some("live")),
            ("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:grant", "grant", None),
        ] {
            let read = FunctionArn::parse(arn).unwrap();
            assert_eq!((read.name(), read.qualifier(), read.as_str()), (name, qualifier, arn));
        }
    }

    #[test]
    fn rejects_other_arns() {
        for arn in [
            "",
            "grant",
            "arn:aws:lambda:us-east-1:123456789012:function:",
            "arn:aws:lambda:us-east-1:123456789012:function:grant:",
            "arn:aws:lambda:us-east-1:123456789012:function:grant:live:1",
            "arn:aws:lambda:us-east-1:1234:function:grant",
            "arn:aws:lambda:us-east-1:123456789012:layer:grant",
            "arn:aws:lambda::123456789012:function:grant",
            "arn:aws:lambda:us-east-1.example.com/:123456789012:function:grant",
            "arn:aws:lambda:cn-north-1:123456789012:function:grant",
            "arn:aws-cn:lambda:us-east-1:123456789012:function:grant",
            "arn:aws:iam:us-east-1:123456789012:function:grant",
            "arn:aws:lambda:us-east-1:123456789012:function:a/b",
            "arn:aws:lambda:us-east-1:123456789012:function:grant\n",
        ] {
            let error = FunctionArn::parse(arn).unwrap_err();
            assert_eq!(error.code().to_string(), "AWSLambda:INVALID_ARN", "{arn:?}");
        }
        let long = format!("arn:aws:lambda:us-east-1:123456789012:function:{}", "a".repeat(256));
        assert!(FunctionArn::parse(&long).is_err());
    }
}
