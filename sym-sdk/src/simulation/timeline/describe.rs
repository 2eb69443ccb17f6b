//! Describes timeline entries in words: a short kind, and one line of text.
//!
//! Text that comes from people, handlers and services is truncated and stripped of control characters, so that it can neither
//! break the table nor drive the terminal. Programs read the untruncated [`EntryDetails`](super::EntryDetails) instead.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::audit::{AuditEntry, AuditKind, HandlerResult};
use crate::forms::{FieldMap, format_duration};
use crate::integration::Sent;
use crate::machine::{ActionKind, EffectError, EventRecord};
use crate::model::{AccessTarget, ChannelType, DeescalateType, HandlerRef, LookUp, Step, UserId};
use crate::routing::{PermissionLevel, PermissionScope, RequestPermission};

/// The maximum length of a quoted text, in characters.
const MAX_QUOTE_CHARS: usize = 80;

/// The maximum length of an entry's text, in characters.
const MAX_TEXT_CHARS: usize = 240;

/// Returns the kind of an audit entry, and its text. Kinds have at most 11 characters, the width of their column.
pub(super) fn audit(entry: &AuditEntry, names: &BTreeMap<UserId, String>) -> (&'static str, String) {
    let (kind, text) = match &entry.kind {
        AuditKind::Received => ("by", received(&entry.event)),
        AuditKind::Refused { error } => ("refused", format!("{}: {}", submitter(&entry.event), failure(error))),
        AuditKind::SubmissionRefused { action, error, omitted, .. } => {
            ("refused", submission_refused(&entry.event, *action, error, *omitted))
        }
        AuditKind::HandlerCalled { handler, result } => ("handler", handler_result(handler, result)),
        AuditKind::LookedUp { handler, answers } => ("looked up", looked_up(handler, answers)),
        AuditKind::Ignored { message } => ("ignored", message.as_deref().map(quoted).unwrap_or_default()),
        AuditKind::Completed => ("status", entry.status.to_string()),
        AuditKind::Failed { error } => ("failed", failure(error)),
        AuditKind::Reported { error } => ("reported", failure(error)),
        AuditKind::Routed { permission, notifications } => ("routed", routed(permission, notifications, names)),
        AuditKind::Counted { approvals, needed } => ("approvals", format!("{approvals} of {needed}")),
        AuditKind::ApprovalWithdrawn { approver, error } => {
            ("withdrawn", format!("the approval of {approver}: {}", failure(error)))
        }
        AuditKind::FormOpened => ("form", format!("shown to {}", entry.event.actor.username())),
        AuditKind::Delivered { destination, .. } => ("notified", destination.clone()),
        AuditKind::OptedOut { destination, .. } => ("skipped", format!("{destination} has opted out of notifications")),
        AuditKind::DeliveryFailed { destination, error, .. } => {
            ("undelivered", format!("{destination}: {}", failure(error)))
        }
        AuditKind::Messaged { to, text } => ("messaged", format!("{to}: {}", quoted(text))),
        AuditKind::ReminderBegun { .. } => ("reminding", format!("requested by {}", submitter(&entry.event))),
        AuditKind::Reminded { destination, .. } => ("reminded", destination.clone()),
        AuditKind::Identified { identity } => ("identity", identity.clone()),
        AuditKind::Granted { target, identity, until } => {
            let until = until.map_or_else(|| "revoked".to_owned(), |until| time_of(until, entry.at));
            ("granted", format!("{target} to {identity} until {until}"))
        }
        AuditKind::GrantFailed { target, attempt, error, retry_at } => {
            ("not granted", failed_attempt(target, *attempt, error, *retry_at, entry.at))
        }
        AuditKind::StandingAccess { target, identity } => {
            ("standing", format!("{identity} has {target} already, and keeps it"))
        }
        AuditKind::LesserAccess { target, identity, prior } => {
            ("prior", format!("{identity} has less than {target} already, which is restored at the end: {prior}"))
        }
        AuditKind::StandingAccessKept { target, identity } => {
            ("kept", format!("{target} of {identity}, who had it before"))
        }
        AuditKind::Revoked { target, identity, still_needed_by: 0, restored_prior: true, .. } => {
            ("restored", format!("{target} from {identity}, who has again what they had before"))
        }
        AuditKind::Revoked { target, identity, still_needed_by: 0, .. } => {
            ("revoked", format!("{target} from {identity}"))
        }
        AuditKind::Revoked { target, identity, still_needed_by, .. } => {
            let others = match still_needed_by {
                1 => "another request needs it".to_owned(),
                many => format!("{many} other requests need it"),
            };
            ("retained", format!("{target} for {identity}: {others}"))
        }
        AuditKind::RevokedProvisionally { target, identity, settles_at, .. } => {
            let until = time_of(*settles_at, entry.at);
            ("revoked", format!("{target} from {identity}; checking again until {until}"))
        }
        AuditKind::RevokeFailed { target, attempt, error, retry_at } => {
            ("not revoked", failed_attempt(target, *attempt, error, Some(*retry_at), entry.at))
        }
        AuditKind::RevokeRetried { target, attempt } => {
            ("retried", format!("{target}, attempt {attempt}, requested by {}", submitter(&entry.event)))
        }
        AuditKind::WrittenOff { target, identity, reason } => {
            let by = submitter(&entry.event);
            ("written off", format!("{target} of {identity} by {by}: {}", quoted(reason)))
        }
        AuditKind::RegrantBegun { target, identity } => {
            ("regranting", format!("{target} to {identity}, requested by {}", entry.event.actor.username()))
        }
        AuditKind::Regranted { target, identity } => ("regranted", format!("{target} to {identity}")),
        AuditKind::RegrantFailed { target, identity, error } => {
            ("not granted", format!("{target} to {identity}: {}", failure(error)))
        }
        AuditKind::Extended { target, identity, from, until } => {
            let (from, until) = (time_of(*from, entry.at), time_of(*until, entry.at));
            ("extended", format!("{target} for {identity} until {until}, from {from}"))
        }
        AuditKind::ExtensionFailed { target, identity, error, retry_at, .. } => {
            let next = match retry_at {
                Some(at) => format!("retrying at {}", time_of(*at, entry.at)),
                None => "it ends as before".to_owned(),
            };
            ("unextended", format!("{target} for {identity}: {}; {next}", failure(error)))
        }
        AuditKind::ExtensionClosed { .. } => {
            ("unextended", "the access ends before the extension was decided".to_owned())
        }
        AuditKind::Rearmed => ("restored", "the expiry timer of the access was missing".to_owned()),
        AuditKind::ExpiryCorrected { until } => {
            ("shortened", format!("access now ends at {until:.0}: the clock had been ahead"))
        }
        AuditKind::UserAction { action, username, refusal, .. } => (
            "user",
            match refusal {
                Some(error) => format!("{username} not {}: {}", action.past_participle(), failure(error)),
                None => format!("{username} {} by {}", action.past_participle(), entry.event.actor.username()),
            },
        ),
        AuditKind::Account(event) if event.is_by_actor() => {
            ("account", format!("{} {event}", entry.event.actor.username()))
        }
        AuditKind::Account(event) => ("account", format!("somebody {event}")),
        AuditKind::Alerted { error } => ("alerted", format!("the error destination: {}", error.code)),
        AuditKind::AlertUndelivered { error, reason } => {
            ("not alerted", format!("{}, of {}", failure(reason), error.code))
        }
    };
    (kind, printable(&text, MAX_TEXT_CHARS))
}

