//! The validation of inputs when a view is submitted: required inputs, numbers and lengths.
//!
//! Slack validates inputs before the app receives them, so an app never sees a submission that fails here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::visible_state::{ElementRef, Values, value_key};

/// Validates inputs as Slack does before it submits a view. Returns error messages by block.
pub(super) fn incomplete(surface: &Value, values: &Values) -> BTreeMap<String, String> {
    let mut errors = BTreeMap::new();
    for item in ElementRef::all(surface).filter(|item| item.is_input()) {
        let Some(key) = value_key(item.kind()) else { continue };
        let value = values.get(&item.key()).map_or(&Value::Null, |value| &value[key]);
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let error = match value.as_str() {
            _ if is_empty && item.block["optional"] == true => None,
            _ if is_empty => Some("Please complete this required field.".to_owned()),
            Some(text) if item.kind() == "number_input" => not_a_number(item.element, text),
            Some(text) if item.kind() == "plain_text_input" => not_of_length(item.element, text),
            _ => None,
        };
        errors.extend(error.map(|error| (item.block_id().to_owned(), error)));
    }
    errors
}

fn not_a_number(element: &Value, text: &str) -> Option<String> {
    let bound = |key: &str| element[key].as_str().and_then(|bound| bound.parse::<f64>().ok());
    let is_whole = text.parse::<i64>().is_ok() || element["is_decimal_allowed"] == true;
    match text.parse::<f64>().ok().filter(|number| number.is_finite() && is_whole) {
        None => Some("Please enter a valid number.".to_owned()),
        Some(number) if bound("min_value").is_some_and(|least| number < least) => {
            Some("This number is too small.".to_owned())
        }
        Some(number) if bound("max_value").is_some_and(|most| number > most) => {
            Some("This number is too large.".to_owned())
        }
        Some(_) => None,
    }
}

fn not_of_length(element: &Value, text: &str) -> Option<String> {
    let length = u64::try_from(text.encode_utf16().count()).unwrap_or(u64::MAX);
    // Slack's default.
    let most = element["max_length"].as_u64().unwrap_or(3_000);
    let least = element["min_length"].as_u64().unwrap_or_default();
    if length > most {
        Some(format!("Please enter no more than {most} characters."))
    } else if length < least {
        Some(format!("Please enter at least {least} characters."))
    } else {
        None
    }
}
