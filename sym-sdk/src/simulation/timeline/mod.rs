//! What happened, line by line.

mod describe;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) use self::table::Table;
use crate::audit::{AuditEntry, AuditKind};
use crate::forms::duration_seconds;
use crate::integration::Sent;
use crate::machine::EventRecord;
use crate::model::{Channel, EventId, RunId, RunStatus, Step, UserId};

/// What happened in a simulation, in order.
///
/// It prints as a table: time, event, and what happened in it. A text that is long is cut there, with `…` at the end;
/// [`Timeline::to_json`] has it whole, in `details`.
///
/// ```text
/// 2024-02-29 UTC
/// 12:05:00  approve          by           ben@example.com through the API
///                            called       on_approve (src/main.rs:40) went on
///                            now          approved
/// 12:05:00  escalate         by           ben@example.com (follows by itself)
///                            identity     ana@example.com
///                            granted      Admins to ana@example.com until 13:05:00
///                            now          escalated
/// ```
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
    /// In which Run; none for what was sent outside of one.
    pub run: Option<RunId>,
    /// The name of its flow.
    pub flow: Option<String>,
    /// In which event.
    pub event: Option<Step>,
    /// The event's id.
    pub event_id: Option<EventId>,
    /// The event's actor.
    pub actor: Option<String>,
    /// Through what the event came.
    pub channel: Option<Channel>,
    /// The Run's status afterwards.
    pub status: Option<RunStatus>,
    /// What happened, in a word or two.
    pub kind: &'static str,
    /// The rest of it, in plain words.
    pub text: String,
    /// The same for programs.
    pub details: EntryDetails,
}

/// What a [`TimelineEntry`] tells, for programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryDetails {
    /// Something in a Run.
    Audit(AuditKind),
    /// What somebody asks for.
    Asked {
        /// The target's SRN.
        target: Option<String>,
        /// For how long, in seconds.
        #[serde(with = "duration_seconds::option")]
        duration: Option<Duration>,
        /// The fields of the form.
        fields: Map<String, Value>,
    },
    /// A fake sent something.
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

    /// The lines after the first `count`.
    #[must_use]
    pub fn after(&self, count: usize) -> Self {
        Self { entries: self.entries.get(count..).unwrap_or_default().to_vec() }
    }

    /// The lines, with the files of handlers but without the lines in them. Golden tests compare this: it stays the same when
    /// code moves within its file.
    #[must_use]
    pub fn without_lines(&self) -> Self {
        let mut timeline = self.clone();
        for entry in &mut timeline.entries {
            if let EntryDetails::Audit(kind) = &entry.details
                && let Some(handler) = describe::handler(kind)
            {
                let place = format!("{}:{}", handler.file(), handler.line());
                entry.text = entry.text.replace(&place, handler.file());
            }
        }
        timeline
    }

    /// The timeline for programs: a list of objects.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Adds what one unit of work gave. What fakes have sent stands under the handler that was called last.
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
            self.entries.extend(TimelineEntry::asked(entry));
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

    /// What a request asks for, if it is anything.
    fn asked(entry: &AuditEntry) -> Option<Self> {
        let EventRecord { target, duration, fields, .. } = &*entry.event;
        let text = describe::asked(target.as_ref(), *duration, fields)?;
        let details = EntryDetails::Asked {
            target: target.as_ref().map(|target| target.srn().to_string()),
            duration: *duration,
            fields: fields.to_json(),
        };
        Some(Self::in_run(entry, "asks", text, details))
    }
}
