//! Violations of Slack's rules for views and messages are rejected and recorded.

use serde_json::{Value, json};

use super::{modal, plain, workspace};

fn option(value: &str) -> Value {
    json!({ "text": plain(value), "value": value })
}

fn input(element: Value) -> Value {
    json!({ "type": "input", "label": plain("Label"), "element": element })
}

fn section() -> Value {
    json!({ "type": "section", "text": plain("x") })
}

fn button(id: &str) -> Value {
    json!({ "type": "button", "action_id": id, "text": plain("x") })
}

fn options(count: usize) -> Vec<Value> {
    (0..count).map(|n| option(&n.to_string())).collect()
}

/// Views with what is wrong about them.
fn wrong_views() -> Vec<(Value, &'static str)> {
    let of = |block: Value| modal(&json!([block]));
    let with = |key: &str, value: Value| {
        let mut view = modal(&json!([section()]));
        view[key] = value;
        view
    };
    let select = |more: Value| {
        let mut select = json!({ "type": "static_select", "action_id": "a" });
        select.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of(input(select))
    };
    let mut no_submit = of(input(json!({ "type": "plain_text_input" })));
    no_submit.as_object_mut().unwrap().remove("submit");
    vec![
        (json!(null), "must provide an object [json-pointer:/view]"),
        (json!({ "type": "modal" }), "missing required field: title"),
        (with("type", json!("popup")), "must be a valid enum value [json-pointer:/view/type]"),
        (with("title", plain(&"x".repeat(25))), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (with("title", json!({ "type": "mrkdwn", "text": "x" })), "unsupported type: mrkdwn"),
        (with("close", plain("")), "must be more than 0 characters"),
        (with("close", plain(" \n")), "must not be blank"),
        (with("private_metadata", json!("x".repeat(3_001))), "less than 3001 characters"),
        (with("colour", json!("red")), "invalid additional property: colour [json-pointer:/view]"),
        (with("notify_on_close", json!("yes")), "must be a boolean"),
        (with("blocks", json!([])), "must have at least 1 item"),
        (with("blocks", json!(vec![section(); 101])), "no more than 100 items allowed"),
        (with("blocks", json!("x")), "must be an array"),
        (no_submit, "missing required field: submit"),
        (of(json!({ "type": "marquee" })), "unsupported type: marquee [json-pointer:/view/blocks/0]"),
        (of(json!({ "text": plain("x") })), "missing required field: type"),
        (of(json!({ "type": "section" })), "missing required field: text"),
        (of(json!({ "type": "section", "text": plain(&"x".repeat(3_001)) })), "less than 3001 characters"),
        (of(json!({ "type": "section", "fields": vec![plain("x"); 11] })), "no more than 10 items"),
        (of(json!({ "type": "section", "fields": [plain(&"x".repeat(2_001))] })), "less than 2001 characters"),
        (of(json!({ "type": "header", "text": plain(&"x".repeat(151)) })), "less than 151 characters"),
        (of(json!({ "type": "context", "elements": [] })), "must have at least 1 item"),
        (of(json!({ "type": "context", "elements": [button("a")] })), "unsupported type: button"),
        (of(json!({ "type": "actions", "elements": [button("a"), button("a")] })), "`action_id` must be unique: a"),
        (
            of(json!({ "type": "actions", "elements": vec![json!({ "type": "button", "text": plain("x") }); 26] })),
            "no more than 25",
        ),
        (
            of(json!({ "type": "actions", "elements": [{ "type": "plain_text_input" }] })),
            "unsupported type: plain_text_input",
        ),
        (
            modal(&json!([{ "type": "divider", "block_id": "b" }, { "type": "divider", "block_id": "b" }])),
            "`block_id` must be unique: b",
        ),
        (of(json!({ "type": "divider", "block_id": "x".repeat(256) })), "less than 256 characters"),
        (of(input(button("a"))), "unsupported type: button [json-pointer:/view/blocks/0/element]"),
        (select(json!({})), "must define either `options` or `option_groups`"),
        (select(json!({ "options": [] })), "must have at least 1 item"),
        (select(json!({ "options": options(101) })), "no more than 100 items"),
        (select(json!({ "options": [option("a"), option("a")] })), "duplicate value: \"a\""),
        (select(json!({ "options": [option(&"x".repeat(76))] })), "less than 76 characters"),
        (
            select(json!({ "options": [option("a")], "initial_option": option("b") })),
            "the initial option \"b\" must be one of the options",
        ),
        (select(json!({ "option_groups": [{ "label": plain("x"), "options": [] }] })), "must have at least 1 item"),
        (of(input(json!({ "type": "radio_buttons", "options": options(11) }))), "no more than 10 items"),
        (
            of(input(
                json!({ "type": "multi_static_select", "options": options(3), "initial_options": options(3), "max_selected_items": 2 }),
            )),
            "must not select more",
        ),
        (of(input(json!({ "type": "plain_text_input", "max_length": 3_001 }))), "must be a number within its bounds"),
        (
            of(input(json!({ "type": "plain_text_input", "max_length": 2, "initial_value": "long" }))),
            "must not be longer",
        ),
        (of(input(json!({ "type": "number_input" }))), "missing required field: is_decimal_allowed"),
        (
            of(input(json!({ "type": "number_input", "is_decimal_allowed": false, "initial_value": 3 }))),
            "must be a string",
        ),
        (
            of(input(json!({ "type": "number_input", "is_decimal_allowed": false, "min_value": "few" }))),
            "must be a string that contains a number",
        ),
        (
            of(
                json!({ "type": "actions", "elements": [{ "type": "button", "text": plain("x"), "confirm": { "title": plain("x") } }] }),
            ),
            "missing required field: deny",
        ),
        (
            of(json!({ "type": "actions", "elements": [{ "type": "button", "text": plain("x"), "style": "loud" }] })),
            "must be a valid enum value",
        ),
        (
            with("blocks", json!(vec![json!({ "type": "section", "text": plain(&"x".repeat(3_000)) }); 90])),
            "must be less than 250000 bytes",
        ),
    ]
}

#[tokio::test]
async fn rejects_invalid_views_with_details() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    for (view, fault) in wrong_views() {
        let trigger = fake.trigger("U0ANA");
        let before = fake.faults().len();
        let error = slack.api().open_view(&trigger, &view).await.unwrap_err();
        assert_eq!(error.code().name(), "INVALID_ARGUMENTS", "{view}");
        assert!(error.message().contains(fault), "{view}: {error}, not {fault}");
        assert!(fake.faults()[before..].iter().any(|kept| kept.starts_with("views.open: ") && kept.contains(fault)));
        assert!(fake.person("U0ANA").view().is_none());
        // The trigger can be used for a better one.
        slack.api().open_view(&trigger, modal(&json!([section()]))).await.unwrap();
        fake.person("U0ANA").close().await.unwrap();
    }
}

#[tokio::test]
async fn rejects_invalid_messages() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let blocks = [
        (json!(vec![section(); 51]), "no more than 50 items"),
        (json!({ "type": "divider" }), "must be an array"),
        (json!([{ "type": "image", "alt_text": "x" }]), "must define either `image_url`"),
        (json!([{ "type": "section", "text": { "type": "markdown", "text": "x" } }]), "unsupported type: markdown"),
    ];
    for (blocks, fault) in blocks {
        let error = slack.api().post_message("#access").text("x").blocks(&blocks).await.unwrap_err();
        assert_eq!(error.code().name(), "INVALID_BLOCKS");
        assert!(error.message().contains(fault), "{error}");
    }
    let posted = slack.api().post_message("#access").text("x".repeat(5_000)).await.unwrap();
    let error = slack.api().update_message(&posted).text("x".repeat(4_001)).await.unwrap_err();
    assert!(error.message().contains("less than 4001 characters"), "{error}");
    assert_eq!(fake.messages().len(), 1);
    assert_eq!(fake.faults().len(), 5);
}
