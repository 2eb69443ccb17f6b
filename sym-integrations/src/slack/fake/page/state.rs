//! The visible state as JSON, for programs.

use serde_json::{Value, json};

use crate::slack::fake::input_value::options;
use crate::slack::fake::visible_state::{self, ElementRef, value_key};
use crate::slack::fake::workspace::Workspace;
use crate::slack::fake::{Message, View};

/// Returns what a person sees.
pub(super) fn of(workspace: &Workspace, user: &str, version: u64) -> Value {
    let channels = workspace.channels.iter().filter(|(_, channel)| channel.has_member(user));
    let channels: Vec<_> = channels.map(|(id, channel)| json!({ "id": id, "name": channel.name })).collect();
    let people = workspace.members.values().filter(|member| member.is_active());
    let people: Vec<_> = people.map(|member| json!({ "id": member.id(), "name": member.display_name() })).collect();
    json!({
        "version": version,
        "me": { "id": user, "name": workspace.name_of(user) },
        "people": people,
        "channels": channels,
        "messages": workspace.seen_by(user).map(|message| of_message(workspace, message)).collect::<Vec<_>>(),
        "view": workspace.top(user).map(of_view),
        "home": workspace.homes.get(user).map(of_view),
        "faults": workspace.faults,
    })
}

fn of_message(workspace: &Workspace, message: &Message) -> Value {
    let channel = workspace.channels.get(&message.channel).map(|channel| channel.name.as_str());
    json!({
        "channel": { "id": message.channel, "name": channel },
        "ts": message.ts,
        "only_for_you": message.only_for.is_some(),
        "text": message.text(),
        "all_text": message.all_text(),
        "buttons": message.buttons(),
        "blocks": message.json["blocks"],
    })
}

fn of_view(view: &View) -> Value {
    let inputs = ElementRef::all(&view.json).filter(|item| value_key(item.kind()).is_some()).map(|item| {
        let label = item.block.get("label").or(item.element.get("placeholder"));
        let value = view.values.get(&item.key()).zip(value_key(item.kind())).map(|(value, key)| &value[key]);
        let labels = options(item.element).into_iter().map(|option| &option["text"]["text"]);
        json!({
            "label": label.map(|label| &label["text"]),
            "type": item.kind(),
            "optional": item.block["optional"] == true,
            "options": labels.collect::<Vec<_>>(),
            "value": value,
            "error": view.errors.get(item.block_id()),
        })
    });
    json!({
        "id": view.id(),
        "title": view.title(),
        "text": view.all_text(),
        "inputs": inputs.collect::<Vec<_>>(),
        "buttons": visible_state::buttons(&view.json),
        "can_submit": view.json["submit"].is_object(),
        "error_message": view.error_message,
    })
}
