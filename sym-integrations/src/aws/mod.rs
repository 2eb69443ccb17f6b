//! What the clients of AWS stand on: signatures, credentials, roles; and secrets in AWS Secrets Manager.
//!
//! A [`PermissionContext`] says in which region and with which credentials AWS is called. It is what an integration of type
//! `permission_context` stands for:
//!
//! | setting | meaning |
//! | --- | --- |
//! | `region` | the region, such as `eu-central-1` |
//! | `role_arn` | a role to assume. Without it, the credentials are used as they are |
//! | `external_id` | what the role's trust policy wants to be told |
//! | `base_url` | where AWS is called, in place of its own hosts: for emulators |
//!
//! The credentials are those of the environment: [`EnvironmentCredentials`], or with the feature `aws-config` those that the AWS
//! SDKs find, `DefaultCredentials`. A program that has others hands over its own [`CredentialsSource`].
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

mod assume_role;
mod cache;
#[cfg(feature = "aws-config")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-config")))]
mod chain;
mod context;
mod credentials;
mod environment;
mod fault;
mod region;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
mod secrets_manager;
mod signer;
mod sts;

pub use assume_role::AssumeRole;
pub use cache::CachedCredentials;
#[cfg(feature = "aws-config")]
pub use chain::DefaultCredentials;
pub use context::{PermissionContext, PermissionContextBuilder};
pub use credentials::{Credentials, CredentialsSource};
pub use environment::EnvironmentCredentials;
#[cfg(feature = "aws-lambda")]
pub(crate) use fault::{REQUEST_IDS, failure};
pub use region::Region;
#[cfg(feature = "runtime")]
pub use secrets_manager::{SecretsManager, secrets_manager};
pub use signer::SigV4;

inventory::submit! {
    crate::plugins::Registration::Other(|builder| sym_sdk::runtime::Extension::install(secrets_manager(), builder))
}