/// Describes the inputs of a request; `None` if it has none.
pub(super) fn inputs(target: Option<&AccessTarget>, duration: Option<Duration>, fields: &FieldMap) -> Option<String> {
    let access = match (target, duration) {
        (Some(target), Some(duration)) => Some(format!("{} for {}", target.title(), format_duration(duration))),
        (Some(target), None) => Some(target.title()),
        (None, _) => None,
    };
    let fields =
        fields.iter().map(|(name, value)| format!("{name}: {}", truncate(&value.to_string(), MAX_QUOTE_CHARS)));
    let parts: Vec<_> = access.into_iter().chain(fields).collect();
    (!parts.is_empty()).then(|| printable(&parts.join("; "), MAX_TEXT_CHARS))
}

/// Describes what a fake would have sent.
pub(super) fn sent(sent: &Sent) -> String {
    printable(&format!("{} to {}: {}", sent.service, sent.to, quoted(&sent.text)), MAX_TEXT_CHARS)
}

/// Returns the hint of the entry's error.
pub(super) fn hint(kind: &AuditKind) -> Option<String> {
    match kind {
        // The error of an alert has an entry of its own, with the hint.
        AuditKind::Alerted { .. } | AuditKind::UserAction { .. } | AuditKind::Account(_) => None,
        AuditKind::AlertUndelivered { reason, .. } => {
            reason.hint.as_deref().map(|hint| printable(hint, MAX_TEXT_CHARS))
        }
        kind => error(kind)?.hint.as_deref().map(|hint| printable(hint, MAX_TEXT_CHARS)),
    }
}

