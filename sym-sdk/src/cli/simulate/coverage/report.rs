//! The report of `simulate --all`: the outcome of each request by flow, and what was not reached.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::generate::{Course, FormKind};
use crate::cli::output::{count, write_table};
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
    /// The declared options that were chosen, by field.
    pub(super) options: BTreeMap<String, String>,
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
        let head = ["#", "REQUEST", "OPTIONS", "ROUTED TO", "WHO COULD DECIDE", "OUTCOME"].map(str::to_owned);
        let rows = self.requests.iter().zip(1_usize..).map(|(request, number)| {
            let options: Vec<_> = request.options.iter().map(|(field, option)| format!("{field}={option}")).collect();
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
        write_table(to, &std::iter::once(head).chain(rows).collect::<Vec<_>>())?;
        for (request, number) in self.requests.iter().zip(1_usize..) {
            for RequestError { code, message, hint } in &request.errors {
                writeln!(to, "  #{number}: {message} ({code})")?;
                if let Some(hint) = hint {
                    writeln!(to, "    help: {hint}")?;
                }
            }
        }
        writeln!(to)
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
