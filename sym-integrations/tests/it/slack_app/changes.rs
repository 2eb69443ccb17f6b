//! Forms that change while users fill them in: concurrent changes, lost updates and failing handlers.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::slack::fake::Member;
use sym_sdk::audit::AuditKind;
use sym_sdk::config::PromptField;
use sym_sdk::error::{ErrorCode, ErrorKind};
use sym_sdk::forms::PromptForm;
use sym_sdk::prelude::*;
use tokio::sync::Semaphore;

use super::views::{admins, change, element, first_text, run_of};
use super::{World, builder, field, get_permissions, get_request_notifications, option, reason, text};

fn changing(name: &str) -> PromptField {
    PromptField { on_change: true, ..field(name, "string") }
}

static FIRST: Semaphore = Semaphore::const_new(0);

#[on_change]
async fn on_change_one(form: &mut PromptForm) -> Result<()> {
    FIRST.acquire().await.map_err(|_| Error::handler("closed"))?.forget();
    form.field_mut("echo_one")?.value = form.field("one")?.value.clone();
    Ok(())
}

#[on_change]
fn on_change_two(form: &mut PromptForm) -> Result<()> {
    form.field_mut("echo_two")?.value = form.field("two")?.value.clone();
    Ok(())
}

#[tokio::test]
async fn concurrent_changes_are_both_applied_and_keep_typed_values() {
    let fields =
        ["one", "two"].map(changing).into_iter().chain(["echo_one", "echo_two"].map(|name| field(name, "string")));
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_one, on_change_two];
    let mut world = World::new(builder(fields.chain([reason()]).collect()).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    let first = json!({ "one:0": text("1"), "reason:0": text("typed") });
    world.interact(&change(&view, &first, "one:0")).await;
    // The second change arrives while the first is in progress.
    let second = json!({ "one:0": text("1"), "two:0": text("2"), "reason:0": text("typed on") });
    world.interact(&change(&view, &second, "two:0")).await;
    assert_eq!(world.fake.calls("views.update").len(), 1);
    FIRST.add_permits(1);
    let view = world.shown(3).await;
    let shown = |id: &str| element(&view, id)["initial_value"].clone();
    assert_eq!([shown("one:0"), shown("two:0"), shown("reason:0")], ["1", "2", "typed on"]);
    assert_eq!([shown("echo_one:1"), shown("echo_two:1")], ["1", "2"]);
}

#[on_change]
fn on_change_city(form: &mut PromptForm) -> Result<()> {
    form.field_mut("street")?.value = Some("Main Street".into());
    Ok(())
}

async fn city() -> (World, Value) {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_city];
    let fields = vec![changing("city"), field("street", "string"), reason()];
    let mut world = World::new(builder(fields).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    (world, view)
}

#[tokio::test]
async fn a_conflicting_update_is_retried() {
    let (mut world, view) = city().await;
    world.fake.refuse("views.update", "hash_conflict");
    let values = json!({ "city:0": text("Bern"), "street:0": text("typed"), "reason:0": text("typed too") });
    world.interact(&change(&view, &values, "city:0")).await;
    let updates = world.shown(3).await;
    let calls = world.fake.calls("views.update");
    assert_eq!((calls[1]["hash"].is_string(), calls[2].get("hash")), (true, None));
    assert_eq!(element(&updates, "street:1")["initial_value"], "Main Street");
    assert_eq!(element(&updates, "reason:0")["initial_value"], "typed too");
    let values = json!({
        "target_id:0": admins(&updates), "city:0": text("Bern"), "street:1": text("Main Street 1"),
        "reason:0": text("typed too"), "duration:0": option("3600"),
    });
    assert_eq!(world.submit("U0ANA", &updates, values).await.body, Value::Null);
    let state = world.harness.run(run_of(&updates)).await.unwrap();
    assert_eq!(state.request.as_ref().unwrap().fields.text("street").unwrap(), "Main Street 1");
}

#[tokio::test]
async fn an_update_whose_response_was_lost_loses_nothing() {
    let (mut world, view) = city().await;
    world.fake.refuse("views.update", "invalid_arguments");
    let values = json!({ "city:0": text("Bern"), "reason:0": text("typed") });
    world.interact(&change(&view, &values, "city:0")).await;
    world.fake.called("views.update", 2).await;
    world.settle().await;
    // The view was updated nevertheless.
    let mut shown = view.clone();
    for block in shown["blocks"].as_array_mut().unwrap().iter_mut().filter(|block| block["block_id"] == "street:0") {
        block["block_id"] = json!("street:1");
    }
    let values = json!({
        "target_id:0": admins(&view), "city:0": text("Bern"), "street:1": text("Main Street"),
        "reason:0": text("typed"), "duration:0": option("3600"),
    });
    assert_eq!(world.submit("U0ANA", &shown, values).await.body, Value::Null);
    let state = world.harness.run(run_of(&shown)).await.unwrap();
    assert_eq!(state.request.as_ref().unwrap().fields.text("street").unwrap(), "Main Street");
}

#[tokio::test]
async fn a_form_submitted_during_a_change_is_submitted_as_the_user_saw_it() {
    let (mut world, view) = city().await;
    let values = json!({ "city:0": text("Bern"), "reason:0": text("typed") });
    world.interact(&change(&view, &values, "city:0")).await;
    world.shown(2).await;
    // The user submits before Slack shows the change.
    let seen = json!({
        "target_id:0": admins(&view), "city:0": text("Bern"), "street:0": text("Side Street"),
        "reason:0": text("typed"), "duration:0": option("3600"),
    });
    assert_eq!(world.submit("U0ANA", &view, seen).await.body, Value::Null);
    let state = world.harness.run(run_of(&view)).await.unwrap();
    assert_eq!(state.request.as_ref().unwrap().fields.text("street").unwrap(), "Side Street");
}

