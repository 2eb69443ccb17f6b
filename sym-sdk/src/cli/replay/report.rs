//! The output of the command: each request as soon as it was replayed, and a summary.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::difference::{Difference, Part};
use super::recorded::Recorded;
use crate::cli::Exit;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, count, error_json};
use crate::error::Error;
use crate::model::{EventId, RunId};

/// The result of replaying a request.
#[derive(Debug)]
pub(super) enum Verdict {
    Same,
    Differs(Vec<Difference>),
    NotReplayed(Reason),
}

/// A reason why a request could not be replayed.
#[derive(Debug)]
pub(super) struct Reason {
    pub(super) kind: ReasonKind,
    pub(super) errors: Vec<Error>,
}

/// A kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReasonKind {
    /// The flow is not configured, or cannot be started.
    Flow,
    /// The flow does not take the inputs.
    Inputs,
    /// The request would be refused.
    Refused,
    /// A handler, or a rule that it breaks, fails.
    Failed,
    /// An answer of a service is not on record.
    NotRecorded,
}

impl ReasonKind {
    /// Returns the reason for people.
    const fn label(self) -> &'static str {
        match self {
            Self::Flow => "the flow is gone",
            Self::Inputs => "the flow does not take the inputs",
            Self::Refused => "the request would be refused",
            Self::Failed => "the request would fail",
            Self::NotRecorded => "the answers of services are not on record",
        }
    }

    /// Returns whether the reason lies in the program of today, which makes a difference.
    const fn is_of_today(self) -> bool {
        matches!(self, Self::Flow | Self::Inputs | Self::Refused | Self::Failed)
    }
}

/// A replayed request, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    run_id: RunId,
    event_id: EventId,
    at: Timestamp,
    flow: &'a str,
    requester: &'a str,
    /// `same`, `differs` or `not_replayed`.
    result: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    differences: &'a [Difference],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonKind>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
}

impl<'a> Row<'a> {
    fn of(recorded: &'a Recorded, verdict: &'a Verdict) -> Self {
        let event = recorded.event();
        let (differences, reason) = match verdict {
            Verdict::Same => (&[][..], None),
            Verdict::Differs(differences) => (differences.as_slice(), None),
            Verdict::NotReplayed(reason) => (&[][..], Some(reason)),
        };
        Self {
            run_id: recorded.run(),
            event_id: event.id,
            at: event.at,
            flow: recorded.request.flow.slug(),
            requester: event.actor.username(),
            result: verdict.name(),
            differences,
            reason: reason.map(|reason| reason.kind),
            errors: reason.iter().flat_map(|reason| &reason.errors).map(error_json).collect(),
        }
    }
}

/// The report, which is written while requests are replayed: it holds counts alone.
pub(super) struct Report<'a, 'o> {
    output: &'a mut Output<'o>,
    since: Option<Timestamp>,
    requests: usize,
    same: usize,
    differing: usize,
    not_replayed: usize,
    /// Requests that differ, by the part that does.
    parts: BTreeMap<Part, usize>,
    /// Requests that were not replayed, by the reason.
    reasons: BTreeMap<ReasonKind, usize>,
    is_different: bool,
}

