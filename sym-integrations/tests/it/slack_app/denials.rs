//! Denials with a reason.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_sdk::audit::AuditKind;
use sym_sdk::prelude::*;

use super::{World, text};

/// Clicks Deny and returns the view that asks for the reason.
pub(super) async fn asked(world: &mut World, run: sym_sdk::model::RunId) -> Value {
    let before = world.fake.calls("views.open").len();
    assert_eq!(world.click("U0BEN", "deny", run).await.status, StatusCode::OK);
    let opened = world.fake.called("views.open", before + 1).await["view"].clone();
    let mut view = world.fake.view();
    view["callback_id"] = opened["callback_id"].clone();
    view
}

/// Ranked point 10: Deny asks for a reason, which may be left empty.
#[tokio::test]
async fn deny_asks_for_a_reason_and_tells_the_requester() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let view = asked(&mut world, run).await;
    assert_eq!((&view["title"]["text"], &view["submit"]["text"]), (&json!("Deny the request"), &json!("Deny")));
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested, "nothing is decided yet");

    let answer = world.submit("U0BEN", &view, json!({ "reason": text("use the *staging* <!here> system") })).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, Value::Null));
    world.settle().await;
    let state = world.harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Denied);
    let reason = "use the *staging* <!here> system";
    assert_eq!(state.decision.as_ref().unwrap().decision_message.as_deref(), Some(reason));
    let told = world.fake.direct_messages("U0ANA").pop().unwrap();
    assert_eq!(super::cards::quotations(&told), [reason]);

    let run = world.request().await;
    let view = asked(&mut world, run).await;
    world.submit("U0BEN", &view, json!({})).await;
    world.settle().await;
    let state = world.harness.run(run).await.unwrap();
    assert_eq!(state.decision.as_ref().unwrap().decision_message, None);
}

/// A view can be open for long. It is decided whether the denial is allowed when it is submitted, and a second submission is the first.
#[tokio::test]
async fn a_denial_that_comes_too_late_is_refused_in_its_view() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let view = asked(&mut world, run).await;
    world.click("U0CYD", "approve", run).await;
    world.settle().await;
    let answer = world.submit("U0BEN", &view, json!({ "reason": text("no") })).await.body;
    assert_eq!(answer["errors"]["reason"], "This request was already approved by cyd@example.com.");
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    // A refused click is told at once.
    world.click("U0BEN", "deny", run).await;
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "This request was already approved by cyd@example.com.");

    let run = world.request().await;
    let view = asked(&mut world, run).await;
    let submission = world.submission("U0BEN", &view, json!({ "reason": text("no") }));
    for _ in 0..2 {
        assert_eq!(world.interact(&submission).await.body, Value::Null);
    }
    world.settle().await;
    let entries = world.harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    assert!(!entries.iter().any(|entry| matches!(entry.kind, AuditKind::Refused { .. })), "{entries:#?}");
}

/// Whoever submits the view is who denies.
#[tokio::test]
async fn a_view_of_somebody_else_denies_nothing() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let view = asked(&mut world, run).await;
    let mut forged = view.clone();
    forged["private_metadata"] = json!(format!("{run} C0OTHER/1709208000.000001"));
    let answer = world.submit("U0BEN", &forged, json!({ "reason": text("no") })).await.body;
    assert_eq!(answer["errors"]["reason"], "This message does not belong to the request.");
    let answer = world.submit("U0NOBODY", &view, json!({ "reason": text("no") })).await.body;
    assert_eq!(answer["errors"]["reason"], "Your Slack account was not found in this workspace.");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

/// A flow can require a reason, which Slack then does not let anybody leave empty.
#[tokio::test]
async fn a_flow_can_require_a_reason() {
    let handlers = sym_sdk::handlers![super::get_permissions, super::get_request_notifications];
    let harness = super::builder(vec![super::reason()]).handlers(handlers);
    let mut world = World::new(harness.declare(|config| config.flows[0].params.require_denial_reason = true)).await;
    let run = world.request().await;
    let view = asked(&mut world, run).await;
    assert_ne!(view["blocks"][0]["optional"], true);
    let answer = world.submit("U0BEN", &view, json!({ "reason": text("  ") })).await.body;
    assert!(answer["errors"]["reason"].is_string(), "{answer}");
    world.submit("U0BEN", &view, json!({ "reason": text("no") })).await;
    world.settle().await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Denied);
}

/// "Approve for less" by a choice of the durations that the flow offers and that are shorter.
#[tokio::test]
async fn a_request_is_approved_for_less_by_a_choice() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let (_, card) = world.fake.message();
    let elements = card["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "actions");
    let mut elements = elements.flat_map(|block| block["elements"].as_array().unwrap());
    let menu = elements.find(|element| element["action_id"] == "approve_for_less").unwrap();
    let option = menu["options"][0].clone();
    let seconds: i64 = option["value"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    assert!(seconds < 3_600 && option["text"]["text"].as_str().unwrap().starts_with("Approve for "), "{option}");

    let mut payload = world.clicked("U0BEN", "approve_for_less", run);
    payload["actions"][0] = json!({
        "type": "static_select", "action_id": "approve_for_less", "block_id": "b",
        "selected_option": option, "action_ts": "1709208100.000777",
    });
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    world.settle().await;
    let state = world.harness.run(run).await.unwrap();
    let until = state.access_until().unwrap();
    assert_eq!(until.duration_since(world.harness.runtime().clock().now()).as_secs(), seconds);
}
