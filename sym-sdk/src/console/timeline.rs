//! The timeline of a Run: its record in sentences, on four tracks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};

use super::parts::{Role, avatar, between, name_of, quote, sentence, span, time_to_second};
use crate::audit::{AuditEntry, AuditKind, AuditRecord, HandlerResult};
use crate::error::Result;
use crate::machine::{EffectError, EventRecord};
use crate::model::{ChannelType, DeescalateType, HandlerRef, Step, User, UserId, UserType};
use crate::routing::{PermissionLevel, PermissionScope};
use crate::simulation::describe_scope;

/// The pause from which on a line tells how long nothing happened.
const GAP: std::time::Duration = std::time::Duration::from_secs(60);

/// The part of the timeline that an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Track {
    People,
    Code,
    Access,
    Failures,
}

impl Track {
    pub(super) const ALL: [Self; 4] = [Self::People, Self::Code, Self::Access, Self::Failures];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Code => "code",
            Self::Access => "access",
            Self::Failures => "failures",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::People => "People",
            Self::Code => "Code",
            Self::Access => "Access",
            Self::Failures => "Failures",
        }
    }
}

/// Whether access is held during an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    No,
    Yes,
    /// It should have ended.
    Overdue,
}

/// An entry in words.
struct Line {
    seq: u64,
    at: Timestamp,
    track: Track,
    role: Role,
    /// The one whose picture stands at the entry.
    face: Option<std::sync::Arc<User>>,
    /// The subject, which is set off.
    subject: Option<String>,
    text: String,
    quote: Option<String>,
    detail: Option<String>,
    handler: Option<HandlerRef>,
    held: Held,
}

/// The timeline, and how much of it is on each track.
pub(super) struct Timeline {
    lines: Vec<Line>,
}

impl Timeline {
    /// Reads the entries of a Run, in order. Others than administrators do not see what handlers and services have said.
    pub(super) fn new(records: &[AuditRecord], names: &BTreeMap<UserId, String>, is_admin: bool) -> Result<Self> {
        let mut lines = Vec::with_capacity(records.len());
        let (mut held, mut until) = (Held::No, None);
        for record in records {
            let entry = record.entry()?;
            match &entry.kind {
                AuditKind::Granted { until: end, .. } => (held, until) = (Held::Yes, *end),
                AuditKind::Extended { until: end, .. } | AuditKind::ExpiryCorrected { until: end } => {
                    until = Some(*end)
                }
                AuditKind::Revoked { .. } | AuditKind::WrittenOff { .. } => held = Held::No,
                _ => {}
            }
            if held == Held::Yes && until.is_some_and(|until| entry.at > until) {
                held = Held::Overdue;
            }
            lines.extend(line(record.seq, &entry, names, is_admin).map(|line| Line { held, ..line }));
        }
        Ok(Self { lines })
    }

    pub(super) fn count(&self, track: Option<Track>) -> usize {
        self.lines.iter().filter(|line| track.is_none_or(|track| line.track == track)).count()
    }

    /// The list of entries, of one track or of all.
    pub(super) fn render(&self, only: Option<Track>, now: Timestamp) -> Markup {
        let shown: Vec<_> = self.lines.iter().filter(|line| only.is_none_or(|track| line.track == track)).collect();
        html! {
            ol.timeline {
                @for (at, line) in shown.iter().enumerate() {
                    @let before = at.checked_sub(1).and_then(|before| shown.get(before));
                    @let pause = before.map(|before| between(before.at, line.at)).filter(|pause| *pause >= GAP);
                    @if let (Some(pause), None) = (pause, only) {
                        @let held = before.map_or(Held::No, |before| before.held);
                        li.gap.held[held == Held::Yes].overdue[held == Held::Overdue] { p { (span(pause)) @if held == Held::Yes { ", access held" } @else if held == Held::Overdue { ", access held too long" } } }
                    }
                    (line.render(before.is_none_or(|before| before.held != line.held), now))
                }
            }
        }
    }
}

