//! GitHub: repositories, their collaborators and teams, and the strategy `github`.
//!
//! Access through GitHub is a role in a repository, given to a user directly. Names are not identities there: a login, or the name of a
//! repository, can belong to somebody else tomorrow. So a user's identity is the numeric id, and a grant remembers the id of the
//! repository. A role that a user has is never lowered, and one that they had before is put back.
//!
//! ```hcl
//! resource "sym_integration" "github" {
//!   type        = "github"
//!   name        = "main"
//!   external_id = "acme"
//!   settings = {
//!     api_token_secret = sym_secret.github_token.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the login of the organization |
//! | `api_token_secret` | a personal access token of a member of the organization. Classic: scopes `repo` and `read:org`. Fine-grained: Metadata (read), Members (read), and for the strategy Administration (read and write) |
//! | `base_url` | optional: the URL of the API, such as `https://github.example.com/api/v3` for GitHub Enterprise Server |
//!
//! Handlers take the client as `&GitHub`:
//!
//! ```
//! use sym_integrations::github::{GitHub, RepositoryRole};
//! use sym_sdk::prelude::*;
//!
//! #[prefetch(field = "repo_name")]
//! async fn get_repos(github: &GitHub) -> Result<Vec<FieldOption>> {
//!     let repos = github.list_repos().filter_items(|repo| !repo.archived).await?;
//!     sym_integrations::field_options(&repos)
//! }
//!
//! #[hook]
//! async fn on_approve(event: &Event, github: &GitHub) -> Result<Option<NextEvent>> {
//!     let admins = github.get_repo_collaborators("api", &[RepositoryRole::Admin]).await?;
//!     if admins.iter().any(|admin| admin.id() == event.user().id()) {
//!         return Ok(None);
//!     }
//!     Ok(Some(ApprovalTemplate::ignore().reason("only admins of the repository may approve")))
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedGitHub`] takes GitHub's place. A test of the requests themselves uses canned responses:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "testing")] {
//! use serde_json::json;
//! use sym_integrations::github::GitHub;
//! use sym_integrations::testing::{Replay, Reply};
//!
//! let replay = Replay::new();
//! let repo = json!({ "id": 1267, "name": "api", "full_name": "acme/api" });
//! replay.get("/repos/acme/api").reply(Reply::json(repo));
//!
//! let github = GitHub::builder("acme").token("ghp_token").connection(replay.connection()).build()?;
//! assert_eq!(github.get_repo("api").await?.id, 1267);
//! replay.check()?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Rate limits
//! GitHub lets a user's token make 5,000 calls an hour, and asks for a second between two changes. The client makes at most 3,900 calls
//! an hour, and another 1,000 for revocations, which no listing can delay; changes are among them, at most one a second of each. A delay that GitHub asks for is kept. See
//! [`VendorBuilder::rate_limit`](crate::kit::VendorBuilder::rate_limit).

mod client;
pub mod codes;
mod direct_role;
mod errors;
#[cfg(feature = "runtime")]
mod grant;
mod model;
mod organization;
#[cfg(feature = "runtime")]
mod prior;
mod repository;
#[cfg(feature = "runtime")]
mod revoke;
mod role;
mod simulated;
#[cfg(feature = "runtime")]
mod strategy;
#[cfg(feature = "runtime")]
mod target;

pub use client::{GitHub, GitHubBuilder};
pub use model::{Collaborator, GitHubUser, Invitation, Invitee, Permissions, Repository, Team};
pub use repository::{Affiliation, RepositoryClient};
pub use role::RepositoryRole;
pub use simulated::SimulatedGitHub;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{GitHubStrategy, strategy_type};

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("github", "GitHub", "github")
        .with_client(
            "GitHub",
            &["account_id", "get_repo", "get_repo_by_id", "get_repo_collaborators", "get_user", "get_user_by_id", "is_member", "list_custom_roles", "list_repos", "list_teams", "repo"],
        )
        .with_permissions(&[
            "a classic token with the scopes `repo` and `read:org`, or a fine-grained one that may read metadata and members",
        ])
        .with_strategies(&[crate::kit::StrategyInfo::new(
            strategy_type,
            sym_sdk::strategy::RevocationScope::AllSessions,
        )
        .with_permissions(&["a token of an admin of the repositories; a fine-grained one may read and write administration"])])
}
