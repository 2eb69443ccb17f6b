//! GitHub.

mod failures;
pub(crate) mod fake;
mod lists;
mod roles;
