//! `handlers`: what the program is made of.

use std::io;

use serde::Serialize;

use super::Common;
use super::output::{Output, write_table};
use crate::app::{App, Exit};
use crate::handler::{HandlerRecord, Registry};
use crate::runtime::HandlerUsage;

/// A handler, for programs.
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

pub(super) fn run(mut app: App, common: Common, output: &mut Output<'_>) -> io::Result<Exit> {
    let read = std::mem::take(&mut app.config).read(common.config, common.variables);
    let has_config = read.is_some();
    // The handlers are there whatever the configuration is like.
    let config = read.and_then(Result::ok).map(|read| read.config);
    let all = config.as_ref().map_or(0, |config| config.flows.len());
    let uses = app.builder(config.unwrap_or_default()).handlers();
    if uses.is_empty() {
        return none(output);
    }
    if output.json {
        output.value(&uses.iter().map(Row::of).collect::<Vec<_>>())?;
        return Ok(Exit::Success);
    }
    let head = ["HANDLER", "MODULE", "FLOWS", "PLACE", "WHAT IT DOES"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(uses.iter().map(|used| cells(used, all))).collect();
    write_table(output.out, &rows)?;
    if has_config && uses.iter().all(|used| used.flows.is_empty()) {
        writeln!(output.err, "warning: no flow can be read, so no flow takes a handler\n  help: run `check`")?;
    }
    Ok(Exit::Success)
}

fn none(output: &mut Output<'_>) -> io::Result<Exit> {
    let faults = Registry::new().select(None).err().unwrap_or_default();
    for fault in &faults {
        output.usage_error(&fault.message, fault.hint.as_deref().unwrap_or_default())?;
    }
    Ok(Exit::Failure)
}

fn cells(used: &HandlerUsage, all: usize) -> [String; 5] {
    let record = used.record;
    let place = format!("{}:{}", record.file(), record.line());
    let flows = match used.flows.len() {
        0 => "-".to_owned(),
        number if number == all && all > 1 => "all".to_owned(),
        _ => used.flows.join(", "),
    };
    [title(record), record.module().to_owned(), flows, place, summary(record).to_owned()]
}

/// What the handler is for; and its function, where that has a name of its own.
fn title(record: &HandlerRecord) -> String {
    let kind = record.kind().as_str();
    match record.field() {
        Some(field) => format!("{kind} {field}"),
        None if record.name() == kind => kind.to_owned(),
        None => format!("{kind} ({})", record.name()),
    }
}

/// The first line of the doc comment that says something.
fn summary(record: &HandlerRecord) -> &'static str {
    record.doc().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

impl<'a> Row<'a> {
    fn of(used: &'a HandlerUsage) -> Self {
        let record = used.record;
        Self {
            kind: record.kind().as_str(),
            name: record.name(),
            field: record.field(),
            module: record.module(),
            flows: &used.flows,
            file: record.file(),
            line: record.line(),
            is_async: record.is_async(),
            doc: record.doc().trim(),
        }
    }
}
