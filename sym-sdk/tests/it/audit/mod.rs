//! The audit log: its content, its chain, and its delivery.

mod anchors;
mod batches;
mod collector;
mod configured_destinations;
mod delivery;
mod entries;
mod json_lines;
#[cfg(feature = "sqlite")]
mod legacy;
mod lines;
#[cfg(feature = "sqlite")]
mod periodic_anchors;
#[cfg(feature = "sqlite")]
mod refusals;
mod stored_events;
#[cfg(feature = "sqlite")]
mod stored_size;
#[cfg(feature = "sqlite")]
mod tampering;
mod verify;

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::audit::AuditRecord;
use sym_sdk::config::{Config, PromptField};
use sym_sdk::engine::{Commit, Committed, InputKey, MemoryStore, Store};
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;
use uuid::Uuid;

fn run_id(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

/// Returns the commit of a request that begins a Run, with at least one audit entry.
fn requested(number: u128) -> Commit {
    let run = run_id(number);
    let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
    let body = InputBody::Submitted {
        event: EventId::from_uuid(*run.as_uuid()),
        actor: Arc::new(User::from_email("ana@example.com").unwrap()),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    };
    let input = Input::new(run, flow.srn().clone(), Timestamp::UNIX_EPOCH, body);
    let transition = step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input);
    let mut commit = Commit::new(run, 0, InputKey::new(number.to_string()), transition);
    commit.effects.clear();
    commit
}

/// Commits `runs` Runs, and thus at least as many records.
async fn fill(store: &impl Store, runs: u128) {
    for number in 1..=runs {
        assert_eq!(store.commit(requested(number)).await.unwrap(), Committed::WRITTEN);
    }
}

/// Returns the records of a log of `runs` Runs.
async fn records(runs: u128) -> Vec<AuditRecord> {
    let store = MemoryStore::new();
    fill(&store, runs).await;
    store.audit_after(0, usize::MAX).await.unwrap()
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Members decide, and nobody is notified.
fn plain() -> Registry {
    handlers![get_permissions]
}

/// A flow with an access strategy and an environment.
async fn config() -> Config {
    let mut declared = Config::default();
    Harness::builder()
        .access_flow("prod", ["admins"])
        .declare(|config| {
            config.organization.slug = "acme".into();
            config.organization.domains.push("example.com".into());
            let duration = PromptField {
                name: "duration".into(),
                field_type: "duration".into(),
                allowed_values: Some(vec!["30s".into()]),
                ..Default::default()
            };
            config.flows[0].params.prompt_fields.push(duration);
            declared = config.clone();
        })
        .handlers(plain())
        .build()
        .await
        .unwrap();
    declared
}
