//! The visible state of views and messages: their blocks, elements and values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Values of elements, by block and element.
pub(super) type Values = BTreeMap<(String, String), Value>;

/// Returns the blocks of a view or message.
pub(super) fn blocks(surface: &Value) -> &[Value] {
    list(&surface["blocks"])
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Returns the elements of a block.
pub(super) fn elements(block: &Value) -> Vec<&Value> {
    match block["type"].as_str() {
        Some("input") => vec![&block["element"]],
        Some("section") => block.get("accessory").into_iter().collect(),
        Some("actions") => list(&block["elements"]).iter().collect(),
        _ => Vec::new(),
    }
}

/// An element and its block.
#[derive(Clone, Copy)]
pub(super) struct ElementRef<'a> {
    pub(super) block: &'a Value,
    pub(super) element: &'a Value,
}

impl<'a> ElementRef<'a> {
    /// Returns all elements of a view or message.
    pub(super) fn all(surface: &'a Value) -> impl Iterator<Item = Self> {
        blocks(surface).iter().flat_map(|block| elements(block).into_iter().map(move |element| Self { block, element }))
    }

    pub(super) fn kind(self) -> &'a str {
        self.element["type"].as_str().unwrap_or_default()
    }

    pub(super) fn block_id(self) -> &'a str {
        self.block["block_id"].as_str().unwrap_or_default()
    }

    pub(super) fn key(self) -> (String, String) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&self.block["block_id"]), text(&self.element["action_id"]))
    }

    pub(super) fn is_input(self) -> bool {
        self.block["type"] == "input"
    }

    /// Whether people would call the element by this name: its label, text or placeholder.
    pub(super) fn is_called(self, name: &str) -> bool {
        [&self.block["label"]["text"], &self.element["text"]["text"], &self.element["placeholder"]["text"]]
            .into_iter()
            .any(|text| text == name)
    }

    /// Whether a change of the element is sent to the app immediately.
    pub(super) fn dispatches(self) -> bool {
        !self.is_input() || self.block["dispatch_action"] == true
    }
}

pub(super) fn buttons(surface: &Value) -> Vec<&str> {
    let buttons = ElementRef::all(surface).filter(|item| item.kind() == "button");
    buttons.filter_map(|item| item.element["text"]["text"].as_str()).collect()
}

/// Returns all visible text, one line per part.
pub(super) fn all_text(surface: &Value) -> String {
    let mut lines = Vec::new();
    for block in blocks(surface) {
        let fields = list(&block["fields"]).iter().map(|field| &field["text"]);
        let elements = list(&block["elements"]).iter().filter(|_| block["type"] == "context");
        let elements = elements.map(|element| &element["text"]);
        let texts = [&block["text"]["text"], &block["label"]["text"], &block["hint"]["text"]];
        let texts = texts.into_iter().chain(fields).chain(elements).filter_map(Value::as_str);
        lines.extend(texts.map(str::to_owned));
        if block["type"] == "rich_text" {
            lines.extend(list(&block["elements"]).iter().map(rich_text));
        }
    }
    lines.join("\n")
}

/// Returns a part of a rich text block in mrkdwn, with its text as it is.
fn rich_text(part: &Value) -> String {
    if part["type"] == "rich_text_list" {
        return list(&part["elements"])
            .iter()
            .map(|item| format!("• {}", rich_text(item)))
            .collect::<Vec<_>>()
            .join("\n");
    }
    let text: String = list(&part["elements"]).iter().map(span).collect();
    match part["type"].as_str() {
        Some("rich_text_quote") => text.split('\n').map(|line| format!(">{line}")).collect::<Vec<_>>().join("\n"),
        Some("rich_text_preformatted") => format!("```{text}```"),
        _ => text,
    }
}

