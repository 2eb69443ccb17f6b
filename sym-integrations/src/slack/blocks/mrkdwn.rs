use jiff::Timestamp;
use sym_sdk::routing::{SlackChannelId, SlackUser};
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

use super::measure::{self, ELLIPSIS};
use super::text::{Shown, from_strings};

/// Text in Slack's notation, put together from parts.
///
/// What comes from elsewhere goes through [`text`](Self::text) and its like, which escape it: whatever it holds, it mentions
/// nobody and links to nothing. Marks such as `*` in it may still show as formatting, for which Slack knows no escape;
/// [`code`](Self::code) and [`PlainText`](super::PlainText) show everything as it is.
///
/// Where it is too long, it is cut between characters as people see them, never within a mention or a link, and what has been
/// opened is closed. Blank text is shown as `–`. Control characters, and those that force a direction on the text around
/// them, are left out.
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

/// How a point in time is shown, in the time zone of whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeStyle {
    /// The time of day.
    Time,
    /// The day: `today` or `yesterday` where that is so, else the date.
    Date,
    /// Day and time of day.
    DateTime,
    /// How long ago, or in how long.
    Relative,
}

impl Mrkdwn {
    /// No text yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends foreign text, escaped.
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.part("", escape(&measure::clean(text.as_ref())), "")
    }

    /// Appends text that is in Slack's notation already, as it is. It is not for what anybody else has written: it can mention
    /// a whole channel.
    pub fn trusted(self, notation: impl Into<String>) -> Self {
        self.part("", notation.into(), "")
    }

    /// Appends foreign text in bold, on one line. An asterisk in it becomes `∗`.
    pub fn bold(self, text: impl AsRef<str>) -> Self {
        self.marked("*", &text.as_ref().replace('*', "∗"))
    }

    /// Appends foreign text as code, on one line, of which Slack interprets nothing. A backtick in it becomes `ˋ`.
    pub fn code(self, text: impl AsRef<str>) -> Self {
        self.marked("`", &text.as_ref().replace('`', "ˋ"))
    }

    /// Appends foreign text as a quotation, every line of it, so that none can be taken for what stands around it.
    /// It begins a line.
    pub fn quote(self, text: impl AsRef<str>) -> Self {
        let lines: Vec<_> = escape(&measure::clean(text.as_ref())).lines().map(|line| format!(">{line}")).collect();
        self.part("", lines.join("\n"), "")
    }

    /// Appends a mention of a person, whom it notifies.
    pub fn user(self, user: &SlackUser) -> Self {
        self.part("", format!("<@{}>", user.user_id()), "")
    }

    /// Appends a link to a channel.
    pub fn channel(self, channel: &SlackChannelId) -> Self {
        self.part("", format!("<#{}>", channel.channel_id()), "")
    }

    /// Appends a link, shown as this text. If the URL is not one of the web, only the text is shown.
    pub fn link(self, url: &Url, text: impl AsRef<str>) -> Self {
        let shown = measure::clean(text.as_ref());
        let fits = measure::utf16_length(url.as_str()) <= super::limits::URL;
        if !matches!(url.scheme(), "http" | "https") || !fits {
            return self.text(shown);
        }
        // A bar ends the URL.
        let url = escape(url.as_str()).replace('|', "%7C");
        let shown = one_line(&escape(&shown)).replace('|', "∣");
        if measure::is_blank(&shown) {
            return self.part("", format!("<{url}>"), "");
        }
        self.part("", format!("<{url}|{shown}>"), "")
    }

    /// Appends a point in time. Where Slack cannot show it so, there is the time in UTC.
    pub fn time(self, at: Timestamp, style: TimeStyle) -> Self {
        let (format, utc) = match style {
            TimeStyle::Time => ("{time}", "%H:%M UTC"),
            TimeStyle::Date => ("{date_short_pretty}", "%Y-%m-%d"),
            TimeStyle::DateTime => ("{date_short_pretty} {time}", "%Y-%m-%d %H:%M UTC"),
            TimeStyle::Relative => ("{ago}", "%Y-%m-%d %H:%M UTC"),
        };
        self.part("", format!("<!date^{}^{format}|{}>", at.as_second(), at.strftime(utc)), "")
    }

    /// Whether there is nothing to see.
    pub fn is_blank(&self) -> bool {
        self.parts.iter().all(|part| measure::is_blank(&part.body))
    }

    fn marked(self, mark: &'static str, text: &str) -> Self {
        let text = one_line(&measure::clean(text));
        // Slack takes marks for formatting only if they touch what they enclose.
        match text.trim() {
            "" => self,
            text => self.part(mark, escape(text), mark),
        }
    }

    fn part(mut self, open: &'static str, body: String, close: &'static str) -> Self {
        self.parts.push(Part { open, body, close });
        self
    }

    pub(super) fn cut(self, most: usize) -> Shown {
        Shown::Mrkdwn { text: self.cut_text(most), verbatim: true }
    }

    pub(super) fn cut_text(self, most: usize) -> String {
        let all = measure::or_nothing(self.to_string());
        if measure::utf16_length(&all) <= most {
            return all;
        }
        let mut text = String::new();
        let mut left = most.saturating_sub(measure::utf16_length(ELLIPSIS));
        for part in &self.parts {
            let marks = part.open.len() + part.close.len();
            let (body, complete) =
                measure::fitting(units(&part.body), left.saturating_sub(marks), measure::utf16_length);
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

/// The whole text, in Slack's notation.
impl std::fmt::Display for Mrkdwn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.iter().try_for_each(|Part { open, body, close }| write!(f, "{open}{body}{close}"))
    }
}

from_strings!(Mrkdwn, |text| Mrkdwn::new().text(text));

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}

/// The parts of a text in Slack's notation that must not be cut: what is in angle brackets, entities, and characters as people
/// see them.
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
