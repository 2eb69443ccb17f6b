//! PagerDuty: who is on call, and incidents.
//!
//! ```
//! use sym_integrations::field_options;
//! use sym_integrations::pagerduty::PagerDuty;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, pagerduty: &PagerDuty) -> Result<Option<NextEvent>> {
//!     let is_on_call = pagerduty.is_on_call(event.user()).schedule_name("prod").await?;
//!     Ok(is_on_call.then(|| ApprovalTemplate::approve().reason("on call")))
//! }
//!
//! #[prefetch(field = "schedule")]
//! async fn get_schedules(pagerduty: &PagerDuty) -> Result<Vec<FieldOption>> {
//!     field_options(&pagerduty.schedules().await?)
//! }
//! ```
//!
//! A yes is certain: somebody counts as on call only by an entry that is theirs, under way by this machine's clock, and of the schedule and
//! policy that were asked for; an incident counts only if it meets the filters. Names are matched exactly. One that is not
//! there or there twice is an error, and so is an answer that cannot be understood.
//!
//! # Configuration
//!
//! An integration of type `pagerduty` has the account's domain as its external id, which users' accounts are kept under, and the secret
//! `api_token_secret`, a REST API key that may be read-only. The setting `base_url` is for accounts of the EU
//! ([`PagerDuty::EU`]), and for tests.

mod client;
mod config;
mod error;
mod incidents;
mod model;
mod on_call;
mod page;
mod schedule;
mod selector;

pub use client::PagerDuty;
pub use config::PagerDutyBuilder;
pub use error::{
    AMBIGUOUS_NAME, ESCALATION_POLICY_NOT_FOUND, INVALID_FILTER, MISSING_ABILITY, SCHEDULE_NOT_FOUND, TOO_MANY_RESULTS,
};
pub use incidents::IncidentQuery;
pub use model::{EscalationPolicy, Incident, IncidentStatus, Schedule, Service, Urgency};
pub use on_call::{IsOnCall, UsersOnCall};
pub use schedule::UsersForSchedule;
