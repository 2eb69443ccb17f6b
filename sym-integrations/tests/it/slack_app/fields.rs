//! Fields of every type, from the form to the Run.

use serde_json::{Value, json};
use sym_sdk::config::{Environment, PromptField};
use sym_sdk::forms::{FieldMap, PromptForm};
use sym_sdk::prelude::*;

use super::cards::{lines, quotations};
use super::views::{admins, change, element, first_text, inputs, run_of};
use super::{World, builder, field, get_permissions, get_request_notifications, option, text};

fn one_of(name: &str, kind: &str, values: &[&str]) -> PromptField {
    PromptField { allowed_values: Some(values.iter().map(|value| (*value).to_owned()).collect()), ..field(name, kind) }
}

fn all_types() -> Vec<PromptField> {
    vec![
        field("text", "string"),
        field("number", "int"),
        field("flag", "bool"),
        field("time", "duration"),
        field("person", "slack_user"),
        field("people", "slack_user_list"),
        field("texts", "str_list"),
        field("numbers", "int_list"),
        one_of("text_menu", "string", &["one", "two"]),
        one_of("number_menu", "int", &["1", "2"]),
        one_of("time_menu", "duration", &["30m", "1h"]),
        one_of("texts_menu", "str_list", &["one", "two", "three"]),
        one_of("numbers_menu", "int_list", &["1", "2", "3"]),
    ]
}

fn several(values: &[&str]) -> Value {
    let picked: Vec<_> = values.iter().map(|value| json!({ "value": value })).collect();
    json!({ "value": { "type": "multi_static_select", "selected_options": picked } })
}

fn sent() -> Value {
    json!({
        "text:0": text("two\nlines"),
        "number:0": text("-42"),
        "flag:0": option("true"),
        "time:0": text("90m"),
        "person:0": { "value": { "type": "users_select", "selected_user": "U0BEN" } },
        "people:0": { "value": { "type": "multi_users_select", "selected_users": ["U0BEN", "U0CYD"] } },
        "texts:0": text("a b\n\n c \n"),
        "numbers:0": text("1\n-2"),
        "text_menu:0": option("two"),
        "number_menu:0": option("2"),
        "time_menu:0": option("1800"),
        "texts_menu:0": several(&["three", "one"]),
        "numbers_menu:0": several(&["2", "3"]),
        "duration:0": option("3600"),
    })
}

fn with_target(mut values: Value, view: &Value) -> Value {
    values["target_id:0"] = admins(view);
    values
}

async fn world(fields: Vec<PromptField>) -> World {
    World::new(builder(fields).handlers(sym_sdk::handlers![get_permissions, get_request_notifications])).await
}

#[tokio::test]
async fn each_field_type_has_an_input_and_round_trips() {
    let mut world = world(all_types()).await;
    let view = world.open("U0ANA").await;
    let kinds = inputs(&view).into_iter().map(|id| (id, element(&view, id)["type"].as_str().unwrap()));
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            ("target_id:0", "static_select"),
            ("text:0", "plain_text_input"),
            ("number:0", "number_input"),
            ("flag:0", "radio_buttons"),
            ("time:0", "plain_text_input"),
            ("person:0", "users_select"),
            ("people:0", "multi_users_select"),
            ("texts:0", "plain_text_input"),
            ("numbers:0", "plain_text_input"),
            ("text_menu:0", "static_select"),
            ("number_menu:0", "static_select"),
            ("time_menu:0", "static_select"),
            ("texts_menu:0", "multi_static_select"),
            ("numbers_menu:0", "multi_static_select"),
            ("duration:0", "static_select"),
        ]
    );
    // Again, in a process that does not have the form in memory.
    for restarts in [false, true] {
        let view = world.open("U0ANA").await;
        if restarts {
            world.restart();
        }
        assert_eq!(world.submit("U0ANA", &view, with_target(sent(), &view)).await.body, Value::Null);
        world.settle().await;
        let state = world.harness.run(run_of(&view)).await.unwrap();
        let fields = &*state.request.as_ref().unwrap().fields;
        check(fields);
        assert_eq!(state.request.as_ref().unwrap().duration, Some(Duration::from_secs(3600)));
    }
    // The message mentions the users and contains all other values.
    let message = world.fake.message().1;
    let lines = lines(&message);
    for shown in ["number: -42", "flag: yes", "time: 90m", "texts: a b, c", "numbers: 1, -2", "people: , "] {
        assert!(lines.iter().any(|line| line == shown), "{shown}: {lines:?}");
    }
    for shown in [r#"{"type":"user","user_id":"U0BEN"}"#, r#"{"type":"user","user_id":"U0CYD"}"#] {
        assert!(message["blocks"].to_string().contains(shown), "{message}");
    }
    assert_eq!(quotations(&message), ["two\nlines"]);
}

