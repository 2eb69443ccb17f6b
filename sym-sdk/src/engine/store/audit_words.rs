//! The words of audit entries, by which the log is searched.

use serde_json::Value;

use crate::machine::AuditEntry;

/// The words of a search: an entry matches if its text has all of them, in any case and order, and as parts of longer words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditWords(Vec<String>);

impl AuditWords {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_lowercase).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn are_in(&self, entry: &AuditEntry) -> bool {
        if self.is_empty() {
            return true;
        }
        let text = text_of(entry).to_lowercase();
        self.0.iter().all(|word| text.contains(word.as_str()))
    }
}

/// Returns what an entry says: whom it names, the Run, the flow and the target, what was entered, and what its kind reports. Texts stand on
/// lines of their own, so that no word is found across two of them.
fn text_of(entry: &AuditEntry) -> String {
    let event = &*entry.event;
    let mut text = String::new();
    let mut add = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    add(event.actor.username());
    add(&event.actor.full_name());
    add(&entry.run.to_string());
    add(&event.id.to_string());
    add(entry.flow.slug());
    add(event.name.as_str());
    add(entry.status.as_str());
    if let Some(target) = &event.target {
        add(target.name());
        add(&target.title());
    }
    event.reason.iter().chain(&event.decision_message).for_each(|text| add(text));
    event.fields.iter().for_each(|(_, value)| add(&value.to_string()));
    // All that a kind has is text that somebody wrote, or a name.
    add_texts(&serde_json::to_value(&entry.kind).unwrap_or_default(), &mut add);
    add(entry.kind.name());
    text
}

fn add_texts(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => add(text),
        Value::Array(items) => items.iter().for_each(|item| add_texts(item, add)),
        Value::Object(members) => members.values().for_each(|member| add_texts(member, add)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
