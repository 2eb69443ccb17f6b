use serde::Serialize;

use super::measure;
use super::mrkdwn::Mrkdwn;

/// `From` for what strings there are, as a blanket implementation would collide with that of the type itself.
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

/// Text that Slack shows as it is: no part of it is a mention, a link or formatting.
///
/// Wherever it goes, it is cut to what Slack takes there, between characters as people see them, and ends with `…` then. Blank
/// text, which Slack refuses, is shown as `–`, and left out where there can be none. Control characters, and those that force
/// a direction on the text around them, are left out.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/text-object).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainText {
    text: String,
    emoji: bool,
}

impl PlainText {
    /// This text. Something like `:tada:` in it stays what it is, as the parts of `arn:aws:iam` should.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: measure::clean(&text.into()), emoji: false }
    }

    /// Shows the emoji for names such as `:tada:` in the text.
    pub fn emoji(mut self) -> Self {
        self.emoji = true;
        self
    }

    pub(super) fn cut(self, most: usize) -> Shown {
        Shown::PlainText { text: measure::cut(measure::or_nothing(self.text), most), emoji: self.emoji }
    }

    /// For where there need not be any text.
    pub(super) fn cut_unless_blank(self, most: usize) -> Option<Shown> {
        (!measure::is_blank(&self.text)).then(|| self.cut(most))
    }

    pub(super) fn is_blank(&self) -> bool {
        measure::is_blank(&self.text)
    }
}

from_strings!(PlainText, PlainText::new);

/// Text with or without formatting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Text {
    /// As it is.
    Plain(PlainText),
    /// In Slack's notation.
    Mrkdwn(Mrkdwn),
}

impl Text {
    pub(super) fn cut(self, most: usize) -> Shown {
        match self {
            Self::Plain(text) => text.cut(most),
            Self::Mrkdwn(text) => text.cut(most),
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

/// A text that fits where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Shown {
    PlainText { text: String, emoji: bool },
    // `verbatim`, or Slack looks for names in foreign text and would notify whom it finds.
    Mrkdwn { text: String, verbatim: bool },
}
