//! GitHub.

#[cfg(feature = "runtime")]
mod failed_grants;
mod failures;
pub(crate) mod fake;
mod lists;
#[cfg(feature = "runtime")]
mod prior;
mod roles;
#[cfg(feature = "runtime")]
mod runs;
#[cfg(feature = "runtime")]
mod strategy;
