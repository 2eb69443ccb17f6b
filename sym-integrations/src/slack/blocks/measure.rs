use unicode_segmentation::UnicodeSegmentation;

pub(super) const ELLIPSIS: &str = "…";
/// What stands for a text that Slack would refuse because there is nothing to see in it.
const NOTHING: &str = "–";

/// The length of a text as Slack may count it at most: in UTF-16, of which an emoji takes two or more units, and with the
/// characters that Slack keeps as entities counted as those.
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

/// The length of what is in Slack's own notation already, or kept as it is.
pub(super) fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Leaves out what is not seen but changes how the rest is: control characters, and those that force the direction of the text
/// around them, which can have it read otherwise than it is. Right-to-left scripts need none of them. All lines end alike.
pub(super) fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    text.chars().filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || forces_direction(c))).collect()
}

fn forces_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
        || forces_direction(c)
}

pub(super) fn or_nothing(text: String) -> String {
    if is_blank(&text) { NOTHING.to_owned() } else { text }
}

/// The longest beginning of a plain text that fits, with an ellipsis if that is not all.
pub(super) fn cut(text: String, most: usize) -> String {
    if length(&text) <= most {
        return text;
    }
    let (begin, _) = fitting(text.graphemes(true), most.saturating_sub(1), length);
    format!("{begin}{ELLIPSIS}")
}

/// Takes units until one does not fit. Says whether all did.
pub(super) fn fitting<'a>(
    units: impl Iterator<Item = &'a str>,
    most: usize,
    length: impl Fn(&str) -> usize,
) -> (String, bool) {
    let (mut taken, mut left) = (String::new(), most);
    for unit in units {
        match left.checked_sub(length(unit)) {
            Some(rest) => left = rest,
            None => return (taken, false),
        }
        taken.push_str(unit);
    }
    (taken, true)
}
