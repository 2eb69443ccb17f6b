//! Okta: users, groups and their members, and the strategy `okta`.
//!
//! Access through Okta is membership in a group, so the client is careful about identities: an account that the directory knows counts
//! before an e-mail address, deactivated and ambiguous accounts are errors, and a 404 that does not come from Okta shows nothing.
//!
//! ```hcl
//! resource "sym_integration" "okta" {
//!   type        = "okta"
//!   name        = "main"
//!   external_id = "example.okta.com"
//!   settings = {
//!     api_token_secret = sym_secret.okta_token.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the domain, without `https://` |
//! | `api_token_secret` | an API token of an admin who may read users and groups, and for the strategy also manage the members of groups |
//! | `client_id` | instead of a token: the client id of a [service app](https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/) |
//! | `private_key_secret` | the private key of the service app, in PEM format |
//! | `private_key_id` | optional: the id of the key (`kid`), if the service app has several |
//! | `base_url` | optional: the URL of the API, instead of `https://<external_id>/api/v1` |
//!
//! Okta recommends service apps over API tokens, which have all permissions of an admin and end when that admin leaves. A service app needs
//! the scopes `okta.users.read` and `okta.groups.read`, for the strategy also `okta.groups.manage`, *and* an admin role that allows the same:
//! for example a custom role with *View users*, *View groups* and *Manage group membership*. Groups that give admin roles need more. Turn off
//! *Require Demonstrating Proof of Possession (DPoP)*, which is not supported.
//!
//! Handlers take the client as `&Okta`:
//!
//! ```
//! use sym_integrations::okta::Okta;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, okta: &Okta) -> Result<Option<NextEvent>> {
//!     if okta.is_user_in_group(event.user(), "00g1emaKYZTWRYYRRTSK").await? {
//!         return Ok(Some(ApprovalTemplate::approve().reason("the requester is on call")));
//!     }
//!     Ok(None)
//! }
//!
//! #[prefetch(field = "group_id")]
//! async fn get_groups(okta: &Okta) -> Result<Vec<FieldOption>> {
//!     let groups = okta.list_groups().name_filter("prod-").await?;
//!     sym_integrations::field_options(&groups)
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedOkta`] takes Okta's place. A test of the requests themselves uses canned responses:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "testing")] {
//! use serde_json::json;
//! use sym_integrations::okta::Okta;
//! use sym_integrations::testing::{Replay, Reply};
//!
//! let replay = Replay::new();
//! let group = json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "prod-admins" } });
//! replay.get("/api/v1/groups/00g1").reply(Reply::json(group));
//!
//! let okta = Okta::builder("example.okta.com").token("00token").connection(replay.connection()).build()?;
//! assert_eq!(okta.get_group("00g1").await?.name(), "prod-admins");
//! replay.check()?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Rate limits
//! Okta limits calls per minute, depending on the contract. The client makes at most 300 calls a minute, and another 200 for revocations,
//! which no listing can delay. A delay that Okta asks for is kept. See
//! [`VendorBuilder::rate_limit`](crate::kit::VendorBuilder::rate_limit).

mod client;
pub mod codes;
mod credentials;
mod errors;
mod groups;
mod list_groups;
mod model;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;
mod users;

pub use client::{Okta, OktaBuilder};
pub use list_groups::{GroupExpand, ListGroups};
pub use model::{GroupProfile, GroupType, OktaGroup, OktaUser, UserProfile, UserStatus};
pub use simulated::SimulatedOkta;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{OktaStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("okta", "Okta", "okta")
        .with_client("Okta", &[
            "account_id",
            "add_group_member",
            "find_user_by_email",
            "get_group",
            "get_user",
            "get_user_info",
            "is_group_member",
            "is_user_in_group",
            "list_group_members",
            "list_groups",
            "list_user_groups",
            "remove_group_member",
            "users_in_group",
        ])
        .with_permissions(&["an API token of an administrator who may read users and groups"])
        .with_strategies(&[crate::kit::StrategyInfo::of_membership::<Okta>(strategy_type)
            .with_permissions(&["an administrator who may manage the members of the groups"])])
}
