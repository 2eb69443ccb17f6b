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
    /// The region that its global services are in.
    global_region: &'static str,
}

const fn partition(
    name: &'static str,
    prefix: &'static str,
    domain: &'static str,
    global_region: &'static str,
) -> Partition {
    Partition { name, prefix, domain, global_region }
}

/// The partitions other than `aws`, as botocore has them in `partitions.json`.
const PARTITIONS: [Partition; 7] = [
    partition("aws-cn", "cn-", "amazonaws.com.cn", "cn-northwest-1"),
    partition("aws-eusc", "eusc-", "amazonaws.eu", "eusc-de-east-1"),
    partition("aws-iso", "us-iso-", "c2s.ic.gov", "us-iso-east-1"),
    partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov", "us-isob-east-1"),
    partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "eu-isoe-west-1"),
    partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov", "us-isof-south-1"),
    partition("aws-us-gov", "us-gov-", "amazonaws.com", "us-gov-west-1"),
];

const COMMERCIAL: Partition = partition("aws", "", "amazonaws.com", "us-east-1");

/// The endpoint of a service: its name in signatures, its host, and the region that signatures name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceEndpoint {
    pub(super) signing_name: &'static str,
    pub(super) host: String,
    pub(super) region: Region,
}

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

    /// Returns the endpoint of a service in this region.
    pub(crate) fn endpoint(&self, service: &'static str) -> ServiceEndpoint {
        let host = format!("{service}.{}.{}", self.0, self.partition_entry().domain);
        ServiceEndpoint { signing_name: service, host, region: self.clone() }
    }

    /// Returns the endpoint of a service of which each partition has one, such as IAM.
    #[allow(dead_code, reason = "only some services are global")]
    pub(crate) fn global_endpoint(&self, service: &'static str) -> ServiceEndpoint {
        let partition = self.partition_entry();
        let in_region = |region: &str| Self(region.to_owned()).endpoint(service);
        // IAM is older than the rule for the names of hosts.
        match (service, partition.name) {
            ("iam", "aws") => ServiceEndpoint { host: "iam.amazonaws.com".to_owned(), ..in_region("us-east-1") },
            ("iam", "aws-cn") => in_region("cn-north-1"),
            ("iam", "aws-us-gov") => {
                ServiceEndpoint { host: "iam.us-gov.amazonaws.com".to_owned(), ..in_region("us-gov-west-1") }
            }
            _ => in_region(partition.global_region),
        }
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
        let host = |region: &str| Region::parse(region).unwrap().endpoint("lambda").host;
        assert_eq!(host("eu-central-1"), "lambda.eu-central-1.amazonaws.com");
        assert_eq!(host("us-gov-west-1"), "lambda.us-gov-west-1.amazonaws.com");
        assert_eq!(host("cn-northwest-1"), "lambda.cn-northwest-1.amazonaws.com.cn");
        assert_eq!(host("us-isob-east-1"), "lambda.us-isob-east-1.sc2s.sgov.gov");
        assert_eq!(Region::parse("us-gov-east-1").unwrap().partition(), "aws-us-gov");
        assert_eq!(Region::parse("us-east-1").unwrap().partition(), "aws");
    }

    /// IA01: the endpoints and signing regions that botocore has for the global services.
    #[test]
    fn global_services_have_one_endpoint_in_each_partition() {
        for (region, iam, signed_for, organizations) in [
            ("eu-central-1", "iam.amazonaws.com", "us-east-1", "organizations.us-east-1.amazonaws.com"),
            (
                "cn-northwest-1",
                "iam.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
                "organizations.cn-northwest-1.amazonaws.com.cn",
            ),
            ("us-gov-east-1", "iam.us-gov.amazonaws.com", "us-gov-west-1", "organizations.us-gov-west-1.amazonaws.com"),
            (
                "us-iso-west-1",
                "iam.us-iso-east-1.c2s.ic.gov",
                "us-iso-east-1",
                "organizations.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "eusc-de-east-1",
                "iam.eusc-de-east-1.amazonaws.eu",
                "eusc-de-east-1",
                "organizations.eusc-de-east-1.amazonaws.eu",
            ),
        ] {
            let region = Region::parse(region).unwrap();
            let endpoint = region.global_endpoint("iam");
            assert_eq!((endpoint.host.as_str(), endpoint.region.as_str()), (iam, signed_for));
            let endpoint = region.global_endpoint("organizations");
            assert_eq!(endpoint.host, organizations);
            assert!(organizations.contains(endpoint.region.as_str()));
        }
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
