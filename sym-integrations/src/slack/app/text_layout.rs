//! The layout of labelled texts in blocks: all of it in the pages of a view, and what fits in a message.
//!
//! A message that is too long for Slack would not be delivered. So the longest texts are shown in part, and the message says how
//! much is missing; a short text is never displaced by a long one.

use serde::Serialize;
use sym_sdk::error::Result;

use super::request_text::LabelledText;
use crate::slack::blocks::{ActionId, Actions, Block, Button, ButtonValue, Context, RichText, Spans};

/// The maximum length of the texts in a block, below Slack's 3,000 characters.
const MAX_BLOCK_LENGTH: usize = 2_900;

/// The maximum size of all blocks of a message as JSON, in bytes. Slack rejects messages with `msg_blocks_too_long` from about 13,200
/// characters on, which include parts of the structure.
const MAX_MESSAGE_BYTES: usize = 12_500;

/// The maximum size of a page of a view as JSON, in bytes. A view may have 250,000.
const MAX_PAGE_BYTES: usize = 200_000;

/// The maximum number of blocks with texts in a page. A view may have 100 blocks.
const MAX_PAGE_BLOCKS: usize = 90;

/// The length of the note that a text is shown in part. It takes the place of no text that is shorter.
const NOTE_LENGTH: usize = 64;

/// Blocks in a message, and what they leave out.
#[derive(Debug)]
pub(super) struct FittedTexts {
    pub(super) blocks: Vec<Block>,
    /// The number of characters that are not shown.
    pub(super) hidden: usize,
}

/// Lays out texts in a message whose other blocks are `others`. The texts that are longest are shown in part if not everything fits.
pub(super) fn fit(texts: &[LabelledText], others: &[Block]) -> FittedTexts {
    let available = MAX_MESSAGE_BYTES.saturating_sub(json_size(others));
    // Most requests are short.
    let fits = |layout: &Layout| json_size(&layout.blocks) <= available;
    let whole = layout(texts, usize::MAX);
    if fits(&whole) {
        return whole.into_fitted();
    }
    // The greatest length of a text, or else the greatest number of labels, with which everything fits.
    let fitting = match last(0, available, |length| fits(&layout(texts, length))) {
        Some(length) => layout(texts, length),
        None => labels(texts, last(0, texts.len(), |count| fits(&labels(texts, count))).unwrap_or_default()),
    };
    fitting.into_fitted()
}

/// Returns the greatest number from `least` to `greatest` for which the condition holds, which holds for none after one for which it
/// does not.
fn last(least: usize, greatest: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    if !holds(least) {
        return None;
    }
    let (mut known, mut limit) = (least, greatest.saturating_add(1));
    while limit.saturating_sub(known) > 1 {
        let middle = known.saturating_add(limit.saturating_sub(known) / 2);
        if holds(middle) { known = middle } else { limit = middle }
    }
    Some(known)
}

/// Lays out the labels of the first texts, and the number of the others.
fn labels(texts: &[LabelledText], count: usize) -> Layout {
    let mut layout = layout(texts.get(..count).unwrap_or(texts), 0);
    let others = texts.get(count..).unwrap_or_default();
    if !others.is_empty() {
        layout.hidden += others.iter().map(|text| text.text.count()).sum::<usize>();
        let note = format!("{} more fields are not shown here", with_separators(others.len()));
        layout.push(Kind::Section, Spans::new().italic(note), None);
        layout.finish_block();
    }
    layout
}

/// Lays out texts in the pages of a view. No text is left out.
pub(super) fn pages(texts: &[LabelledText]) -> Vec<Vec<Block>> {
    let Layout { blocks, continued, .. } = layout(texts, usize::MAX);
    let mut pages: Vec<Vec<Block>> = Vec::new();
    let mut bytes = 0_usize;
    for (block, continued) in blocks.into_iter().zip(continued) {
        let size = json_size(&block);
        match pages.last_mut() {
            Some(page) if page.len() < MAX_PAGE_BLOCKS && bytes.saturating_add(size) <= MAX_PAGE_BYTES => {
                bytes = bytes.saturating_add(size);
                page.push(block);
            }
            _ => {
                let label = continued.map(|label| Spans::new().bold(label).text(" (continued)"));
                let label = label.map(|label| RichText::section(label).into());
                bytes = size;
                pages.push(label.into_iter().chain([block]).collect());
            }
        }
    }
    pages
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Section,
    Quote,
}

