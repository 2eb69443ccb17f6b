//! Prints a timeline as a table.

use std::fmt;

use super::{EntryDetails, Timeline, TimelineEntry, describe};
use crate::audit::AuditKind;
use crate::model::{EventId, RunId, RunStatus};

/// As long as `request_forward`.
const EVENT_WIDTH: usize = 15;

/// As long as `not granted`.
const WHAT_WIDTH: usize = 11;

/// Time, event, what happened. What is as on the line above is left out; the day stands on a line of its own. Several Runs
/// are numbered. At the end stands what became of each.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endings = Endings::of(self);
        let mut table = Table::new(endings.0.len());
        for entry in &self.entries {
            table.write(entry, f)?;
        }
        endings.write(&mut table, f)
    }
}

/// Writes lines as they come.
#[derive(Debug)]
pub(crate) struct Table {
    numbers: Numbers,
    above: Above,
}

/// What stands on the line above.
#[derive(Debug, Default)]
struct Above {
    day: String,
    time: String,
    event: Option<(Option<RunId>, Option<EventId>)>,
}

impl Table {
    /// A table of so many Runs.
    pub(crate) fn new(runs: usize) -> Self {
        Self { numbers: Numbers::new(runs), above: Above::default() }
    }

    /// Writes one line, and what belongs above and below it.
    pub(crate) fn write(&mut self, entry: &TimelineEntry, to: &mut dyn fmt::Write) -> fmt::Result {
        let (day, time) = describe::day_and_time(entry.at);
        if self.above.day != day {
            writeln!(to, "{}{day} UTC", if self.above.day.is_empty() { "" } else { "\n" })?;
            self.above = Above { day, ..Above::default() };
        }
        let event = (entry.run, entry.event_id);
        let same_event = self.above.event == Some(event);
        let shown_event = match entry.event.filter(|_| !same_event) {
            Some(name) => self.numbers.before(entry.run, name.as_str()),
            None => String::new(),
        };
        let shown_time = if same_event && self.above.time == time { "" } else { &time };
        self.row(to, [shown_time, &shown_event, entry.kind, &entry.text])?;
        if let Some(hint) = hint(entry) {
            self.row(to, ["", "", "help", &hint])?;
        }
        self.above.time = time;
        self.above.event = Some(event);
        Ok(())
    }

    fn row(&self, to: &mut dyn fmt::Write, [time, event, what, text]: [&str; 4]) -> fmt::Result {
        let event_width = EVENT_WIDTH + self.numbers.width;
        writeln!(to, "{}", format!("{time:8}  {event:event_width$}  {what:WHAT_WIDTH$}  {text}").trim_end())
    }
}

fn hint(entry: &TimelineEntry) -> Option<String> {
    match &entry.details {
        EntryDetails::Audit(kind) => describe::hint(kind),
        EntryDetails::Asked { .. } | EntryDetails::Sent(_) => None,
    }
}

/// The numbers of several Runs, in the order in which they appear. A single Run has none.
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

    /// The name with the Run's number before it.
    fn before(&mut self, run: Option<RunId>, name: &str) -> String {
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

/// What became of the Runs of a timeline, in the order in which they began.
struct Endings<'a>(Vec<Ending<'a>>);

/// What became of a Run.
struct Ending<'a> {
    run: RunId,
    flow: &'a str,
    status: RunStatus,
    failure: Option<&'a str>,
    /// Whether an event of it was admitted. A request that was refused leaves no Run.
    began: bool,
}

impl<'a> Endings<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        let mut endings: Vec<Ending<'a>> = Vec::new();
        for entry in &timeline.entries {
            let (Some(run), Some(flow), Some(status)) = (entry.run, &entry.flow, entry.status) else { continue };
            let index = endings.iter().position(|ending| ending.run == run).unwrap_or_else(|| {
                endings.push(Ending { run, flow, status, failure: None, began: false });
                endings.len() - 1
            });
            if let Some(ending) = endings.get_mut(index) {
                ending.status = status;
                ending.began |= matches!(entry.details, EntryDetails::Audit(AuditKind::Received));
                if let EntryDetails::Audit(AuditKind::Failed { .. }) = &entry.details {
                    ending.failure = Some(&entry.text);
                }
            }
        }
        Self(endings)
    }

    fn write(&self, table: &mut Table, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let began: Vec<_> = self.0.iter().filter(|ending| ending.began).collect();
        if !began.is_empty() {
            writeln!(f)?;
        }
        for ending in began {
            let flow = table.numbers.before(Some(ending.run), ending.flow);
            match ending.failure {
                Some(failure) => writeln!(f, "{flow} is {}: {failure}", ending.status)?,
                None => writeln!(f, "{flow} is {}", ending.status)?,
            }
        }
        Ok(())
    }
}
