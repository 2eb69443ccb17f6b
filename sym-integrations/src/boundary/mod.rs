//! HashiCorp Boundary: groups and their members, and the strategy `boundary`.
//!
//! Access through Boundary is membership in a group that roles name. The client changes a group only in the version that it has read, so
//! changes that others make at the same time are not lost.
//!
//! ```hcl
//! resource "sym_integration" "boundary" {
//!   type        = "boundary"
//!   name        = "main"
//!   external_id = "https://boundary.example.com"
//!   settings = {
//!     login_name      = "sym"
//!     password_secret = sym_secret.boundary_password.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the URL of the cluster |
//! | `login_name` | the name that an account of type `password` signs in with |
//! | `password_secret` | the password of the account |
//! | `auth_method_id` | optional: the auth method of the account, instead of the primary one of the scope `global` |
//! | `base_url` | optional: the URL that calls are sent to, instead of the cluster's |
//!
//! The account needs a role with the grants
//!
//! ```text
//! ids=*;type=group;actions=list,read,add-members,remove-members
//! ids=*;type=user;actions=list,read
//! ids=*;type=auth-method;actions=list
//! ids=*;type=account;actions=list,read
//! ```
//!
//! where `add-members` and `remove-members` are for the strategy only.
//!
//! Handlers take the client as `&Boundary`:
//!
//! ```
//! use sym_integrations::boundary::Boundary;
//! use sym_sdk::prelude::*;
//!
//! #[prefetch(field = "group_id")]
//! async fn get_groups(boundary: &Boundary) -> Result<Vec<FieldOption>> {
//!     let groups = boundary.list_groups().recursive(true).await?;
//!     sym_integrations::field_options(&groups)
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedBoundary`] takes the cluster's place.
//!
//! # Users
//! The principal of a group is a user (`u_…`), not one of the user's accounts. Users appear when they first sign in with the primary auth
//! method of their scope. They are found by the e-mail address of their primary account, or else by that account's login name; somebody
//! who is known by an account of another auth method only needs an identity in the directory. Users of all scopes are searched, so whoever
//! may create accounts in any of them decides which addresses are theirs; an address that several users have is an error.
//!
//! # Auth token
//! The client signs in with the login name and the password, keeps the auth token until shortly before it expires, and signs in once more if
//! Boundary rejects it, which it does after a day without calls.
//!
//! # Rate limits
//! The client makes at most 300 calls a minute, and another 200 for revocations, which no listing can delay. A delay that Boundary asks for is
//! kept. See [`VendorBuilder::rate_limit`](crate::kit::VendorBuilder::rate_limit).

mod client;
pub mod codes;
mod errors;
mod filter;
mod groups;
mod list_groups;
mod model;
mod paging;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;
mod users;

pub use client::{Boundary, BoundaryBuilder};
pub use list_groups::ListGroups;
pub use model::{BoundaryGroup, BoundaryUser};
pub use simulated::SimulatedBoundary;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{BoundaryStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("boundary", "HashiCorp Boundary", "boundary")
        .with_client("Boundary", &["add_group_member", "find_user_by_email", "get_group", "get_user", "is_group_member", "list_groups", "remove_group_member", "user_id"])
        .with_permissions(&["a role with `list` and `read` on groups, users, auth methods and accounts"])
        .with_strategies(&[crate::kit::StrategyInfo::of_membership::<Boundary>(strategy_type)
            .with_permissions(&["`add-members` and `remove-members` on groups"])])
}