/// Blocks under construction.
#[derive(Default)]
struct Layout {
    blocks: Vec<Block>,
    /// For each block, the label of the text that it continues.
    continued: Vec<Option<String>>,
    /// The paragraphs of the last block, which is not in `blocks` yet.
    paragraphs: Vec<(Kind, Spans)>,
    length: usize,
    hidden: usize,
}

impl Layout {
    fn push(&mut self, kind: Kind, spans: Spans, continues: Option<&str>) {
        let length = spans.length();
        if self.length.saturating_add(length) > MAX_BLOCK_LENGTH {
            self.finish_block();
        }
        if self.paragraphs.is_empty() {
            self.continued.push(continues.map(str::to_owned));
        }
        self.length = self.length.saturating_add(length);
        match self.paragraphs.last_mut() {
            // Lines of one paragraph: a paragraph of its own for each would take more of the message.
            Some((Kind::Section, lines)) if kind == Kind::Section => {
                self.length = self.length.saturating_add(1);
                *lines = std::mem::take(lines).text("\n").and(spans);
            }
            _ => self.paragraphs.push((kind, spans)),
        }
    }

    fn finish_block(&mut self) {
        self.length = 0;
        let mut paragraphs = std::mem::take(&mut self.paragraphs).into_iter();
        let block = paragraphs.next().map(|(kind, spans)| match kind {
            Kind::Section => RichText::section(spans),
            Kind::Quote => RichText::quote(spans),
        });
        let block = block.map(|block| {
            paragraphs.fold(block, |block, (kind, spans)| match kind {
                Kind::Section => block.then_section(spans),
                Kind::Quote => block.then_quote(spans),
            })
        });
        self.blocks.extend(block.map(Block::from));
    }

    fn into_fitted(self) -> FittedTexts {
        FittedTexts { blocks: self.blocks, hidden: self.hidden }
    }
}

/// Lays out texts, of which only the first `max` of their length is shown.
fn layout(texts: &[LabelledText], max: usize) -> Layout {
    let mut layout = Layout::default();
    for LabelledText { label, text, is_quoted } in texts {
        let is_whole = max == usize::MAX || text.length() <= max.saturating_add(NOTE_LENGTH);
        let (shown, rest) = if is_whole { (text.clone(), Spans::new()) } else { text.clone().split(max) };
        let shown = if text.is_blank() { Spans::new().text("–") } else { shown };
        let title = label.as_ref().map(|label| Spans::new().bold(label));
        if *is_quoted {
            if let Some(title) = title {
                layout.push(Kind::Section, title, None);
            }
            for (index, chunk) in shown.chunks(MAX_BLOCK_LENGTH).into_iter().enumerate() {
                layout.push(Kind::Quote, chunk, label.as_deref().filter(|_| index > 0));
            }
        } else {
            let title = title.map(|title| title.text(": ")).unwrap_or_default();
            layout.push(Kind::Section, title.and(shown), None);
        }
        let hidden = rest.count();
        if hidden > 0 {
            layout.hidden = layout.hidden.saturating_add(hidden);
            layout.push(
                Kind::Section,
                Spans::new().italic(format!("{} not shown here", more_characters(hidden))),
                None,
            );
        }
    }
    layout.finish_block();
    layout
}

/// Returns a number of characters in words, with the verb that follows.
pub(super) fn more_characters(count: usize) -> String {
    match count {
        1 => "1 more character is".to_owned(),
        count => format!("{} more characters are", with_separators(count)),
    }
}

fn with_separators(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the size of blocks as JSON, in bytes.
pub(super) fn json_size(blocks: &(impl Serialize + ?Sized)) -> usize {
    serde_json::to_vec(blocks).map_or(usize::MAX, |json| json.len())
}

/// Returns the blocks with which a reader turns the pages of a view, from 0. There are none if there is only one page.
pub(super) fn page_turner(
    page: usize,
    last: usize,
    [previous, next]: [ActionId; 2],
    value: impl Fn(usize) -> String,
) -> Result<Vec<Block>> {
    if last == 0 {
        return Ok(Vec::new());
    }
    let turn = |action, label, page| -> Result<Button> {
        Ok(Button::new(action, label).value(ButtonValue::new(value(page))?))
    };
    let mut buttons = Vec::new();
    if let Some(before) = page.checked_sub(1) {
        buttons.push(turn(previous, "Previous page", before)?);
    }
    if page < last {
        buttons.push(turn(next, "Next page", page.saturating_add(1))?);
    }
    let number = format!("Page {} of {}", page.saturating_add(1), last.saturating_add(1));
    Ok(vec![Context::new(number).into(), Actions::new(buttons)?.into()])
}
