//! An independent checker of Slack's limits, written from the Block Kit reference and not from the builders.
//!
//! Each rule is one row, so that it can be compared with the reference. Characters are counted in UTF-16 code units, the strictest
//! interpretation.

use std::collections::HashSet;

use serde_json::Value;

/// Returns the violations of Slack's rules, as `path: reason`.
pub(super) fn faults_of_modal(view: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    faults.all_in(view, "view");
    faults.text(view, "title", 1, 24, "view");
    faults.text(view, "submit", 1, 24, "view");
    faults.text(view, "close", 1, 24, "view");
    faults.string(view, "callback_id", 1, 255, "view");
    faults.string(view, "private_metadata", 1, 3000, "view");
    faults.count(view, "blocks", 1, 100, "view");
    faults.unless(view["type"] == "modal", "view", "is not a modal");
    faults.unless(view.to_string().len() <= 250_000, "view", "is larger than 250 kB");
    faults.unless(view["title"]["type"] == "plain_text", "view", "has no title");
    let has_input = blocks(view).any(|block| block["type"] == "input");
    faults.unless(!has_input || view["submit"].is_object(), "view", "has an input and no submit");
    faults.blocks(view);
    faults.0
}

/// Returns the violations of Slack's rules, as `path: reason`.
pub(super) fn faults_of_message(message: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    faults.all_in(message, "message");
    faults.string(message, "text", 1, 4000, "message");
    faults.unless(message["text"].is_string(), "message", "has no text");
    faults.check_markup(message["text"].as_str().unwrap(), "message/text");
    faults.count(message, "blocks", 0, 50, "message");
    faults.blocks(message);
    faults.0
}

/// Returns the violations of Slack's rules, as `path: reason`.
pub(super) fn faults_of_suggestions(answer: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    faults.count(answer, "options", 0, 100, "answer");
    faults.all_in(answer, "answer");
    faults.0
}

#[derive(Default)]
struct Faults(Vec<String>);

