//! OneLogin: users, roles with their members and admins, and the strategy `onelogin`.
//!
//! Access through OneLogin is membership in a role, which has applications; the admins of a role manage its members. The client is
//! careful about identities, as [`okta`](crate::okta) is, and about lists: one that ends early is an error.
//!
//! ```hcl
//! resource "sym_integration" "onelogin" {
//!   type        = "onelogin"
//!   name        = "main"
//!   external_id = "example.onelogin.com"
//!   settings = {
//!     client_id     = "6f6a…"
//!     client_secret = sym_secret.onelogin.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the domain, without `https://` |
//! | `client_id` | the id of API credentials: with the scope `Read All` for handlers, with `Manage All` for the strategy |
//! | `client_secret` | the secret of the credentials |
//! | `base_url` | optional: the URL of the account, instead of `https://<external_id>` |
//!
//! Handlers take the client as `&OneLogin`:
//!
//! ```
//! use sym_integrations::onelogin::OneLogin;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, onelogin: &OneLogin) -> Result<Option<NextEvent>> {
//!     if onelogin.is_user_in_role(event.user(), 70).await? {
//!         return Ok(Some(ApprovalTemplate::approve().reason("the requester is on call")));
//!     }
//!     Ok(None)
//! }
//!
//! #[prefetch(field = "role_id")]
//! async fn get_roles(onelogin: &OneLogin) -> Result<Vec<FieldOption>> {
//!     let roles = onelogin.list_roles().name_filter("prod").await?;
//!     sym_integrations::field_options(&roles)
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedOneLogin`] takes OneLogin's place.
//!
//! # Access token
//! The client gets an access token for the credentials, keeps it until shortly before it expires, and gets another one if OneLogin
//! rejects it. The calls go on with that one.
//!
//! # Rate limits
//! OneLogin allows 5,000 calls an hour for the whole account. The client makes at most 40 calls a minute, and another 40 for
//! revocations, which no listing can delay. A delay that OneLogin asks for is kept. See
//! [`VendorBuilder::rate_limit`](crate::kit::VendorBuilder::rate_limit).

mod client;
pub mod codes;
mod errors;
mod list_roles;
mod model;
mod paging;
mod roles;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;
mod users;

pub use client::{OneLogin, OneLoginBuilder};
pub use list_roles::ListRoles;
pub use model::{OneLoginRole, OneLoginUser, Privilege, RoleUser, UserState, UserStatus};
pub use simulated::SimulatedOneLogin;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{OneLoginStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("onelogin", "OneLogin", "onelogin")
        .with_client("OneLogin", &["add_to_role", "find_user_by_email", "get_role", "get_user", "get_user_info", "has_privilege", "is_user_in_role", "list_role_users", "list_roles", "remove_from_role", "run_mappings", "user_id", "users_in_role"])
        .with_permissions(&["API credentials with the scope `Read All`"])
        .with_strategies(&[crate::kit::StrategyInfo::new(strategy_type, sym_sdk::strategy::RevocationScope::Unknown)
            .with_permissions(&["API credentials with the scope `Manage All`"])])
}