impl Line {
    fn render(&self, starts: bool, now: Timestamp) -> Markup {
        let class = match self.track {
            Track::People => "people",
            Track::Code => "code",
            Track::Access => "access",
            Track::Failures => "failure",
        };
        html! {
            li.(class).(self.role.class()).held[self.held == Held::Yes].overdue[self.held == Held::Overdue].starts[starts && self.held != Held::No] {
                (time_to_second(self.at, now))
                @match &self.face {
                    Some(user) => { span.node.face { (avatar(user)) } }
                    None => { span.node {} }
                }
                div.what {
                    p {
                        @if let Some(subject) = &self.subject { b { (subject) } " " }
                        (self.text)
                        @if let Some(handler) = &self.handler { " " code.src { (handler.file()) ":" (handler.line()) } }
                    }
                    @if let Some(text) = &self.quote { (quote(text)) }
                    @if let Some(detail) = &self.detail { p.why { (detail) } }
                }
                span.seq { "#" (self.seq) }
            }
        }
    }
}

/// Returns an entry in words; `None` for one that says nothing to people.
fn line(seq: u64, entry: &AuditEntry, names: &BTreeMap<UserId, String>, is_admin: bool) -> Option<Line> {
    let plain = |track, role, text: String| Line {
        seq,
        at: entry.at,
        track,
        role,
        face: None,
        subject: None,
        text,
        quote: None,
        detail: None,
        handler: None,
        held: Held::No,
    };
    let failed = |text: String, error: &EffectError| {
        let detail = Some(words_of(error, is_admin));
        Line { detail, handler: error.handler.as_deref().cloned(), ..plain(Track::Failures, Role::Failed, text) }
    };
    let by_person = |line: Line| {
        let actor = &entry.event.actor;
        let is_person = actor.user_type() != UserType::System;
        let subject = is_person.then(|| name_of(actor));
        Line { face: is_person.then(|| actor.clone()), subject, ..line }
    };
    Some(match &entry.kind {
        AuditKind::Received => {
            let quote = entry.event.decision_message.clone();
            by_person(Line { quote, ..plain(Track::People, role_of(entry.event.name), received(&entry.event)) })
        }
        AuditKind::Refused { error } => by_person(Line {
            detail: Some(sentence(&error.message)),
            ..plain(Track::People, Role::Failed, format!("tried to {}, which was refused", verb(entry.event.name)))
        }),
        AuditKind::SubmissionRefused { action, error, omitted, .. } => by_person(Line {
            detail: Some(match omitted {
                0 => error.code.to_string(),
                more => format!("{}, and {more} more before it", error.code),
            }),
            ..plain(
                Track::People,
                Role::Failed,
                format!("tried to {}, which was refused", action.as_str().replace('_', " ")),
            )
        }),
        AuditKind::HandlerCalled { handler, result } => {
            let (text, is_failure) = match result {
                HandlerResult::Continued => ("continued".to_owned(), false),
                HandlerResult::Fired { event, reason } => {
                    let reason = reason.as_deref().map(|reason| format!(": “{reason}”")).unwrap_or_default();
                    (format!("decided {event}{reason}"), false)
                }
                HandlerResult::Ignored => ("stopped the event".to_owned(), false),
                HandlerResult::Returned => ("answered".to_owned(), false),
                HandlerResult::Failed { .. } => ("failed".to_owned(), true),
            };
            let (track, role) = if is_failure { (Track::Failures, Role::Failed) } else { (Track::Code, Role::Info) };
            Line {
                subject: Some(handler.name().to_owned()),
                handler: Some(handler.clone()),
                ..plain(track, role, text)
            }
        }
        AuditKind::LookedUp { handler, answers } => {
            let services: Vec<_> = answers.iter().map(|answer| answer.service.to_string()).collect();
            Line {
                subject: Some(handler.name().to_owned()),
                ..plain(Track::Code, Role::Info, format!("asked {}", services.join(", ")))
            }
        }
        AuditKind::Ignored { message } => {
            Line { quote: message.clone(), ..plain(Track::Code, Role::Info, "The flow stopped this here".to_owned()) }
        }
        AuditKind::Completed => return None,
        AuditKind::Failed { error } => failed("It failed".to_owned(), error),
        AuditKind::Reported { error } => failed("An error was reported".to_owned(), error),
        AuditKind::Routed { permission, notifications } => {
            let who = match permission.approve_deny() {
                PermissionScope::Level(PermissionLevel::Admin) => "administrators".to_owned(),
                scope => format!("{} or an administrator", describe_scope(scope, names)),
            };
            let needed = match permission.required_approvals() {
                1 => String::new(),
                many => format!(", {many} approvals needed"),
            };
            let detail = (!notifications.is_empty()).then(|| format!("To be told: {}", notifications.join(", then ")));
            Line { detail, ..plain(Track::Code, Role::Info, format!("To be decided by {who}{needed}")) }
        }
        AuditKind::Counted { approvals, needed } => {
            plain(Track::People, Role::Waiting, format!("{approvals} of {needed} approvals are there"))
        }
        AuditKind::ApprovalWithdrawn { approver, error } => Line {
            detail: Some(sentence(&error.message)),
            ..plain(Track::People, Role::Waiting, format!("The approval of {approver} does not count any more"))
        },
        AuditKind::FormOpened => plain(Track::People, Role::Info, "The form was shown".to_owned()),
        AuditKind::Delivered { destination, .. } => told("Told", destination, plain),
        AuditKind::Reminded { destination, .. } => told("Reminded", destination, plain),
        AuditKind::OptedOut { destination, .. } => {
            plain(Track::People, Role::Ended, format!("{destination} wants no messages"))
        }
        AuditKind::DeliveryFailed { destination, error, .. } => {
            failed(format!("{destination} could not be told"), error)
        }
        AuditKind::Messaged { to, text } => {
            Line { quote: is_admin.then(|| text.clone()), ..plain(Track::People, Role::Info, format!("Wrote to {to}")) }
        }
        AuditKind::ReminderBegun { .. } => {
            by_person(plain(Track::People, Role::Info, "asked for a reminder".to_owned()))
        }
        AuditKind::Identified { identity } => plain(Track::Code, Role::Info, format!("The account is {identity}")),
        AuditKind::StandingAccess { target, identity } => {
            plain(Track::Access, Role::Ok, format!("{identity} has {target} already, and keeps it afterwards"))
        }
        AuditKind::LesserAccess { target, identity, .. } => {
            plain(Track::Access, Role::Info, format!("{identity} has less than {target}, which comes back at the end"))
        }
        AuditKind::Granted { target, identity, until } => Line {
            subject: Some("Access given".to_owned()),
            text: match until {
                Some(until) => format!("until {}", until.strftime("%-d %b %Y, %H:%M UTC")),
                None => "without an end".to_owned(),
            },
            detail: Some(format!("{target} to {identity}")),
            ..plain(Track::Access, Role::Active, String::new())
        },
        AuditKind::GrantFailed { target, attempt, error, retry_at } => {
            failed(attempt_text("to give", target, *attempt, *retry_at), error)
        }
        AuditKind::Revoked { target, identity, still_needed_by, restored_prior, .. } => Line {
            subject: Some("Access ended".to_owned()),
            text: match (still_needed_by, restored_prior) {
                (0, true) => "and what was there before is back".to_owned(),
                (0, false) => String::new(),
                (1, _) => "for this request; another one still needs it".to_owned(),
                (many, _) => format!("for this request; {many} others still need it"),
            },
            detail: Some(format!("{target} from {identity}")),
            ..plain(Track::Access, Role::Ended, String::new())
        },
        AuditKind::RevokedProvisionally { target, identity, settles_at, .. } => Line {
            subject: Some("Access taken away".to_owned()),
            text: format!("and looked at again until {}", settles_at.strftime("%H:%M UTC")),
            detail: Some(format!("{target} from {identity}: a grant whose outcome is unknown may still take effect")),
            ..plain(Track::Access, Role::Waiting, String::new())
        },
        AuditKind::StandingAccessKept { target, identity } => {
            plain(Track::Access, Role::Ended, format!("{identity} keeps {target}, had before"))
        }
        AuditKind::RevokeFailed { target, attempt, error, retry_at } => {
            failed(attempt_text("to take away", target, *attempt, Some(*retry_at)), error)
        }
        AuditKind::RevokeRetried { attempt, .. } => {
            by_person(plain(Track::People, Role::Info, format!("asked for attempt {attempt} to end it")))
        }
        AuditKind::WrittenOff { reason, .. } => by_person(Line {
            quote: Some(reason.clone()),
            ..plain(Track::People, Role::Failed, "wrote off the revocation".to_owned())
        }),
        AuditKind::RegrantBegun { .. } => {
            by_person(plain(Track::People, Role::Info, "asked to give it again".to_owned()))
        }
        AuditKind::Regranted { target, identity } => {
            plain(Track::Access, Role::Active, format!("{target} given to {identity} again"))
        }
        AuditKind::RegrantFailed { target, error, .. } => failed(format!("{target} could not be given again"), error),
        AuditKind::Extended { until, .. } => Line {
            subject: Some("Access extended".to_owned()),
            text: format!("until {}", until.strftime("%-d %b %Y, %H:%M UTC")),
            ..plain(Track::Access, Role::Active, String::new())
        },
        AuditKind::ExtensionFailed { target, error, .. } => failed(format!("{target} could not be extended"), error),
        AuditKind::ExtensionClosed { .. } => {
            plain(Track::People, Role::Ended, "The access ends before anybody decided about more time".to_owned())
        }
        AuditKind::Rearmed => {
            plain(Track::Access, Role::Waiting, "The timer of the end was missing, and is set again".to_owned())
        }
        AuditKind::ExpiryCorrected { until } => plain(
            Track::Access,
            Role::Waiting,
            format!("The end is {}: the clock had been ahead", until.strftime("%-d %b %Y, %H:%M UTC")),
        ),
        AuditKind::UserAction { action, username, .. } => {
            by_person(plain(Track::People, Role::Info, format!("{} {username}", action.past_participle())))
        }
        AuditKind::Account(event) => by_person(plain(Track::People, Role::Info, event.to_string())),
        AuditKind::Alerted { .. } => plain(Track::People, Role::Info, "The error destination was alerted".to_owned()),
        AuditKind::AlertUndelivered { reason, .. } => failed("The alert could not be delivered".to_owned(), reason),
    })
}

