//! The command `generate types`: writes a module with the types of each flow's fields and vars.
//!
//! The module registers which types it contains, so that `check` can compare what is linked into the program with the configuration.

mod identifiers;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::args::{DEFAULT_OUT, GenerateCommand};
use super::exit::CommandError;
use super::output::{Output, count};
use super::{Common, Exit, Program, read_config};
use crate::config::{Config, Diagnostic, SourceLocation};
use crate::error::{Error, ErrorKind, codes};
use crate::handler::generated;

/// The result of the command.
#[derive(Debug, Serialize)]
struct Generated<'a> {
    file: &'a Path,
    flows: usize,
    is_current: bool,
}

pub(super) fn run(
    mut program: Program,
    common: Common,
    command: GenerateCommand,
    name: &str,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let GenerateCommand::Types(args) = command;
    let config = read_config(&mut program, common, output)?;
    let flows = config.check()?.flows;
    let file = source::file(flows.iter(), &command_line(name, &args.out));
    if args.out.as_os_str() == "-" {
        output.out.write_all(file.as_bytes())?;
        return Ok(Exit::Success);
    }
    let is_current = std::fs::read_to_string(&args.out).is_ok_and(|old| is_same(&old, &file));
    let generated = Generated { file: &args.out, flows: flows.len(), is_current };
    if args.check && !is_current {
        if output.json {
            output.value(&generated)?;
        } else {
            let message = format!("`{}` does not have the types of the configuration", args.out.display());
            output.error_without_code(&message, &format!("run `{}`", command_line(name, &args.out)))?;
        }
        return Ok(Exit::Failure);
    }
    if !is_current {
        std::fs::write(&args.out, file).map_err(|error| {
            let message = format!("cannot write `{}`: {error}", args.out.display());
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
        })?;
    }
    if output.json {
        output.value(&generated)?;
    } else {
        let unchanged = if is_current { ", unchanged" } else { "" };
        writeln!(output.out, "{}: types of {}{unchanged}", args.out.display(), count(flows.len(), "flow"))?;
    }
    Ok(Exit::Success)
}

/// Returns the command that generates the file again.
fn command_line(name: &str, out: &Path) -> String {
    if out == Path::new(DEFAULT_OUT) {
        format!("{name} generate types")
    } else {
        format!("{name} generate types --out {}", out.display())
    }
}

/// Returns whether two files have the same types. The command in the head of a file depends on the directory that it was run in.
fn is_same(old: &str, new: &str) -> bool {
    let lines = |text| str::lines(text).filter(|line| !line.starts_with(source::COMMAND_LINE));
    lines(old).eq(lines(new))
}

/// Compares the types that are linked into the program with the configuration.
pub(super) fn stale_types(config: &Config) -> Vec<Diagnostic> {
    let linked = generated::linked();
    if linked.is_empty() {
        return Vec::new();
    }
    // The errors of the configuration are reported by whoever checks it.
    let Ok(checked) = config.check() else { return Vec::new() };
    let current = source::hashes(checked.flows.iter());
    linked.into_iter().filter_map(|types| stale(types, &current)).collect()
}

fn stale(types: &generated::GeneratedTypes, current: &BTreeMap<String, String>) -> Option<Diagnostic> {
    let known: BTreeMap<&str, &str> = types.flows.iter().copied().collect();
    // The program may be checked with the configuration of another organization, which the types were not generated for.
    if !known.keys().any(|flow| current.contains_key(*flow)) {
        return None;
    }
    let changed = current.iter().filter(|(flow, hash)| known.get(flow.as_str()) != Some(&hash.as_str()));
    let removed = known.keys().filter(|flow| !current.contains_key(**flow));
    let flows: Vec<&str> = changed.map(|(flow, _)| flow.as_str()).chain(removed.copied()).collect();
    if flows.is_empty() {
        return None;
    }
    let noun = if flows.len() == 1 { "flow" } else { "flows" };
    let message = format!("the generated types of {noun} {} are stale", crate::suggest::quoted(flows.iter().copied()));
    let location = SourceLocation { file: Some(std::sync::Arc::new(types.file.into())), ..SourceLocation::default() };
    Some(Diagnostic::warning(location, message).with_hint("run `generate types`"))
}