/// Returns the handler that the entry is about.
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
        | AuditKind::AlertUndelivered { error, .. }
        | AuditKind::DeliveryFailed { error, .. }
        | AuditKind::GrantFailed { error, .. }
        | AuditKind::RegrantFailed { error, .. }
        | AuditKind::ExtensionFailed { error, .. }
        | AuditKind::RevokeFailed { error, .. } => Some(error),
        _ => None,
    }
}

/// Describes a refusal before the Run. The message is not recorded: it may quote what was entered.
fn submission_refused(event: &EventRecord, action: ActionKind, error: &EffectError, omitted: u64) -> String {
    let text = format!("{}: {} ({})", submitter(event), action.as_str(), error.code);
    if omitted == 0 { text } else { format!("{text}, and {omitted} more before it") }
}

fn received(event: &EventRecord) -> String {
    let actor = event.actor.username();
    let how = match (event.channel.kind(), event.channel.identifier()) {
        (ChannelType::Slack, Some(channel)) => format!("in Slack, {channel}"),
        (ChannelType::Slack, None) => "in Slack".to_owned(),
        (ChannelType::Api, _) => "via the API".to_owned(),
        (ChannelType::Web, _) => "in the console".to_owned(),
        (ChannelType::Cli, _) => command_line(event),
        (ChannelType::Mcp, _) => match event.actor.owner() {
            Some(owner) => format!("via MCP, an agent of {}", owner.username()),
            None => "via MCP".to_owned(),
        },
        (ChannelType::Sdk, _) => "(fired by a hook)".to_owned(),
        (ChannelType::Scheduler, _) => format!("({})", cause(event)),
    };
    let what = match (event.extension, event.name, event.duration) {
        (None, ..) => String::new(),
        (Some(_), Step::Request, Some(duration)) => format!(", to extend the access by {}", format_duration(duration)),
        (Some(_), ..) => ", for the extension".to_owned(),
    };
    match &event.decision_message {
        Some(message) => format!("{actor} {how}{what}: {}", quoted(message)),
        None => format!("{actor} {how}{what}"),
    }
}

/// Returns who submitted an event, and on the command line, which user of the operating system did so in their name.
fn submitter(event: &EventRecord) -> String {
    match event.channel.kind() {
        ChannelType::Cli => format!("{} {}", event.actor.username(), command_line(event)),
        _ => event.actor.username().to_owned(),
    }
}

fn command_line(event: &EventRecord) -> String {
    match event.channel.identifier() {
        Some(operator) => format!("on the command line of {}", operator.strip_prefix("file:").unwrap_or(operator)),
        None => "on the command line".to_owned(),
    }
}

