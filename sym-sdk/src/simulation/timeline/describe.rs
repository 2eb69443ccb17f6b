//! What happened, in plain words.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::audit::{AuditEntry, AuditKind, HandlerResult};
use crate::forms::{FieldMap, format_duration};
use crate::integration::Sent;
use crate::machine::{EffectError, EventRecord};
use crate::model::{AccessTarget, ChannelType, DeescalateType, HandlerRef, Step, UserId};
use crate::routing::{PermissionLevel, PermissionScope, RequestPermission};

/// What people and handlers wrote is cut to this many characters.
const TEXT_MAX: usize = 80;

/// A line's text is cut to this many characters.
const LINE_MAX: usize = 240;

/// What happened in a word or two, and the rest of it.
pub(super) fn audit(entry: &AuditEntry, names: &BTreeMap<UserId, String>) -> (&'static str, String) {
    let (what, text) = match &entry.kind {
        AuditKind::Received => ("by", received(&entry.event)),
        AuditKind::Refused { error } => ("refused", format!("{}: {}", entry.event.actor.username(), failure(error))),
        AuditKind::HandlerCalled { handler, result } => ("called", called(handler, result)),
        AuditKind::Ignored { message } => ("ignored", message.as_deref().map(quoted).unwrap_or_default()),
        AuditKind::Completed => ("now", entry.status.to_string()),
        AuditKind::Failed { error } => ("failed", failure(error)),
        AuditKind::Reported { error } => ("reported", failure(error)),
        AuditKind::Routed { permission, notifications } => ("routed", routed(permission, notifications, names)),
        AuditKind::Counted { approvals, needed } => ("counted", format!("{approvals} of {needed} approvals")),
        AuditKind::FormOpened => ("shown", format!("the form, to {}", entry.event.actor.username())),
        AuditKind::Delivered { destination, .. } => ("told", destination.clone()),
        AuditKind::OptedOut { destination, .. } => ("not told", format!("{destination} wants no notifications")),
        AuditKind::DeliveryFailed { destination, error, .. } => {
            ("not told", format!("{destination}: {}", failure(error)))
        }
        AuditKind::Messaged { to, text } => ("told", format!("{to}: {}", quoted(text))),
        AuditKind::Identified { identity } => ("identity", identity.clone()),
        AuditKind::Granted { target, identity, until } => {
            let until = until.map_or_else(|| "it is revoked".to_owned(), |until| moment(until, entry.at));
            ("granted", format!("{target} to {identity} until {until}"))
        }
        AuditKind::GrantFailed { target, attempt, error, retry_at } => {
            ("not granted", attempted(target, *attempt, error, *retry_at, entry.at))
        }
        AuditKind::Revoked { target, identity, still_needed_by: 0, .. } => {
            ("removed", format!("{target} from {identity}"))
        }
        AuditKind::Revoked { target, identity, still_needed_by, .. } => {
            let others = match still_needed_by {
                1 => "another request needs it".to_owned(),
                many => format!("{many} other requests need it"),
            };
            ("kept", format!("{target} by {identity}: {others}"))
        }
        AuditKind::RevokeFailed { target, attempt, error, retry_at } => {
            ("not removed", attempted(target, *attempt, error, Some(*retry_at), entry.at))
        }
        AuditKind::RevokeRetried { target, attempt } => {
            ("retried", format!("{target}, attempt {attempt}, by {}", entry.event.actor.username()))
        }
        AuditKind::WrittenOff { target, identity, reason } => {
            let by = entry.event.actor.username();
            ("written off", format!("{target} of {identity} by {by}: {}", quoted(reason)))
        }
        AuditKind::RegrantBegun { target, identity } => {
            ("regranting", format!("{target} to {identity}, by {}", entry.event.actor.username()))
        }
        AuditKind::Regranted { target, identity } => ("regranted", format!("{target} to {identity}")),
        AuditKind::RegrantFailed { target, identity, error } => {
            ("not granted", format!("{target} to {identity} again: {}", failure(error)))
        }
        AuditKind::Rearmed => ("rearmed", "what was to end the access was lost".to_owned()),
        AuditKind::ExpiryCorrected { until } => {
            ("brought forward", format!("the access ends at {until:.0}, because the clock was ahead"))
        }
        AuditKind::Alerted { error } => ("alerted", format!("of {}", error.code)),
    };
    (what, printable(&text, LINE_MAX))
}

/// What a request asks for; `None` if it says nothing.
pub(super) fn asked(target: Option<&AccessTarget>, duration: Option<Duration>, fields: &FieldMap) -> Option<String> {
    let access = match (target, duration) {
        (Some(target), Some(duration)) => Some(format!("{} for {}", target.title(), format_duration(duration))),
        (Some(target), None) => Some(target.title()),
        (None, _) => None,
    };
    let fields = fields.iter().map(|(name, value)| format!("{name}: {}", cut(&value.to_string(), TEXT_MAX)));
    let parts: Vec<_> = access.into_iter().chain(fields).collect();
    (!parts.is_empty()).then(|| printable(&parts.join("; "), LINE_MAX))
}

/// What a fake sent.
pub(super) fn sent(sent: &Sent) -> String {
    printable(&format!("{} to {}: {}", sent.service, sent.to, quoted(&sent.text)), LINE_MAX)
}

