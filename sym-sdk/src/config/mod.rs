//! The configuration of an organization: its flows, and the strategies, targets and integrations that they refer to.
//!
//! A configuration is a value, [`Config`], that is built in Rust or read from a directory of Terraform files with Sym's resources.
//! [`Config::check`] resolves it, and reports all of its errors as [`Diagnostics`] with a source location each. This module knows no
//! service by name: the settings and targets that a service needs are described by [schemas](Schemas), which strategy types and
//! clients carry.
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
//! - `implementation` names the Rust module with the flow's handlers, beginning with the crate. A flow without it takes every
//!   handler of the program, so it can be omitted while there is one flow. See [`Implementation`].
//! - A flow without `strategy_id` ends with the approval: no access is granted.
//! - A field of type `duration` offers the durations of the access.
//! - A target with `field_bindings = ["repo_name"]` takes its setting `repo_name` from the form's field of that name.
//! - Handlers take the clients of the integrations that the environment or the strategy names.
//!
//! Each resource has a struct here, whose fields document the attributes. The names are the same, except that references to
//! other resources end in `_id` in Terraform (`environment_id`, `strategy_id`), `type` is `kind` or `field_type`, and each
//! `prompt_field` block is one of `prompt_fields`.

mod check;
mod declarations;
mod diagnostic;
mod schema;
#[cfg(feature = "terraform")]
mod terraform;

#[cfg(feature = "runtime")]
pub(crate) use check::Resolved;
pub use check::{CheckedConfig, CheckedFlowsFilter, CheckedLogDestination};
use declarations::MODULE_INTEGRATION;
pub use declarations::*;
pub use diagnostic::{Diagnostic, Diagnostics, Severity, SourceLocation};
pub use schema::{
    IntegrationSchema, IntegrationUse, LogDestinationSchema, Schemas, SettingSchema, SettingsSchema, StrategySchema,
    TargetSchema,
};
#[cfg(feature = "terraform")]
#[cfg_attr(docsrs, doc(cfg(feature = "terraform")))]
pub use terraform::{Terraform, TerraformReader};
