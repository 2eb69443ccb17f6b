//! OneLogin.

mod failures;
pub(crate) mod fake;
mod lists;
mod roles;
#[cfg(feature = "runtime")]
mod strategy;
mod tokens;
mod users;
