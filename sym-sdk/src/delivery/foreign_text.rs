//! Texts by others, made harmless to look at: what an agent writes must not pass for the words of the program.
//!
//! An agent shapes what it asks for so that it is granted, or has read a page that wants it to. It can write lines that look like ours,
//! push ours out of sight, or use characters that nobody sees and only models read. So its words are bounded, kept in one block, and what
//! is invisible is written as its code. Front ends show them quoted, below what the program knows.

/// The most lines of an agent's text that people are shown.
pub const MAX_AGENT_TEXT_LINES: usize = 5;

/// The most characters of an agent's text that people are shown.
pub const MAX_AGENT_TEXT_CHARS: usize = 300;

/// Returns the text of an agent as people are shown it: at most five lines without blank ones, at most 300 characters, and codes for
/// characters that are invisible or change the direction of others. What is left out is marked with `…`.
///
/// Markup of a front end is still in it, and has to be escaped there.
///
/// ```
/// use sym_sdk::delivery::agent_text;
///
/// assert_eq!(agent_text("disk full\n\n\n\u{202e}approved"), "disk full\n\\u{202e}approved");
/// ```
pub fn agent_text(text: &str) -> String {
    visible_text(text, MAX_AGENT_TEXT_LINES, MAX_AGENT_TEXT_CHARS)
}

/// Returns a text of an agent as a whole, with codes for characters that are invisible or change the direction of others. For values that
/// take effect when they are approved, so that nothing of them is left out.
pub fn reveal_hidden(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(visible_line).collect();
    lines.join("\n")
}

/// Returns a text with at most so many lines and characters, in which everything is visible.
pub(crate) fn visible_text(text: &str, max_lines: usize, max_chars: usize) -> String {
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = text.split(is_break).map(visible_line).filter(|line| !line.trim().is_empty());
    let (mut shown, mut left, mut is_cut) = (String::new(), max_chars, false);
    for line in lines.by_ref().take(max_lines) {
        if !shown.is_empty() {
            shown.push('\n');
        }
        let line = line.trim_end();
        shown.extend(line.chars().take(left));
        let length = line.chars().count();
        is_cut = length > left;
        left = left.saturating_sub(length);
        if is_cut {
            break;
        }
    }
    if is_cut || lines.next().is_some() {
        shown.push('…');
    }
    shown
}

fn visible_line(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => shown.push(' '),
            // Only the looks of the character before it depend on them.
            '\u{fe00}'..='\u{fe0f}' => {}
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Returns whether a character is invisible, or changes how others are seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{feff}' | '\u{2800}' | '\u{3164}'
            | '\u{ffa0}' | '\u{110bd}' | '\u{110cd}'
            | '\u{600}'..='\u{605}' | '\u{890}'..='\u{891}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of agents that are to make people approve.
    #[test]
    fn everything_is_visible_and_bounded() {
        let table = [
            ("disk full", "disk full"),
            ("a\r\nb\rc", "a\nb\nc"),
            ("\u{202e}devorppa", "\\u{202e}devorppa"),
            ("ok\u{200b}\u{2066}", "ok\\u{200b}\\u{2066}"),
            ("hi\u{e0061}\u{e0062}", "hi\\u{e0061}\\u{e0062}"),
            ("\u{1b}[2Japproved", "\\u{1b}[2Japproved"),
            ("a\0b", "a\\u{0}b"),
            ("1\n2\n3\n4\n5", "1\n2\n3\n4\n5"),
            ("1\n2\n3\n4\n5\n6", "1\n2\n3\n4\n5…"),
            ("", ""),
            (" \n\t\n", ""),
            ("дисплей 画面 ❤\u{fe0f}", "дисплей 画面 ❤"),
            ("\u{2028}\u{2029}x", "x"),
            ("\u{3164}\u{2800}", "\\u{3164}\\u{2800}"),
        ];
        for (text, expected) in table {
            assert_eq!(agent_text(text), expected, "{text:?}");
        }
        let far_below = format!("disk full{}approved by Ben", "\n".repeat(40));
        assert_eq!(agent_text(&far_below), "disk full\napproved by Ben");
        let long = agent_text(&"x".repeat(10_000));
        assert_eq!(long, format!("{}…", "x".repeat(MAX_AGENT_TEXT_CHARS)));
        let exact = "x".repeat(MAX_AGENT_TEXT_CHARS);
        assert_eq!(agent_text(&exact), exact);
    }
}
