//! Prints a timeline as a table.

use std::fmt;

use super::{Details, Timeline, TimelineEntry, words};
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
        let runs = Runs::of(self);
        let mut above = Above::default();
        for entry in &self.entries {
            let (day, time) = words::day_and_time(entry.at);
            if above.day != day {
                writeln!(f, "{}{day} UTC", if above.day.is_empty() { "" } else { "\n" })?;
                above = Above { day, ..Above::default() };
            }
            let event = (entry.run, entry.event_id);
            let same_event = above.event == Some(event);
            let shown_event = match entry.event.filter(|_| !same_event) {
                Some(name) => runs.numbered(entry.run, name.as_str()),
                None => String::new(),
            };
            let shown_time = if same_event && above.time == time { "" } else { &time };
            row(f, &runs, [shown_time, &shown_event, entry.what, &entry.text])?;
            if let Some(hint) = hint(entry) {
                row(f, &runs, ["", "", "help", &hint])?;
            }
            above.time = time;
            above.event = Some(event);
        }
        runs.endings(f)
    }
}

/// What stands on the line above.
#[derive(Default)]
struct Above {
    day: String,
    time: String,
    event: Option<(Option<RunId>, Option<EventId>)>,
}

fn row(f: &mut fmt::Formatter<'_>, runs: &Runs<'_>, [time, event, what, text]: [&str; 4]) -> fmt::Result {
    let event_width = EVENT_WIDTH + runs.number_width();
    writeln!(f, "{}", format!("{time:8}  {event:event_width$}  {what:WHAT_WIDTH$}  {text}").trim_end())
}

fn hint(entry: &TimelineEntry) -> Option<String> {
    match &entry.details {
        Details::Audit(kind) => words::hint(kind),
        Details::Asked { .. } | Details::Sent(_) => None,
    }
}

/// What became of a Run.
struct Ending<'a> {
    run: RunId,
    flow: &'a str,
    status: RunStatus,
    failure: Option<&'a str>,
    /// Whether an event of it was admitted. A request that was refused leaves no Run.
    began: bool,
}

/// The Runs of a timeline, in the order in which they began.
struct Runs<'a>(Vec<Ending<'a>>);

impl<'a> Runs<'a> {
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
                ending.began |= matches!(entry.details, Details::Audit(AuditKind::Received));
                if let Details::Audit(AuditKind::Failed { .. }) = &entry.details {
                    ending.failure = Some(&entry.text);
                }
            }
        }
        Self(endings)
    }

    fn numbered(&self, run: Option<RunId>, name: &str) -> String {
        let index = self.0.iter().position(|ending| Some(ending.run) == run);
        match index.filter(|_| self.0.len() > 1) {
            Some(index) => format!("{:width$}{name}", format!("#{}", index + 1), width = self.number_width()),
            None => name.to_owned(),
        }
    }

    fn number_width(&self) -> usize {
        match self.0.len() {
            0 | 1 => 0,
            several => several.to_string().len() + 2,
        }
    }

    fn endings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let began: Vec<_> = self.0.iter().filter(|ending| ending.began).collect();
        if !began.is_empty() {
            writeln!(f)?;
        }
        for ending in began {
            let flow = self.numbered(Some(ending.run), ending.flow);
            match ending.failure {
                Some(failure) => writeln!(f, "{flow} is {}: {failure}", ending.status)?,
                None => writeln!(f, "{flow} is {}", ending.status)?,
            }
        }
        Ok(())
    }
}
