//! Opening, filling in and submitting forms in Slack.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use expect_test::expect_file;
use serde_json::{Value, json};
use sym_integrations::slack::fake::Member;
use sym_sdk::config::PromptField;
use sym_sdk::forms::{FieldOption, PromptForm};
use sym_sdk::prelude::*;

use super::cards::quotations;
use super::views::suggestion;
use super::{
    WORKSPACE, World, builder, field, get_permissions, get_request_notifications, golden, option, reason, text,
};

static BROKEN: AtomicBool = AtomicBool::new(false);

#[prefetch(field = "database")]
fn databases() -> Result<Vec<FieldOption>> {
    (0..1_000).map(|n| FieldOption::new(format!("id-{n}"), format!("Database {n}"))).collect()
}

#[prefetch(field = "broken")]
fn broken() -> Result<Vec<FieldOption>> {
    match BROKEN.load(Ordering::Relaxed) {
        true => Err(Error::handler("the list is s3cret")),
        false => Ok(vec![FieldOption::new("one", "One")?]),
    }
}

#[on_change]
fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
    let urgent = form.field("urgency")?.is("Urgent");
    form.field_mut("incident")?.visible = urgent;
    if urgent {
        form.field_mut("note")?.value = Some("filled in by code".into());
    }
    Ok(())
}

/// Returns the block ids of the inputs.
fn inputs(view: &Value) -> Vec<&str> {
    let blocks = view["blocks"].as_array().unwrap().iter();
    blocks.filter(|block| block["type"] == "input").map(|block| block["block_id"].as_str().unwrap()).collect()
}

fn block<'a>(view: &'a Value, id: &str) -> &'a Value {
    view["blocks"].as_array().unwrap().iter().find(|block| block["block_id"] == id).unwrap()
}

/// Returns the value of the option with this label.
fn value_of(view: &Value, id: &str, label: &str) -> String {
    let options = block(view, id)["element"]["options"].as_array().unwrap();
    let option = options.iter().find(|option| option["text"]["text"] == label).unwrap();
    option["value"].as_str().unwrap().to_owned()
}

/// Returns the view with a field renamed.
fn renamed(view: &Value, id: &str, to: &str) -> Value {
    let mut view = view.clone();
    for block in view["blocks"].as_array_mut().unwrap().iter_mut().filter(|block| block["block_id"] == id) {
        block["block_id"] = json!(to);
    }
    view
}

fn text_of(view: &Value) -> &str {
    view["blocks"][0]["text"]["text"].as_str().unwrap()
}

fn names(view: &Value) -> Vec<(&'static str, String)> {
    vec![
        ("RUN", view["private_metadata"].as_str().unwrap().to_owned()),
        ("ADMINS", value_of(view, "target_id:0", "admins")),
        ("READERS", value_of(view, "target_id:0", "readers")),
    ]
}

async fn suggest(world: &World, account: &str, view: &Value, block: &str, typed: &str) -> Value {
    let answer = world.interact(&suggestion(account, view, block, typed)).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body["options"].clone()
}

#[tokio::test]
async fn submitting_a_form_makes_a_request() {
    let mut world = World::with_reason().await;
    let view = world.open("U0ANA").await;
    golden(expect_file!["golden/loading.json"], &world.fake.calls("views.open")[0]["view"], &[]);
    let update = world.fake.calls("views.update").pop().unwrap();
    golden(expect_file!["golden/form.json"], &update["view"], &names(&view));

    let admins = value_of(&view, "target_id:0", "admins");
    let values =
        json!({ "target_id:0": option(&admins), "reason:0": text("incident 42"), "duration:0": option("3600") });
    let payload = world.submission("U0ANA", &view, values);
    // Slack may deliver the submission twice.
    for _ in 0..2 {
        let answer = world.interact(&payload).await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, Value::Null));
        world.settle().await;
    }
    let run = view["private_metadata"].as_str().unwrap().parse().unwrap();
    let state = world.harness.run(run).await.unwrap();
    assert_eq!(state.run.source_channel().identifier(), Some("general"));
    let (_, message) = world.fake.message();
    assert!(message["text"].as_str().unwrap().starts_with("<@U0ANA> asks for *Production*"), "{message}");

    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

