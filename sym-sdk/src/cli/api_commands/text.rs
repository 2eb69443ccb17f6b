//! Texts that others have written, as a terminal may show them.

use crate::delivery::reveal_hidden;

/// The maximum length of a text, in characters. What is longer is read with `--json`.
const MAX_CHARS: usize = 300;

/// Returns a text on one line. Characters that a terminal would obey, or that do not show, are written as codes: a reason must not move the
/// cursor, color the screen or look like something else.
pub(super) fn plain(text: &str) -> String {
    let mut chars = text.chars();
    let shown = chars.by_ref().take(MAX_CHARS).filter(|c| *c != '\r');
    let one_line: String = shown.map(|c| if matches!(c, '\n' | '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    let mut plain = reveal_hidden(&one_line);
    if chars.next().is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// QD10: what a requester writes must not look as if the program had written it.
    #[test]
    fn texts_cannot_drive_a_terminal() {
        assert_eq!(plain("go\n\tahead\r\n"), "go  ahead ");
        assert_eq!(plain("\u{1b}[2Japproved\u{7}"), "\\u{1b}[2Japproved\\u{7}");
        assert_eq!(plain("a\u{202e}b\u{e0041}c\u{200b}"), "a\\u{202e}b\\u{e0041}c\\u{200b}");
        assert_eq!(plain("a\u{2028}b\u{3164}"), "a b\\u{3164}");
        assert_eq!(plain("Zoë 名前 👍"), "Zoë 名前 👍");
        assert_eq!(plain(&"x".repeat(1_000)).chars().count(), MAX_CHARS + 1);
    }
}
