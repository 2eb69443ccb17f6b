//! The configuration of an organization: its flows and what they refer to.
//!
//! It is declared in Rust, as a [`Config`], or read from a directory of Terraform files with Sym's resources:
//!
//! ```hcl
//! resource "sym_flow" "prod" {
//!   name           = "prod"
//!   implementation = "my_flows::prod"
//!   environment_id = sym_environment.main.id
//!   vars           = { request_channel = "#access" }
//!
//!   params {
//!     strategy_id = sym_strategy.okta.id
//!
//!     prompt_field {
//!       name           = "urgency"
//!       type           = "string"
//!       allowed_values = ["Normal", "Urgent"]
//!     }
//!
//!     prompt_field {
//!       name           = "duration"
//!       type           = "duration"
//!       allowed_values = ["30m", "1h"]
//!     }
//!   }
//! }
//!
//! resource "sym_strategy" "okta" {
//!   type           = "okta"
//!   name           = "okta"
//!   integration_id = sym_integration.okta.id
//!   targets        = [sym_target.admins.id]
//! }
//!
//! resource "sym_target" "admins" {
//!   type     = "okta_group"
//!   name     = "admins"
//!   label    = "Admins"
//!   settings = { group_id = "00g1emaKYZTWRYYRRTSK" }
//! }
//!
//! resource "sym_integration" "okta" {
//!   type        = "okta"
//!   name        = "okta"
//!   external_id = "acme.okta.com"
//!   settings    = { api_token_secret = sym_secret.okta_token.id }
//! }
//!
//! resource "sym_secret" "okta_token" {
//!   source_id = sym_secrets.main.id
//!   path      = "OKTA_TOKEN"
//! }
//!
//! resource "sym_secrets" "main" {
//!   type = "environment"
//!   name = "main"
//! }
//!
//! resource "sym_environment" "main" {
//!   name         = "main"
//!   integrations = { okta_id = sym_integration.okta.id }
//! }
//! ```
//!
//! - `implementation` names the Rust module whose handlers the flow takes, with its crate first. A flow without one takes every
//!   handler of the program, so it can be left out while there is one flow. See [`Implementation`].
//! - A flow without `strategy_id` ends with the approval: nothing is granted.
//! - A field of type `duration` offers the durations of the access.
//! - A target with `field_bindings = ["repo_name"]` takes its setting `repo_name` from the form, from the field of that name.
//! - Handlers take the client of an integration that the environment names, or the strategy.
//!
//! Each resource has a struct here, whose fields say what its attributes mean. Their names are the same, with these
//! exceptions: what refers to another resource ends in `_id` (`environment_id`, `strategy_id`), `type` is `kind` or
//! `field_type`, and `prompt_field` is one of `prompt_fields`.

mod check;
mod declarations;
mod diagnostic;
#[cfg(feature = "terraform")]
mod terraform;

pub use check::{CheckedConfig, CheckedFlowsFilter, CheckedLogDestination};
pub use declarations::*;
pub use diagnostic::{Diagnostic, Diagnostics, Severity, SourceLocation};
#[cfg(feature = "terraform")]
#[cfg_attr(docsrs, doc(cfg(feature = "terraform")))]
pub use terraform::{Terraform, TerraformReader};
