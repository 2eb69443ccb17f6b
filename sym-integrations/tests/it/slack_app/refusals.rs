//! Refusals of the front end itself, before anything is submitted, are on the record as those of the runtime are (safety finding 10).

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_sdk::audit::{AuditEntry, AuditKind};
use sym_sdk::config::PromptField;
use sym_sdk::error::codes;
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::ActionKind;
use sym_sdk::prelude::*;

use super::views::{admins, run_of};
use super::{World, builder, field, get_permissions, get_request_notifications, option, text};

#[on_change]
fn on_change_count(form: &mut PromptForm) -> Result<()> {
    match form.field("count")?.value == Some(13.into()) {
        true => Err(Error::handler("thirteen is swordfish")),
        false => Ok(()),
    }
}

async fn world() -> World {
    let count = PromptField { on_change: true, ..field("count", "int") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_count];
    World::new(builder(vec![count, field("reason", "string")]).handlers(handlers)).await
}

fn filled(view: &Value, count: &str, reason: &str) -> Value {
    json!({
        "target_id:0": admins(view), "count:0": text(count), "reason:0": text(reason), "duration:0": option("3600"),
    })
}

async fn refusals(world: &World) -> Vec<AuditEntry> {
    let mut entries = world.harness.runtime().audit(None, usize::MAX).await.unwrap();
    entries.retain(|entry| matches!(entry.kind, AuditKind::SubmissionRefused { .. }));
    entries
}

/// Takes the action, and whether the actor is known, and the code of the only refusal since `before`.
async fn recorded(world: &World, before: usize) -> (AuditEntry, ActionKind, bool, ErrorCode) {
    let mut entries = refusals(world).await.split_off(before);
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = entries.remove(0);
    let AuditKind::SubmissionRefused { action, is_known_actor, error, omitted: 0 } = entry.kind.clone() else {
        panic!("{entry:?}");
    };
    (entry, action, is_known_actor, error.code)
}

fn is_shown_at_a_field(body: &Value) -> bool {
    body["response_action"] == "errors"
}

#[tokio::test]
async fn a_form_with_invalid_values_is_recorded_once_without_the_values() {
    let mut world = world().await;
    let view = world.open("U0ANA").await;
    let payload = world.submission("U0ANA", &view, filled(&view, "swordfish", ""));
    for _ in 0..2 {
        // Redelivered, it is the same refusal.
        assert!(is_shown_at_a_field(&world.interact(&payload).await.body));
        let (entry, action, is_known, code) = recorded(&world, 0).await;
        assert_eq!((entry.run, entry.flow.slug(), action), (run_of(&view), "prod", ActionKind::Request));
        assert_eq!((entry.event.actor.username(), is_known), ("ana@example.com", true));
        assert_eq!((entry.event.channel.identifier(), code), (Some("general"), codes::INVALID_FIELD_VALUE));
        let text = serde_json::to_string(&entry).unwrap();
        assert!(!text.contains("swordfish"), "{text}");
    }
    // Another attempt is another refusal, and the form can still be submitted.
    assert!(is_shown_at_a_field(&world.submit("U0ANA", &view, filled(&view, "many", "x")).await.body));
    recorded(&world, 1).await;
    assert_eq!(world.submit("U0ANA", &view, filled(&view, "3", "x")).await.body, Value::Null);
    assert_eq!(refusals(&world).await.len(), 2);
}

#[tokio::test]
async fn a_form_that_a_handler_rejects_is_recorded_without_what_the_handler_says() {
    let mut world = world().await;
    let view = world.open("U0ANA").await;
    let answer = world.submit("U0ANA", &view, filled(&view, "13", "x")).await.body;
    assert_eq!(answer["errors"]["count:0"], "Thirteen is swordfish.");
    let (entry, _, _, code) = recorded(&world, 0).await;
    assert_eq!((entry.run, code), (run_of(&view), codes::HANDLER_FAILED));
    assert!(!serde_json::to_string(&entry).unwrap().contains("swordfish"));
}

#[tokio::test]
async fn a_form_that_is_closed_is_recorded() {
    let mut world = world().await;
    let view = world.open("U0ANA").await;
    let good = filled(&view, "3", "x");
    let accepted = world.submission("U0ANA", &view, good.clone());
    for _ in 0..2 {
        assert_eq!(world.interact(&accepted).await.body, Value::Null);
    }
    assert!(refusals(&world).await.is_empty(), "a redelivered request is not refused");
    assert!(is_shown_at_a_field(&world.submit("U0ANA", &view, good.clone()).await.body));
    let (entry, _, _, code) = recorded(&world, 0).await;
    assert_eq!((entry.run, code), (run_of(&view), codes::INVALID_EVENT));

    // A Run that does not exist.
    let mut unknown = view.clone();
    unknown["private_metadata"] = json!("00000000-0000-0000-0000-000000000009");
    assert!(is_shown_at_a_field(&world.submit("U0ANA", &unknown, good).await.body));
    let (entry, _, _, code) = recorded(&world, 1).await;
    assert_eq!((entry.run, entry.flow.slug(), code), (run_of(&unknown), "unknown-flow", codes::INVALID_EVENT));
}

/// The runtime records what it refuses itself: a form of somebody else, for example.
#[tokio::test]
async fn a_refusal_of_the_machine_is_not_recorded_twice() {
    let mut world = world().await;
    let view = world.open("U0ANA").await;
    assert!(is_shown_at_a_field(&world.submit("U0BEN", &view, filled(&view, "3", "x")).await.body));
    assert!(refusals(&world).await.is_empty());
    let entries = world.harness.runtime().audit(Some(run_of(&view)), usize::MAX).await.unwrap();
    let refused = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. }));
    assert_eq!(refused.count(), 1, "{entries:?}");
}

/// The number of entries is limited as that of other refusals.
#[tokio::test]
async fn a_flood_of_invalid_forms_is_recorded_in_part() {
    let mut world = world().await;
    let view = world.open("U0ANA").await;
    for _ in 0..100 {
        assert!(is_shown_at_a_field(&world.submit("U0ANA", &view, filled(&view, "many", "x")).await.body));
    }
    // The first 20, the 40th and the 80th.
    let omitted = |entry: &AuditEntry| match entry.kind {
        AuditKind::SubmissionRefused { omitted, .. } => omitted,
        _ => 0,
    };
    let entries = refusals(&world).await;
    assert_eq!(entries.len(), 22);
    assert_eq!(entries.iter().map(omitted).sum::<u64>(), 58);
}

/// A decision that names no message cannot have been made on what somebody was shown.
#[tokio::test]
async fn a_decision_outside_of_a_message_is_recorded() {
    let mut world = world().await;
    let run = world.harness.request("prod").by("ana@example.com").target("admins").duration("1h");
    let run = run.field("reason", "x").field("count", 1).await.unwrap();
    let mut click = world.clicked("U0BEN", "approve", run);
    click["container"] = json!({});
    assert_eq!(world.interact(&click).await.status, StatusCode::OK);
    world.settle().await;
    assert!(world.harness.granted().is_empty());
    let (entry, action, is_known, code) = recorded(&world, 0).await;
    assert_eq!((entry.run, action, code), (run, ActionKind::Approve, codes::UNKNOWN_MESSAGE));
    assert_eq!((entry.event.actor.username(), is_known), ("ben@example.com", true));
}