fn span(span: &Value) -> String {
    let text = |key: &str| span[key].as_str().unwrap_or_default();
    let content = match span["type"].as_str().unwrap_or_default() {
        "user" => format!("<@{}>", text("user_id")),
        "channel" => format!("<#{}>", text("channel_id")),
        "emoji" => format!(":{}:", text("name")),
        "date" => text("fallback").to_owned(),
        _ => text("text").to_owned(),
    };
    let marks = [("bold", '*'), ("italic", '_'), ("strike", '~'), ("code", '`')];
    marks
        .into_iter()
        .filter(|(style, _)| span["style"][style] == true)
        .fold(content, |text, (_, mark)| format!("{mark}{text}{mark}"))
}

/// Returns the key under which the value of an element of this type is sent.
pub(super) fn value_key(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "plain_text_input" | "number_input" | "email_text_input" | "url_text_input" => "value",
        "static_select" | "external_select" | "radio_buttons" => "selected_option",
        "multi_static_select" | "multi_external_select" | "checkboxes" => "selected_options",
        "users_select" => "selected_user",
        "multi_users_select" => "selected_users",
        "conversations_select" => "selected_conversation",
        "multi_conversations_select" => "selected_conversations",
        "channels_select" => "selected_channel",
        "multi_channels_select" => "selected_channels",
        "datepicker" => "selected_date",
        "timepicker" => "selected_time",
        "datetimepicker" => "selected_date_time",
        _ => return None,
    })
}

/// Returns the initial value of an element.
fn initial(element: &Value) -> Option<Value> {
    let kind = element["type"].as_str()?;
    let key = value_key(kind)?;
    let from = match key {
        "value" => "initial_value".to_owned(),
        key => key.replacen("selected", "initial", 1),
    };
    let value = match element.get(&from) {
        Some(value) if key == "value" && value == "" => Value::Null,
        Some(value) => value.clone(),
        None if key.ends_with('s') => json!([]),
        None => Value::Null,
    };
    Some(json!({ "type": kind, key: value }))
}

/// Returns the values of a surface that replaces one with values `before`. Slack keeps the values of elements that remain.
pub(super) fn values(surface: &Value, before: &Values) -> Values {
    let mut values = Values::new();
    for item in ElementRef::all(surface) {
        let Some(initial) = initial(item.element) else { continue };
        let key = item.key();
        let kept = before.get(&key).filter(|kept| kept["type"] == initial["type"]);
        values.insert(key, kept.cloned().unwrap_or(initial));
    }
    values
}

/// Returns the values as they are sent to the app.
pub(super) fn state(values: &Values) -> Value {
    let mut blocks = Map::new();
    for ((block, action), value) in values {
        let elements = blocks.entry(block.clone()).or_insert_with(|| json!({}));
        elements[action] = value.clone();
    }
    json!({ "values": blocks })
}

/// Generates missing ids of blocks and elements.
pub(super) fn assign_ids(blocks: &mut Value, random: &mut fastrand::Rng) {
    for block in blocks.as_array_mut().into_iter().flatten() {
        let has_actions = ["actions", "input", "section"].iter().any(|kind| block["type"] == *kind);
        assign_id(block, "block_id", random);
        if !has_actions {
            continue;
        }
        for key in ["element", "accessory"] {
            if let Some(element) = block.get_mut(key) {
                assign_id(element, "action_id", random);
            }
        }
        let elements = block.get_mut("elements").and_then(Value::as_array_mut);
        for element in elements.into_iter().flatten() {
            assign_id(element, "action_id", random);
        }
    }
}

fn assign_id(part: &mut Value, key: &str, random: &mut fastrand::Rng) {
    // Images are not interactive and have no action id.
    let is_needed = key == "block_id" || part["type"] != "image";
    if let Some(part) = part.as_object_mut().filter(|_| is_needed).filter(|part| !part.contains_key(key)) {
        let id: String = (0..5).map(|_| random.alphanumeric()).collect();
        part.insert(key.to_owned(), id.into());
    }
}
