//! Regions and the partitions they belong to.

use std::fmt;
use std::str::FromStr;

use sym_sdk::error::{Error, ErrorKind, Result, codes};

/// An AWS region, such as `eu-central-1`. Only its form is checked, since new ones are opened every year.
///
/// ```
/// use sym_integrations::aws::Region;
///
/// let region = Region::parse("cn-north-1")?;
/// assert_eq!(region.partition(), "aws-cn");
/// assert!(Region::parse("lambda.example.com/").is_err());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

/// A partition of AWS, which shares neither accounts nor hosts with the others.
struct Partition {
    name: &'static str,
    /// The prefix of its regions' names.
    prefix: &'static str,
    domain: &'static str,
}

const fn partition(name: &'static str, prefix: &'static str, domain: &'static str) -> Partition {
    Partition { name, prefix, domain }
}

/// The partitions other than `aws`.
const PARTITIONS: [Partition; 7] = [
    partition("aws-cn", "cn-", "amazonaws.com.cn"),
    partition("aws-eusc", "eusc-", "amazonaws.eu"),
    partition("aws-iso", "us-iso-", "c2s.ic.gov"),
    partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov"),
    partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk"),
    partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov"),
    partition("aws-us-gov", "us-gov-", "amazonaws.com"),
];

const COMMERCIAL: Partition = partition("aws", "", "amazonaws.com");

impl Region {
    /// Parses a region.
    pub fn parse(text: &str) -> Result<Self> {
        let is_part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let mut parts = text.rsplit('-');
        let is_numbered = parts.next().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
        // The name becomes part of a host name.
        if text.len() <= 32 && is_numbered && parts.clone().count() >= 2 && parts.all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not an AWS region", text.escape_debug());
        Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
            .with_hint("write it as in `eu-central-1`"))
    }

    /// Returns the region as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the partition, such as `aws` or `aws-cn`.
    pub fn partition(&self) -> &'static str {
        self.partition_entry().name
    }

    /// Returns the host of a service in this region.
    pub(super) fn host(&self, service: &str) -> String {
        format!("{service}.{}.{}", self.0, self.partition_entry().domain)
    }

    fn partition_entry(&self) -> &'static Partition {
        PARTITIONS.iter().find(|partition| self.0.starts_with(partition.prefix)).unwrap_or(&COMMERCIAL)
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_depend_on_the_partition() {
        let host = |region: &str| Region::parse(region).unwrap().host("lambda");
        assert_eq!(host("eu-central-1"), "lambda.eu-central-1.amazonaws.com");
        assert_eq!(host("us-gov-west-1"), "lambda.us-gov-west-1.amazonaws.com");
        assert_eq!(host("cn-northwest-1"), "lambda.cn-northwest-1.amazonaws.com.cn");
        assert_eq!(host("us-isob-east-1"), "lambda.us-isob-east-1.sc2s.sgov.gov");
        assert_eq!(Region::parse("us-gov-east-1").unwrap().partition(), "aws-us-gov");
        assert_eq!(Region::parse("us-east-1").unwrap().partition(), "aws");
    }

    #[test]
    fn rejects_malformed_regions() {
        for text in [
            "",
            "us",
            "us-east",
            "us-east-",
            "us--1",
            "-east-1",
            "US-EAST-1",
            "us-east-1.example.com",
            "us-east-1/",
            "a@us-east-1",
            "us-east-1a",
            "eu-central-1\n",
        ] {
            assert!(Region::parse(text).is_err(), "{text:?}");
        }
        assert!(Region::parse(&format!("us-{}-1", "a".repeat(40))).is_err());
    }
}
