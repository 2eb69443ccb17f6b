//! `check`: every fault of the configuration and the handlers.

use std::io;

use serde::Serialize;

use super::Common;
use super::output::{Output, count};
use crate::app::{App, Exit};
use crate::config::{Fault, Place};

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Findings {
    ok: bool,
    #[serde(flatten)]
    counts: Option<Counts>,
    faults: Vec<Fault>,
    notes: Vec<Fault>,
}

/// How much was checked; not known of files that cannot be read.
#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    flows: usize,
    handlers: usize,
    integrations: usize,
}

pub(super) fn run(mut app: App, common: Common, output: &mut Output<'_>) -> io::Result<Exit> {
    let Some(read) = std::mem::take(&mut app.config).read(common.config, common.variables) else {
        return no_config(output);
    };
    let mut findings = Findings::default();
    match read {
        Err(faults) => findings.faults.extend(faults),
        Ok(read) => {
            findings.notes = read.notes;
            if app.has_no_domains(&read.config) {
                findings.notes.push(no_domains());
            }
            let (flows, integrations) = (read.config.flows.len(), read.config.integrations.len());
            let builder = app.builder(read.config);
            findings.counts = Some(Counts { flows, handlers: builder.handlers().len(), integrations });
            findings.faults.extend(builder.check().err().into_iter().flatten());
        }
    }
    findings.ok = findings.faults.is_empty();
    if output.json {
        output.value(&findings)?;
    } else {
        write(&findings, output)?;
    }
    Ok(if findings.ok { Exit::Success } else { Exit::Failure })
}

/// The faults are what was asked for, so they go where results go.
fn write(findings: &Findings, output: &mut Output<'_>) -> io::Result<()> {
    for fault in &findings.faults {
        writeln!(output.out, "error: {fault}")?;
    }
    for note in &findings.notes {
        writeln!(output.out, "note: {note}")?;
    }
    let Findings { faults, notes, .. } = findings;
    if let Some(Counts { flows, handlers, integrations }) = findings.counts {
        let counted = [count(flows, "flow"), count(handlers, "handler"), count(integrations, "integration")];
        write!(output.out, "{}: ", counted.join(", "))?;
    }
    let faults = if faults.is_empty() { "no faults".to_owned() } else { count(faults.len(), "fault") };
    let notes = if notes.is_empty() { String::new() } else { format!(", {}", count(notes.len(), "note")) };
    writeln!(output.out, "{faults}{notes}")
}

/// Nobody becomes a member without a domain, and only members make requests.
pub(super) fn no_domains() -> Fault {
    let message = "the organization has no e-mail domains, so nobody becomes a member on first contact";
    Fault::new(Place::default(), message).with_hint("name its domains with `App::domain` or `--domain`")
}

pub(super) fn no_config(output: &mut Output<'_>) -> io::Result<Exit> {
    let help =
        "name a directory of Terraform files with `--config DIR`, or give the program one with `App::config_dir`";
    output.usage_error("there is no configuration", help)?;
    Ok(Exit::Usage)
}
