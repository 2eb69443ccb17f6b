//! Rich text: formatted text in which Slack interprets nothing.

use jiff::Timestamp;
use serde::Serialize;
use sym_sdk::routing::SlackUser;
use unicode_segmentation::UnicodeSegmentation;

use super::id::BlockId;
use super::measure::{self, ELLIPSIS};
use super::{TimeStyle, limits};

/// Paragraphs and quotations, whose formatting is part of the structure. Whatever a text contains, it is shown literally: it has no
/// formatting, emoji, mention or link of its own, and cannot leave the paragraph or the quotation that it is in.
///
/// A block has up to 3000 characters; what is longer is truncated and ends with `…`.
///
/// ```
/// use sym_integrations::slack::blocks::{RichText, Spans};
///
/// let block = RichText::section(Spans::new().bold("Ticket")).then_quote(Spans::new().text("OPS-1\n*Target*\nstaging"));
/// let json = serde_json::to_value(&block).unwrap();
/// assert_eq!(json["elements"][1]["type"], "rich_text_quote");
/// assert_eq!(json["elements"][1]["elements"][0]["text"], "OPS-1\n*Target*\nstaging");
/// ```
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RichText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    elements: Vec<Paragraph>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type")]
enum Paragraph {
    #[serde(rename = "rich_text_section")]
    Section { elements: Spans },
    #[serde(rename = "rich_text_quote")]
    Quote { elements: Spans },
}

impl RichText {
    /// Creates a block that begins with a paragraph.
    pub fn section(spans: Spans) -> Self {
        Self { block_id: None, elements: Vec::new() }.then_section(spans)
    }

    /// Creates a block that begins with a quotation.
    pub fn quote(spans: Spans) -> Self {
        Self { block_id: None, elements: Vec::new() }.then_quote(spans)
    }

    /// Appends a paragraph.
    pub fn then_section(mut self, spans: Spans) -> Self {
        let elements = self.fitting(spans);
        self.elements.extend(elements.map(|elements| Paragraph::Section { elements }));
        self
    }

    /// Appends a quotation, which is set off by a bar on its left.
    pub fn then_quote(mut self, spans: Spans) -> Self {
        let elements = self.fitting(spans);
        self.elements.extend(elements.map(|elements| Paragraph::Quote { elements }));
        self
    }

    /// Returns what fits of a text, which is never blank. `None` if the block is full.
    fn fitting(&self, spans: Spans) -> Option<Spans> {
        let spans = if spans.is_blank() { Spans::new().text("–") } else { spans };
        let left = limits::RICH_TEXT.saturating_sub(self.length());
        if spans.length() <= left {
            return Some(spans);
        }
        let left = left.checked_sub(measure::utf16_length(ELLIPSIS))?;
        Some(spans.split(left).0.text(ELLIPSIS))
    }

    fn length(&self) -> usize {
        let spans =
            self.elements.iter().map(|(Paragraph::Section { elements } | Paragraph::Quote { elements })| elements);
        spans.map(Spans::length).sum()
    }
}

