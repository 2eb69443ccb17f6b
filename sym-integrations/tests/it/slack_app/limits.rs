//! Forms and texts that exceed Slack's limits.

use serde_json::{Value, json};
use sym_sdk::config::PromptField;
use sym_sdk::forms::{FieldOption, PromptForm};
use sym_sdk::prelude::*;

use super::cards::{interpreted, lines, quotations};
use super::views::{admins, change, element, first_text, inputs, prefetched, run_of, suggestion};
use super::{World, builder, field, get_permissions, get_request_notifications, option, reason, text};

async fn world(fields: Vec<PromptField>) -> World {
    World::new(builder(fields).handlers(sym_sdk::handlers![get_permissions, get_request_notifications])).await
}

fn optional(name: String) -> PromptField {
    PromptField { required: false, ..field(&name, "string") }
}

#[tokio::test]
async fn a_form_with_too_many_fields_shows_an_error() {
    // With target and duration, there are 97.
    let fields: Vec<_> = (0..95).map(|n| optional(format!("field_{n}"))).collect();
    let mut world = world(fields.clone()).await;
    let view = world.open("U0ANA").await;
    assert_eq!(inputs(&view).len(), 97);

    let mut world = self::world([fields, vec![optional("more".into())]].concat()).await;
    let view = world.open("U0ANA").await;
    assert_eq!(
        first_text(&view),
        "This form has 98 fields, but Slack shows at most 97. Please contact an administrator."
    );
    assert_eq!((inputs(&view).len(), &view["submit"]), (0, &Value::Null));
}

#[tokio::test]
async fn large_menus_load_their_options_on_demand() {
    let values: Vec<_> = (0..100).map(|n| format!("{}{n:0>3}", "é".repeat(50))).collect();
    let menu = |n: usize| PromptField { allowed_values: Some(values.clone()), ..field(&format!("menu_{n}"), "string") };
    let mut world = world((0..12).map(menu).collect()).await;
    let view = world.open("U0ANA").await;
    assert_eq!(element(&view, "menu_0:0")["type"], "external_select");
    let found = world.interact(&suggestion("U0ANA", &view, "menu_11:0", "099")).await.body;
    assert_eq!(found["options"][0]["value"], values[99].as_str());
    let targets = world.interact(&suggestion("U0ANA", &view, "target_id:0", "adm")).await.body;
    assert_eq!(targets["options"][0]["text"]["text"], "admins");
}

#[tokio::test]
async fn an_initial_value_that_is_too_long_is_left_empty_with_a_note() {
    let long = "א".repeat(3_001);
    let note = PromptField { default: Some(long), label: Some("Note".into()), ..optional("note".into()) };
    let short = PromptField { default: Some("x".repeat(3_000)), ..optional("short".into()) };
    let mut world = world(vec![note, short]).await;
    let view = world.open("U0ANA").await;
    assert_eq!(first_text(&view), "Left empty, because Slack cannot show their initial values: Note.");
    assert_eq!(element(&view, "note:0").get("initial_value"), None);
    assert_eq!(element(&view, "short:0")["initial_value"].as_str().unwrap().len(), 3_000);
    // The request contains what the user saw.
    let empty = json!({ "value": { "type": "plain_text_input", "value": null } });
    let values =
        json!({ "target_id:0": admins(&view), "note:0": empty, "short:0": text("y"), "duration:0": option("3600") });
    assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
    let state = world.harness.run(run_of(&view)).await.unwrap();
    let fields = &state.request.as_ref().unwrap().fields;
    assert_eq!((fields.get("note"), fields.text("short").unwrap()), (None, "y"));
}

#[on_change]
fn on_change_size(form: &mut PromptForm) -> Result<()> {
    form.field_mut("body")?.value = Some("🦀".repeat(1_501).into());
    Ok(())
}

