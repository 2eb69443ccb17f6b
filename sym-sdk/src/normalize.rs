//! Normalization of text from outside: what looks the same to a person is the same to the program.
//!
//! Unicode can write one text in several ways, and has characters that nobody sees. If they were kept, `rené@example.com` could
//! approve the request of another `rené@example.com`, and `acme/website` followed by a zero-width space would be a second
//! repository. So text is normalized once, where it enters:
//!
//! - [`normalize_text`] for what people write: reasons, messages, fields. Invisible characters inside are kept, because scripts and
//!   emoji need them.
//! - [`normalize_identifier`] for text that names something, such as a repository. It refuses invisible characters inside.
//! - [`normalize_email`] for e-mail addresses, and [`fold_email`] where an invalid one cannot be reported.
//!
//! All of them compose characters (NFC), without ever making an ASCII character of another one. None of them maps compatibility forms
//! (NFKC) or look-alikes of other scripts: services treat those as different, so a name here would not match the same name there.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result, codes};

/// Composes the text (NFC), and removes whitespace and zero-width characters from both ends. The result is empty if nothing in
/// the text is visible.
///
/// Characters that modify the one before them, such as variation selectors, stay at the end of the text.
pub(crate) fn normalize_text(text: &str) -> String {
    if is_blank(text) {
        return String::new();
    }
    compose(text).trim_matches(|c: char| c.is_whitespace() || is_zero_width(c)).to_owned()
}

/// Composes the text (NFC), except for the characters that NFC replaces by ASCII ones, such as the Kelvin sign by `K`. Services
/// treat them as different, and an ASCII name must not have a look-alike.
fn compose(text: &str) -> String {
    // NFC leaves ASCII alone.
    if text.is_ascii() {
        return text.to_owned();
    }
    let is_ascii_double = |c: char| matches!(c, '\u{37e}' | '\u{1fef}' | '\u{212a}');
    text.split_inclusive(is_ascii_double).fold(String::with_capacity(text.len()), |mut composed, part| {
        composed.extend(part.trim_end_matches(is_ascii_double).nfc());
        composed.extend(part.chars().next_back().filter(|c| is_ascii_double(*c)));
        composed
    })
}

/// Whether nobody would see anything of the text.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Normalizes text that identifies something; see [`normalize_text`].
///
/// # Errors
/// Returns the first character inside the text that is a control character or invisible.
pub(crate) fn normalize_identifier(text: &str) -> std::result::Result<String, char> {
    let text = normalize_text(text);
    match text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        Some(hidden) => Err(hidden),
        None => Ok(text),
    }
}

/// Checks an e-mail address, and returns it composed (NFC), trimmed and in lower case.
///
/// Only the case of ASCII letters is changed: some other letters have ASCII lower-case forms and would make two different
/// addresses equal. An invisible character is an error even at the ends: it is pasted by mistake or put there to deceive.
pub(crate) fn normalize_email(text: &str) -> Result<String> {
    let email = fold_email(text);
    let invalid = || Error::invalid(codes::INVALID_EMAIL, format!("expected an email address, got `{text}`"));
    if let Some(bad) = email.chars().find(|c| !is_allowed_in_email(*c)) {
        return Err(invalid().with_hint(format!("it contains {bad:?}")));
    }
    let valid = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty())
    });
    if valid { Ok(email) } else { Err(invalid()) }
}

/// Returns the form of an e-mail address by which it is compared and looked up, without checking it.
pub(crate) fn fold_email(text: &str) -> String {
    compose(text.trim()).to_ascii_lowercase()
}

/// Whether the character is allowed in an e-mail address. Delimiters and invisible characters are not: both would let one address
/// pass for another.
fn is_allowed_in_email(c: char) -> bool {
    let delimits = matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\\');
    !(delimits || is_invisible(c) || c.is_whitespace() || c.is_control())
}

/// Whether the character takes no space on its own. Format characters such as joiners and direction marks.
fn is_zero_width(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Whether the character shows nothing: zero-width ones, variation selectors, tags, and letters that are blank by definition.
fn is_invisible(c: char) -> bool {
    is_zero_width(c)
        || matches!(c,
            '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composes_and_trims_text() {
        for same in [" rene\u{301}", "rené\u{200b}", "\u{feff}rené\u{a0}", "\u{202b}rené\u{202c}\r\n"] {
            assert_eq!(normalize_text(same), "rené", "{same:?}");
        }
    }

    #[test]
    fn makes_no_ascii_character_of_another_one() {
        for kept in ["mar\u{212a}", "\u{212a}\u{212a}e", "a\u{37e}", "\u{1fef}x"] {
            assert_eq!(normalize_text(kept), kept);
        }
        assert_eq!(fold_email("MAR\u{212a}e\u{301}"), "mar\u{212a}é");
    }

    #[test]
    fn text_without_visible_characters_is_empty() {
        for blank in ["", "  ", "\n\t", "\u{a0}", "\u{200b}", "\u{3164}", "\u{2800} \u{fe0f}", "\u{7}"] {
            assert!(is_blank(blank), "{blank:?}");
            assert_eq!(normalize_text(blank), "", "{blank:?}");
        }
    }

    #[test]
    fn keeps_what_belongs_to_a_visible_character() {
        for kept in ["⚠\u{fe0f}", "👩\u{200d}🚒", "می\u{200c}خواهم", "one\n\ntwo", "a\tb"] {
            assert_eq!(normalize_text(kept), kept);
        }
    }

    #[test]
    fn identifiers_contain_no_invisible_characters() {
        assert_eq!(normalize_identifier(" acme/website\u{200b}").as_deref(), Ok("acme/website"));
        assert_eq!(normalize_identifier("zwei Worte").as_deref(), Ok("zwei Worte"));
        for (text, hidden) in [("ac\u{200b}me", '\u{200b}'), ("ac\nme", '\n'), ("ac\u{fe0f}me", '\u{fe0f}')] {
            assert_eq!(normalize_identifier(text), Err(hidden), "{text:?}");
        }
    }

    #[test]
    fn normalization_is_idempotent() {
        for text in ["e\u{301} ", " \u{200b}\u{301}a", "\u{1100}\u{1161}", "a\u{327}\u{301}\u{feff}"] {
            let once = normalize_text(text);
            assert_eq!(normalize_text(&once), once, "{text:?}");
        }
    }
}
