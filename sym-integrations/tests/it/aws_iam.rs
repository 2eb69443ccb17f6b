//! AWS IAM.

mod client;
mod failures;
pub(super) mod fake;
mod strategy;
