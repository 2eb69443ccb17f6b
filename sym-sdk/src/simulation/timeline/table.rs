//! Displays a timeline as a table.
//!
//! [`Table`] writes entry by entry, so that a running program can print entries as they happen.

use std::fmt;

use super::{EntryDetails, Timeline, TimelineEntry, describe};
use crate::audit::AuditKind;
use crate::model::{EventId, RunId, RunStatus};

/// The width of the event column: the length of `request_forward`.
const EVENT_WIDTH: usize = 15;

/// The width of the kind column: the length of `not granted`.
const KIND_WIDTH: usize = 11;

/// Writes a row per entry. A time or an event that repeats that of the row above is omitted, and a new day gets a heading. If there
/// are several Runs, they are numbered. The final status of each Run is at the end.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcomes = Outcomes::of(self);
        let mut table = Table::new(outcomes.0.len());
        for entry in &self.entries {
            table.write(entry, f)?;
        }
        outcomes.write(&mut table, f)
    }
}

/// A table that is written row by row.
#[derive(Debug)]
pub(crate) struct Table {
    numbers: Numbers,
    previous: PreviousRow,
}

/// The contents of the row above, which are not repeated.
#[derive(Debug, Default)]
struct PreviousRow {
    day: String,
    time: String,
    event: Option<(Option<RunId>, Option<EventId>)>,
}

impl Table {
    /// Returns a table for this number of Runs.
    pub(crate) fn new(runs: usize) -> Self {
        Self { numbers: Numbers::new(runs), previous: PreviousRow::default() }
    }

    /// Writes the row of an entry, with the heading of a new day before it and the hint of an error after it.
    pub(crate) fn write(&mut self, entry: &TimelineEntry, to: &mut dyn fmt::Write) -> fmt::Result {
        let (day, time) = describe::day_and_time(entry.at);
        if self.previous.day != day {
            writeln!(to, "{}{day} UTC", if self.previous.day.is_empty() { "" } else { "\n" })?;
            self.previous = PreviousRow { day, ..PreviousRow::default() };
        }
        let event = (entry.run, entry.event_id);
        let same_event = self.previous.event == Some(event);
        let shown_event = match entry.event.filter(|_| !same_event) {
            Some(name) => self.numbers.prefix(entry.run, name.as_str()),
            None => String::new(),
        };
        let shown_time = if same_event && self.previous.time == time { "" } else { &time };
        self.row(to, [shown_time, &shown_event, entry.kind, &entry.text])?;
        if let Some(hint) = hint(entry) {
            self.row(to, ["", "", "help", &hint])?;
        }
        self.previous.time = time;
        self.previous.event = Some(event);
        Ok(())
    }

    fn row(&self, to: &mut dyn fmt::Write, [time, event, kind, text]: [&str; 4]) -> fmt::Result {
        let event_width = EVENT_WIDTH + self.numbers.width;
        writeln!(to, "{}", format!("{time:8}  {event:event_width$}  {kind:KIND_WIDTH$}  {text}").trim_end())
    }
}

fn hint(entry: &TimelineEntry) -> Option<String> {
    match &entry.details {
        EntryDetails::Audit(kind) => describe::hint(kind),
        EntryDetails::Inputs { .. } | EntryDetails::Sent(_) => None,
    }
}

/// Numbers for Runs, in order of appearance. A single Run is not numbered.
#[derive(Debug)]
struct Numbers {
    runs: Vec<RunId>,
    width: usize,
}

impl Numbers {
    fn new(runs: usize) -> Self {
        let width = if runs > 1 { runs.to_string().len() + 2 } else { 0 };
        Self { runs: Vec::new(), width }
    }

    /// Returns the name, prefixed with the Run's number.
    fn prefix(&mut self, run: Option<RunId>, name: &str) -> String {
        match run.filter(|_| self.width > 0) {
            Some(run) => format!("{:width$}{name}", format!("#{}", self.number(run)), width = self.width),
            None => name.to_owned(),
        }
    }

    fn number(&mut self, run: RunId) -> usize {
        let index = self.runs.iter().position(|known| *known == run).unwrap_or_else(|| {
            self.runs.push(run);
            self.runs.len() - 1
        });
        index + 1
    }
}

/// The outcomes of the Runs of a timeline, in the order in which the Runs began.
struct Outcomes<'a>(Vec<Outcome<'a>>);

/// The final status of a Run.
struct Outcome<'a> {
    run: RunId,
    flow: &'a str,
    status: RunStatus,
    failure: Option<&'a str>,
    /// Whether the Run received an event. A request that was refused leaves no Run.
    began: bool,
}

impl<'a> Outcomes<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        let mut outcomes: Vec<Outcome<'a>> = Vec::new();
        for entry in &timeline.entries {
            let (Some(run), Some(flow), Some(status)) = (entry.run, &entry.flow, entry.status) else { continue };
            let index = outcomes.iter().position(|outcome| outcome.run == run).unwrap_or_else(|| {
                outcomes.push(Outcome { run, flow, status, failure: None, began: false });
                outcomes.len() - 1
            });
            if let Some(outcome) = outcomes.get_mut(index) {
                outcome.status = status;
                outcome.began |= matches!(entry.details, EntryDetails::Audit(AuditKind::Received));
                if let EntryDetails::Audit(AuditKind::Failed { .. }) = &entry.details {
                    outcome.failure = Some(&entry.text);
                }
            }
        }
        Self(outcomes)
    }

    fn write(&self, table: &mut Table, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let began: Vec<_> = self.0.iter().filter(|outcome| outcome.began).collect();
        if !began.is_empty() {
            writeln!(f)?;
        }
        for outcome in began {
            let flow = table.numbers.prefix(Some(outcome.run), outcome.flow);
            match outcome.failure {
                Some(failure) => writeln!(f, "{flow}: {}: {failure}", outcome.status)?,
                None => writeln!(f, "{flow}: {}", outcome.status)?,
            }
        }
        Ok(())
    }
}