fn told(verb: &str, destination: &str, plain: impl Fn(Track, Role, String) -> Line) -> Line {
    plain(Track::People, Role::Info, format!("{verb} {destination}"))
}

fn attempt_text(what: &str, target: &str, attempt: u32, retry_at: Option<Timestamp>) -> String {
    let next = match retry_at {
        Some(at) => format!("next at {}", at.strftime("%H:%M:%S UTC")),
        None => "the last one".to_owned(),
    };
    format!("Attempt {attempt} {what} {target} failed, {next}")
}

/// Returns what an error says. What handlers and services have said is for administrators alone.
fn words_of(error: &EffectError, is_admin: bool) -> String {
    if is_admin { format!("{} ({})", sentence(&error.message), error.code) } else { error.code.to_string() }
}

const fn role_of(step: Step) -> Role {
    match step {
        Step::Approve => Role::Ok,
        Step::Deny => Role::Denied,
        Step::RequestExpire | Step::Deescalate => Role::Ended,
        _ => Role::Waiting,
    }
}

const fn verb(step: Step) -> &'static str {
    match step {
        Step::Prompt => "open the form",
        Step::Request => "request it",
        Step::RequestForward => "pass it on",
        Step::RequestExpire => "let it expire",
        Step::Approve => "approve it",
        Step::Deny => "deny it",
        Step::Escalate => "give the access",
        Step::Deescalate => "end the access",
    }
}

