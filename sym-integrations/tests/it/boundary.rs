//! HashiCorp Boundary.

mod failures;
pub(crate) mod fake;
mod groups;
mod lists;
#[cfg(feature = "runtime")]
mod strategy;
mod tokens;
mod users;
