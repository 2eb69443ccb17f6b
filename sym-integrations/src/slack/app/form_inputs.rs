//! What stands in the inputs of a form, as the runtime takes it.

use serde_json::{Map, Value};
use sym_sdk::forms::{FieldSpec, FieldType, FieldValue, PromptField, PromptForm};

use super::open_forms::Shown;
use super::option_key::by_key;
use super::payload::{Filled, View};

/// The inputs of a request: what stands in the fields that are seen, and what code has put into those that are not. What was
/// filled in for a field that the form has no more is passed on, for the runtime to say so.
pub(super) fn inputs(form: &PromptForm, view: &View) -> Map<String, Value> {
    let seen = view.revisions();
    let mut inputs = Map::new();
    for field in form.fields() {
        let value = match seen.get(field.name()) {
            Some(revision) => view.filled(field.name(), *revision).and_then(|filled| json(field, filled)),
            // It is on its way into the view.
            None if field.visible => continue,
            None => field.value.as_ref().map(FieldValue::to_json),
        };
        // What is empty stays so, whatever the field began with.
        inputs.insert(field.name().to_owned(), value.unwrap_or_default());
    }
    for (name, revision) in seen.into_iter().filter(|(name, _)| form.field(name).is_err()) {
        if let Some(value) = view.filled(name, revision).and_then(as_it_is) {
            inputs.insert(name.to_owned(), value);
        }
    }
    inputs
}

/// The form with what stands in the inputs of the view. What is not a value of the field's type is left out.
pub(super) fn fill(mut form: PromptForm, shown: &Shown, view: &View) -> PromptForm {
    let seen = view.revisions();
    for field in form.fields_mut() {
        // An input of an older state of the form says nothing about this one.
        let revision = seen.get(field.name()).filter(|revision| **revision >= shown.revision(field.name()));
        if let Some(filled) = revision.and_then(|revision| view.filled(field.name(), *revision)) {
            field.value = json(field, filled).and_then(|json| typed(field, &json));
        }
    }
    form
}

fn typed(field: &PromptField, json: &Value) -> Option<FieldValue> {
    FieldSpec::new(field.name(), field.field_type()).ok()?.parse(json).ok()
}

/// What stands in an input. What cannot be a value of the field is passed on as it is, for the runtime to say so.
fn json(field: &PromptField, filled: &Filled) -> Option<Value> {
    if let Some(picked) = &filled.selected_option {
        return Some(option(field, &picked.value));
    }
    if let Some(picked) = filled.selected_options.as_ref().filter(|picked| !picked.is_empty()) {
        return Some(picked.iter().map(|picked| option(field, &picked.value)).collect());
    }
    if filled.value.is_none() {
        return as_it_is(filled);
    }
    let text = filled.value.as_deref().filter(|text| !text.is_empty())?;
    Some(match field.field_type() {
        FieldType::StrList | FieldType::IntList => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| member(field.field_type(), line)).collect()
        }
        FieldType::String | FieldType::Duration => text.into(),
        other => member(other, text),
    })
}

/// What stands in an input of which nothing else is known.
fn as_it_is(filled: &Filled) -> Option<Value> {
    let text = filled.value.as_deref().or(filled.selected_user.as_deref());
    let text = text.or(filled.selected_option.as_ref().map(|picked| picked.value.as_str()));
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        return Some(text.into());
    }
    let users = filled.selected_users.iter().flatten().map(String::as_str);
    let picked = filled.selected_options.iter().flatten().map(|picked| picked.value.as_str());
    let several: Vec<&str> = users.chain(picked).collect();
    (!several.is_empty()).then(|| several.into())
}

fn option(field: &PromptField, key: &str) -> Value {
    match by_key(&field.current_allowed_values, key) {
        Some(option) => option.value().to_json(),
        None => member(field.field_type(), key),
    }
}

fn member(kind: FieldType, text: &str) -> Value {
    if kind.member() == FieldType::Duration
        && let Ok(seconds) = text.parse::<u64>()
    {
        return seconds.into();
    }
    kind.parse_text(text).map_or_else(|_| text.into(), |value| value.to_json())
}
