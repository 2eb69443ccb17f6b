//! The timeline: what happened in a simulation, for people and for programs.
//!
//! It is built from the audit log, so it shows what was committed and nothing else. What fakes would have sent is inserted after
//! the handler that sent it.

mod describe;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

#[cfg(any(feature = "cli", feature = "console"))]
pub(crate) use self::describe::scope as describe_scope;
#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) use self::table::Table;
use crate::audit::{AuditEntry, AuditKind};
use crate::forms::duration_seconds;
use crate::integration::Sent;
use crate::machine::EventRecord;
use crate::model::{Channel, EventId, RunId, RunStatus, Step, UserId};

/// The events of a simulation, in order.
///
/// It displays as a table with the columns time, event, kind and text. Long texts are truncated, with `…` at the end;
/// [`Timeline::to_json`] has them in full, in `details`.
///
/// ```text
/// 2024-02-29 UTC
/// 12:05:00  approve          by           ben@example.com via the API
///                            handler      on_approve (src/main.rs:40) continued
///                            status       approved
/// 12:05:00  escalate         by           ben@example.com (automatic)
///                            identity     ana@example.com
///                            granted      Admins to ana@example.com until 13:05:00
///                            status       escalated
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Timeline {
    entries: Vec<TimelineEntry>,
}

/// An entry of a [`Timeline`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When it happened.
    pub at: Timestamp,
    /// The Run; `None` for a message that was sent outside of one.
    pub run: Option<RunId>,
    /// The name of the Run's flow.
    pub flow: Option<String>,
    /// The event's name.
    pub event: Option<Step>,
    /// The event's id.
    pub event_id: Option<EventId>,
    /// The event's actor.
    pub actor: Option<String>,
    /// The channel through which the event was submitted.
    pub channel: Option<Channel>,
    /// The Run's status afterwards.
    pub status: Option<RunStatus>,
    /// The kind of entry in one or two words, such as `granted`.
    pub kind: &'static str,
    /// A description in one line.
    pub text: String,
    /// The same as structured data.
    pub details: EntryDetails,
}

/// The structured data of a [`TimelineEntry`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryDetails {
    /// An entry of the audit log.
    Audit(AuditKind),
    /// The inputs of a request.
    Inputs {
        /// The target's SRN.
        target: Option<String>,
        /// The requested duration, in seconds.
        #[serde(with = "duration_seconds::option")]
        duration: Option<Duration>,
        /// The values of the form's fields.
        fields: Map<String, Value>,
    },
    /// A message that a fake would have sent.
    Sent(Sent),
}

impl Timeline {
    /// The lines.
    pub fn entries(&self) -> &[TimelineEntry] {
        &self.entries
    }

    /// The lines of one Run.
    #[must_use]
    pub fn of_run(&self, run: RunId) -> Self {
        Self { entries: self.entries.iter().filter(|entry| entry.run == Some(run)).cloned().collect() }
    }

    /// Returns the entries after the first `count`.
    #[must_use]
    pub fn after(&self, count: usize) -> Self {
        Self { entries: self.entries.get(count..).unwrap_or_default().to_vec() }
    }

    /// Returns the timeline with the files of handlers but without line numbers, so that golden tests do not depend on where in
    /// its file a handler is.
    #[must_use]
    pub fn without_lines(&self) -> Self {
        let mut timeline = self.clone();
        for entry in &mut timeline.entries {
            if let EntryDetails::Audit(kind) = &entry.details
                && let Some(handler) = describe::handler(kind)
            {
                let location = format!("{}:{}", handler.file(), handler.line());
                entry.text = entry.text.replace(&location, handler.file());
            }
        }
        timeline
    }

    /// Returns the timeline as a JSON array of entries.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Appends the entries of one unit of work. What fakes sent follows the handler that was called last.
    pub(crate) fn extend(
        &mut self,
        now: Timestamp,
        audit: &[AuditEntry],
        sent: Vec<Sent>,
        names: &BTreeMap<UserId, String>,
    ) {
        let called = audit.iter().rposition(|entry| matches!(entry.kind, AuditKind::HandlerCalled { .. }));
        let (before, after) = audit.split_at(called.map_or(audit.len().min(1), |index| index + 1));
        for entry in before {
            self.add(entry, names);
        }
        for sent in sent {
            let text = describe::sent(&sent);
            let entry = match before.last() {
                Some(entry) => TimelineEntry::in_run(entry, "sent", text, EntryDetails::Sent(sent)),
                None => TimelineEntry::alone(now, "sent", text, EntryDetails::Sent(sent)),
            };
            self.entries.push(entry);
        }
        for entry in after {
            self.add(entry, names);
        }
    }

    fn add(&mut self, entry: &AuditEntry, names: &BTreeMap<UserId, String>) {
        let (kind, text) = describe::audit(entry, names);
        self.entries.push(TimelineEntry::in_run(entry, kind, text, EntryDetails::Audit(entry.kind.clone())));
        if let (AuditKind::Received, Step::Request) = (&entry.kind, entry.event.name) {
            self.entries.extend(TimelineEntry::inputs(entry));
        }
    }
}

impl TimelineEntry {
    fn in_run(entry: &AuditEntry, kind: &'static str, text: String, details: EntryDetails) -> Self {
        let event = &entry.event;
        Self {
            at: entry.at,
            run: Some(entry.run),
            flow: Some(entry.flow.slug().to_owned()),
            event: Some(event.name),
            event_id: Some(event.id),
            actor: Some(event.actor.username().to_owned()),
            channel: Some(event.channel.clone()),
            status: Some(entry.status),
            kind,
            text,
            details,
        }
    }

    fn alone(at: Timestamp, kind: &'static str, text: String, details: EntryDetails) -> Self {
        Self {
            at,
            run: None,
            flow: None,
            event: None,
            event_id: None,
            actor: None,
            channel: None,
            status: None,
            kind,
            text,
            details,
        }
    }

    /// Returns the entry that shows the inputs of a request, if it has any.
    fn inputs(entry: &AuditEntry) -> Option<Self> {
        let EventRecord { target, duration, fields, .. } = &*entry.event;
        let text = describe::inputs(target.as_ref(), *duration, fields)?;
        let details = EntryDetails::Inputs {
            target: target.as_ref().map(|target| target.srn().to_string()),
            duration: *duration,
            fields: fields.to_json(),
        };
        Some(Self::in_run(entry, "inputs", text, details))
    }
}
