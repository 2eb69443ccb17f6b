//! The repair of JSON with a blemish in one of its texts.
//!
//! A function or a service that cuts a text in the middle of an emoji sends half of a surrogate pair, and one that copies bytes of another
//! encoding sends invalid UTF-8. The rest of such a response is as good as any other: to reject all of it would make the outcome of a call
//! unknown, and would repeat a revocation forever because of one character that nobody reads.

use std::borrow::Cow;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The length of an escape such as `\ud83d`.
const ESCAPE_LENGTH: usize = 6;

/// Returns JSON whose texts can all be decoded: what cannot be is replaced by U+FFFD, and a byte order mark is removed.
pub(crate) fn repaired(json: &[u8]) -> Cow<'_, [u8]> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    match String::from_utf8_lossy(json) {
        Cow::Borrowed(_) => replace_lone_surrogates(json),
        Cow::Owned(text) => Cow::Owned(replace_lone_surrogates(text.as_bytes()).into_owned()),
    }
}

fn replace_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let (mut copied, mut at) = (0, 0);
    // Backslashes occur in texts only, so the structure need not be parsed.
    while let Some(offset) = json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += offset;
        at += match (surrogate(json, at), surrogate(json, at + ESCAPE_LENGTH)) {
            (Some(Half::High), Some(Half::Low)) => 2 * ESCAPE_LENGTH,
            (Some(_), _) => {
                out.extend_from_slice(json.get(copied..at).unwrap_or_default());
                out.extend_from_slice(br"\ufffd");
                copied = at + ESCAPE_LENGTH;
                ESCAPE_LENGTH
            }
            // Another escape, such as `\\` or `\n`. That of a character of the basic plane contains no further backslash.
            (None, _) => 2,
        };
    }
    if out.is_empty() {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(json.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[derive(Clone, Copy)]
enum Half {
    High,
    Low,
}

/// Which half of a surrogate pair is escaped at a position.
fn surrogate(json: &[u8], at: usize) -> Option<Half> {
    let [b'\\', b'u', digits @ ..] = json.get(at..at + ESCAPE_LENGTH)? else { return None };
    match u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &[u8]) -> String {
        serde_json::from_slice(&repaired(json)).unwrap()
    }

    #[test]
    fn replaces_what_is_no_character() {
        for (json, expected) in [
            (br#""on it \ud83d""#.as_slice(), "on it \u{fffd}"),
            (br#""\uDC4D!""#, "\u{fffd}!"),
            (br#""\ud83d\ud83d\udc4d""#, "\u{fffd}👍"),
            (br#""\ud83d\n""#, "\u{fffd}\n"),
            (br#""\ud83dabc\udc4d""#, "\u{fffd}abc\u{fffd}"),
            (b"\"gr\xf6\xdfe\"", "gr\u{fffd}\u{fffd}e"),
            (b"\xef\xbb\xbf\"ok\"", "ok"),
            (b"\"\xff \\ud83d\"", "\u{fffd} \u{fffd}"),
        ] {
            assert_eq!(text(json), expected, "{}", String::from_utf8_lossy(json));
        }
    }

    #[test]
    fn leaves_valid_json_as_it_is() {
        for json in [
            r#""\ud83d\udc4d \u00e9 👍""#,
            // An escaped backslash, and then letters.
            r#""\\ud83d""#,
            r#""\\\\udc4d \" \\""#,
            "",
            "[1, 2]",
        ] {
            assert!(matches!(repaired(json.as_bytes()), Cow::Borrowed(bytes) if bytes == json.as_bytes()), "{json}");
        }
        assert_eq!(text(br#""\\\ud83d""#), "\\\u{fffd}");
    }

    #[test]
    fn leaves_what_is_not_json_to_the_parser() {
        for json in [r#""\ud8"#, r#""\"#, r#""\u""#, "\\", r"\ud83", r#""\ud83d\u"#] {
            assert!(serde_json::from_slice::<String>(&repaired(json.as_bytes())).is_err(), "{json}");
        }
    }
}
