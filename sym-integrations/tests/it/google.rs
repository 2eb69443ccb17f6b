//! Google Workspace.

mod authentication;
mod client;
mod failures;
#[cfg(feature = "runtime")]
pub(crate) mod fake;
#[cfg(feature = "runtime")]
mod strategy;
mod support;
