//! AWS: signed requests, credentials and roles for the clients of its services, and secrets in AWS Secrets Manager.
//!
//! AWS's own SDK for Rust would multiply the dependencies of a program, so only its signatures and, optionally, its credentials chain
//! are used. Everything else is the crate's HTTP core.
//!
//! A [`PermissionContext`] holds the region and the credentials that AWS is called with. An integration of type `permission_context`
//! configures one:
//!
//! | setting | meaning |
//! | --- | --- |
//! | `region` | the region, such as `eu-central-1` |
//! | `role_arn` | optional: a role to assume. Without it, the credentials are used as they are |
//! | `external_id` | optional: the external id that the role's trust policy requires |
//! | `base_url` | optional: the URL of all services, for emulators |
//!
//! The credentials come from the environment: [`EnvironmentCredentials`], or with the feature `aws-config` the default chain of the AWS
//! SDKs, `DefaultCredentials`. A program with other credentials sets its own [`CredentialsSource`].
//!
//! ```
//! use sym_integrations::aws::{AssumeRole, Credentials, PermissionContext, Region};
//! use sym_integrations::http::SecretString;
//!
//! let keys = Credentials::new("AKIDEXAMPLE", SecretString::from("wJalrXUtnFEMI/K7MDENG"));
//! let role = AssumeRole::new("arn:aws:iam::123456789012:role/sym")?.external_id("acme-1").session_name("sym-prod");
//! let context = PermissionContext::builder(Region::parse("eu-central-1")?).credentials(keys).role(role).build()?;
//! assert!(!format!("{context:?}").contains("wJalr"));
//! # Ok::<(), sym_sdk::Error>(())
//! ```

mod arn;
mod assume_role;
mod cache;
#[cfg(feature = "aws-config")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-config")))]
mod chain;
mod context;
mod credentials;
mod environment;
mod errors;
mod region;
mod secrets_manager;
mod signer;
#[cfg(any(feature = "aws-iam", feature = "aws-sso"))]
pub(crate) mod simulated;
mod sts;
pub(crate) mod xml;

pub use arn::Arn;
#[cfg(any(feature = "aws-iam", feature = "aws-sso"))]
pub(crate) use arn::is_account_id;
pub use assume_role::AssumeRole;
pub use cache::CachedCredentials;
#[cfg(feature = "aws-config")]
pub use chain::DefaultCredentials;
pub use context::{PermissionContext, PermissionContextBuilder};
pub use credentials::{Credentials, CredentialsSource};
pub use environment::EnvironmentCredentials;
#[cfg(any(feature = "aws-iam", feature = "aws-kinesis", feature = "aws-lambda", feature = "aws-sso"))]
pub(crate) use errors::{classify, service};
pub use region::Region;
pub use secrets_manager::{SecretsManager, secrets_manager};
pub use signer::SigV4;

inventory::submit! {
    crate::plugins::Registration::Other(|builder| sym_sdk::runtime::Plugin::install(secrets_manager(), builder))
}

inventory::submit! {
    crate::kit::IntegrationInfo::new("aws", "AWS", "aws")
        .with_permissions(&["`secretsmanager:GetSecretValue` on the secrets, for secrets in AWS Secrets Manager"])
}