#[tokio::test]
async fn errors_are_shown_at_their_fields_and_the_form_stays_open() {
    let number = PromptField { label: Some("How many".into()), ..field("count", "int") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut world = World::new(builder(vec![reason(), number]).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    let values = json!({ "count:0": text("many"), "target_id:0": option("nonsense") });
    let answer = world.submit("U0ANA", &view, values).await;
    assert_eq!(
        answer.body,
        json!({
            "response_action": "errors",
            "errors": {
                "count:0": "Enter a whole number.",
                "duration:0": "Select a duration.",
                "reason:0": "Enter a reason.",
                "target_id:0": "`nonsense` is not a target of flow `prod`. The targets are `admins`, `readers`; write a name, or an SRN such as `sym:access_target:test:admins:latest:af73ea36-aa46-5a0d-84b2-95e9f4661545`.",
            },
        })
    );

    let admins = value_of(&view, "target_id:0", "admins");
    let good = json!({
        "target_id:0": option(&admins), "reason:0": text("x"), "count:0": text("3"), "duration:0": option("3600"),
    });
    // No one else can submit it.
    let answer = world.submit("U0BEN", &view, good.clone()).await;
    assert_eq!(answer.body["response_action"], "errors");
    assert!(
        answer.body.to_string().contains("Only ana@example.com, who opened the form, can submit it."),
        "{}",
        answer.body
    );
    assert_eq!(world.submit("U0ANA", &view, good.clone()).await.body, Value::Null);
    world.settle().await;
    let answer = world.submit("U0ANA", &view, good).await;
    assert!(answer.body.to_string().contains("already submitted"), "{}", answer.body);
}

#[tokio::test]
async fn options_are_fetched_once_and_searched_while_typing() {
    let database = PromptField { prefetch: true, label: Some("Database".into()), ..field("database", "string") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases];
    let mut world = World::new(builder(vec![database]).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    assert_eq!(block(&view, "database:0")["element"]["type"], "external_select");

    let all = suggest(&world, "U0ANA", &view, "database:0", "").await;
    assert_eq!(all.as_array().unwrap().len(), 100);
    let best = suggest(&world, "U0ANA", &view, "database:0", "base 99").await;
    let labels: Vec<_> =
        best.as_array().unwrap().iter().map(|option| option["text"]["text"].as_str().unwrap()).collect();
    assert_eq!(labels[..3], ["Database 99", "Database 199", "Database 299"]);
    for (account, block) in [("U0BEN", "database:0"), ("U0ANA", "other:0"), ("U0ANA", "database")] {
        assert_eq!(suggest(&world, account, &view, block, "").await, json!([]));
    }
    let admins = value_of(&view, "target_id:0", "admins");
    let values =
        json!({ "target_id:0": option(&admins), "database:0": option("id-999"), "duration:0": option("3600") });
    assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
    world.settle().await;
    assert!(world.fake.message().1["blocks"].to_string().contains("id-999"));
    // After the submission, the form is gone.
    assert_eq!(suggest(&world, "U0ANA", &view, "database:0", "").await, json!([]));
}

#[tokio::test]
async fn a_form_that_failed_can_be_retried() {
    BROKEN.store(true, Ordering::Relaxed);
    let field = PromptField { prefetch: true, ..field("broken", "string") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, broken];
    let mut world = World::new(builder(vec![field]).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    assert!(text_of(&view).starts_with("The form of Production could not be opened"), "{view}");
    assert!(!view.to_string().contains("s3cret"));
    golden(
        expect_file!["golden/failed.json"],
        &world.fake.calls("views.update")[0]["view"],
        &[("RUN", view["private_metadata"].as_str().unwrap().to_owned())],
    );

    BROKEN.store(false, Ordering::Relaxed);
    let payload = json!({
        "type": "block_actions",
        "team": { "id": WORKSPACE },
        "user": { "id": "U0ANA" },
        "view": view,
        "actions": [{ "action_id": "retry", "value": view["private_metadata"], "action_ts": "1709208200.000001" }],
    });
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let again = world.shown(3).await;
    assert_eq!(again["id"], view["id"]);
    assert_eq!(inputs(&again), ["target_id:0", "broken:0", "duration:0"]);
    assert_ne!(again["private_metadata"], view["private_metadata"]);
}

#[tokio::test]
async fn a_change_keeps_typed_values() {
    let urgency = PromptField {
        allowed_values: Some(vec!["Normal".into(), "Urgent".into()]),
        on_change: true,
        ..field("urgency", "string")
    };
    let incident = PromptField { visible: false, ..field("incident", "string") };
    let fields = vec![urgency, incident, field("note", "string"), reason()];
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_urgency];
    let mut world = World::new(builder(fields).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    assert_eq!(inputs(&view), ["target_id:0", "urgency:0", "note:0", "reason:0", "duration:0"]);

    let mut changed = view.clone();
    changed["state"] = json!({ "values": { "urgency:0": option("Urgent"), "reason:0": text("typed by Ana"), "note:0": text("mine") } });
    let payload = json!({
        "type": "block_actions",
        "team": { "id": WORKSPACE },
        "user": { "id": "U0ANA" },
        "view": changed,
        "actions": [{ "action_id": "value", "block_id": "urgency:0", "action_ts": "1709208200.000001" }],
    });
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let view = world.shown(2).await;
    // A field that a handler changed has a new block id; otherwise Slack would keep the typed value.
    assert_eq!(inputs(&view), ["target_id:0", "urgency:0", "incident:0", "note:1", "reason:0", "duration:0"]);
    assert_eq!(block(&view, "note:1")["element"]["initial_value"], "filled in by code");
    assert_eq!(block(&view, "reason:0")["element"]["initial_value"], "typed by Ana");
    assert_eq!(block(&view, "urgency:0")["element"]["initial_option"]["value"], "Urgent");
    golden(expect_file!["golden/changed.json"], &world.fake.calls("views.update")[1]["view"], &names(&view));
}

#[tokio::test]
async fn lists_all_flows_without_a_matching_name() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let harness = builder(vec![reason()]).approval_flow("docs").approval_flow("hidden").handlers(handlers);
    let harness = harness.declare(|config| config.flows[2].params.allowed_sources = Some(vec!["api".into()]));
    let mut world = World::new(harness).await;
    let named = [
        ("", None),
        ("req", None),
        ("request nonsense", Some("nonsense")),
        ("req hidden", Some("hidden")),
        ("req prod nowhere", Some("prod nowhere")),
    ];
    for (updates, (text, unclear)) in named.into_iter().enumerate() {
        world.command("U0ANA", text).await;
        let view = world.shown(updates + 1).await;
        match unclear {
            None => golden(expect_file!["golden/picker.json"], &world.fake.calls("views.update")[updates]["view"], &[]),
            Some(flow) => {
                assert_eq!(text_of(&view), format!("No single flow matches `{flow}`. What do you need?"));
            }
        }
        assert_eq!(view["blocks"][1]["elements"][0]["options"].as_array().unwrap().len(), 2);
    }
    let payload = json!({
        "type": "block_actions",
        "team": { "id": WORKSPACE },
        "user": { "id": "U0ANA" },
        "view": world.fake.view(),
        "actions": [{ "action_id": "pick", "selected_option": { "value": "prod" }, "action_ts": "1709208200.000001" }],
    });
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let form = world.shown(7).await;
    assert_eq!(inputs(&form), ["target_id:0", "reason:0", "duration:0"]);
    let run = form["private_metadata"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.harness.run(run).await.unwrap().run.source_channel().identifier(), Some("general"));

    // A shortcut has no channel.
    let trigger = world.fake.trigger();
    let payload =
        json!({ "type": "shortcut", "callback_id": "request", "user": { "id": "U0ANA" }, "trigger_id": trigger });
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let view = world.shown(8).await;
    assert_eq!(view["private_metadata"], "");
}

#[tokio::test]
async fn reports_an_expired_trigger() {
    let world = World::with_reason().await;
    let trigger = world.fake.trigger();
    world.fake.expire();
    let answer = world.command_with("U0ANA", "req prod", &trigger).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["text"], "The form could not be opened. Please try again.");
    let payload =
        json!({ "type": "shortcut", "callback_id": "request", "user": { "id": "U0ANA" }, "trigger_id": trigger });
    assert_eq!(world.interact(&payload).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn users_who_cannot_request_see_why_in_the_view() {
    let mut world = World::with_reason().await;
    world.fake.join(Member::new("U0GONE").email("ben@example.com").deactivated());
    world.fake.join(Member::new("U0OUT").email("eve@elsewhere.com").of_team("T0OTHER"));
    world.command("U0GONE", "req prod").await;
    assert_eq!(text_of(&world.shown(1).await), "Your Slack account is deactivated.");
    world.command("U0OUT", "req prod").await;
    let view = world.shown(2).await;
    assert!(text_of(&view).starts_with("Slack:T0OTHER:U0OUT is a guest; guests cannot make requests."), "{view}");
}

#[tokio::test]
async fn reports_fields_that_the_flow_no_longer_has() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut world = World::new(builder(vec![reason(), field("ticket", "string")]).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    world.restart();
    // The view was opened before the flow changed.
    let admins = value_of(&view, "target_id:0", "admins");
    let values = json!({
        "target_id:0": option(&admins), "reason:0": text("x"), "duration:0": option("3600"), "approver:0": text("me"),
    });
    let view = renamed(&view, "ticket:0", "approver:0");
    let answer = world.submit("U0ANA", &view, values).await;
    let errors = answer.body["errors"]["target_id:0"].as_str().unwrap();
    assert!(errors.contains("no field `approver`") && errors.contains("needs field `ticket`"), "{}", answer.body);
    world.settle().await;
    assert!(world.fake.calls("chat.postMessage").is_empty());
}

#[tokio::test]
async fn a_form_survives_a_restart() {
    let mut world = World::with_reason().await;
    let view = world.open("U0ANA").await;
    world.restart();
    let admins = value_of(&view, "target_id:0", "admins");
    let values = json!({ "target_id:0": option(&admins), "reason:0": text("x"), "duration:0": option("3600") });
    assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
}

#[tokio::test]
async fn accepts_5000_characters_and_shows_them() {
    let mut world = World::with_reason().await;
    let view = world.open("U0ANA").await;
    let admins = value_of(&view, "target_id:0", "admins");
    let long = "ש".repeat(5_000);
    let values = json!({ "target_id:0": option(&admins), "reason:0": text(&long), "duration:0": option("3600") });
    assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
    world.settle().await;
    let run = view["private_metadata"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.harness.run(run).await.unwrap().request.clone().unwrap().fields.text("reason").unwrap(), long);
    assert_eq!(quotations(&world.fake.message().1).concat(), long);

    let view = world.open("U0ANA").await;
    let values =
        json!({ "target_id:0": option(&admins), "reason:0": text(&"x".repeat(70_000)), "duration:0": option("3600") });
    let answer = world.submit("U0ANA", &view, values).await;
    assert!(answer.body["errors"]["target_id:0"].as_str().unwrap().contains("at most 65536"), "{}", answer.body);
}
