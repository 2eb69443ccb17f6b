//! AWS Lambda.

mod client;
#[cfg(feature = "runtime")]
mod strategy;

pub(super) const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:grant:live";

/// The path of an invocation.
pub(super) fn path_of(function: &str) -> String {
    format!("/2015-03-31/functions/{function}/invocations")
}