#[tokio::test]
async fn a_value_set_by_a_handler_that_is_too_long_is_left_empty() {
    let size = PromptField { on_change: true, ..field("size", "string") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_size];
    let mut world = World::new(builder(vec![size, optional("body".into())]).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    world.interact(&change(&view, &json!({ "size:0": text("L") }), "size:0")).await;
    let view = world.shown(2).await;
    assert!(first_text(&view).ends_with("show their initial values: body."), "{view}");
    assert_eq!(element(&view, "body:1").get("initial_value"), None);
}

#[prefetch(field = "odd")]
fn odd() -> Result<Vec<FieldOption>> {
    let odd = [("a", "🦀".repeat(55)), ("b", "שלום".repeat(13)), ("<!channel>", "<b>&amp;".into()), ("d", " ".into())];
    odd.into_iter().map(|(value, label)| FieldOption::new(value, label)).collect()
}

#[tokio::test]
async fn long_unusual_and_blank_labels_are_truncated_or_replaced() {
    let label = "Production databases of every region 🚀";
    let harness = builder(vec![prefetched("odd")]).declare(move |config| config.flows[0].label = Some(label.into()));
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, odd];
    let mut world = World::new(harness.handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    assert_eq!(view["title"]["text"], "Production databases of…");
    let found = world.interact(&suggestion("U0ANA", &view, "odd:0", "")).await.body;
    let labels: Vec<_> =
        found["options"].as_array().unwrap().iter().map(|option| option["text"]["text"].as_str().unwrap()).collect();
    assert!(labels.iter().all(|label| (1..=75).contains(&label.encode_utf16().count())), "{labels:?}");
    assert!(labels[0].ends_with("🦀…") && labels[1].starts_with("שלום"), "{labels:?}");
    assert_eq!(labels[3], "d");
    let values = json!({ "target_id:0": admins(&view), "odd:0": option("<!channel>"), "duration:0": option("3600") });
    assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
    world.settle().await;
    // It is literal in rich text, and nowhere else.
    let message = world.fake.message().1;
    assert!(lines(&message).iter().any(|line| line.contains("<!channel>")), "{message}");
    assert!(!interpreted(&message).contains("<!channel>"), "{message}");
}

#[tokio::test]
async fn a_long_value_is_complete_in_the_message_and_in_the_run() {
    let mut world = world(vec![field("why", "string"), reason()]).await;
    let view = world.open("U0ANA").await;
    let long = "👩‍👩‍👧‍👦 & <co> ".repeat(200);
    let values = json!({ "target_id:0": admins(&view), "why:0": text(&long), "reason:0": text("x"), "duration:0": option("3600") });
    assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
    world.settle().await;
    let shown = quotations(&world.fake.message().1).concat();
    assert!(shown.contains(long.trim_end()), "{shown}");
    let state = world.harness.run(run_of(&view)).await.unwrap();
    assert_eq!(state.request.as_ref().unwrap().fields.text("why").unwrap(), long.trim_end());
}

#[tokio::test]
async fn lists_more_than_100_flows_in_groups() {
    let mut harness = builder(Vec::new());
    for n in 0..250 {
        harness = harness.approval_flow(&format!("flow-{n:0>3}"));
    }
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut world = World::new(harness.handlers(handlers)).await;
    world.command("U0ANA", "").await;
    let view = world.shown(1).await;
    let groups = view["blocks"][1]["elements"][0]["option_groups"].as_array().unwrap();
    let sizes: Vec<_> = groups
        .iter()
        .map(|group| (group["label"]["text"].as_str().unwrap(), group["options"].as_array().unwrap().len()))
        .collect();
    assert_eq!(sizes, [("1–100", 100), ("101–200", 100), ("201–251", 51)]);
    let last = &groups[2]["options"][49]["value"];
    assert_eq!(last, "flow-249");
    let payload = json!({
        "type": "block_actions",
        "user": { "id": "U0ANA" },
        "view": view,
        "actions": [{ "action_id": "pick", "selected_option": { "value": last }, "action_ts": "1709208200.000001" }],
    });
    world.interact(&payload).await;
    assert_eq!(world.shown(3).await["title"]["text"], "flow-249");
}