/// The advice that comes with an error.
pub(super) fn hint(kind: &AuditKind) -> Option<String> {
    match kind {
        // Who is alerted is told of an error that stands in the timeline already.
        AuditKind::Alerted { .. } => None,
        kind => error(kind)?.hint.as_deref().map(|hint| printable(hint, LINE_MAX)),
    }
}

/// The handler that the line names.
pub(super) fn handler(kind: &AuditKind) -> Option<&HandlerRef> {
    match kind {
        AuditKind::HandlerCalled { handler, .. } => Some(handler),
        kind => error(kind)?.handler.as_deref(),
    }
}

fn error(kind: &AuditKind) -> Option<&EffectError> {
    match kind {
        AuditKind::Refused { error }
        | AuditKind::Failed { error }
        | AuditKind::Reported { error }
        | AuditKind::Alerted { error }
        | AuditKind::DeliveryFailed { error, .. }
        | AuditKind::GrantFailed { error, .. }
        | AuditKind::RegrantFailed { error, .. }
        | AuditKind::RevokeFailed { error, .. } => Some(error),
        _ => None,
    }
}

fn received(event: &EventRecord) -> String {
    let actor = event.actor.username();
    let how = match (event.channel.kind(), event.channel.identifier()) {
        (ChannelType::Slack, Some(channel)) => format!("in Slack, {channel}"),
        (ChannelType::Slack, None) => "in Slack".to_owned(),
        (ChannelType::Api, _) => "through the API".to_owned(),
        (ChannelType::Web, _) => "in the console".to_owned(),
        (ChannelType::Sdk, _) => "(fired by a hook)".to_owned(),
        (ChannelType::Scheduler, _) => format!("({})", cause(event)),
    };
    match &event.decision_message {
        Some(message) => format!("{actor} {how}: {}", quoted(message)),
        None => format!("{actor} {how}"),
    }
}

/// Why an event came about that nobody triggered.
fn cause(event: &EventRecord) -> &'static str {
    let undeliverable = event.extra.get("cause").is_some_and(|cause| cause == "undeliverable");
    match event.name {
        Step::RequestForward | Step::RequestExpire if undeliverable => "nobody could be told",
        Step::RequestForward | Step::RequestExpire => "nobody answered in time",
        Step::Deescalate if event.deescalate_type == Some(DeescalateType::Scheduled) => "its time is up",
        _ => "follows by itself",
    }
}

fn called(handler: &HandlerRef, result: &HandlerResult) -> String {
    let result = match result {
        HandlerResult::Continued => "went on".to_owned(),
        HandlerResult::Fired { event, reason: Some(reason) } => format!("fired {event}: {}", quoted(reason)),
        HandlerResult::Fired { event, reason: None } => format!("fired {event}"),
        HandlerResult::Ignored => "ignored the event".to_owned(),
        HandlerResult::Returned => "answered".to_owned(),
        HandlerResult::Failed { .. } => "failed".to_owned(),
    };
    format!("{handler} {result}")
}

fn routed(permission: &RequestPermission, notifications: &[String], names: &BTreeMap<UserId, String>) -> String {
    let mut text = format!("{} may decide", scope(permission.approve_deny(), names));
    if permission.self_approval_allowed() {
        text.push_str(", the requester too");
    }
    if permission.required_approvals() > 1 {
        text.push_str(&format!(", {} must approve", permission.required_approvals()));
    }
    text.push_str(&format!("; {} may see it; ", scope(permission.webapp_view(), names)));
    match notifications {
        [] => text.push_str("nobody is told"),
        several => text.push_str(&format!("told: {}", several.join(", then "))),
    }
    text
}

fn scope(scope: &PermissionScope, names: &BTreeMap<UserId, String>) -> String {
    match scope {
        PermissionScope::Level(PermissionLevel::Admin) => "admins".to_owned(),
        PermissionScope::Level(PermissionLevel::Member) => "members".to_owned(),
        PermissionScope::Level(PermissionLevel::AllUsers) => "everybody".to_owned(),
        PermissionScope::Users(users) => {
            let users = users.as_user_ids().iter();
            let users: Vec<_> = users.map(|id| names.get(&id).cloned().unwrap_or_else(|| id.to_string())).collect();
            users.join(", ")
        }
    }
}

fn attempted(target: &str, attempt: u32, error: &EffectError, retry_at: Option<Timestamp>, now: Timestamp) -> String {
    let next = match retry_at {
        Some(at) => format!("tried again at {}", moment(at, now)),
        None => "not tried again".to_owned(),
    };
    format!("{target}, attempt {attempt}: {}; {next}", failure(error))
}

fn failure(error: &EffectError) -> String {
    cut(&error.to_string(), LINE_MAX - TEXT_MAX)
}

/// The time of day, and the day if it is another one.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let (day, time) = day_and_time(at);
    if day == day_and_time(now).0 { time } else { format!("{day} {time}") }
}

/// Both in UTC.
pub(super) fn day_and_time(at: Timestamp) -> (String, String) {
    let text = format!("{at:.0}");
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    (day.to_owned(), time.trim_end_matches('Z').to_owned())
}

fn quoted(text: &str) -> String {
    format!("“{}”", cut(text, TEXT_MAX))
}

fn printable(text: &str, max: usize) -> String {
    cut(text, max).chars().map(|c| if is_harmless(c) { c } else { ' ' }).collect()
}

/// Whether the character leaves a terminal and the rest of the line alone. Control characters do not, nor do those that
/// change the direction of writing.
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}