fn check(fields: &FieldMap) {
    assert_eq!(fields.text("text").unwrap(), "two\nlines");
    assert_eq!(fields.int("number").unwrap(), -42);
    assert!(fields.bool("flag").unwrap());
    assert_eq!(fields.duration("time").unwrap(), Duration::from_secs(5400));
    assert_eq!(fields.slack_user("person").unwrap().user_id(), "U0BEN");
    let people: Vec<_> = fields.slack_users("people").unwrap().iter().map(|user| user.user_id()).collect();
    assert_eq!(people, ["U0BEN", "U0CYD"]);
    assert_eq!(fields.text_list("texts").unwrap(), ["a b", "c"]);
    assert_eq!(fields.int_list("numbers").unwrap(), [1, -2]);
    assert_eq!(fields.text("text_menu").unwrap(), "two");
    assert_eq!(fields.int("number_menu").unwrap(), 2);
    assert_eq!(fields.duration("time_menu").unwrap(), Duration::from_secs(1800));
    assert_eq!(fields.text_list("texts_menu").unwrap(), ["three", "one"]);
    assert_eq!(fields.int_list("numbers_menu").unwrap(), [2, 3]);
}

#[on_change]
fn on_change_text(form: &mut PromptForm) -> Result<()> {
    form.field_mut("flag")?.label = "Touched".into();
    Ok(())
}

#[tokio::test]
async fn values_of_every_field_type_survive_a_change() {
    let mut fields = all_types();
    fields[0].on_change = true;
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_change_text];
    let mut world = World::new(builder(fields).handlers(handlers)).await;
    let view = world.open("U0ANA").await;
    let values = with_target(sent(), &view);
    world.interact(&change(&view, &values, "text:0")).await;
    let view = world.shown(2).await;
    assert_eq!(view["blocks"][3]["label"]["text"], "Touched");
    let initial = |id: &str, name: &str| element(&view, id)[name].clone();
    assert_eq!(initial("text:0", "initial_value"), "two\nlines");
    assert_eq!(initial("number:0", "initial_value"), "-42");
    assert_eq!(initial("flag:0", "initial_option")["value"], "true");
    assert_eq!(initial("time:0", "initial_value"), "90m");
    assert_eq!(initial("person:0", "initial_user"), "U0BEN");
    assert_eq!(initial("people:0", "initial_users"), json!(["U0BEN", "U0CYD"]));
    assert_eq!(initial("texts:0", "initial_value"), "a b\nc");
    assert_eq!(initial("numbers:0", "initial_value"), "1\n-2");
    assert_eq!(initial("number_menu:0", "initial_option")["value"], "2");
    assert_eq!(initial("time_menu:0", "initial_option")["value"], "1800");
    let picked = |id: &str| {
        let options = initial(id, "initial_options").as_array().unwrap().clone();
        options.iter().map(|option| option["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(picked("texts_menu:0"), ["three", "one"]);
    assert_eq!(picked("numbers_menu:0"), ["2", "3"]);
}

#[tokio::test]
async fn invalid_values_are_reported_at_their_field() {
    let mut world = world(all_types()).await;
    let view = world.open("U0ANA").await;
    let mut values = with_target(sent(), &view);
    for (id, wrong) in [("number:0", "4.5"), ("time:0", "soon"), ("numbers:0", "1\ntwo")] {
        values[id] = text(wrong);
    }
    values["text_menu:0"] = option("three");
    let answer = world.submit("U0ANA", &view, values).await;
    let errors: Vec<_> = answer.body["errors"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(errors, ["number:0", "numbers:0", "text_menu:0", "time:0"], "{}", answer.body);
}

#[tokio::test]
async fn a_command_can_name_the_environment() {
    let harness = builder(Vec::new()).approval_flow("docs").declare(|config| {
        for (name, label) in [("staging", "Staging"), ("live", "Live")] {
            let environment = Environment { name: name.into(), label: Some(label.into()), ..Default::default() };
            config.environments.push(environment);
        }
        config.flows[0].environment = "live".into();
        config.flows[1].environment = "staging".into();
        config.flows[1].label = Some("Production".into());
    });
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut world = World::new(harness.handlers(handlers)).await;
    let cases = [
        ("req production LIVE", Some("target_id:0")),
        ("req Production staging", None),
        ("req prod live", Some("target_id:0")),
    ];
    for (index, (command, first)) in cases.into_iter().enumerate() {
        world.command("U0ANA", command).await;
        let view = world.shown(index + 1).await;
        assert_eq!(view["title"]["text"], "Production", "{command}");
        assert_eq!(inputs(&view).first().copied(), first, "{command}");
    }
    // Two flows have this label, neither of them in this environment.
    for (index, command) in ["req production", "req prod staging", "req prod nowhere"].into_iter().enumerate() {
        world.command("U0ANA", command).await;
        let view = world.shown(cases.len() + index + 1).await;
        let unclear = format!("No single flow matches `{}`. What do you need?", &command["req ".len()..]);
        assert_eq!(first_text(&view), unclear);
        let described = &view["blocks"][1]["elements"][0]["options"];
        assert_eq!(
            (&described[0]["description"]["text"], &described[1]["description"]["text"]),
            (&json!("Staging"), &json!("Live"))
        );
    }
}
