//! Text in Slack's markup.

use jiff::Timestamp;
use sym_sdk::routing::{SlackChannelId, SlackUser};
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

use super::measure::{self, ELLIPSIS};
use super::text::{TextObject, from_strings};
use crate::slack::escape;

/// A text in Slack's markup, built from parts.
///
/// Text from elsewhere is added with [`text`](Self::text) and similar methods, which escape it: it cannot mention anyone or
/// link anywhere. Formatting characters such as `*` in it may still be interpreted, since Slack has no escape for them;
/// [`code`](Self::code) and [`PlainText`](super::PlainText) show every character literally.
///
/// A text that is too long is truncated between grapheme clusters, never within a mention or a link, and open formatting is
/// closed. A blank text is shown as `–`. Control characters and directional overrides are removed.
///
/// ```
/// use sym_integrations::slack::{self, blocks::Mrkdwn};
///
/// let ana = slack::user("U012AB3CD")?;
/// let text = Mrkdwn::new().user(&ana).text(" asks for ").bold("R&D <admin>").text(" because\n").quote("the build\n*hangs*");
/// assert_eq!(text.to_string(), "<@U012AB3CD> asks for *R&amp;D &lt;admin&gt;* because\n>the build\n>*hangs*");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
///
/// Slack's [reference](https://docs.slack.dev/messaging/formatting-message-text).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mrkdwn {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    open: &'static str,
    body: String,
    close: &'static str,
}

/// The format of a timestamp, which is shown in the reader's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeStyle {
    /// The time of day.
    Time,
    /// The date, or `today` or `yesterday`.
    Date,
    /// The date and the time of day.
    DateTime,
    /// The time relative to now.
    Relative,
}

impl TimeStyle {
    /// Returns Slack's format, and that of the fallback in UTC.
    pub(super) fn formats(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("{time}", "%H:%M UTC"),
            Self::Date => ("{date_short_pretty}", "%Y-%m-%d"),
            Self::DateTime => ("{date_short_pretty} {time}", "%Y-%m-%d %H:%M UTC"),
            Self::Relative => ("{ago}", "%Y-%m-%d %H:%M UTC"),
        }
    }
}