/// A key, and its minimum and maximum number of characters or elements.
type Rule = (&'static str, usize, usize);

/// The rules of each `type`.
const RULES: &[(&str, &[Rule])] = &[
    ("actions", &[("elements", 1, 25)]),
    ("context", &[("elements", 1, 10)]),
    ("header", &[("text", 1, 150)]),
    ("section", &[("text", 1, 3000), ("fields", 1, 10)]),
    ("input", &[("label", 1, 2000), ("hint", 1, 2000)]),
    ("button", &[("text", 1, 75), ("value", 1, 2000), ("url", 1, 3000)]),
    ("static_select", &[("options", 1, 100), ("option_groups", 1, 100), ("placeholder", 1, 150)]),
    ("multi_static_select", &[("options", 1, 100), ("option_groups", 1, 100), ("placeholder", 1, 150)]),
    ("external_select", &[("placeholder", 1, 150)]),
    ("multi_external_select", &[("placeholder", 1, 150), ("initial_options", 1, 100)]),
    ("users_select", &[("placeholder", 1, 150)]),
    ("multi_users_select", &[("placeholder", 1, 150), ("initial_users", 1, 100)]),
    ("plain_text_input", &[("placeholder", 1, 150), ("initial_value", 1, 3000)]),
    ("number_input", &[("placeholder", 1, 150)]),
    ("checkboxes", &[("options", 1, 10)]),
    ("radio_buttons", &[("options", 1, 10)]),
    ("overflow", &[("options", 1, 5)]),
    ("divider", &[]),
    ("mrkdwn", &[("text", 1, 3000)]),
    ("plain_text", &[("text", 1, 3000)]),
    ("modal", &[]),
    ("rich_text", &[("elements", 1, usize::MAX)]),
    ("rich_text_section", &[("elements", 1, usize::MAX)]),
    ("rich_text_quote", &[("elements", 1, usize::MAX)]),
    ("text", &[("text", 1, 3000)]),
    ("user", &[]),
    ("date", &[]),
];

fn blocks(surface: &Value) -> impl Iterator<Item = &Value> {
    surface["blocks"].as_array().into_iter().flatten()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Faults {
    fn unless(&mut self, holds: bool, path: &str, why: impl AsRef<str>) {
        if !holds {
            self.0.push(format!("{path}: {}", why.as_ref()));
        }
    }

    fn string(&mut self, object: &Value, key: &str, min: usize, max: usize, path: &str) {
        if let Some(text) = object[key].as_str() {
            self.unless((min..=max).contains(&units(text)), path, format!("{key} has {} characters", units(text)));
        }
    }

    /// Checks the text object below a key.
    fn text(&mut self, object: &Value, key: &str, min: usize, max: usize, path: &str) {
        self.string(&object[key], "text", min, max, &format!("{path}/{key}"));
    }

    fn count(&mut self, object: &Value, key: &str, min: usize, max: usize, path: &str) {
        if let Some(list) = object[key].as_array() {
            self.unless((min..=max).contains(&list.len()), path, format!("{key} has {} elements", list.len()));
        }
    }

    /// Checks all objects in a value, recursively.
    fn all_in(&mut self, value: &Value, path: &str) {
        match value {
            Value::Array(list) => {
                for (at, inner) in list.iter().enumerate() {
                    self.all_in(inner, &format!("{path}/{at}"));
                }
            }
            Value::Object(object) => {
                self.object(value, path);
                for (key, inner) in object {
                    self.all_in(inner, &format!("{path}/{key}"));
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &Value, path: &str) {
        self.string(object, "action_id", 1, 255, path);
        self.string(object, "block_id", 1, 255, path);
        if let Some(kind) = object["type"].as_str() {
            match RULES.iter().find(|(name, _)| *name == kind) {
                Some((_, rules)) => rules.iter().for_each(|&(key, min, max)| self.rule(object, key, min, max, path)),
                None => self.unless(false, path, format!("no type {kind}")),
            }
            self.by_type(kind, object, path);
        } else if object.get("value").is_some() {
            self.option(object, path);
        } else if object.get("label").is_some() {
            self.text(object, "label", 1, 75, path);
            self.count(object, "options", 1, 100, path);
        } else if object.get("deny").is_some() {
            self.text(object, "title", 1, 100, path);
            self.text(object, "text", 1, 300, path);
            self.text(object, "confirm", 1, 30, path);
            self.text(object, "deny", 1, 30, path);
        }
    }

    fn rule(&mut self, object: &Value, key: &str, min: usize, max: usize, path: &str) {
        self.string(object, key, min, max, path);
        self.text(object, key, min, max, path);
        self.count(object, key, min, max, path);
    }

    fn option(&mut self, option: &Value, path: &str) {
        self.string(option, "value", 1, 75, path);
        self.text(option, "text", 1, 75, path);
        self.text(option, "description", 1, 75, path);
    }

    fn by_type(&mut self, kind: &str, object: &Value, path: &str) {
        match kind {
            "section" => {
                self.unless(
                    object["text"].is_object() || object["fields"].is_array(),
                    path,
                    "has no text and no fields",
                );
                for field in object["fields"].as_array().into_iter().flatten() {
                    self.string(field, "text", 1, 2000, path);
                }
            }
            "static_select" | "multi_static_select" => {
                let both = object["options"].is_array() && object["option_groups"].is_array();
                let none = object["options"].is_null() && object["option_groups"].is_null();
                self.unless(!both && !none, path, "has both of options and option_groups, or none");
                self.initial(object, path);
            }
            "checkboxes" | "radio_buttons" => self.initial(object, path),
            "plain_text_input" => {
                let max = object["max_length"].as_u64().unwrap();
                self.unless((1..=3000).contains(&max), path, "max_length");
                let initial = object["initial_value"].as_str().unwrap_or_default();
                self.unless(units(initial) as u64 <= max, path, "initial_value is longer than max_length");
            }
            "number_input" => {
                for key in ["initial_value", "min_value", "max_value"] {
                    self.unless(object[key].is_null() || object[key].is_string(), path, "a number is no string");
                }
            }
            "rich_text" => {
                let paragraphs = object["elements"].as_array().unwrap().iter();
                let parts = paragraphs.flat_map(|paragraph| paragraph["elements"].as_array().unwrap());
                let length: usize = parts.filter_map(|part| part["text"].as_str()).map(units).sum();
                self.unless(length <= 3000, path, format!("has {length} characters"));
            }
            "mrkdwn" => self.check_markup(object["text"].as_str().unwrap(), path),
            "plain_text" => {
                let blank = object["text"].as_str().unwrap().trim().is_empty();
                self.unless(!blank, path, "is blank");
            }
            _ => {}
        }
        let (max, some) = (object["max_selected_items"].as_u64(), ["initial_options", "initial_users"]);
        let picked = some.iter().filter_map(|key| object[key].as_array()).map(Vec::len).sum::<usize>();
        self.unless(max.is_none_or(|max| picked as u64 <= max), path, "more is picked than can be");
    }

    /// Checks that the initial selection is identical to one of the options.
    fn initial(&mut self, object: &Value, path: &str) {
        let groups = object["option_groups"].as_array().into_iter().flatten().map(|group| &group["options"]);
        let lists = groups.chain([&object["options"]]).filter_map(Value::as_array);
        let options: Vec<_> = lists.flatten().collect();
        let several = object["initial_options"].as_array().into_iter().flatten();
        for picked in several.chain(object.get("initial_option")) {
            self.unless(options.contains(&picked), path, "an initial option is not one of the options");
        }
    }

    /// Checks that formatting marks are paired and that every ampersand begins an entity.
    fn check_markup(&mut self, text: &str, path: &str) {
        let mut open = false;
        for (at, c) in text.char_indices() {
            match c {
                '<' | '>' => {
                    self.unless(open == (c == '>') || line_begins(text, at), path, format!("a stray {c}"));
                    open = c == '<';
                }
                '&' => {
                    let whole = ["&amp;", "&lt;", "&gt;"].iter().any(|entity| text[at..].starts_with(entity));
                    self.unless(whole, path, "a stray &");
                }
                _ => {}
            }
        }
        self.unless(!open, path, "an open <");
    }

    fn blocks(&mut self, surface: &Value) {
        let mut ids = HashSet::new();
        for block in blocks(surface) {
            if let Some(id) = block["block_id"].as_str() {
                self.unless(ids.insert(id), "blocks", format!("block_id {id} twice"));
            }
            let mut actions = HashSet::new();
            for element in block["elements"].as_array().into_iter().flatten() {
                if let Some(id) = element["action_id"].as_str() {
                    self.unless(actions.insert(id), "blocks", format!("action_id {id} twice"));
                }
            }
        }
    }
}

fn line_begins(text: &str, at: usize) -> bool {
    at == 0 || text[..at].ends_with('\n')
}
