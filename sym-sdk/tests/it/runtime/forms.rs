//! The view in which a form is shown, and rebuilding the form.

use serde_json::json;
use sym_sdk::config::PromptField;
use sym_sdk::error::ErrorKind;
use sym_sdk::forms::FieldOption;
use sym_sdk::machine::{FormRef, RunState};
use sym_sdk::model::{Channel, ChannelType};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{PromptRequest, Submission};
use sym_sdk::testing::Harness;

use super::{get_permissions, get_request_notifications};

#[prefetch(field = "database")]
fn databases(event: &Event) -> Result<Vec<FieldOption>> {
    Ok(vec![FieldOption::new(event.run().id().to_string(), event.user().username())?])
}

async fn harness() -> Harness {
    let database =
        PromptField { name: "database".into(), field_type: "string".into(), prefetch: true, ..PromptField::default() };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases];
    let harness = Harness::builder().access_flow("prod", ["admins"]).declare(move |config| {
        config.flows[0].params.prompt_fields = vec![database];
    });
    harness.handlers(handlers).build().await.unwrap()
}

fn prompt() -> PromptRequest {
    Submission::prompt("prod", "ana@example.com").form_view(FormRef::new("V0LK41:1709208000.h1"))
}

#[tokio::test]
async fn where_a_form_is_shown_is_kept_with_its_run() {
    let mut harness = harness().await;
    let run = harness.simulation_mut().submit(prompt()).await.unwrap().run;
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.form.as_ref().unwrap().as_str(), "V0LK41:1709208000.h1");
    let json = serde_json::to_value(&*state).unwrap();
    assert_eq!(json["form"], "V0LK41:1709208000.h1");
    assert_eq!(serde_json::from_value::<RunState>(json).unwrap(), *state);

    // A Run that was stored before there was such a thing, and one without it, are stored alike.
    let run = harness.prompt("prod", "ana@example.com").await.unwrap();
    let state = harness.run(run).await.unwrap();
    let json = serde_json::to_value(&*state).unwrap();
    assert_eq!(json.get("form"), None);
    assert_eq!(serde_json::from_value::<RunState>(json).unwrap().form, None);
}

#[test]
fn a_run_that_was_stored_before_forms_had_a_place_loads() {
    let stored = json!({
        "run": {
            "id": "00000000-0000-0000-0000-000000000007",
            "flow": "sym:flow:prod:1.0.0",
            "status": "pending",
            "source_channel": { "type": "slack", "identifier": null },
        },
        "flow": "sym:flow:prod:1.0.0",
        "created_at": "2024-02-29T12:00:00Z",
        "updated_at": "2024-02-29T12:00:00Z",
        "request": null,
        "routing": null,
        "current_notification": 0,
        "delivered": [],
        "decision": null,
        "access": "none",
        "cycle": null,
        "queue": [],
        "pending": {},
        "timers": {},
        "after_request_due": null,
        "error": null,
        "closed": false,
        "next_seq": 1,
        "next_generation": 1,
    });
    let state: RunState = serde_json::from_value(stored).unwrap();
    assert_eq!((state.form.as_ref(), state.is_form_open()), (None, false));
}

#[tokio::test]
async fn a_form_is_made_anew_for_the_run_that_waits_for_it() {
    let mut harness = harness().await;
    let run = harness.simulation_mut().submit(prompt()).await.unwrap().run;
    let form = harness.runtime().form(run).await.unwrap();
    assert_eq!(form, harness.delivery().forms()[0]);
    let offered = &form.field("database").unwrap().current_allowed_values[0];
    assert_eq!(offered.label(), "ana@example.com");
    assert_eq!(*offered.value(), run.to_string().into());
    let target = form.field("target_id").unwrap();
    assert_eq!(target.value.as_ref(), Some(target.current_allowed_values[0].value()), "the only target is selected");

    let inputs = json!({ "target_id": "admins", "database": run.to_string(), "duration": 3600 });
    let request = Submission::request("prod", "ana@example.com").form(run).inputs(inputs.as_object().unwrap().clone());
    harness.simulation_mut().submit(request).await.unwrap();
    let error = harness.runtime().form(run).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Conflict, "this form was submitted already, or is no longer open")
    );
    let unknown = "00000000-0000-4000-8000-000000000001".parse().unwrap();
    assert_eq!(harness.runtime().prompt(unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(harness.runtime().form(unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn front_ends_see_the_prompt_of_a_run_by_its_id() {
    let mut harness = harness().await;
    let channel = Channel::new(ChannelType::Slack).with_identifier("general");
    let run = harness.simulation_mut().submit(prompt().channel(channel)).await.unwrap().run;
    let view = harness.runtime().prompt(run).await.unwrap();
    assert_eq!((view.flow().slug(), view.is_form_open()), ("prod", true));
    assert_eq!(view.user().unwrap().username(), "ana@example.com");
    assert_eq!((view.channel().kind(), view.channel().identifier()), (ChannelType::Slack, Some("general")));

    let inputs = json!({ "target_id": "admins", "database": run.to_string(), "duration": 3600 });
    let request = Submission::request("prod", "ana@example.com").form(run).inputs(inputs.as_object().unwrap().clone());
    harness.simulation_mut().submit(request).await.unwrap();
    let view = harness.runtime().prompt(run).await.unwrap();
    assert_eq!((view.user().unwrap().username(), view.is_form_open()), ("ana@example.com", false));

    // A request that was made without a form.
    let harness = Harness::builder().approval_flow("deploy").handlers(sym_sdk::handlers![get_permissions]);
    let mut harness = harness.build().await.unwrap();
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    let view = harness.runtime().prompt(run).await.unwrap();
    assert_eq!((view.user(), view.is_form_open(), view.flow().slug()), (None, false, "deploy"));
}
