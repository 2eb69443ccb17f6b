//! The arguments of tools, which models write.
//!
//! What clients are known to do is taken: numbers as texts, `null` for what is left out, lists as JSON in a text. Names that no tool has are
//! refused, so that a misspelt one is not overlooked.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::FieldType;
use crate::model::{Flow, RunId};

/// The values of a flow's fields, and more that a request consists of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestArguments {
    pub(super) flow: String,
    #[serde(default)]
    pub(super) target: Option<String>,
    #[serde(default)]
    pub(super) duration: Option<Value>,
    #[serde(default)]
    pub(super) fields: Option<Vec<NamedValue>>,
    /// Only of a request.
    #[serde(default)]
    pub(super) key: Option<String>,
}

/// A field and its value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedValue {
    name: String,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoArguments {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowArgument {
    pub(super) flow: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionArguments {
    pub(super) flow: String,
    pub(super) field: String,
    #[serde(default)]
    pub(super) text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitArguments {
    pub(super) run_id: String,
    #[serde(default)]
    pub(super) seconds: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    #[serde(default)]
    pub(super) open_only: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GiveBackArguments {
    #[serde(default)]
    pub(super) run_id: Option<String>,
    #[serde(default)]
    pub(super) everything: Option<bool>,
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, message)
}

/// Reads the arguments of a tool.
pub(super) fn read<T: DeserializeOwned>(arguments: Option<Map<String, Value>>) -> Result<T> {
    serde_json::from_value(Value::Object(arguments.unwrap_or_default())).map_err(|error| {
        // The message quotes no more than the name of an argument and a value of the caller's own.
        invalid(format!("the arguments are not as expected: {error}"))
            .with_hint("`tools/list` describes the arguments of each tool")
    })
}

pub(super) fn run_id(text: &str) -> Result<RunId> {
    text.trim().parse()
}

/// Reads a number of seconds, which some clients write as a text.
pub(super) fn seconds(value: &Value) -> Result<u64> {
    let parsed = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| invalid(format!("`seconds` is a whole number, got {value}")))
}

impl RequestArguments {
    /// Returns the inputs of the request, as the runtime takes them from all front ends.
    pub(super) fn inputs(&self, flow: &Flow) -> Result<Map<String, Value>> {
        let mut inputs = Map::new();
        let special = [
            ("target_srn", self.target.as_ref().map(|target| Value::from(target.as_str()))),
            ("duration", self.duration.clone().filter(|duration| !duration.is_null())),
        ];
        for (name, value) in special {
            if let Some(value) = value {
                inputs.insert(name.to_owned(), value);
            }
        }
        for NamedValue { name, value } in self.fields.iter().flatten() {
            let value = match flow.field(name) {
                Some(field) => typed(field.field_type(), value.clone()),
                None => value.clone(),
            };
            if inputs.insert(name.clone(), value).is_some() {
                return Err(invalid(format!("the request has `{name}` twice")));
            }
        }
        Ok(inputs)
    }
}

/// Returns the value of a field as JSON of its type, if a text was written in its place.
fn typed(kind: FieldType, value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let text = text.trim();
    let parsed = || serde_json::from_str::<Value>(text).ok();
    match kind {
        FieldType::Int | FieldType::Bool => parsed().filter(|parsed| parsed.is_number() || parsed.is_boolean()),
        FieldType::StrList | FieldType::SlackUserList => {
            parsed().filter(Value::is_array).or_else(|| Some(Value::Array(vec![value.clone()])))
        }
        FieldType::IntList => {
            parsed().map(|parsed| if parsed.is_array() { parsed } else { Value::Array(vec![parsed]) })
        }
        FieldType::SlackUser => parsed().filter(Value::is_object),
        _ => None,
    }
    .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_values_of_the_type() {
        let table = [
            (FieldType::String, json!("7"), json!("7")),
            (FieldType::Int, json!("7"), json!(7)),
            (FieldType::Int, json!("seven"), json!("seven")),
            (FieldType::Bool, json!("true"), json!(true)),
            (FieldType::Duration, json!("1h"), json!("1h")),
            (FieldType::StrList, json!("a"), json!(["a"])),
            (FieldType::StrList, json!("[\"a\", \"b\"]"), json!(["a", "b"])),
            (FieldType::IntList, json!("3"), json!([3])),
            (FieldType::IntList, json!([1, 2]), json!([1, 2])),
            (FieldType::Int, json!(null), json!(null)),
        ];
        for (kind, value, expected) in table {
            assert_eq!(typed(kind, value.clone()), expected, "{kind} {value}");
        }
    }
}
