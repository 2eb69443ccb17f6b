//! Validation of views, messages and options by Slack's rules. Each fault names its place by a JSON pointer.
//!
//! Slack does not document how it counts characters. They are counted in UTF-16 code units here, the strictest interpretation.

mod rules;
mod schema;

use std::collections::HashSet;

use serde_json::Value;

use schema::{Field, Rule};

/// Maximum length of the text of a message, and of an update.
const MESSAGE_TEXT: (usize, usize) = (40_000, 4_000);

/// Maximum length of the blocks of a message as JSON. Slack documents none, but replies `msg_blocks_too_long` from about here on.
const MESSAGE_BLOCKS: usize = 13_200;

/// Maximum size of a view's JSON, in bytes.
const VIEW: usize = 250_000;

/// Checks a modal view.
pub(super) fn view(view: &Value) -> Vec<String> {
    let mut check = Check::view(view, schema::MODAL);
    if view["blocks"].as_array().is_some_and(Vec::is_empty) {
        check.fault("/view/blocks", "must have at least 1 item");
    }
    let asks = list(&view["blocks"]).iter().any(|block| block["type"] == "input");
    if asks && view["submit"].is_null() {
        check.fault("/view", "missing required field: submit");
    }
    check.faults
}

/// Checks the view of a home tab.
pub(super) fn home(view: &Value) -> Vec<String> {
    Check::view(view, schema::HOME).faults
}

/// Checks the content of a message.
pub(super) fn message(message: &Value, is_update: bool) -> Vec<String> {
    let mut check = Check::default();
    let (posted, updated) = MESSAGE_TEXT;
    check.value(&message["text"], Rule::Chars(0, if is_update { updated } else { posted }), "/text");
    if !message["blocks"].is_null() {
        check.value(&message["blocks"], Rule::Several(schema::BLOCKS_OF_MESSAGES, 50), "/blocks");
        check.ids(&message["blocks"], "/blocks");
        let length = message["blocks"].to_string().encode_utf16().count();
        check.unless(length <= MESSAGE_BLOCKS, "/blocks", &format!("must be less than {MESSAGE_BLOCKS} characters"));
    }
    check.faults
}

