//! Plain text, and text objects.

use serde::Serialize;

use super::measure;
use super::mrkdwn::Mrkdwn;

/// Implements `From` for the string types. A blanket implementation would conflict with `From<T> for T`.
macro_rules! from_strings {
    ($name:ty, $make:expr) => {
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $make(text)
            }
        }

        impl From<&String> for $name {
            fn from(text: &String) -> Self {
                $make(text.as_str())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $make(text)
            }
        }
    };
}
pub(super) use from_strings;

/// A text that Slack shows literally: nothing in it is interpreted as a mention, a link or formatting.
///
/// A text that is too long for its place is truncated between grapheme clusters and ends with `…`. A blank text, which Slack
/// rejects, is shown as `–`, or omitted where the text is optional. Control characters and directional overrides are removed.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/text-object).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainText {
    text: String,
    emoji: bool,
}

impl PlainText {
    /// Creates a plain text. A name such as `:tada:` is not shown as an emoji, so that `arn:aws:iam` stays intact.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: measure::clean(&text.into()), emoji: false }
    }

    /// Shows names such as `:tada:` as emoji.
    pub fn emoji(mut self) -> Self {
        self.emoji = true;
        self
    }

    pub(super) fn truncate(self, max: usize) -> TextObject {
        TextObject::PlainText { text: measure::truncate(measure::or_placeholder(self.text), max), emoji: self.emoji }
    }

    /// Truncates the text, or returns `None` if it is blank, for places where the text is optional.
    pub(super) fn truncate_non_blank(self, max: usize) -> Option<TextObject> {
        (!measure::is_blank(&self.text)).then(|| self.truncate(max))
    }

    pub(super) fn is_blank(&self) -> bool {
        measure::is_blank(&self.text)
    }
}

from_strings!(PlainText, PlainText::new);

/// A plain text or a text in Slack's markup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Text {
    /// A text that is shown literally.
    Plain(PlainText),
    /// A text in Slack's markup.
    Mrkdwn(Mrkdwn),
}

impl Text {
    pub(super) fn truncate(self, max: usize) -> TextObject {
        match self {
            Self::Plain(text) => text.truncate(max),
            Self::Mrkdwn(text) => text.truncate(max),
        }
    }
}

from_strings!(Text, |text| Text::Plain(PlainText::new(text)));

impl From<PlainText> for Text {
    fn from(text: PlainText) -> Self {
        Self::Plain(text)
    }
}

impl From<Mrkdwn> for Text {
    fn from(text: Mrkdwn) -> Self {
        Self::Mrkdwn(text)
    }
}

/// A text object, truncated to the limit of its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum TextObject {
    PlainText { text: String, emoji: bool },
    // Without `verbatim`, Slack would turn names in the text into mentions that notify people.
    Mrkdwn { text: String, verbatim: bool },
}
