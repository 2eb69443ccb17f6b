//! AWS IAM Identity Center.

mod assignments;
mod client;
mod failures;
pub(super) mod fake;
mod runs;
