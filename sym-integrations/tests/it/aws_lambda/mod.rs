//! Functions: called, and as strategies.

mod client;
#[cfg(feature = "runtime")]
mod strategy;

pub(super) const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:grant:live";

/// Where a function is called.
pub(super) fn path_of(function: &str) -> String {
    format!("/2015-03-31/functions/{function}/invocations")
}
