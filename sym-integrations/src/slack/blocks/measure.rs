//! Measuring, cleaning and truncating text.
//!
//! Slack does not document in which unit it counts. Lengths are therefore counted in the largest one: UTF-16 code units, with
//! `&`, `<` and `>` as the entities that Slack stores.

use unicode_segmentation::UnicodeSegmentation;

pub(super) const ELLIPSIS: &str = "…";
/// Shown in place of a blank text, which Slack rejects.
const BLANK_PLACEHOLDER: &str = "–";

/// Returns the length of a plain text, in UTF-16 code units and with escaped characters counted as their entities.
pub(super) fn length(text: &str) -> usize {
    text.chars().map(char_length).sum()
}

fn char_length(c: char) -> usize {
    match c {
        '&' => "&amp;".len(),
        '<' | '>' => "&lt;".len(),
        c => c.len_utf16(),
    }
}

/// Returns the length of a text that is not escaped: markup, ids and values. The unit is UTF-16 code units.
pub(super) fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Removes control characters and directional overrides, and normalizes line endings to `\n`. A directional override could
/// make the surrounding text read differently; right-to-left scripts do not need them.
pub(super) fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    text.chars().filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || is_directional_override(c))).collect()
}

/// Makes hidden characters visible, as in `⟨U+200B⟩`, and normalizes line endings to `\n`. Unlike [`clean`], it removes nothing: what
/// somebody approves must not contain more than what they see.
pub(super) fn reveal(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    let mut revealed = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let is_hidden = c != '\n' && c != '\t' && (c.is_control() || is_invisible(c));
        if is_hidden && !joins(before, c, chars.peek().copied()) {
            revealed.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
            before = None;
        } else {
            revealed.push(c);
            before = Some(c);
        }
    }
    revealed
}

/// Whether a hidden character does its work between visible ones: a joiner in a script or an emoji that needs it, or the variation
/// selector of a symbol. Between characters of simple scripts, such as Latin, it would only hide.
fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let is_joined = |c: char| match c {
        '\u{fe0f}' => true,
        // Scripts from Hebrew to Mongolian and further Indic ones, arrows to symbols, and emoji.
        '\u{590}'..='\u{1fff}'
        | '\u{a800}'..='\u{abff}'
        | '\u{11000}'..='\u{11fff}'
        | '\u{2190}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}' => !is_invisible(c),
        _ => false,
    };
    match c {
        '\u{200c}' | '\u{200d}' => before.is_some_and(is_joined) && after.is_some_and(is_joined),
        '\u{fe0e}' | '\u{fe0f}' => {
            let is_symbol = |c: char| match c {
                '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => !is_invisible(c),
                c => !(c.is_ascii() || c.is_alphanumeric() || c.is_whitespace() || is_invisible(c)),
            };
            after == Some('\u{20e3}') || before.is_some_and(is_symbol)
        }
        _ => false,
    }
}

fn is_directional_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Replaces line breaks and tabs by spaces.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\r', '\n', '\t', '\u{85}', '\u{2028}', '\u{2029}'], " ")
}

pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(
            c,
            '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        )
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || is_directional_override(c)
}

pub(super) fn or_placeholder(text: String) -> String {
    if is_blank(&text) { BLANK_PLACEHOLDER.to_owned() } else { text }
}

/// Truncates a plain text to `max`, between grapheme clusters, and appends an ellipsis if anything was removed.
pub(super) fn truncate(text: String, max: usize) -> String {
    if length(&text) <= max {
        return text;
    }
    let (prefix, _) = take_fitting(text.graphemes(true), max.saturating_sub(1), length);
    format!("{prefix}{ELLIPSIS}")
}

/// Joins units until one exceeds `max`. Returns the text, and whether all units fit.
pub(super) fn take_fitting<'a>(
    units: impl Iterator<Item = &'a str>,
    max: usize,
    length: impl Fn(&str) -> usize,
) -> (String, bool) {
    let (mut taken, mut left) = (String::new(), max);
    for unit in units {
        match left.checked_sub(length(unit)) {
            Some(rest) => left = rest,
            None => return (taken, false),
        }
        taken.push_str(unit);
    }
    (taken, true)
}
