//! The command `check`: reports every error of the configuration and the handlers, and with `--live` what is wrong with clients and targets
//! in their services.

use std::io;

use serde::Serialize;

use super::args::CheckArgs;
use super::exit::CommandError;
use super::generate;
use super::output::{Output, count};
use super::program::UnknownValues;
use super::table::write_table;
use super::{Common, Exit, Program, no_config};
use crate::config::{Diagnostic, Severity, SourceLocation};
use crate::runtime::{ClientCheck, ServiceChecks, TargetCheck};

/// The result of the command.
#[derive(Debug, Default, Serialize)]
struct Findings {
    ok: bool,
    #[serde(flatten)]
    counts: Option<Counts>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// The clients and targets that were checked in their services.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    services: Option<ServiceChecks>,
}

/// The number of checked items; not available if the files cannot be read.
#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    flows: usize,
    handlers: usize,
    integrations: usize,
}

pub(super) async fn run(
    mut program: Program,
    common: Common,
    args: CheckArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut findings = Findings::default();
    match program.read_config(common.terraform, UnknownValues::Unset).ok_or_else(no_config)? {
        Err(errors) => findings.errors.extend(errors),
        Ok(read) => {
            findings.warnings = read.warnings;
            if program.has_no_domains(&read.config) {
                findings.warnings.push(no_domains());
            }
            let (flows, integrations) = (read.config.flows.len(), read.config.integrations.len());
            findings.warnings.extend(generate::stale_types(&read.config));
            let builder = program.builder(read.config);
            findings.counts = Some(Counts { flows, handlers: builder.handlers().len(), integrations });
            findings.errors.extend(builder.check().err().into_iter().flatten());
            findings.warnings.extend(builder.warnings());
            if args.live && findings.errors.is_empty() {
                findings.services = Some(builder.check_services().await?);
            }
        }
    }
    findings.ok = findings.errors.is_empty() && findings.services.as_ref().is_none_or(ServiceChecks::is_ok);
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
        writeln!(output.out, "{}: {warning}", warning.severity)?;
    }
    let Findings { errors, .. } = findings;
    let number_of = |severity| findings.warnings.iter().filter(|found| found.severity == severity).count();
    if let Some(Counts { flows, handlers, integrations }) = findings.counts {
        let counted = [count(flows, "flow"), count(handlers, "handler"), count(integrations, "integration")];
        write!(output.out, "{}: ", counted.join(", "))?;
    }
    let errors = self::errors(errors.len());
    let counted = |severity, noun| match number_of(severity) {
        0 => String::new(),
        number => format!(", {}", count(number, noun)),
    };
    let (warnings, notes) = (counted(Severity::Warning, "warning"), counted(Severity::Note, "note"));
    writeln!(output.out, "{errors}{warnings}{notes}")?;
    let Some(ServiceChecks { clients, targets }) = &findings.services else { return Ok(()) };
    if !clients.is_empty() {
        write_clients(clients, output)?;
    }
    if !targets.is_empty() || clients.is_empty() {
        write_targets(targets, output)?;
    }
    Ok(())
}

/// Writes a table of the clients, and what is wrong with them below it.
fn write_clients(clients: &[ClientCheck], output: &mut Output<'_>) -> io::Result<()> {
    let rows = clients.iter().map(|checked| {
        let status = match (&checked.error, &checked.identity) {
            (Some(error), _) => error.code.to_string(),
            (None, Some(_)) => "ok".to_owned(),
            (None, None) => "no check".to_owned(),
        };
        let integration = format!("{} ({})", checked.integration, checked.integration_type);
        [checked.key.clone(), integration, checked.identity.clone().unwrap_or_else(|| "-".to_owned()), status]
    });
    writeln!(output.out)?;
    write_table(output.out, ["CLIENT", "INTEGRATION", "IDENTITY", "STATUS"], rows, None)?;
    writeln!(output.out)?;
    let failed: Vec<_> = clients.iter().filter_map(|checked| Some((checked, checked.error.as_ref()?))).collect();
    for (checked, error) in &failed {
        writeln!(output.out, "error: {}: {}", client_name(checked), error.message)?;
        write_help(error.hint.as_deref(), output)?;
    }
    writeln!(output.out, "{} checked: {}", count(clients.len(), "client"), errors(failed.len()))
}

/// Names a client, as in `` integration `main` (okta) ``.
pub(super) fn client_name(checked: &ClientCheck) -> String {
    let ClientCheck { integration, integration_type, key, .. } = checked;
    match key == integration_type {
        true => format!("integration `{integration}` ({integration_type})"),
        false => format!("integration `{integration}` ({integration_type}), for `{key}`"),
    }
}

/// Names a target, as in `` target `ops` of strategy `spaces` ``.
pub(super) fn target_name(checked: &TargetCheck) -> String {
    format!("target `{}` of strategy `{}`", checked.target.name(), checked.strategy)
}

fn errors(number: usize) -> String {
    if number == 0 { "no errors".to_owned() } else { count(number, "error") }
}

/// Writes a table of the targets, and what is wrong with them below it.
fn write_targets(targets: &[TargetCheck], output: &mut Output<'_>) -> io::Result<()> {
    let rows = targets.iter().map(|checked| {
        let ended_by = match checked.enforces_end {
            Some(true) => "program, service",
            Some(false) => "program",
            None => "-",
        };
        let status = checked.error.as_ref().map_or_else(|| "ok".to_owned(), |error| error.code.to_string());
        let strategy = format!("{} ({})", checked.strategy, checked.strategy_type);
        [strategy, checked.target.label().to_owned(), ended_by.to_owned(), status]
    });
    writeln!(output.out)?;
    write_table(output.out, ["STRATEGY", "TARGET", "ENDED BY", "STATUS"], rows, None)?;
    writeln!(output.out)?;
    for checked in targets {
        let of_target = target_name(checked);
        if let Some(error) = &checked.error {
            writeln!(output.out, "error: {of_target}: {}", error.message)?;
            write_help(error.hint.as_deref(), output)?;
        }
        if let Some(url) = &checked.temporary_url {
            writeln!(output.out, "  open: {url}")?;
        }
        for warning in &checked.warnings {
            writeln!(output.out, "warning: {of_target}: {}", warning.message)?;
            write_help(warning.hint.as_deref(), output)?;
        }
    }
    let failed = targets.iter().filter(|checked| checked.error.is_some()).count();
    let warnings = match targets.iter().map(|checked| checked.warnings.len()).sum() {
        0 => String::new(),
        warnings => format!(", {}", count(warnings, "warning")),
    };
    writeln!(output.out, "{} checked: {}{warnings}", count(targets.len(), "target"), errors(failed))
}

fn write_help(hint: Option<&str>, output: &mut Output<'_>) -> io::Result<()> {
    match hint {
        Some(hint) => writeln!(output.out, "  help: {hint}"),
        None => Ok(()),
    }
}

/// The warning about an organization without e-mail domains: users become members by the domain of their address, and only
/// members can make requests.
pub(super) fn no_domains() -> Diagnostic {
    let message = "the organization has no e-mail domains, so no one becomes a member on first contact";
    Diagnostic::warning(SourceLocation::default(), message)
        .with_hint("set its domains with `App::domain` or `--domain`")
}
