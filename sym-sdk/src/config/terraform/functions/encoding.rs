//! Functions that encode and decode.

use super::super::number::Number;
use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64decode", 1, 1, base64decode),
    Function::new("base64encode", 1, 1, |args| Ok(Value::text(base64(args.text(0)?.as_bytes())))),
    Function::new("jsondecode", 1, 1, jsondecode),
    Function::new("jsonencode", 1, 1, jsonencode),
    Function::new("urlencode", 1, 1, urlencode),
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes bytes in the standard alphabet, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = (group >> (18 - 6 * digit)) as usize & 63;
                text.push(char::from(ALPHABET[index]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

fn base64decode(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let text = args.text(0)?;
    let digits = text.trim_end_matches('=');
    let well_formed = text.len() % 4 == 0 && text.len() - digits.len() <= 2;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        match ALPHABET.iter().position(|known| *known == digit) {
            Some(value) if well_formed => {
                group = group << 6 | u32::try_from(value).unwrap_or(0);
                bits += 6;
                if bits >= 8 {
                    bits -= 8;
                    bytes.extend(u8::try_from(group >> bits & 0xff));
                }
            }
            _ => return Err(FunctionError::new("the string is not base64").at(0)),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::text(text)),
        Err(_) => Err(FunctionError::new("the decoded bytes are not UTF-8 text").at(0)),
    }
}

fn jsondecode(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    match serde_json::from_str(&args.text(0)?) {
        Ok(json) => Ok(from_json(&json)),
        Err(error) => Err(FunctionError::new(format!("the string is not JSON: {error}")).at(0)),
    }
}

/// Converts JSON to a value.
pub(in crate::config::terraform) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64().and_then(Number::real)) {
            (Some(whole), _) => Value::Number(Number::Whole(whole)),
            (None, Some(real)) => Value::Number(real),
            (None, None) => Value::Null,
        },
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(items) => Value::list(items.iter().map(from_json).collect()),
        serde_json::Value::Object(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), from_json(value))).collect())
        }
    }
}

fn jsonencode(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    Ok(Value::text(to_json(args.known(0)?)?.to_string()))
}

fn to_json(value: &Value) -> Result<serde_json::Value, FunctionError> {
    Ok(match value {
        Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => serde_json::Value::from(*flag),
        Value::Number(Number::Whole(whole)) => serde_json::Value::from(*whole),
        Value::Number(Number::Real(real)) => serde_json::Value::from(*real),
        Value::Text(text) => serde_json::Value::from(&**text),
        Value::Id(id) => serde_json::Value::from(id.name.as_str()),
        Value::List(_) | Value::Set(_) => {
            let items = value.items().unwrap_or_default().iter();
            serde_json::Value::Array(items.map(to_json).collect::<Result<_, _>>()?)
        }
        Value::Map(_) => {
            let entries = value.entries().into_iter().flatten();
            let entries = entries.map(|(key, value)| Ok((key.clone(), to_json(value)?)));
            serde_json::Value::Object(entries.collect::<Result<_, FunctionError>>()?)
        }
        Value::Object(_) => {
            return Err(FunctionError::new("a whole resource cannot be encoded").hint("select attributes of it"));
        }
    })
}

fn urlencode(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut encoded = String::new();
    for byte in args.text(0)?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(Value::text(encoded))
}
