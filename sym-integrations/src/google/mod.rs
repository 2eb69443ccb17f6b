//! Google Workspace: groups and their members, through the Directory API of the Admin SDK, and the strategy `google_group`.
//!
//! The client acts as a service account, with a key that it exchanges for access tokens. What Google answers about a change of the last
//! minutes can be old, so the strategy does not take a member that is not found for one that is removed.
//!
//! ```hcl
//! resource "sym_integration" "google" {
//!   type        = "google"
//!   name        = "main"
//!   external_id = "example.com"
//!   settings = {
//!     service_account_key_secret = sym_secret.google_key.id
//!     subject                    = "admin@example.com"
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the primary domain of the organization |
//! | `service_account_key_secret` | the key of a service account: the JSON file that Google's console offers |
//! | `subject` | optional: the administrator that the service account acts as, by domain-wide delegation |
//! | `customer_id` | optional: the id of the organization, such as `C01234567`; without a `subject`, groups cannot be listed otherwise |
//! | `domains` | optional: the other domains of the organization, separated by commas |
//! | `base_url` | optional: the URL of the API, instead of `https://admin.googleapis.com/admin/directory/v1` |
//!
//! # Permissions
//! Enable the Admin SDK API in the service account's project. Then either delegate domain-wide authority to the service account (Admin console,
//! Security > API controls), with a `subject`, or assign it an administrator role that may read groups and update their members. The scopes
//! are, under `https://www.googleapis.com/auth/`:
//!
//! | scope | for |
//! | --- | --- |
//! | `admin.directory.group.readonly` and `admin.directory.group.member.readonly` | all reads |
//! | `admin.directory.group.member` | the strategy |
//!
//! A delegation of the reading scopes alone is enough for handlers.
//!
//! # In handlers
//! Handlers take the client as `&Google`:
//!
//! ```
//! use sym_integrations::google::Google;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, google: &Google) -> Result<Option<NextEvent>> {
//!     if google.is_user_in_group(event.user(), "oncall@example.com").await? {
//!         return Ok(Some(ApprovalTemplate::approve().reason("the requester is on call")));
//!     }
//!     Ok(None)
//! }
//!
//! #[prefetch(field = "group_email")]
//! async fn get_groups(google: &Google) -> Result<Vec<FieldOption>> {
//!     let groups = google.list_groups(None).await?;
//!     sym_integrations::field_options(&groups)
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedGoogle`] takes Google's place.
//!
//! # The strategy `google_group`
//!
//! | of a target | meaning |
//! | --- | --- |
//! | `group_email` | the address of the group, or its id |
//! | `role` | optional: `MEMBER`, `MANAGER` or `OWNER`; `MEMBER` by default |
//! | `allow_external` | optional: `true` gives access to addresses outside the organization's domains, for which Google opens the group |
//!
//! A repeated grant and a repeated revocation change nothing. Somebody who has the role before the request, or a higher one, keeps it; a lower
//! role is restored at the end. The strategy sees direct members only: somebody whose access comes through another group, or because
//! everyone in the organization is a member, is added nevertheless, and keeps that access at the end. Google ends no sessions when a
//! membership ends, and knows no end of a membership in this API, so the target cannot be told. A change takes up to some minutes until
//! all of Google shows it.
//!
//! # Limits
//! Google allows 2,400 queries a minute. The client makes at most 1,200, and another 600 for revocations. It waits when Google throttles it;
//! the daily limit of added members fails grants with `Google:DAILY_LIMIT`.

mod client;
pub mod codes;
mod errors;
mod groups;
mod members;
mod model;
mod service_account;
#[cfg(feature = "runtime")]
mod settling;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;
#[cfg(feature = "runtime")]
mod target;

pub use client::{Google, GoogleBuilder};
pub use model::{GoogleGroup, Member, MemberStatus, MemberType, Role};
pub use simulated::SimulatedGoogle;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{GoogleGroupStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("google", "Google Workspace", "google")
        .with_client("Google", &[
            "account_id",
            "add_group_member",
            "direct_users_in_group",
            "find_group_member",
            "get_group",
            "is_group_member",
            "is_internal",
            "is_user_in_group",
            "list_group_members",
            "list_groups",
            "remove_group_member",
            "set_member_role",
            "users_in_group",
        ])
        .with_permissions(&[
            "a service account with the scopes `admin.directory.group.readonly` and `admin.directory.group.member.readonly`, by domain-wide \
             delegation or with a role of its own",
        ])
        .with_strategies(&[crate::kit::StrategyInfo::new(strategy_type, sym_sdk::strategy::RevocationScope::NewSessions)
            .with_permissions(&["the scope `admin.directory.group.member`"])])
}