impl<'a, 'o> Report<'a, 'o> {
    pub(super) fn new(since: Option<Timestamp>, output: &'a mut Output<'o>) -> Self {
        Self {
            output,
            since,
            requests: 0,
            same: 0,
            differing: 0,
            not_replayed: 0,
            parts: BTreeMap::new(),
            reasons: BTreeMap::new(),
            is_different: false,
        }
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Writes a request.
    pub(super) fn add(&mut self, recorded: &Recorded, verdict: Verdict) -> io::Result<()> {
        let is_first = self.requests == 0;
        self.requests += 1;
        self.count(&verdict);
        if self.output.json {
            self.output.out.write_all(if is_first { b"{\n  \"requests\": [\n    " } else { b",\n    " })?;
            serde_json::to_writer(&mut *self.output.out, &Row::of(recorded, &verdict))?;
            return Ok(());
        }
        self.write(recorded, &verdict)
    }

    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Same => self.same += 1,
            Verdict::Differs(differences) => {
                self.differing += 1;
                self.is_different = true;
                for difference in differences {
                    *self.parts.entry(difference.part).or_default() += 1;
                }
            }
            Verdict::NotReplayed(reason) => {
                self.not_replayed += 1;
                self.is_different |= reason.kind.is_of_today();
                *self.reasons.entry(reason.kind).or_default() += 1;
            }
        }
    }

    fn write(&mut self, recorded: &Recorded, verdict: &Verdict) -> io::Result<()> {
        let (event, run) = (recorded.event(), recorded.run());
        let (flow, requester) = (recorded.request.flow.slug(), event.actor.username());
        let result = verdict.name().replace('_', " ");
        let out = &mut *self.output.out;
        writeln!(out, "{:.0}  {run}  {flow}  {requester}  {result}", event.at)?;
        match verdict {
            Verdict::Same => Ok(()),
            Verdict::Differs(differences) => differences.iter().try_for_each(|Difference { part, recorded, now }| {
                writeln!(out, "    {}: {recorded}; now {now}", part.label())
            }),
            Verdict::NotReplayed(Reason { kind, errors }) => {
                writeln!(out, "    {}", kind.label())?;
                errors.iter().try_for_each(|error| writeln!(out, "      {} ({})", error.message(), error.code()))
            }
        }
    }

    /// Writes the summary, and returns the result of the command. `done` says whether all requests were replayed; otherwise the replay was
    /// interrupted.
    pub(super) fn finish(mut self, done: Result<bool, CommandError>) -> Result<Exit, CommandError> {
        const INTERRUPTED: (&str, &str) = ("interrupted before all requests were replayed", "run the command again");
        let is_begun = self.output.json && self.requests > 0;
        match done {
            Ok(true) if self.output.json => self.end_json("summary", &self.summary())?,
            Ok(true) => self.write_summary()?,
            Ok(false) if is_begun => {
                self.end_json("error", &json!({ "message": INTERRUPTED.0, "hint": INTERRUPTED.1 }))?;
                return Ok(Exit::Interrupted);
            }
            Ok(false) => {
                self.output.error_without_code(INTERRUPTED.0, INTERRUPTED.1)?;
                return Ok(Exit::Interrupted);
            }
            // There is one JSON value, also if an error ends it.
            Err(CommandError::Failed(error)) if is_begun => {
                self.end_json("error", &error_json(&error))?;
                return Ok(Exit::Failure);
            }
            Err(error) => return Err(error),
        }
        Ok(if self.is_different { Exit::Failure } else { Exit::Success })
    }

    /// Ends the JSON value with one more member.
    fn end_json(&mut self, name: &str, value: &Value) -> io::Result<()> {
        let requests = if self.requests == 0 { "{\n  \"requests\": [" } else { "\n  " };
        writeln!(self.output.out, "{requests}],\n  \"{name}\": {value}\n}}")
    }

    fn summary(&self) -> Value {
        json!({
            "since": self.since,
            "requests": self.requests,
            "same": self.same,
            "differing": self.differing,
            "not_replayed": self.not_replayed,
            "differences": self.parts,
            "reasons": self.reasons,
        })
    }

    fn write_summary(&mut self) -> io::Result<()> {
        let out = &mut *self.output.out;
        if self.requests == 0 {
            return match self.since {
                Some(since) => writeln!(out, "No requests since {since:.0}"),
                None => writeln!(out, "No requests found"),
            };
        }
        let (requests, same) = (count(self.requests, "request"), self.same);
        let (differing, not_replayed) = (self.differing, self.not_replayed);
        writeln!(out, "\n{requests}: {same} same, {differing} different, {not_replayed} not replayed")?;
        for (part, number) in &self.parts {
            writeln!(out, "    {}: {}", part.label(), count(*number, "request"))?;
        }
        for (reason, number) in &self.reasons {
            writeln!(out, "    {}: {}", reason.label(), count(*number, "request"))?;
        }
        Ok(())
    }
}

impl Verdict {
    const fn name(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs(_) => "differs",
            Self::NotReplayed(_) => "not_replayed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_replay_says_so_in_its_exit_code() {
        for json in [false, true] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut output = Output::new(&mut out, &mut err, json);
            let exit = Report::new(None, &mut output).finish(Ok(false)).ok();
            assert_eq!(exit, Some(Exit::Interrupted));
            let shown = if json { out } else { err };
            assert!(String::from_utf8(shown).unwrap().contains("interrupted before all requests were replayed"));
        }
    }
}