/// A text of differently styled parts, shown literally.
///
/// Control characters and other characters that nobody sees are shown by their code, as in `⟨U+202E⟩`: removing them would show
/// something else than what is there. Only those remain that scripts and emoji need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Spans(Vec<Span>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Span {
    Text {
        text: String,
        #[serde(skip_serializing_if = "SpanStyle::is_plain")]
        style: SpanStyle,
    },
    User {
        user_id: String,
    },
    Date {
        timestamp: i64,
        format: &'static str,
        fallback: String,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct SpanStyle {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    bold: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    italic: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    code: bool,
}

impl SpanStyle {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl Spans {
    /// Creates an empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a text.
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.styled(text.as_ref(), SpanStyle::default())
    }

    /// Appends a text in bold, on one line.
    pub fn bold(self, text: impl AsRef<str>) -> Self {
        self.styled(&measure::one_line(text.as_ref()), SpanStyle { bold: true, ..SpanStyle::default() })
    }

    /// Appends a text in italics, on one line.
    pub fn italic(self, text: impl AsRef<str>) -> Self {
        self.styled(&measure::one_line(text.as_ref()), SpanStyle { italic: true, ..SpanStyle::default() })
    }

    /// Appends a text as inline code.
    pub fn code(self, text: impl AsRef<str>) -> Self {
        self.styled(text.as_ref(), SpanStyle { code: true, ..SpanStyle::default() })
    }

    /// Appends a mention of a user, which notifies them.
    pub fn user(mut self, user: &SlackUser) -> Self {
        self.0.push(Span::User { user_id: user.user_id().to_owned() });
        self
    }

    /// Appends a timestamp, which is shown in the reader's time zone.
    pub fn time(mut self, at: Timestamp, style: TimeStyle) -> Self {
        let (format, utc) = style.formats();
        self.0.push(Span::Date { timestamp: at.as_second(), format, fallback: at.strftime(utc).to_string() });
        self
    }

    /// Appends another text.
    pub fn and(self, other: Self) -> Self {
        other.0.into_iter().fold(self, |text, span| match span {
            Span::Text { text: more, style } => text.with(more, style),
            span => {
                let mut text = text;
                text.0.push(span);
                text
            }
        })
    }

    fn styled(self, text: &str, style: SpanStyle) -> Self {
        self.with(measure::reveal(text), style)
    }

    fn with(mut self, more: String, style: SpanStyle) -> Self {
        match self.0.last_mut() {
            // Code that follows code stays apart: they may be two items.
            Some(Span::Text { text, style: same }) if *same == style && !style.code => text.push_str(&more),
            // Slack rejects empty parts.
            _ if more.is_empty() => {}
            _ => self.0.push(Span::Text { text: more, style }),
        }
        self
    }

    /// Returns whether nothing would be visible.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|span| matches!(span, Span::Text { text, .. } if measure::is_blank(text)))
    }

    /// Returns the length, as it counts for Slack's limits.
    pub(crate) fn length(&self) -> usize {
        self.0.iter().map(Span::length).sum()
    }

    /// Returns the number of characters, for a person.
    pub(crate) fn count(&self) -> usize {
        let count = |span: &Span| match span {
            Span::Text { text, .. } => text.graphemes(true).count(),
            _ => 1,
        };
        self.0.iter().map(count).sum()
    }

    /// Returns the texts, without mentions and times.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|span| match span {
            Span::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Splits the text so that the first part has at most `max` of [length](Self::length), between grapheme clusters if possible.
    pub(crate) fn split(self, max: usize) -> (Self, Self) {
        let (mut first, mut rest) = (Self::new(), self.0.into_iter());
        let mut left = max;
        while let Some(span) = rest.next() {
            match left.checked_sub(span.length()) {
                Some(after) => {
                    left = after;
                    first.0.push(span);
                }
                None => {
                    let (fits, remains) = span.split(left, first.0.is_empty());
                    first.0.extend(fits);
                    return (first, Self(remains.into_iter().chain(rest).collect()));
                }
            }
        }
        (first, Self::new())
    }

    /// Splits the text into parts that have at most `max` of [length](Self::length) each, at ends of lines if possible.
    pub(crate) fn chunks(self, max: usize) -> Vec<Self> {
        let (mut chunks, mut rest) = (Vec::new(), self);
        while rest.length() > max {
            let (first, after) = rest.split(max);
            if first.0.is_empty() {
                // One part that cannot be split exceeds the maximum.
                rest = after;
                break;
            }
            let (first, after) = first.back_to_line_end(after);
            chunks.push(first);
            rest = after;
        }
        if !rest.0.is_empty() {
            chunks.push(rest);
        }
        chunks
    }

    /// Moves an incomplete line at the end to the text that follows. The line break between them is left out, since what follows
    /// begins a line anyway.
    fn back_to_line_end(mut self, mut after: Self) -> (Self, Self) {
        if let Some(Span::Text { text, style }) = self.0.last_mut()
            && let Some((lines, line)) = text.rsplit_once('\n')
            // A long line is split where it is: the first part would be too short otherwise.
            && lines.len() > line.len()
        {
            let (lines, line, style) = (lines.to_owned(), line.to_owned(), *style);
            *text = lines;
            if !line.is_empty() {
                match after.0.first_mut() {
                    Some(Span::Text { text, style: same }) if *same == style => text.insert_str(0, &line),
                    _ => after.0.insert(0, Span::Text { text: line, style }),
                }
            }
        }
        (self, after)
    }
}

impl Span {
    fn length(&self) -> usize {
        match self {
            Self::Text { text, .. } => measure::length(text),
            Self::User { user_id } => user_id.len(),
            Self::Date { fallback, .. } => fallback.len(),
        }
    }

    /// Splits a text. If `anywhere` and not even its first grapheme cluster fits, it is split within it: a letter with thousands of
    /// accents is longer than any block.
    fn split(self, max: usize, anywhere: bool) -> (Option<Self>, Option<Self>) {
        let Self::Text { text, style } = self else { return (None, Some(self)) };
        let (mut fits, _) = measure::take_fitting(text.graphemes(true), max, measure::length);
        if fits.is_empty() && anywhere {
            let mut chars = [0; 4];
            for c in text.chars() {
                let c = c.encode_utf8(&mut chars);
                if measure::length(&fits) + measure::length(c) > max {
                    break;
                }
                fits.push_str(c);
            }
        }
        let remains = text.get(fits.len()..).unwrap_or_default().to_owned();
        let span = |text: String| (!text.is_empty()).then_some(Self::Text { text, style });
        (span(fits), span(remains))
    }
}