/// Returns what somebody did, without saying who.
fn received(event: &EventRecord) -> String {
    let is_by_itself = event.actor.user_type() == UserType::System;
    let undeliverable = event.extra.get("cause").is_some_and(|cause| cause == "undeliverable");
    let of_extension = event.extension.is_some();
    let what = match (event.name, is_by_itself) {
        (Step::Prompt, _) => "opened the form",
        (Step::Request, _) if of_extension => "asked for more time",
        (Step::Request, _) => "requested it",
        (Step::RequestForward, _) if undeliverable => "Passed on: nobody could be reached",
        (Step::RequestForward, _) => "Passed on: nobody answered in time",
        (Step::RequestExpire, _) if undeliverable => "Expired: nobody could be reached",
        (Step::RequestExpire, _) => "Expired: nobody decided in time",
        (Step::Approve, true) => "Approved",
        (Step::Approve, false) if of_extension => "approved more time",
        (Step::Approve, false) => "approved it",
        (Step::Deny, true) => "Denied",
        (Step::Deny, false) if of_extension => "denied more time",
        (Step::Deny, false) => "denied it",
        (Step::Escalate, _) => "Giving the access",
        (Step::Deescalate, true) if event.deescalate_type == Some(DeescalateType::Scheduled) => {
            "Time is up: taking the access away"
        }
        (Step::Deescalate, true) => "Taking the access away",
        (Step::Deescalate, false) => "ended the access",
    };
    let place = match event.channel.kind() {
        ChannelType::Slack => " in Slack",
        ChannelType::Web => " in the console",
        ChannelType::Api => " through the API",
        ChannelType::Cli => " on the command line",
        ChannelType::Mcp => " as an agent",
        ChannelType::Sdk => " (by the flow)",
        _ => "",
    };
    if is_by_itself { what.to_owned() } else { format!("{what}{place}") }
}
