//! Aptible.

pub(crate) mod fake;
mod failures;
#[cfg(feature = "runtime")]
mod strategy;
mod tokens;
