//! What stands in the inputs of a form, as the runtime takes it.

use serde_json::{Map, Value};
use sym_sdk::forms::{FieldSpec, FieldType, FieldValue, PromptField, PromptForm};

use super::forms::Shown;
use super::modal::block_of;
use super::option::by_key;
use super::payload::{Filled, State};

/// The inputs of a request: what stands in the fields that are seen, and what code has put into those that are not.
pub(super) fn inputs(form: &PromptForm, shown: &Shown, state: &State) -> Map<String, Value> {
    let mut inputs = Map::new();
    for field in form.fields() {
        let value = if field.visible {
            state.of_block(&block_of(field.name(), shown)).and_then(|filled| json(field, filled))
        } else {
            field.value.as_ref().map(FieldValue::to_json)
        };
        if let Some(value) = value {
            inputs.insert(field.name().to_owned(), value);
        }
    }
    inputs
}

/// The form with what stands in its inputs. What is not a value of the field's type is left out.
pub(super) fn fill(mut form: PromptForm, shown: &Shown, state: &State) -> PromptForm {
    for field in form.fields_mut().filter(|field| field.visible) {
        // An input of an older state of the form says nothing about this one.
        if let Some(filled) = state.of_block(&block_of(field.name(), shown)) {
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
    if let Some(user) = &filled.selected_user {
        return Some(user.as_str().into());
    }
    if let Some(users) = filled.selected_users.as_ref().filter(|users| !users.is_empty()) {
        return Some(users.iter().map(String::as_str).collect());
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