/// Checks the options that an app suggests.
pub(super) fn suggestions(answer: &Value) -> Vec<String> {
    let mut check = Check::default();
    match (&answer["options"], &answer["option_groups"]) {
        (Value::Null, Value::Null) => check.fault("", "missing required field: options"),
        (options, Value::Null) => check.options(options, 0, 100, "/options"),
        (_, groups) => check.value(groups, Rule::Groups, "/option_groups"),
    }
    check.faults
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[derive(Default)]
struct Check {
    faults: Vec<String>,
}

impl Check {
    /// Checks what all kinds of views have in common.
    fn view(view: &Value, fields: &[Field]) -> Self {
        let mut check = Self::default();
        check.object(view, fields, "/view", &[]);
        if view.to_string().len() > VIEW {
            check.fault("/view", format!("must be less than {VIEW} bytes"));
        }
        check.ids(&view["blocks"], "/view/blocks");
        check
    }

    fn fault(&mut self, at: &str, what: impl AsRef<str>) {
        self.faults.push(format!("[ERROR] {} [json-pointer:{at}]", what.as_ref()));
    }

    /// Checks an object by its type.
    fn typed(&mut self, value: &Value, types: &[&str], at: &str) {
        match value["type"].as_str() {
            None => self.fault(at, "missing required field: type"),
            Some(kind) if !types.contains(&kind) => self.fault(at, format!("unsupported type: {kind}")),
            Some(kind) => {
                if let Some(fields) = schema::of(kind) {
                    self.object(value, fields, at, &["type"]);
                    self.more(kind, value, at);
                }
            }
        }
    }

    fn object(&mut self, value: &Value, fields: &[Field], at: &str, besides: &[&str]) {
        let Some(object) = value.as_object() else { return self.fault(at, "must provide an object") };
        for field in fields {
            match object.get(field.key) {
                None if field.is_required => self.fault(at, format!("missing required field: {}", field.key)),
                None => {}
                Some(value) => self.value(value, field.rule, &format!("{at}/{}", field.key)),
            }
        }
        let is_known = |key: &str| besides.contains(&key) || fields.iter().any(|field| field.key == key);
        for key in object.keys().filter(|key| !is_known(key)) {
            self.fault(at, format!("invalid additional property: {key}"));
        }
    }

    fn value(&mut self, value: &Value, rule: Rule, at: &str) {
        match rule {
            Rule::Any => {}
            Rule::Flag => self.unless(value.is_boolean(), at, "must be a boolean"),
            Rule::Text(most) => self.text(value, &["mrkdwn", "plain_text"], most, at),
            Rule::Plain(most) => self.text(value, &["plain_text"], most, at),
            Rule::Chars(least, most) => self.chars(value, least, most, at),
            Rule::Count(least, most) => {
                let fits = value.as_u64().is_some_and(|count| (least..=most).contains(&count));
                self.unless(fits, at, "must be a number within its bounds");
            }
            Rule::OneOf(known) => {
                self.unless(
                    value.as_str().is_some_and(|value| known.contains(&value)),
                    at,
                    "must be a valid enum value",
                );
            }
            Rule::Options(most) => self.options(value, 1, most, at),
            Rule::Groups => {
                self.each(value, 1, 100, at, |check, group, at| check.object(group, schema::GROUP, at, &[]));
            }
            Rule::Option => self.object(value, schema::OPTION, at, &[]),
            Rule::Ids(most) => self.each(value, 1, most, at, |check, id, at| check.chars(id, 1, 255, at)),
            Rule::Several(types, most) => {
                self.each(value, 0, most, at, |check, one, at| check.typed(one, types, at));
            }
            Rule::Parts(types, most) => {
                self.each(value, 1, most, at, |check, one, at| check.typed(one, types, at));
            }
            Rule::One(types) => self.typed(value, types, at),
            Rule::Texts(most, chars) => {
                self.each(value, 1, most, at, |check, text, at| check.text(text, &["mrkdwn", "plain_text"], chars, at));
            }
            Rule::Confirm => self.object(value, schema::CONFIRMATION, at, &[]),
            Rule::DispatchConfig => self.unless(value.is_object(), at, "must provide an object"),
        }
    }

    fn unless(&mut self, holds: bool, at: &str, what: &str) {
        if !holds {
            self.fault(at, what);
        }
    }

    fn text(&mut self, value: &Value, kinds: &[&str], most: usize, at: &str) {
        let before = self.faults.len();
        self.typed(value, kinds, at);
        if self.faults.len() == before {
            self.chars(&value["text"], 1, most, &format!("{at}/text"));
        }
    }

    fn chars(&mut self, value: &Value, least: usize, most: usize, at: &str) {
        let length = match value {
            Value::Null if least == 0 => 0,
            value => match value.as_str() {
                Some(text) => text.encode_utf16().count(),
                None => return self.fault(at, "must be a string"),
            },
        };
        if length < least {
            self.fault(at, format!("must be more than {} characters", least.saturating_sub(1)));
        } else if length > most {
            self.fault(at, format!("must be less than {} characters", most.saturating_add(1)));
        }
    }

    /// Checks options, whose values must be unique.
    fn options(&mut self, value: &Value, least: usize, most: usize, at: &str) {
        self.each(value, least, most, at, |check, option, at| check.object(option, schema::OPTION, at, &[]));
        let mut seen = HashSet::new();
        for option in list(value).iter().filter(|option| !seen.insert(&option["value"])) {
            self.fault(at, format!("duplicate value: {}", option["value"]));
        }
    }

    fn each(
        &mut self,
        value: &Value,
        least: usize,
        most: usize,
        at: &str,
        mut one: impl FnMut(&mut Self, &Value, &str),
    ) {
        let Some(list) = value.as_array() else { return self.fault(at, "must be an array") };
        if list.len() < least {
            self.fault(at, format!("must have at least {least} item"));
        } else if list.len() > most {
            self.fault(at, format!("no more than {most} items allowed"));
        }
        for (index, value) in list.iter().enumerate() {
            one(self, value, &format!("{at}/{index}"));
        }
    }
}
