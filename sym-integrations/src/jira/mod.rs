//! Jira Cloud: issues, comments, transitions and projects.
//!
//! Flows write into Jira what was decided. Jira refuses much without saying what it refuses, so texts are made into documents that it
//! takes, whatever they contain; the reasons of a refusal are collected from wherever they stand; and a creation whose response is lost
//! is searched for before it counts as unknown. It has no strategy.
//!
//! ```hcl
//! resource "sym_integration" "jira" {
//!   type        = "jira"
//!   name        = "main"
//!   external_id = "acme.atlassian.net"
//!   settings = {
//!     email            = "sym@example.com"
//!     api_token_secret = sym_secret.jira_token.id
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the host name of the site |
//! | `api_token_secret` | an API token, with the scopes `read:jira-work` and `write:jira-work` if it is a scoped one; or an OAuth token |
//! | `email` | the e-mail address of the owner of the API token. Without it, the token is sent as an OAuth token |
//! | `cloud_id` | the id of the site, which scoped tokens and OAuth tokens need: see `https://<site>/_edge/tenant_info` |
//! | `base_url` | optional: the URL of the API, instead of `https://<external_id>/rest/api/3` |
//!
//! Handlers take the client as `&Jira`:
//!
//! ```
//! use sym_integrations::jira::Jira;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn after_approve(event: &Event, jira: &Jira) -> Result<()> {
//!     let title = format!("Access for {}", event.user().username());
//!     let issue = jira.create_issue(title, "OPS", "Task").marker(format!("sym-{}", event.run().id())).await?;
//!     jira.add_comment_to_issue(&issue.key, "Approved in Sym").internal(true).await?;
//!     Ok(())
//! }
//!
//! #[prefetch(field = "project")]
//! async fn get_projects(jira: &Jira) -> Result<Vec<FieldOption>> {
//!     sym_integrations::field_options(&jira.list_projects().await?)
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedJira`] takes Jira's place.
//!
//! # Rate limits
//! Jira limits bursts of calls. The client makes at most 10 calls a second, and keeps a delay that Jira asks for.

mod client;
pub mod codes;
mod comments;
mod create_issue;
mod document;
mod errors;
mod issues;
mod model;
mod search;
mod simulated;

pub use client::{Jira, JiraBuilder};
pub use comments::AddComment;
pub use create_issue::CreateIssue;
pub use document::Document;
pub use model::{Comment, CreatedIssue, Issue, JiraUser, Project, Transition};
pub use search::SearchIssues;
pub use simulated::SimulatedJira;

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Other(|builder| builder.integration_type::<Jira>()) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("jira", "Jira", "jira")
        .with_client("Jira", &[
            "account_id",
            "add_comment_to_issue",
            "add_document_to_issue",
            "create_issue",
            "delete_comment",
            "find_user_by_email",
            "get_issue",
            "list_projects",
            "list_transitions",
            "search_issues",
            "transition_issue",
        ])
        .with_permissions(&["an API token of a user who may browse, create and comment issues; a scoped one with `read:jira-work` and `write:jira-work`"])
}
