//! Tailscale: groups of the policy file, users, and the strategy `tailscale`.
//!
//! ```hcl
//! resource "sym_integration" "tailscale" {
//!   type        = "tailscale"
//!   name        = "main"
//!   external_id = "example.com"
//!   settings = {
//!     client_id     = "k123456CNTRL"
//!     client_secret = sym_secret.tailscale_client.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the name of the tailnet; `-` is the one that the credentials belong to |
//! | `client_id`, `client_secret` | an OAuth client with the scopes `policy_file` (formerly `acl`) and `users:read` |
//! | `api_token_secret` | instead of an OAuth client: an API key of an owner, an admin or a network admin, which ends after 90 days at most |
//! | `base_url` | optional: the URL of the API, instead of `https://api.tailscale.com/api/v2` |
//!
//! | of a target of type `tailscale_group` | meaning |
//! | --- | --- |
//! | `group_name` | a group in the section `groups` of the policy file, with its prefix: `group:prod-ssh` |
//! | `allow_managed_file` | optional: `true` changes a policy file that says that it is maintained in a repository |
//!
//! # The policy file
//! A group is a list in the tailnet's policy file, a text that people maintain. A grant adds one member, and a revocation removes it;
//! everything else stays as it is, byte by byte, and comments with it. A file that has a section or a group twice, or a group in another
//! form, is not changed (`Tailscale:AMBIGUOUS_POLICY`), and a group that does not exist is never created. That holds for groups that are
//! synced from an identity provider, too: they are not in the file.
//!
//! Each change is made on the version of the file that was read. If somebody has changed the file meanwhile, it is read again, up to
//! five times. All changes of one tailnet by this program follow one another.
//!
//! Tailscale runs the tests in the file before it accepts a change. If a test demands that the user be a member, the revocation is refused
//! (`Tailscale:TESTS_FAILED`, with the tests): the Run stays revoking, operators are told, and the change is tried again. A file whose first
//! comment says that it is *maintained in* a repository is not changed by grants, because the next deployment would undo them; a
//! revocation is made all the same. `reconcile` finds members that a deployment has put back.
//!
//! # Identities
//! The identity is the login, as the policy file spells it: `ana@example.com`, or `ana@github`, which is not found by e-mail address and has
//! to be stored with `Directory::put_identity`. Since Tailscale accepts any text as a member, a grant looks the login up: it must be that
//! of a member of the tailnet who is neither suspended nor waiting for approval.
//!
//! # What revocations do not end
//! Devices have the new rules within seconds. Connections that are open at that time may go on. Tailscale cannot be told when the access
//! ends.
//!
//! Handlers take the client as `&Tailscale`:
//!
//! ```
//! use sym_integrations::tailscale::Tailscale;
//! use sym_sdk::prelude::*;
//!
//! #[prefetch(field = "group_name")]
//! async fn get_groups(tailscale: &Tailscale) -> Result<Vec<FieldOption>> {
//!     sym_integrations::field_options(&tailscale.list_groups().await?)
//! }
//! ```

mod client;
pub mod codes;
mod errors;
mod model;
mod policy;
mod policy_file;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;
mod users;

pub use client::{Tailscale, TailscaleBuilder};
pub use model::{TailscaleGroup, TailscaleUser, UserStatus, UserType};
pub use policy_file::PolicyFile;
pub use simulated::SimulatedTailscale;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{TailscaleStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("tailscale", "Tailscale", "tailscale")
        .with_client("Tailscale", &["account_id", "is_user_in_group", "list_groups", "list_users", "policy_file", "users_in_group", "validate_policy"])
        .with_permissions(&["an OAuth client with the scopes `policy_file:read` and `users:read`, or an API key"])
        .with_strategies(&[crate::kit::StrategyInfo::new(strategy_type, sym_sdk::strategy::RevocationScope::NewSessions)
            .with_permissions(&["an OAuth client with the scopes `policy_file` and `users:read`, or an API key of an owner, an admin or a network admin"])])
}
