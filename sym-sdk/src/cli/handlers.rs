//! The command `handlers`: lists the handlers, and the flows that use them.

use serde::Serialize;

use super::exit::CommandError;
use super::output::Output;
use super::program::UnknownValues;
use super::table::write_table;
use super::{Common, Exit, Program};
use crate::handler::{HandlerRecord, Registry};
use crate::runtime::HandlerUsage;

/// A handler, as JSON.
#[derive(Debug, Serialize)]
struct Row<'a> {
    kind: &'a str,
    name: &'a str,
    field: Option<&'a str>,
    module: &'a str,
    flows: &'a [String],
    file: &'a str,
    line: u32,
    #[serde(rename = "async")]
    is_async: bool,
    doc: &'a str,
}

pub(super) fn run(mut program: Program, common: Common, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let read = program.read_config(common.terraform, UnknownValues::Unset);
    let has_config = read.is_some();
    // Handlers are listed even if the configuration is invalid: `check` reports its errors.
    let config = read.and_then(Result::ok).map(|read| read.config);
    let flows = config.as_ref().map_or(0, |config| config.flows.len());
    let handlers = program.builder(config.unwrap_or_default()).handlers();
    if handlers.is_empty() {
        return report_none(output);
    }
    if output.json {
        output.value(&handlers.iter().map(Row::new).collect::<Vec<_>>())?;
        return Ok(Exit::Success);
    }
    let head = ["HANDLER", "MODULE", "FLOWS", "LOCATION", "DESCRIPTION"];
    write_table(output.out, head, handlers.iter().map(|handler| cells(handler, flows)), None)?;
    if has_config && handlers.iter().all(|handler| handler.flows.is_empty()) {
        writeln!(output.err, "warning: no flow uses any of these handlers\n  help: run `check` to see why")?;
    }
    Ok(Exit::Success)
}

/// Reports an empty registry with the same text as `check`.
fn report_none(output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let errors = Registry::new().select(None).err().unwrap_or_default();
    for error in &errors {
        output.error_without_code(&error.message, error.hint.as_deref().unwrap_or_default())?;
    }
    Ok(Exit::Failure)
}

fn cells(handler: &HandlerUsage, all: usize) -> [String; 5] {
    let record = handler.record;
    let location = format!("{}:{}", record.file(), record.line());
    let flows = match handler.flows.len() {
        0 => "-".to_owned(),
        number if number == all && all > 1 => "all".to_owned(),
        _ => handler.flows.join(", "),
    };
    [title(record), record.module().to_owned(), flows, location, summary(record).to_owned()]
}

/// Returns the handler's kind, with its field or with the name of the function where that differs.
fn title(record: &HandlerRecord) -> String {
    let kind = record.kind().as_str();
    match record.field() {
        Some(field) => format!("{kind} {field}"),
        None if record.name() == kind => kind.to_owned(),
        None => format!("{kind} ({})", record.name()),
    }
}

/// Returns the first line of the doc comment that is not empty.
fn summary(record: &HandlerRecord) -> &'static str {
    record.doc().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

impl<'a> Row<'a> {
    fn new(handler: &'a HandlerUsage) -> Self {
        let record = handler.record;
        Self {
            kind: record.kind().as_str(),
            name: record.name(),
            field: record.field(),
            module: record.module(),
            flows: &handler.flows,
            file: record.file(),
            line: record.line(),
            is_async: record.is_async(),
            doc: record.doc().trim(),
        }
    }
}
