//! Building payloads, and reading views.

use serde_json::{Value, json};
use sym_sdk::config::PromptField;
use sym_sdk::model::RunId;

use super::{WORKSPACE, field, option};

pub(super) fn suggestion(account: &str, view: &Value, block: &str, typed: &str) -> Value {
    json!({
        "type": "block_suggestion",
        "team": { "id": WORKSPACE },
        "user": { "id": account },
        "view": view,
        "block_id": block,
        "action_id": "value",
        "value": typed,
    })
}

pub(super) fn with_values(view: &Value, values: &Value) -> Value {
    let mut view = view.clone();
    view["state"] = json!({ "values": values });
    view
}

pub(super) fn change(view: &Value, values: &Value, block: &str) -> Value {
    json!({
        "type": "block_actions",
        "team": { "id": WORKSPACE },
        "user": { "id": "U0ANA" },
        "view": with_values(view, values),
        "actions": [{ "action_id": "value", "block_id": block, "action_ts": "1709208200.000001" }],
    })
}

pub(super) fn run_of(view: &Value) -> RunId {
    view["private_metadata"].as_str().unwrap().parse().unwrap()
}

pub(super) fn element<'a>(view: &'a Value, id: &str) -> &'a Value {
    &view["blocks"].as_array().unwrap().iter().find(|block| block["block_id"] == id).unwrap()["element"]
}

pub(super) fn admins(view: &Value) -> Value {
    let options = element(view, "target_id:0")["options"].as_array().unwrap();
    option(options.iter().find(|option| option["text"]["text"] == "admins").unwrap()["value"].as_str().unwrap())
}

pub(super) fn prefetched(name: &str) -> PromptField {
    PromptField { prefetch: true, ..field(name, "string") }
}

/// Returns the block ids of the inputs.
pub(super) fn inputs(view: &Value) -> Vec<&str> {
    let blocks = view["blocks"].as_array().unwrap().iter();
    blocks.filter(|block| block["type"] == "input").map(|block| block["block_id"].as_str().unwrap()).collect()
}

pub(super) fn first_text(view: &Value) -> &str {
    view["blocks"][0]["text"]["text"].as_str().unwrap()
}
