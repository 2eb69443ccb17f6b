//! Canonical JSON, the form in which entries are stored and hashed.

use serde_json::{Map, Value};

/// Serializes a value as canonical JSON (RFC 8785): no whitespace, members sorted by name, numbers as ECMAScript writes them.
///
/// Integers beyond 2⁵³, which the RFC leaves to I-JSON and would round, are written in full: this text is what is stored, and it
/// must not differ from what happened.
pub(super) fn canonical(value: &Value) -> serde_json::Result<String> {
    let mut text = Vec::with_capacity(1_024);
    write(value, &mut text)?;
    // JSON is always UTF-8.
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

fn write(value: &Value, text: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Object(members) => write_object(members, text),
        Value::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write(item, text)?;
            }
            text.push(b']');
            Ok(())
        }
        // A JSON number that is not an integer is a finite float.
        Value::Number(number) if !(number.is_i64() || number.is_u64()) => match number.as_f64() {
            Some(float) => {
                text.extend_from_slice(ryu_js::Buffer::new().format(float).as_bytes());
                Ok(())
            }
            None => serde_json::to_writer(text, number),
        },
        // serde_json escapes text as the RFC requires.
        value => serde_json::to_writer(text, value),
    }
}

fn write_object(members: &Map<String, Value>, text: &mut Vec<u8>) -> serde_json::Result<()> {
    let mut members: Vec<_> = members.iter().collect();
    // The RFC sorts by UTF-16 code units, which differs from the order of `str` beyond the basic plane. Most maps are sorted.
    let ascii = members.iter().all(|(name, _)| name.is_ascii());
    if !ascii || !members.is_sorted_by_key(|(name, _)| *name) {
        members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    }
    text.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut *text, name)?;
        text.push(b':');
        write(value, text)?;
    }
    text.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> String {
        canonical(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn sorts_members_and_escapes_text_as_in_the_rfc() {
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
    fn writes_numbers_as_ecmascript_does_and_integers_in_full() {
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
            assert_eq!(parsed(expected), expected, "canonical text is a fixed point");
        }
        assert_eq!(canonical(&json!({ "b": [null, true, {}], "a": [] })).unwrap(), r#"{"a":[],"b":[null,true,{}]}"#);
    }
}
