//! The text of an error at a field, for the person who fills in the form.
//!
//! The errors of the runtime name flow and field, for whoever calls an API. In a form they stand at the field, and say what to do.

use sym_sdk::error::{Error, codes};
use sym_sdk::forms::{FieldSpec, FieldType};
use sym_sdk::model::Flow;

use super::response::user_message;

/// Returns the text of an error at a field.
pub(super) fn field_error_text(flow: &Flow, field: Option<&str>, error: &Error) -> String {
    let spec = field.and_then(|field| flow.field(field));
    let code = error.code();
    if *code == codes::MISSING_FIELD {
        match (field, spec) {
            (_, Some(spec)) => return missing(spec),
            (Some("target_id" | "target_srn"), None) => return "Select a target.".to_owned(),
            (Some("duration"), None) => return "Select a duration.".to_owned(),
            _ => {}
        }
    }
    if *code == codes::INVALID_FIELD_VALUE || *code == codes::INVALID_DURATION {
        match spec.map(FieldSpec::field_type) {
            Some(FieldType::Int) => return "Enter a whole number.".to_owned(),
            Some(FieldType::IntList) => return "Enter whole numbers, one on each line.".to_owned(),
            Some(FieldType::Duration) => return "Enter a duration, such as 30m or 1h 30m.".to_owned(),
            _ => {}
        }
    }
    if *code == codes::OPTION_NOT_ALLOWED {
        return "This is not offered any more. Select another option.".to_owned();
    }
    user_message(error)
}

fn missing(spec: &FieldSpec) -> String {
    let is_menu = !spec.allowed_values().is_empty() || spec.is_prefetched();
    match spec.field_type() {
        FieldType::SlackUser => "Select a person.".to_owned(),
        FieldType::SlackUserList => "Select at least one person.".to_owned(),
        FieldType::Bool => "Select an answer.".to_owned(),
        kind if is_menu && kind.is_list() => "Select at least one option.".to_owned(),
        _ if is_menu => "Select an option.".to_owned(),
        FieldType::Int => "Enter a whole number.".to_owned(),
        FieldType::Duration => "Enter a duration, such as 30m or 1h 30m.".to_owned(),
        _ => match noun(spec.label()) {
            Some(noun) => format!("Enter {noun}."),
            None => "Enter a value.".to_owned(),
        },
    }
}

/// Returns a label of one word with an article, such as `a reason`.
fn noun(label: &str) -> Option<String> {
    let label = label.trim();
    let mut chars = label.chars();
    let first = chars.next()?;
    let is_word = first.is_uppercase() && chars.all(|c| c.is_lowercase());
    if !is_word || label.ends_with('s') {
        return None;
    }
    let article = if matches!(first, 'A' | 'E' | 'I' | 'O') { "an" } else { "a" };
    Some(format!("{article} {}", label.to_lowercase()))
}
