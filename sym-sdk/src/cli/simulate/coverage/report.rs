//! The report of `simulate --all`: the outcome of each request by flow, and what was not reached.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::generate::{Course, FormKind};
use crate::cli::output::count;
use crate::cli::table::write_table;
use crate::model::{RunId, RunStatus};

/// The greatest width of a cell of the table, in characters.
const MAX_CELL_CHARS: usize = 60;

/// The report over all flows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) flows: Vec<FlowReport>,
    /// The findings: what was not reached, or always fails.
    pub(super) findings: Vec<Finding>,
}

/// The report of a flow.
#[derive(Debug, Serialize)]
pub(super) struct FlowReport {
    pub(super) flow: String,
    pub(super) label: String,
    pub(super) requests: Vec<RequestReport>,
    /// The prefetched fields of which several options are offered.
    pub(super) prefetched: Vec<PrefetchedReport>,
}

/// The report of a prefetched field.
#[derive(Debug, Serialize)]
pub(super) struct PrefetchedReport {
    pub(super) field: String,
    /// The number of options that the prefetch reducer returned.
    pub(super) offered: usize,
    /// The number of options that were tried.
    pub(super) tried: usize,
    /// The number of requests that are reported because their result differs.
    pub(super) differing: usize,
}

/// The report of a generated request.
#[derive(Debug, Serialize)]
pub(super) struct RequestReport {
    pub(super) run: Option<RunId>,
    pub(super) form: FormKind,
    /// The decision that was to be made.
    pub(super) course: Course,
    /// The target that was asked for.
    pub(super) target: Option<String>,
    /// The target with the fields that are bound to it, for people.
    pub(super) resource: Option<String>,
    /// The options that were chosen, by field. Without the fields of which there is one option only.
    pub(super) options: BTreeMap<String, String>,
    /// The fields that are bound to the target, and so part of `resource`.
    #[serde(skip)]
    pub(super) bound_fields: Vec<String>,
    /// The destinations that were to be notified, in order.
    pub(super) routed_to: Vec<String>,
    /// The people who could decide, for people.
    pub(super) deciders: Option<String>,
    /// The username of the decider.
    pub(super) decided_by: Option<String>,
    pub(super) status: Option<RunStatus>,
    /// The outcome, for people.
    pub(super) outcome: String,
    /// Whether the requester had the access.
    #[serde(skip)]
    pub(super) is_reached: bool,
    /// Whether the approvers are a list of people of whom too few may approve this request.
    pub(super) lacks_approvers: bool,
    pub(super) errors: Vec<RequestError>,
}

/// An error of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct RequestError {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Something that was not reached, or always fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Finding {
    /// The flow; `None` for what concerns several.
    pub(super) flow: Option<String>,
    pub(super) kind: FindingKind,
    pub(super) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FindingKind {
    /// The form of a flow cannot be opened.
    FormNotOpened,
    /// A flow has nothing to request.
    NoTarget,
    /// Nobody but administrators could decide about a target.
    NoApprover,
    /// No request for a target was granted.
    TargetNotReached,
    /// Every request with an option failed.
    OptionFails,
    /// A request failed, was refused, or kept its access.
    RequestFailed,
    /// A handler was never called.
    HandlerNotCalled,
}

impl Report {
    /// Writes the report as text.
    pub(super) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        for flow in &self.flows {
            flow.write(to)?;
        }
        for finding in &self.findings {
            match &finding.flow {
                Some(flow) => writeln!(to, "problem: {flow}: {}", finding.message)?,
                None => writeln!(to, "problem: {}", finding.message)?,
            }
        }
        let requests = self.flows.iter().map(|flow| flow.requests.len()).sum();
        let found = match self.findings.len() {
            0 if self.flows.iter().flat_map(|flow| &flow.prefetched).any(PrefetchedReport::is_partial) => {
                "everything was reached with the options that were tried".to_owned()
            }
            0 => "everything was reached".to_owned(),
            number => count(number, "problem"),
        };
        match self.flows.len() {
            0 => writeln!(to, "0 flows: there is nothing to simulate"),
            flows => writeln!(to, "{}, {}: {found}", count(flows, "flow"), count(requests, "request")),
        }
    }
}

impl FlowReport {
    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "== {} ({})\n", self.flow, self.label)?;
        if self.requests.is_empty() {
            return writeln!(to, "no requests\n");
        }
        let head = ["#", "REQUEST", "OPTIONS", "ROUTED TO", "WHO COULD DECIDE", "OUTCOME"];
        let rows = self.requests.iter().zip(1_usize..).map(|(request, number)| {
            let options: Vec<_> = request.options_beside_resource().collect();
            [
                number.to_string(),
                request.title(),
                options.join(", "),
                request.routed_to.join(", then "),
                request.deciders.clone().unwrap_or_default(),
                request.outcome.clone(),
            ]
            .map(|cell| dashed(shortened(&cell)))
        });
        write_table(to, head, rows, None)?;
        for (request, number) in self.requests.iter().zip(1_usize..) {
            for RequestError { code, message, hint } in &request.errors {
                writeln!(to, "  #{number}: {message} ({code})")?;
                if let Some(hint) = hint {
                    writeln!(to, "    help: {hint}")?;
                }
            }
        }
        for field in &self.prefetched {
            writeln!(to, "  {}: {}", field.field, field.describe())?;
        }
        writeln!(to)
    }
}

impl PrefetchedReport {
    /// Returns whether there are options that were not tried.
    fn is_partial(&self) -> bool {
        self.tried < self.offered
    }

    fn describe(&self) -> String {
        let Self { offered, tried, .. } = self;
        let tried = match self.is_partial() {
            true => format!("the first {tried} of {offered} options were tried"),
            false => format!("{tried} of {offered} options were tried"),
        };
        let result = match self.differing {
            0 => "with the same result",
            _ => "and requests with another result are listed",
        };
        format!("{tried}, {result}")
    }
}

impl RequestReport {
    fn title(&self) -> String {
        let form = self.form.title();
        match self.resource.as_ref().or(self.target.as_ref()) {
            Some(resource) => format!("{resource}, {form}"),
            None => form.to_owned(),
        }
    }

    /// Describes the chosen options that the resource does not show.
    fn options_beside_resource(&self) -> impl Iterator<Item = String> {
        let is_shown = |field: &String| self.resource.is_some() && self.bound_fields.contains(field);
        let options = self.options.iter().filter(move |(field, _)| !is_shown(field));
        options.map(|(field, option)| format!("{field}={option}"))
    }

    /// Returns whether another request had the same approvers, destinations, outcome and errors.
    pub(super) fn has_same_result(&self, other: &Self) -> bool {
        self.routed_to == other.routed_to
            && self.deciders == other.deciders
            && self.lacks_approvers == other.lacks_approvers
            && self.status == other.status
            && self.outcome == other.outcome
            && self.errors == other.errors
    }
}

fn shortened(cell: &str) -> String {
    match cell.char_indices().nth(MAX_CELL_CHARS) {
        None => cell.to_owned(),
        Some(_) => cell.chars().take(MAX_CELL_CHARS - 1).chain(['…']).collect(),
    }
}

fn dashed(cell: String) -> String {
    if cell.is_empty() { "-".to_owned() } else { cell }
}
