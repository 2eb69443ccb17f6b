//! Texts that others have written, as a terminal may show them.

use std::fmt::Write as _;

/// The maximum length of a text, in characters. What is longer is read with `--json`.
const MAX_CHARS: usize = 300;

/// Returns a text on one line. Characters that a terminal would obey, or that do not show, are written as codes: a reason must not move the
/// cursor, color the screen or look like something else.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        if index == MAX_CHARS {
            plain.push('…');
            break;
        }
        match c {
            '\n' | '\t' => plain.push(' '),
            '\r' => {}
            c if is_hidden(c) => {
                // Writing to a string cannot fail.
                let _ = write!(plain, "{}", c.escape_unicode());
            }
            c => plain.push(c),
        }
    }
    plain
}

fn is_hidden(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    c.is_control() || invisible
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
        assert_eq!(plain("Zoë 名前 👍"), "Zoë 名前 👍");
        assert_eq!(plain(&"x".repeat(1_000)).chars().count(), MAX_CHARS + 1);
    }
}
