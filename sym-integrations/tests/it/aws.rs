//! Signatures, credentials and roles; secrets in AWS Secrets Manager.

mod errors;
mod roles;
#[cfg(feature = "runtime")]
mod secrets;
mod signing;
pub(super) mod fake;
pub(super) mod support;
