//! What happened, line by line.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::outbox::Sent;
use crate::audit::{AuditEntry, AuditKind};
use crate::model::UserId;

/// What happened in a simulation, in order. It prints as a table; [`Timeline::to_json`] gives the same for programs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Timeline {
    entries: Vec<TimelineEntry>,
}

/// One line of a [`Timeline`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Happening {
    /// Something in a Run.
    Run(Box<AuditEntry>),
    /// A fake sent something.
    Sent {
        /// What.
        sent: Sent,
    },
}

impl Timeline {
    /// The lines.
    pub fn entries(&self) -> &[TimelineEntry] {
        &self.entries
    }

    /// The timeline for programs: a list of objects.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Adds what one unit of work gave. What fakes have sent stands under the handler that was called last.
    pub(super) fn extend(
        &mut self,
        at: Timestamp,
        audit: Vec<AuditEntry>,
        sent: Vec<Sent>,
        _names: &BTreeMap<UserId, String>,
    ) {
        let called = audit.iter().rposition(|entry| matches!(entry.kind, AuditKind::HandlerCalled { .. }));
        let before = called.map_or(audit.len().min(1), |index| index + 1);
        let mut lines =
            audit.into_iter().map(|entry| TimelineEntry { at: entry.at, what: Happening::Run(Box::new(entry)) });
        self.entries.extend(lines.by_ref().take(before));
        self.entries.extend(sent.into_iter().map(|sent| TimelineEntry { at, what: Happening::Sent { sent } }));
        self.entries.extend(lines);
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{:.0}", entry.at)?;
        }
        Ok(())
    }
}
