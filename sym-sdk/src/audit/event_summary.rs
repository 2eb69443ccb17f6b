//! The status of each event of a Run, derived from its audit entries.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditEntry, AuditKind, HandlerResult};
use crate::model::{EventId, RunId, Step};

/// The status of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventStatus {
    /// The event waits for its hook, its reducers or the strategy.
    Processing,
    /// The event was processed, or a hook fired another one in its place.
    Success,
    /// The event was refused or ignored, or it failed.
    Error,
}

/// An event with its status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventSummary {
    /// The id of the event.
    pub event_id: EventId,
    /// The Run.
    pub run_id: RunId,
    /// The name of the event.
    pub name: Step,
    /// The time of the event.
    pub timestamp: Timestamp,
    /// The status.
    pub status: EventStatus,
    /// The reason why it was refused, ignored or failed. A processed event has an error too if something failed that does not
    /// fail the event, such as its `after_` hook.
    pub error: Option<String>,
}

impl EventSummary {
    /// Summarizes the events in audit entries, in the order of their first entries.
    pub fn of(entries: &[AuditEntry]) -> Vec<Self> {
        let mut events: Vec<Self> = Vec::new();
        let mut index_of: HashMap<EventId, usize> = HashMap::new();
        for entry in entries {
            let index = *index_of.entry(entry.event.id).or_insert_with(|| {
                events.push(Self {
                    event_id: entry.event.id,
                    run_id: entry.run,
                    name: entry.event.name,
                    timestamp: entry.event.at,
                    status: EventStatus::Processing,
                    error: None,
                });
                events.len() - 1
            });
            events[index].apply(&entry.kind);
        }
        events
    }

    fn apply(&mut self, kind: &AuditKind) {
        if let Some(status) = kind.event_status() {
            self.status = status;
        }
        match kind {
            AuditKind::Refused { error }
            | AuditKind::SubmissionRefused { error, .. }
            | AuditKind::Failed { error }
            | AuditKind::RegrantFailed { error, .. }
            | AuditKind::UserAction { refusal: Some(error), .. }
            | AuditKind::Reported { error } => {
                self.error = Some(error.to_string());
            }
            AuditKind::Account(event) => self.error = event.refusal().map(ToString::to_string),
            AuditKind::Ignored { message } => {
                self.error = Some(message.clone().unwrap_or_else(|| IGNORED.to_owned()));
            }
            _ => {}
        }
    }
}

/// The error text of an event that a hook ignored without a message.
pub(super) const IGNORED: &str = "ignored by a hook";

impl AuditKind {
    /// Returns the status of the event from this entry on; `None` if the entry does not change it.
    pub fn event_status(&self) -> Option<EventStatus> {
        match self {
            Self::Completed
            | Self::Counted { .. }
            | Self::ReminderBegun { .. }
            | Self::RevokeRetried { .. }
            | Self::WrittenOff { .. }
            | Self::Regranted { .. }
            | Self::HandlerCalled { result: HandlerResult::Fired { .. }, .. } => Some(EventStatus::Success),
            Self::Account(event) => {
                Some(if event.refusal().is_some() { EventStatus::Error } else { EventStatus::Success })
            }
            Self::UserAction { refusal, .. } => {
                Some(if refusal.is_some() { EventStatus::Error } else { EventStatus::Success })
            }
            Self::Refused { .. }
            | Self::SubmissionRefused { .. }
            | Self::Failed { .. }
            | Self::RegrantFailed { .. }
            | Self::Ignored { .. } => Some(EventStatus::Error),
            _ => None,
        }
    }
}
