//! JSON, as Go writes it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::number::Number;
use super::super::value::MAX_NESTING;
use super::{Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("jsondecode", 1, 1, |args| {
        decode(&args.text(0)?).map_err(|why| FunctionError::new(format!("the string is not JSON: {why}")).at(0))
    }),
    Function::new("jsonencode", 1, 1, |args| Ok(Value::text(encode(args.known(0)?)?))),
];

/// Converts JSON to a value. Numbers are exact; of several entries with one name, the last one counts.
pub(in crate::config::terraform) fn decode(text: &str) -> Result<Value, String> {
    fn convert(raw: &RawValue, depth: usize) -> Result<Value, String> {
        let text = raw.get();
        if depth > MAX_NESTING {
            return Err(format!("it is nested more than {MAX_NESTING} levels deep"));
        }
        let fault = |error: serde_json::Error| error.to_string();
        match text.as_bytes().first() {
            Some(b'{') => {
                let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(fault)?;
                let entries = entries.into_iter().map(|(key, value)| {
                    // Strings are in normalization form C, and so are keys.
                    let key = Value::text(key).to_text().map(|key| key.to_string()).unwrap_or_default();
                    Ok((key, convert(value, depth + 1)?))
                });
                Ok(Value::object(entries.collect::<Result<_, String>>()?))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(fault)?;
                let items = items.into_iter().map(|item| convert(item, depth + 1));
                Ok(Value::tuple(items.collect::<Result<_, String>>()?))
            }
            Some(b'"') => Ok(Value::text(serde_json::from_str::<String>(text).map_err(fault)?)),
            Some(b'n') => Ok(Value::null()),
            Some(b't' | b'f') => Ok(Value::Bool(text == "true")),
            _ => Number::parse(text).map(Value::Number).ok_or_else(|| "a number is out of range".to_owned()),
        }
    }
    convert(serde_json::from_str(text).map_err(|error| error.to_string())?, 0)
}

/// Converts JSON that is parsed to a value.
pub(in crate::config::terraform) fn from_json(json: &serde_json::Value) -> Value {
    // What was parsed once can be parsed again, unless it is nested too deep.
    decode(&json.to_string()).unwrap_or_else(|_| Value::null())
}

/// Writes a value as JSON.
pub(super) fn encode(value: &Value) -> Result<String, FunctionError> {
    let mut json = String::new();
    write(value, &mut json)?;
    Ok(json)
}

fn write(value: &Value, json: &mut String) -> Result<(), FunctionError> {
    match value {
        Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
        Value::Null(_) => json.push_str("null"),
        Value::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => json.push_str(&number.to_string()),
        Value::Text(text) => write_string(text, json),
        Value::Id(id) => write_string(&id.name, json),
        Value::List(_) | Value::Set(_) => {
            json.push('[');
            for (index, item) in value.items().unwrap_or_default().iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write(item, json)?;
            }
            json.push(']');
        }
        Value::Map(_) => {
            json.push('{');
            for (index, (key, value)) in value.entries().into_iter().flatten().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_string(key, json);
                json.push(':');
                write(value, json)?;
            }
            json.push('}');
        }
        Value::Object(_) => {
            return Err(FunctionError::new("a whole resource cannot be encoded").hint("select attributes of it"));
        }
    }
    Ok(())
}

/// Writes a string. Go escapes what has a meaning in HTML and in JavaScript.
pub(super) fn write_string(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => json.push(c),
        }
    }
    json.push('"');
}
