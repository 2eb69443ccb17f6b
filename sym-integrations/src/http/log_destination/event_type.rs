//! The types of events, by which receivers tell them apart, and filters of them.

use sym_sdk::audit::{AuditEntry, AuditKind, AuditLine};
use sym_sdk::error::Result;
use sym_sdk::machine::AccountEvent;

use super::poster::configuration;

/// The type of an anchor of the audit log.
pub(super) const ANCHOR: &str = "audit.anchor";

/// The type of an entry that this version cannot read.
const UNKNOWN: &str = "audit.unknown";

/// The types that a Run has, after `run.`: the past participle of each step, and the kinds of all other entries.
const RUN_TYPES: [&str; 47] = [
    "alert_undelivered",
    "alerted",
    "approval_withdrawn",
    "approved",
    "counted",
    "deescalated",
    "delivered",
    "delivery_failed",
    "denied",
    "errored",
    "escalated",
    "expired",
    "expiry_corrected",
    "extended",
    "extension_closed",
    "extension_failed",
    "form_opened",
    "forwarded",
    "grant_failed",
    "granted",
    "handler_called",
    "identified",
    "ignored",
    "lesser_access",
    "looked_up",
    "messaged",
    "opted_out",
    "prompted",
    "rearmed",
    "received",
    "refused",
    "regrant_begun",
    "regrant_failed",
    "regranted",
    "reminded",
    "reminder_begun",
    "reported",
    "requested",
    "revoke_failed",
    "revoke_retried",
    "revoked",
    "revoked_provisionally",
    "routed",
    "standing_access",
    "standing_access_kept",
    "submission_refused",
    "written_off",
];

/// Returns the type of an entry: `run.approved` where a step is completed, `run.errored` where it fails, and `run.` with the kind of any other
/// entry. Steps of an extension begin with `extension.`, actions on users are such as `user.locked`, and sign-ins, tokens and roles such as
/// `account.signed_in`.
pub(super) fn event_type(line: &AuditLine) -> String {
    let Ok(entry) = line.record().entry() else { return UNKNOWN.to_owned() };
    type_of(&entry)
}

fn type_of(entry: &AuditEntry) -> String {
    let subject = if entry.event.extension.is_some() { "extension" } else { "run" };
    match &entry.kind {
        AuditKind::Completed => format!("{subject}.{}", entry.event.name.past_tense()),
        AuditKind::Failed { .. } => format!("{subject}.errored"),
        AuditKind::UserAction { action, refusal: None, .. } => format!("user.{}", action.past_participle()),
        AuditKind::UserAction { .. } => "user.refused".to_owned(),
        AuditKind::Account(event) => format!("account.{}", event.name()),
        kind => format!("{subject}.{}", kind.name()),
    }
}

/// The types that a destination receives: all of them, unless some are named.
#[derive(Clone, Debug, Default)]
pub(super) struct EventFilter(Vec<String>);

impl EventFilter {
    /// Reads names of types, separated by commas: `run.approved, run.denied`, or `run.*` for all of one subject.
    ///
    /// # Errors
    /// If a name is of no type: it would never match.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        for name in &names {
            let is_known = match name.split_once('.') {
                Some(("run" | "extension" | "user" | "account" | "audit", "*")) => true,
                Some(("run" | "extension", kind)) => RUN_TYPES.contains(&kind),
                Some(("account", kind)) => AccountEvent::NAMES.contains(&kind),
                Some(("user", kind)) => USER_TYPES.contains(&kind),
                _ => name == ANCHOR,
            };
            if !is_known {
                let error = configuration(format!("`events` has `{name}`, which is no type of event"));
                return Err(error.with_hint("types are such as `run.approved`; `run.*` is all of them"));
            }
        }
        Ok(Self(names))
    }

    pub(super) fn admits(&self, name: &str) -> bool {
        let is_of = |pattern: &String| match pattern.strip_suffix('*') {
            Some(subject) => name.starts_with(subject),
            None => name == pattern,
        };
        self.0.is_empty() || self.0.iter().any(is_of)
    }

    /// Returns whether everything is admitted.
    pub(super) fn is_all(&self) -> bool {
        self.0.is_empty()
    }
}

/// The types of actions on users, after `user.`.
const USER_TYPES: [&str; 6] = ["admitted", "deleted", "locked", "refused", "restored", "unlocked"];
