//! The command `check`: reports every error of the configuration and the handlers.

use std::io;

use serde::Serialize;

use super::Common;
use super::output::{Output, count};
use crate::app::{App, Exit};
use crate::config::{Diagnostic, SourceLocation};

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Findings {
    ok: bool,
    #[serde(flatten)]
    counts: Option<Counts>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
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
        Err(errors) => findings.errors.extend(errors),
        Ok(read) => {
            findings.warnings = read.warnings;
            if app.has_no_domains(&read.config) {
                findings.warnings.push(no_domains());
            }
            let (flows, integrations) = (read.config.flows.len(), read.config.integrations.len());
            let builder = app.builder(read.config);
            findings.counts = Some(Counts { flows, handlers: builder.handlers().len(), integrations });
            findings.errors.extend(builder.check().err().into_iter().flatten());
        }
    }
    findings.ok = findings.errors.is_empty();
    if output.json {
        output.value(&findings)?;
    } else {
        write(&findings, output)?;
    }
    Ok(if findings.ok { Exit::Success } else { Exit::Failure })
}

/// Writes the findings to standard output: they are the result of the command.
fn write(findings: &Findings, output: &mut Output<'_>) -> io::Result<()> {
    for error in &findings.errors {
        writeln!(output.out, "error: {error}")?;
    }
    for warning in &findings.warnings {
        writeln!(output.out, "warning: {warning}")?;
    }
    let Findings { errors, warnings, .. } = findings;
    if let Some(Counts { flows, handlers, integrations }) = findings.counts {
        let counted = [count(flows, "flow"), count(handlers, "handler"), count(integrations, "integration")];
        write!(output.out, "{}: ", counted.join(", "))?;
    }
    let errors = if errors.is_empty() { "no errors".to_owned() } else { count(errors.len(), "error") };
    let warnings = if warnings.is_empty() { String::new() } else { format!(", {}", count(warnings.len(), "warning")) };
    writeln!(output.out, "{errors}{warnings}")
}

/// Nobody becomes a member without a domain, and only members make requests.
pub(super) fn no_domains() -> Diagnostic {
    let message = "the organization has no e-mail domains, so nobody becomes a member on first contact";
    Diagnostic::warning(SourceLocation::default(), message)
        .with_hint("name its domains with `App::domain` or `--domain`")
}

pub(super) fn no_config(output: &mut Output<'_>) -> io::Result<Exit> {
    let help =
        "name a directory of Terraform files with `--config DIR`, or give the program one with `App::config_dir`";
    output.usage_error("there is no configuration", help)?;
    Ok(Exit::Usage)
}
