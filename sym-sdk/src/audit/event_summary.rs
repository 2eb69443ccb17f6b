//! What became of each event of a Run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditEntry, AuditKind, HandlerResult};
use crate::model::{EventId, RunId, Step};

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventStatus {
    /// It waits for its hook, its reducers or the strategy.
    Processing,
    /// It was processed, or a hook fired another one in its stead.
    Success,
    /// It was refused, ignored, or it failed.
    Error,
}

/// One event, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventSummary {
    /// The event.
    pub event_id: EventId,
    /// Its Run.
    pub run_id: RunId,
    /// Its name.
    pub name: Step,
    /// When it was made.
    pub timestamp: Timestamp,
    /// Where it stands.
    pub status: EventStatus,
    /// Why it was refused or ignored, or which handler failed and how. Also what failed beside an event that was processed,
    /// such as its `after_` hook.
    pub error: Option<String>,
}

impl EventSummary {
    /// The events that audit entries tell of, in order.
    pub fn of(entries: &[AuditEntry]) -> Vec<Self> {
        let mut events: Vec<Self> = Vec::new();
        for entry in entries {
            let known = events.iter().position(|event| event.event_id == entry.event.id);
            let index = known.unwrap_or_else(|| {
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
            events[index].learn(&entry.kind);
        }
        events
    }

    fn learn(&mut self, kind: &AuditKind) {
        if let Some(status) = kind.settles() {
            self.status = status;
        }
        match kind {
            AuditKind::Refused { error }
            | AuditKind::Failed { error }
            | AuditKind::RegrantFailed { error, .. }
            | AuditKind::Reported { error } => {
                self.error = Some(error.to_string());
            }
            AuditKind::Ignored { message } => {
                self.error = Some(message.clone().unwrap_or_else(|| IGNORED.to_owned()));
            }
            _ => {}
        }
    }
}

/// Said of an event that a hook ignored without a word.
pub(super) const IGNORED: &str = "ignored by a hook";

impl AuditKind {
    /// Where the event stands from this entry on; `None` for an entry that tells of something on the way, or after the event.
    pub fn settles(&self) -> Option<EventStatus> {
        match self {
            Self::Completed
            | Self::Counted { .. }
            | Self::RevokeRetried { .. }
            | Self::WrittenOff { .. }
            | Self::Regranted { .. }
            | Self::HandlerCalled { result: HandlerResult::Fired { .. }, .. } => Some(EventStatus::Success),
            Self::Refused { .. } | Self::Failed { .. } | Self::RegrantFailed { .. } | Self::Ignored { .. } => {
                Some(EventStatus::Error)
            }
            _ => None,
        }
    }
}