impl Mrkdwn {
    /// Creates an empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a text, escaped.
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.part("", escape(&measure::clean(text.as_ref())), "")
    }

    /// Appends a text that is already in Slack's markup, unescaped. Do not pass text written by others: it could mention a whole
    /// channel.
    pub fn trusted(self, markup: impl Into<String>) -> Self {
        self.part("", markup.into(), "")
    }

    /// Appends a text in bold, on one line, escaped. Marks in it become look-alikes, so that it ends neither the formatting nor has
    /// any of its own: `*` becomes `∗`, a backtick `ˋ`, `~` `∼`, and the colons of `:tada:` become `∶`.
    pub fn bold(self, text: impl AsRef<str>) -> Self {
        self.formatted("*", &without_marks(text.as_ref()))
    }

    /// Appends a text as inline code, on one line, escaped. A backtick in it becomes `ˋ`.
    pub fn code(self, text: impl AsRef<str>) -> Self {
        self.formatted("`", &text.as_ref().replace('`', "ˋ"))
    }

    /// Appends a text as a quotation, escaped. Every line is quoted, so that no line can be mistaken for the surrounding text.
    /// It must begin a line.
    pub fn quote(self, text: impl AsRef<str>) -> Self {
        let lines: Vec<_> = escape(&measure::clean(text.as_ref())).lines().map(|line| format!(">{line}")).collect();
        self.part("", lines.join("\n"), "")
    }

    /// Appends a mention of a user, which notifies them.
    pub fn user(self, user: &SlackUser) -> Self {
        self.part("", format!("<@{}>", user.user_id()), "")
    }

    /// Appends a link to a channel.
    pub fn channel(self, channel: &SlackChannelId) -> Self {
        self.part("", format!("<#{}>", channel.channel_id()), "")
    }

    /// Appends a link with this text. Only the text is appended if the URL is neither `http` nor `https`, or is too long.
    pub fn link(self, url: &Url, text: impl AsRef<str>) -> Self {
        let shown = measure::clean(text.as_ref());
        let fits = measure::utf16_length(url.as_str()) <= super::limits::URL;
        if !matches!(url.scheme(), "http" | "https") || !fits {
            return self.text(shown);
        }
        // A bar would end the URL.
        let url = escape(url.as_str()).replace('|', "%7C");
        let shown = measure::one_line(&escape(&shown)).replace('|', "∣");
        if measure::is_blank(&shown) {
            return self.part("", format!("<{url}>"), "");
        }
        self.part("", format!("<{url}|{shown}>"), "")
    }

    /// Appends a timestamp. Clients that cannot format it show the time in UTC.
    pub fn time(self, at: Timestamp, style: TimeStyle) -> Self {
        let (format, utc) = style.formats();
        self.part("", format!("<!date^{}^{format}|{}>", at.as_second(), at.strftime(utc)), "")
    }

    /// Returns whether the text has no visible characters.
    pub fn is_blank(&self) -> bool {
        self.parts.iter().all(|part| measure::is_blank(&part.body))
    }

    fn formatted(self, mark: &'static str, text: &str) -> Self {
        let text = measure::one_line(&measure::clean(text));
        // Slack interprets formatting marks only if they touch the enclosed text.
        match text.trim() {
            "" => self,
            text => self.part(mark, escape(text), mark),
        }
    }

    fn part(mut self, open: &'static str, body: String, close: &'static str) -> Self {
        self.parts.push(Part { open, body, close });
        self
    }

    pub(super) fn truncate(self, max: usize) -> TextObject {
        TextObject::Mrkdwn { text: self.truncate_text(max), verbatim: true }
    }

    pub(super) fn truncate_text(self, max: usize) -> String {
        let all = measure::or_placeholder(self.to_string());
        if measure::utf16_length(&all) <= max {
            return all;
        }
        let mut text = String::new();
        let mut left = max.saturating_sub(measure::utf16_length(ELLIPSIS));
        for part in &self.parts {
            let marks = part.open.len() + part.close.len();
            let (body, complete) =
                measure::take_fitting(units(&part.body), left.saturating_sub(marks), measure::utf16_length);
            if !complete {
                match body.trim_end() {
                    "" => text.push_str(ELLIPSIS),
                    body => text.extend([part.open, body, ELLIPSIS, part.close]),
                }
                break;
            }
            left = left.saturating_sub(marks + measure::utf16_length(&body));
            text.extend([part.open, &body, part.close]);
        }
        text
    }
}

/// Formats the whole text, in Slack's markup.
impl std::fmt::Display for Mrkdwn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.iter().try_for_each(|Part { open, body, close }| write!(f, "{open}{body}{close}"))
    }
}

from_strings!(Mrkdwn, |text| Mrkdwn::new().text(text));

/// Replaces what Slack would interpret by look-alikes. Underscores stay: names and addresses contain them, and in words they mean nothing.
fn without_marks(text: &str) -> String {
    let text = text.replace('*', "∗").replace('`', "ˋ").replace('~', "∼");
    let is_emoji_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '\'');
    let mut result = String::with_capacity(text.len());
    let mut parts = text.split(':').peekable();
    let (mut is_first, mut was_emoji) = (true, false);
    while let Some(part) = parts.next() {
        let is_emoji = !is_first && parts.peek().is_some() && !part.is_empty() && part.chars().all(is_emoji_name);
        if !is_first {
            result.push(if is_emoji || was_emoji { '∶' } else { ':' });
        }
        result.push_str(part);
        (is_first, was_emoji) = (false, is_emoji);
    }
    result
}

/// Splits a text in Slack's markup into the units between which it may be truncated: anything in angle brackets, entities, and
/// grapheme clusters.
fn units(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match rest.as_bytes().first()? {
            b'<' => rest.find('>').map(|at| at + 1),
            b'&' => {
                ["&amp;", "&lt;", "&gt;"].iter().find(|entity| rest.starts_with(**entity)).map(|entity| entity.len())
            }
            _ => None,
        };
        let end = end.or_else(|| rest.graphemes(true).next().map(str::len))?;
        let (unit, after) = rest.split_at(end);
        rest = after;
        Some(unit)
    })
}
