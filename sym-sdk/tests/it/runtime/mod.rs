//! The runtime, through the harness: one event's way, failures, bad input, shared access, identities, strategies.

mod bad_input;
mod custom;
mod dead_ends;
mod delivery;
mod event_count;
mod extensions;
mod failures;
mod forms;
mod front_end_forms;
mod identity;
mod levels;
mod look_ups;
mod offered_options;
mod open_requests;
mod output_secrets;
mod overview;
mod previews;
mod prior_access;
mod reconcile;
mod reminders;
mod repeated;
mod revocation;
mod run_access;
mod settling;
mod shared_access;
mod shorter;
mod standing_access;
mod store;
mod strategy;
mod submission;
mod users;
mod ways;
mod workers;

use std::time::Duration;

use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::testing::HarnessBuilder;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Real time that a hanging call is given before its limit strikes.
const GRACE: Duration = Duration::from_millis(5);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

/// Members decide, one channel is told.
fn plain() -> Registry {
    handlers![get_permissions, get_request_notifications]
}

/// With a destination for errors.
fn with_alerts(builder: HarnessBuilder) -> HarnessBuilder {
    builder.declare(|config| {
        let destination = "#sym-errors".to_owned();
        let logger = sym_sdk::config::ErrorLogger { name: "errors".into(), destination, ..Default::default() };
        config.error_loggers.push(logger);
        for environment in &mut config.environments {
            environment.error_logger = Some("errors".into());
        }
    })
}