#[on_change]
fn on_change_what(form: &mut PromptForm) -> Result<(), HandlerError> {
    match form.field("what")?.value.as_ref().map(ToString::to_string).as_deref() {
        Some("written") => Err(Error::handler("pick a weekday").with_hint("all but Sunday"))?,
        Some("client") => {
            let code = ErrorCode::new("Okta", "GROUP_NOT_FOUND");
            Err(Error::new(ErrorKind::NotFound, code, "no group `s3cret`").with_hint("see https://s3cret"))?
        }
        Some("argument") => Err(Error::missing_argument("s3cret", "s3cret"))?,
        Some("foreign") => Err("s3cret: connection refused".parse::<u64>().unwrap_err().to_string() + "s3cret")?,
        _ => panic!("s3cret"),
    }
    Ok(())
}

#[tokio::test]
async fn users_see_only_the_handler_errors_written_for_them() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_what];
    let mut world = World::new(builder(vec![changing("what"), reason()]).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    let cases = [
        ("written", "Pick a weekday. All but Sunday."),
        ("client", "Something went wrong (Okta:GROUP_NOT_FOUND). Please try again."),
        ("argument", "Something went wrong (SymSDK:MISSING_ARGUMENT). Please try again."),
        ("foreign", "Something went wrong (SymSDK:HANDLER_FAILED). Please try again."),
        ("panic", "Something went wrong (SymSDK:HANDLER_PANICKED). Please try again."),
    ];
    for (index, (what, told)) in cases.into_iter().enumerate() {
        let values = json!({ "what:0": text(what), "reason:0": text("typed") });
        world.interact(&change(&view, &values, "what:0")).await;
        let shown = world.shown(index + 2).await;
        assert_eq!(first_text(&shown), told);
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
        assert_eq!(element(&shown, "reason:0")["initial_value"], "typed");
    }
}

#[on_change]
fn on_change_severity(form: &mut PromptForm) -> Result<()> {
    let severity = form.field("severity")?.value.as_ref().map(ToString::to_string);
    if severity.as_deref() == Some("unheard of") {
        return Err(Error::handler("pick one that there is"));
    }
    form.field_mut("team")?.value = Some(format!("team for {}", severity.unwrap_or_default()).into());
    Ok(())
}

/// A value that a handler sets in a hidden field may decide who approves.
#[tokio::test]
async fn values_that_handlers_set_in_hidden_fields_are_submitted() {
    let team = PromptField { visible: false, required: false, ..field("team", "string") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_severity];
    let fields = vec![changing("severity"), team, reason()];
    let mut world = World::new(builder(fields).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    let filled = |severity: &str| {
        json!({
            "target_id:0": admins(&view), "severity:0": text(severity), "reason:0": text("typed"),
            "duration:0": option("3600"),
        })
    };
    // The handler has seen another value, and after the restart none at all.
    world.interact(&change(&view, &filled("low"), "severity:0")).await;
    world.shown(2).await;
    for restart in [false, true] {
        if restart {
            world.restart();
        }
        let refused = world.submit("U0ANA", &view, filled("unheard of")).await.body;
        assert_eq!(
            refused,
            json!({ "response_action": "errors", "errors": { "severity:0": "Pick one that there is." } })
        );
    }
    assert_eq!(world.submit("U0ANA", &view, filled("high")).await.body, Value::Null);
    let state = world.harness.run(run_of(&view)).await.unwrap();
    assert_eq!(state.request.as_ref().unwrap().fields.text("team").unwrap(), "team for high");
}

#[tokio::test]
async fn a_deactivated_account_cannot_submit() {
    let mut world = World::with_reason().await;
    let view = world.open("U0ANA").await;
    world.fake.join(Member::new("U0ANA").email("ana@example.com").deactivated());
    world.harness.advance(Duration::from_secs(61)).await.unwrap();
    let values = json!({ "target_id:0": admins(&view), "reason:0": text("x"), "duration:0": option("3600") });
    let answer = world.submit("U0ANA", &view, values).await;
    assert_eq!(answer.body["errors"]["target_id:0"], "Your Slack account is deactivated.");
    let state = world.harness.run(run_of(&view)).await.unwrap();
    assert!(state.request.is_none());
    let entries = world.harness.runtime().audit(Some(run_of(&view)), usize::MAX).await.unwrap();
    let refused = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::SubmissionRefused { .. }));
    assert_eq!(refused.count(), 1, "the refusal is on the record once (safety finding 10)");
}

#[tokio::test]
async fn a_redelivered_decision_is_one_decision() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let click = world.clicked("U0BEN", "approve", run);
    let request = || world.signed("/interactions", &click);
    let (first, replayed) = (request(), request());
    assert_eq!(world.send_as(first).await.status, StatusCode::OK);
    world.settle().await;
    world.harness.simulation().clock().advance(Duration::from_secs(299));
    assert_eq!(world.send_as(replayed).await.status, StatusCode::OK);
    world.settle().await;
    let state = world.harness.run(run).await.unwrap();
    assert_eq!((state.run.approvals().len(), world.harness.granted().len()), (1, 1));
    let told: Vec<_> = world.fake.calls("response_url");
    assert!(told.is_empty(), "{told:?}");
}
