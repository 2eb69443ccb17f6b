//! Documents: rich text in the form that Jira takes it in.
//!
//! Jira refuses a whole comment if one node of its document is invalid, and does not say which. So texts of any content become valid
//! documents here: without empty text nodes, without line breaks inside of one, and of a length that Jira takes.

use serde::Serialize;
use serde_json::{Value, json};
use sym_sdk::error::{ErrorKind, Result};
use unicode_segmentation::UnicodeSegmentation;

use super::client::JIRA;
use super::codes;

/// The maximum length of a text in characters. Jira's own limit is 32,767, of something that is counted after conversion.
pub(super) const MAX_TEXT: usize = 30_000;

/// The maximum length of a summary in characters.
const MAX_SUMMARY: usize = 255;

/// The mark at the end of a text that was cut.
const CUT_MARK: &str = "… [cut]";

/// A document in the [Atlassian Document Format](https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/).
///
/// ```
/// use serde_json::json;
/// use sym_integrations::jira::Document;
///
/// let document = Document::text("Approved by Ana.\n\nUntil noon")?;
/// assert_eq!(serde_json::to_value(&document)?["content"][1]["content"], json!([{ "type": "text", "text": "Until noon" }]));
/// assert!(Document::text(" \n ").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Document {
    json: Value,
    /// The text that it was made of, if it was, so that it can be made again from a part of it.
    #[serde(skip)]
    text: Option<String>,
}

impl Document {
    /// Makes a document of a text. Blank lines separate paragraphs, and other line breaks are kept. A text of more than 30,000
    /// characters is cut, with a mark at the end.
    ///
    /// # Errors
    /// `Jira:EMPTY_TEXT` if the text has nothing visible.
    pub fn text(text: &str) -> Result<Self> {
        Self::cut_to(text, MAX_TEXT)
    }

    /// A document that was built elsewhere, and is sent as it is.
    pub fn raw(json: Value) -> Self {
        Self { json, text: None }
    }

    fn cut_to(text: &str, max: usize) -> Result<Self> {
        let cut = cut(text, max);
        let mut content: Vec<Value> = Vec::new();
        let mut lines: Vec<String> = Vec::new();
        for line in cut.split(is_line_break).map(visible).chain([String::new()]) {
            match (line.trim().is_empty(), lines.is_empty()) {
                (false, _) => lines.push(line),
                (true, false) => content.push(paragraph(&std::mem::take(&mut lines))),
                (true, true) => {}
            }
        }
        if content.is_empty() {
            return Err(JIRA.error(ErrorKind::InvalidInput, codes::EMPTY_TEXT, "the text is empty"));
        }
        let json = json!({ "type": "doc", "version": 1, "content": content });
        Ok(Self { json, text: Some(text.to_owned()) })
    }

    /// A document of half the length, for sites with a lower limit. `None` if it was not made of a text.
    pub(super) fn halved(&self) -> Option<Self> {
        let text = self.text.as_deref()?;
        let length = text.chars().count().min(MAX_TEXT);
        Self::cut_to(text, length / 2).ok()
    }
}

fn paragraph(lines: &[String]) -> Value {
    let mut content = Vec::new();
    for line in lines {
        if !content.is_empty() {
            content.push(json!({ "type": "hardBreak" }));
        }
        content.push(json!({ "type": "text", "text": line }));
    }
    json!({ "type": "paragraph", "content": content })
}

/// Line breaks of all kinds but CR, which [`cut`] has replaced.
fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A line without control characters other than tabs.
fn visible(line: &str) -> String {
    line.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// Makes a summary: one line of at most 255 characters.
pub(super) fn summary(text: &str) -> Result<String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.is_empty() {
        true => Err(JIRA.error(ErrorKind::InvalidInput, codes::EMPTY_TEXT, "the title is empty")),
        false => Ok(cut(&line, MAX_SUMMARY)),
    }
}

/// Makes a label, which has no blanks.
pub(super) fn label(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    Some(cut_at(&words.collect::<Vec<_>>().join("-"), MAX_SUMMARY).to_owned()).filter(|label| !label.is_empty())
}

/// Cuts a text to a number of characters, with a mark.
fn cut(text: &str, max: usize) -> String {
    // Line breaks are normalized first, since a CR counts as nothing.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.chars().count() <= max {
        return text;
    }
    let kept = cut_at(&text, max.saturating_sub(CUT_MARK.chars().count()));
    format!("{}{CUT_MARK}", kept.trim_end())
}

/// The longest beginning of a text with at most this number of characters that does not end inside of what people see as one.
fn cut_at(text: &str, max: usize) -> &str {
    let (mut length, mut end) = (0, 0);
    for cluster in text.graphemes(true) {
        length += cluster.chars().count();
        if length > max {
            break;
        }
        end += cluster.len();
    }
    text.get(..end).unwrap_or_default()
}