/// Returns why an event happened that nobody submitted.
fn cause(event: &EventRecord) -> &'static str {
    let undeliverable = event.extra.get("cause").is_some_and(|cause| cause == "undeliverable");
    match event.name {
        Step::RequestForward | Step::RequestExpire if undeliverable => "no destination could be reached",
        Step::RequestForward | Step::RequestExpire => "no response in time",
        Step::Deescalate if event.deescalate_type == Some(DeescalateType::Scheduled) => "expired",
        _ => "automatic",
    }
}

fn handler_result(handler: &HandlerRef, result: &HandlerResult) -> String {
    let result = match result {
        HandlerResult::Continued => "continued".to_owned(),
        HandlerResult::Fired { event, reason: Some(reason) } => format!("fired {event}: {}", quoted(reason)),
        HandlerResult::Fired { event, reason: None } => format!("fired {event}"),
        HandlerResult::Ignored => "ignored the event".to_owned(),
        HandlerResult::Returned => "returned".to_owned(),
        HandlerResult::Failed { .. } => "failed".to_owned(),
    };
    format!("{handler} {result}")
}

fn routed(permission: &RequestPermission, notifications: &[String], names: &BTreeMap<UserId, String>) -> String {
    let mut text = format!("approvers: {}", scope(permission.approve_deny(), names));
    if permission.self_approval_allowed() {
        text.push_str(" or the requester");
    }
    if permission.required_approvals() > 1 {
        text.push_str(&format!(" ({} approvals required)", permission.required_approvals()));
    }
    text.push_str(&format!("; viewers: {}; ", scope(permission.webapp_view(), names)));
    match notifications {
        [] => text.push_str("notify: none"),
        several => text.push_str(&format!("notify: {}", several.join(", then "))),
    }
    text
}

/// Describes what a handler has asked services. The answers are for programs.
fn looked_up(handler: &HandlerRef, answers: &[LookUp]) -> String {
    let questions: Vec<_> = answers.iter().map(|asked| format!("{}: {}", asked.service, asked.question)).collect();
    format!("by {}: {}", handler.name(), quoted(&questions.join("; ")))
}

/// Describes who is in a scope.
pub(crate) fn scope(scope: &PermissionScope, names: &BTreeMap<UserId, String>) -> String {
    match scope {
        PermissionScope::Level(PermissionLevel::Admin) => "admins".to_owned(),
        PermissionScope::Level(PermissionLevel::Member) => "members".to_owned(),
        PermissionScope::Level(PermissionLevel::AllUsers) => "all users".to_owned(),
        PermissionScope::Users(users) => {
            let users = users.as_user_ids().iter();
            let users: Vec<_> = users.map(|id| names.get(&id).cloned().unwrap_or_else(|| id.to_string())).collect();
            users.join(", ")
        }
    }
}

fn failed_attempt(
    target: &str,
    attempt: u32,
    error: &EffectError,
    retry_at: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let next = match retry_at {
        Some(at) => format!("retrying at {}", time_of(at, now)),
        None => "giving up".to_owned(),
    };
    format!("{target}, attempt {attempt}: {}; {next}", failure(error))
}

fn failure(error: &EffectError) -> String {
    truncate(&error.to_string(), MAX_TEXT_CHARS - MAX_QUOTE_CHARS)
}

/// Formats a time, with its date unless that is today.
fn time_of(at: Timestamp, now: Timestamp) -> String {
    let (day, time) = day_and_time(at);
    if day == day_and_time(now).0 { time } else { format!("{day} {time}") }
}

/// Formats the date and the time of day, in UTC.
pub(super) fn day_and_time(at: Timestamp) -> (String, String) {
    let text = format!("{at:.0}");
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    (day.to_owned(), time.trim_end_matches('Z').to_owned())
}

fn quoted(text: &str) -> String {
    format!("“{}”", truncate(text, MAX_QUOTE_CHARS))
}

fn printable(text: &str, max: usize) -> String {
    truncate(text, max).chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

/// Reports whether the character is safe to print: neither a control character nor one that changes the direction of the text.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn truncate(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}
