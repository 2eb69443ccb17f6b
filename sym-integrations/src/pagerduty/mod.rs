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
//! Access is granted because somebody is on call, so a positive answer is never a guess. A user counts as on call only by an entry that
//! is theirs, current by PagerDuty's clock, and of the schedule and policy that the query names; an incident counts only if it
//! matches the filters. Names are matched in full. A name that matches nothing or several objects is an error, and so is a response
//! that cannot be understood.
//!
//! # Configuration
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the domain of the account, under which users' accounts are stored in the directory |
//! | `api_token_secret` | a REST API key; a read-only key is enough |
//! | `base_url` | optional: the URL of the API, for accounts in the EU ([`PagerDuty::EU`]) and for tests |

mod client;
pub mod codes;
mod errors;
mod incidents;
mod model;
mod on_call;
mod page;
mod schedule;
mod selector;
mod simulated;

pub use client::{PagerDuty, PagerDutyBuilder};
pub use incidents::IncidentQuery;
pub use model::{EscalationPolicy, Incident, IncidentStatus, Schedule, Service, Urgency};
pub use on_call::OnCallQuery;
pub use schedule::UsersForSchedule;
pub use simulated::SimulatedPagerDuty;

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Other(|builder| builder.integration_type::<PagerDuty>()) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("pagerduty", "PagerDuty", "pagerduty")
        .with_client("PagerDuty", &[
            "account_id",
            "escalation_policies",
            "get_incidents",
            "has_incident",
            "is_on_call",
            "schedules",
            "services",
            "users_for_schedule",
            "users_on_call",
        ])
        .with_permissions(&["a REST API key; a read-only key is enough"])
}
