//! Aptible: the strategy `aptible`, by which users become members of roles.
//!
//! ```hcl
//! resource "sym_integration" "aptible" {
//!   type        = "aptible"
//!   name        = "main"
//!   external_id = "aff8ab2c-6a3b-4d5c-8f2a-0c1d9c0f4b77"
//!   settings = {
//!     username_secret = sym_secret.aptible_username.id
//!     password_secret = sym_secret.aptible_password.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the id of the organization, a UUID |
//! | `username_secret` | the e-mail address of a bot account that may manage the members of the targets' roles |
//! | `password_secret` | its password |
//! | `base_url` | optional: the URL of the API, instead of `https://auth.aptible.com` |
//!
//! The bot account must not need a second factor, and an organization that demands single sign-on has to exempt it. Both secrets may be one
//! that contains a JSON object, by `json_key`.
//!
//! Handlers have no use for the client, since Aptible's API tells them nothing that a flow is routed by.
//!
//! # Access token
//! The client signs in for twelve hours, keeps the token until shortly before it expires, and signs in once more if Aptible rejects it. A login
//! that Aptible refuses is not repeated for five minutes, so that the account is not locked.
//!
//! # Rate limits
//! Aptible documents none. The client makes at most 120 calls a minute, and another 60 for revocations; a delay that Aptible asks for is
//! kept.

mod client;
pub mod codes;
mod errors;
mod model;
mod roles;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;

pub use client::{Aptible, AptibleBuilder};
pub use simulated::SimulatedAptible;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{AptibleStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("aptible", "Aptible", "aptible").with_strategies(&[crate::kit::StrategyInfo::of_membership::<Aptible>(strategy_type)
        .with_permissions(&["a bot account that may manage the members of the roles, without a second factor"])])
}
