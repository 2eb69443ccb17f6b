//! Converting between the inputs of a view and the values of a form.

use serde_json::{Map, Value};
use sym_sdk::forms::{FieldType, PromptField, PromptForm};

use super::form_place::FormSnapshot;
use super::option_key::find_by_key;
use super::payload::{InputState, View};

/// Returns the inputs of a request: the values in the view. Values of fields that the form no longer has are included, so that the
/// runtime reports them. Those of fields that the view does not show are the runtime's to add.
pub(super) fn inputs(form: &PromptForm, view: &View) -> Map<String, Value> {
    let revisions = view.revisions();
    let mut inputs = Map::new();
    for field in form.fields() {
        let Some(revision) = revisions.get(field.name()) else { continue };
        let value = view.input(field.name(), *revision).and_then(|input| input_to_json(field, input));
        // An empty input is submitted as `null`, so that the default does not apply.
        inputs.insert(field.name().to_owned(), value.unwrap_or_default());
    }
    for (name, revision) in revisions.into_iter().filter(|(name, _)| form.field(name).is_err()) {
        if let Some(value) = view.input(name, revision).and_then(untyped_to_json) {
            inputs.insert(name.to_owned(), value);
        }
    }
    inputs
}

/// Returns the values in the view, by field: what the form is filled with. An input that is empty is `null`.
pub(super) fn entered(snapshot: &FormSnapshot, view: &View) -> Map<String, Value> {
    let revisions = view.revisions();
    let mut entered = Map::new();
    for field in snapshot.form.fields() {
        // An input of an older revision was replaced by a handler, so its value is outdated.
        let revision = revisions.get(field.name()).filter(|revision| **revision >= snapshot.revision(field.name()));
        if let Some(input) = revision.and_then(|revision| view.input(field.name(), *revision)) {
            entered.insert(field.name().to_owned(), input_to_json(field, input).unwrap_or_default());
        }
    }
    entered
}

/// Returns the value of an input. A value that does not have the field's type is returned as text, so that the runtime
/// reports it.
fn input_to_json(field: &PromptField, input: &InputState) -> Option<Value> {
    if let Some(selected) = &input.selected_option {
        return Some(option_to_json(field, &selected.value));
    }
    if let Some(selected) = input.selected_options.as_ref().filter(|selected| !selected.is_empty()) {
        return Some(selected.iter().map(|selected| option_to_json(field, &selected.value)).collect());
    }
    if input.value.is_none() {
        return untyped_to_json(input);
    }
    let text = input.value.as_deref().filter(|text| !text.is_empty())?;
    Some(match field.field_type() {
        FieldType::StrList | FieldType::IntList => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| text_to_json(field.field_type(), line)).collect()
        }
        FieldType::String | FieldType::Duration => text.into(),
        other => text_to_json(other, text),
    })
}

/// Returns the value of an input whose field is unknown.
fn untyped_to_json(input: &InputState) -> Option<Value> {
    let text = input.value.as_deref().or(input.selected_user.as_deref());
    let text = text.or(input.selected_option.as_ref().map(|selected| selected.value.as_str()));
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        return Some(text.into());
    }
    let users = input.selected_users.iter().flatten().map(String::as_str);
    let options = input.selected_options.iter().flatten().map(|selected| selected.value.as_str());
    let list: Vec<&str> = users.chain(options).collect();
    (!list.is_empty()).then(|| list.into())
}

fn option_to_json(field: &PromptField, key: &str) -> Value {
    match find_by_key(&field.current_allowed_values, key) {
        Some(option) => option.value().to_json(),
        None => text_to_json(field.field_type(), key),
    }
}

fn text_to_json(kind: FieldType, text: &str) -> Value {
    if kind.member() == FieldType::Duration
        && let Ok(seconds) = text.parse::<u64>()
    {
        return seconds.into();
    }
    kind.parse_text(text).map_or_else(|_| text.into(), |value| value.to_json())
}
