//! The payloads that Slack sends, with all their fields, so that parsing them costs as much as in production.

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::fixture::{Pending, Person, WORKSPACE};

const APP: &str = "A0LOAD";
const TOKEN: &str = "8f742231b10e8888abcd99yy";

/// Returns the payload of the command `/sym req`.
pub(crate) fn command(by: &Person, text: &str, trigger: usize) -> String {
    Serializer::new(String::new())
        .append_pair("token", TOKEN)
        .append_pair("team_id", WORKSPACE)
        .append_pair("channel_id", "C0GENERAL")
        .append_pair("channel_name", "general")
        .append_pair("user_id", &by.account)
        .append_pair("command", "/sym")
        .append_pair("text", text)
        .append_pair("api_app_id", APP)
        .append_pair("trigger_id", &format!("{trigger}.12466734323.1395872398"))
        .finish()
}

/// Returns the payload of a text typed into a form's menu.
pub(crate) fn suggestion(by: &Person, view_id: &str, view: &Value, block: &str, typed: &str) -> String {
    let mut view = view.clone();
    let more = json!({
        "id": view_id, "team_id": WORKSPACE, "state": { "values": {} }, "hash": "1709208000.h", "clear_on_close": false,
        "previous_view_id": null, "root_view_id": view_id, "app_id": APP, "external_id": "",
        "app_installed_team_id": WORKSPACE, "bot_id": "B0BOT",
    });
    if let (Some(view), Value::Object(more)) = (view.as_object_mut(), more) {
        view.extend(more);
    }
    encode(&json!({
        "type": "block_suggestion", "user": user(by), "container": { "type": "view", "view_id": view_id },
        "api_app_id": APP, "token": TOKEN, "action_id": "value", "block_id": block, "value": typed, "team": team(),
        "enterprise": null, "is_enterprise_install": false, "view": view,
    }))
}

/// Returns the payload of a click on Approve.
pub(crate) fn approval(by: &Person, message: &Value, request: &Pending, number: usize, response_url: &str) -> String {
    let text = message.to_string().replace(button_value(message), &request.run);
    let message: Value = serde_json::from_str(&text).unwrap_or_default();
    encode(&json!({
        "type": "block_actions", "user": user(by), "api_app_id": APP, "token": TOKEN,
        "container": {
            "type": "message", "message_ts": request.ts, "channel_id": request.channel, "is_ephemeral": false,
        },
        "trigger_id": format!("{number}.12466734323.1395872398"), "team": team(), "enterprise": null,
        "is_enterprise_install": false, "channel": { "id": request.channel, "name": "access" },
        "message": {
            "user": "U0BOT", "type": "message", "ts": request.ts, "bot_id": "B0BOT", "app_id": APP, "team": WORKSPACE,
            "text": message["text"], "blocks": message["blocks"],
        },
        "state": { "values": {} }, "response_url": response_url,
        "actions": [{
            "action_id": "approve", "block_id": "aZ9", "text": { "type": "plain_text", "text": "Approve", "emoji": false },
            "value": request.run, "style": "primary", "type": "button", "action_ts": format!("1709208100.{number:06}"),
        }],
    }))
}

/// Returns the Run ID in the message's buttons.
fn button_value(message: &Value) -> &str {
    let blocks = message["blocks"].as_array().into_iter().flatten();
    let mut elements = blocks.filter_map(|block| block["elements"].as_array()).flatten();
    elements.find_map(|element| element["value"].as_str()).unwrap_or("no button")
}

fn user(person: &Person) -> Value {
    let name = person.account.to_lowercase();
    json!({ "id": person.account, "username": name, "name": name, "team_id": WORKSPACE })
}

fn team() -> Value {
    json!({ "id": WORKSPACE, "domain": "example" })
}

fn encode(payload: &Value) -> String {
    Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
}
