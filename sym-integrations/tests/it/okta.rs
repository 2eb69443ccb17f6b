//! Okta.

mod credentials;
mod failures;
pub(crate) mod fake;
mod groups;
mod identities;
mod rates;
#[cfg(feature = "runtime")]
mod runs;
#[cfg(feature = "runtime")]
mod strategy;
