//! JSON in the one form that is hashed.

use serde_json::{Map, Value};

/// JSON as RFC 8785 has it: no blanks, members in the order of their names, numbers as ECMAScript writes them.
///
/// Whole numbers beyond 2⁵³, which the RFC leaves to I-JSON and would round, stand in full: what is stored is this text, and it
/// must not say something else than what happened.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => write_object(members, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        // What is not whole is finite: JSON has no other numbers.
        Value::Number(number) => match number.as_f64() {
            Some(float) if !(number.is_i64() || number.is_u64()) => {
                text.push_str(ryu_js::Buffer::new().format(float));
            }
            _ => text.push_str(&number.to_string()),
        },
        // Text is escaped as the RFC wants it.
        Value::String(_) | Value::Bool(_) | Value::Null => text.push_str(&value.to_string()),
    }
}

fn write_object(members: &Map<String, Value>, text: &mut String) {
    let mut sorted: Vec<_> = members.iter().collect();
    // By UTF-16 code units, which differs from the order of `str` beyond the basic plane.
    sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    text.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(&Value::String(name.clone()), text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> String {
        canonical(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn members_are_ordered_and_text_is_escaped_as_the_rfc_has_it() {
        // The samples of RFC 8785.
        let sample = r#"{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "o" }"#;
        let ordered = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"o\",\"€\":\"Euro Sign\",\
            \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(parsed(sample), ordered);
        assert_eq!(
            parsed(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\u007f""#),
            "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\""
        );
    }

    #[test]
    fn numbers_are_written_as_ecmascript_does_and_whole_ones_in_full() {
        let samples = [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("333333333.33333329", "333333333.3333333"),
            ("1E30", "1e+30"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("0.000000000000000000000000001", "1e-27"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e20", "100000000000000000000"),
        ];
        for (text, expected) in samples {
            assert_eq!(parsed(text), expected);
            assert_eq!(parsed(expected), expected, "it stays as it is");
        }
        assert_eq!(canonical(&json!({ "b": [null, true, {}], "a": [] })), r#"{"a":[],"b":[null,true,{}]}"#);
    }
}
