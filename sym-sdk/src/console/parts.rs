//! The parts that pages consist of: states, people, times, and what happened a moment ago.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::delivery::reveal_hidden;
use crate::model::{User, UserType};

/// The role of a colour. Each has a shape too, so that nobody needs the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Somebody has to act, or something ends soon.
    Waiting,
    /// Access is held.
    Active,
    /// It is done, or as it should be.
    Ok,
    /// It is over, as planned.
    Ended,
    /// A person said no.
    Denied,
    /// Something broke, or access is there that should not be.
    Failed,
    Info,
}

impl Role {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Waiting => "is-waiting",
            Self::Active => "is-active",
            Self::Ok => "is-ok",
            Self::Ended => "is-ended",
            Self::Denied => "is-denied",
            Self::Failed => "is-failed",
            Self::Info => "is-info",
        }
    }
}

/// A state in a word or two.
pub(super) fn tag(role: Role, text: &str) -> Markup {
    html! { span.tag.(role.class()) { (text) } }
}

/// A message about what has just happened.
pub(super) fn flash(role: Role, text: &str) -> Markup {
    html! { div.flash.(role.class()) role=(if role == Role::Failed { "alert" } else { "status" }) tabindex="-1" { p { (text) } } }
}

/// The name of a user, as people call them.
pub(super) fn name_of(user: &User) -> String {
    let name = user.full_name();
    if name.trim().is_empty() { user.username().to_owned() } else { reveal_hidden(name.trim()) }
}

/// A round picture of initials; square for programs.
pub(super) fn avatar(user: &User) -> Markup {
    let name = name_of(user);
    let words = name.split(|c: char| c.is_whitespace() || ".-_@".contains(c)).filter(|word| !word.is_empty());
    let initials: String = words.filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).collect();
    html! { span.avatar.bot[user.user_type() != UserType::Normal] aria-hidden="true" { (initials) } }
}

/// A user with their picture.
pub(super) fn who(user: &User) -> Markup {
    html! { span.who { (avatar(user)) " " (name_and_kind(user)) } }
}

/// A user with their picture, linked to their page.
pub(super) fn linked_who(user: &User, address: &str) -> Markup {
    html! { span.who { (avatar(user)) " " span { a href=(address) { (name_and_kind(user)) } } } }
}

fn name_and_kind(user: &User) -> String {
    let kind = match user.user_type() {
        _ if user.is_agent() => " (agent)",
        UserType::Bot => " (bot)",
        _ => "",
    };
    format!("{}{kind}", name_of(user))
}

/// A text that somebody wrote, quoted. What is invisible in it is shown.
pub(super) fn quote(text: &str) -> Markup {
    html! { blockquote { (reveal_hidden(text)) } }
}

/// A time of day, with its day unless that is today. The script shows it in the viewer's zone.
pub(super) fn time(at: Timestamp, now: Timestamp) -> Markup {
    timed(at, now, "%H:%M", "time")
}

/// A time of day to the second.
pub(super) fn time_to_second(at: Timestamp, now: Timestamp) -> Markup {
    timed(at, now, "%H:%M:%S", "seconds")
}

fn timed(at: Timestamp, now: Timestamp, format: &str, kind: &str) -> Markup {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let clock = at.strftime(format).to_string();
    let text = if day(at) == day(now) { clock } else { format!("{}, {clock}", at.strftime("%-d %b %Y")) };
    html! { time datetime=(format!("{at:.0}")) title=(at.strftime("%Y-%m-%d %H:%M:%S UTC")) data-show=(kind) { (text) } }
}

/// Formats the time since then in its largest units.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    match between(at, now) {
        passed if passed < Duration::from_secs(60) => "just now".to_owned(),
        passed => format!("{} ago", span(passed)),
    }
}

/// The time from one point to another; none if the other is earlier.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// A duration in its one or two largest units, such as `2 h 12 min`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let two = |large: u64, unit: &str, small: u64, smaller: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {smaller}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => two(hours, "h", minutes, "min"),
        (days, hours, _) => two(days, "d", hours, "h"),
    }
}

/// The time that is left of access, as a number and a bar.
pub(super) fn countdown(since: Timestamp, until: Timestamp, now: Timestamp) -> Markup {
    let (whole, left) = (between(since, until).as_secs().max(1), between(now, until).as_secs());
    let is_late = now >= until;
    let role = if is_late {
        Role::Failed
    } else if left <= 300 || left.saturating_mul(10) <= whole {
        Role::Waiting
    } else {
        Role::Active
    };
    let text =
        if is_late { "should have ended".to_owned() } else { format!("{} left", span(Duration::from_secs(left))) };
    html! {
        div.countdown.(role.class()) data-until=(format!("{until:.0}")) {
            span { b { (text) } " " span { "until " (time(until, now)) } }
            progress max=(whole) value=(left.min(whole)) aria-label="Time left" {}
        }
    }
}

/// A button of a form that is there although it cannot be pressed, with the reason.
pub(super) fn barred(label: &str, why: &str, id: &str) -> Markup {
    html! { button.button disabled aria-describedby=(id) { (label) } " " span.why id=(id) { (sentence(why)) } }
}

/// A message of the machine as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.trim().chars();
    let Some(first) = letters.next() else { return String::new() };
    let text: String = first.to_uppercase().chain(letters).collect();
    if text.ends_with(['.', '!', '?', '…']) { text } else { format!("{text}.") }
}

/// A place for what is not there: what would be, and what to do.
pub(super) fn empty(title: &str, text: &str) -> Markup {
    html! { div.empty { p { b { (title) } br; span.muted { (text) } } } }
}
