//! What can be given on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Checks, shows and simulates the flows of this program.
#[derive(Debug, Parser)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Read the configuration from the Terraform files of this directory
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Give a variable of the Terraform files
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable, global = true)]
    pub(super) variables: Vec<(String, String)>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find every fault of the configuration and the handlers
    Check,
    /// List the handlers, and the flows that take them
    Handlers,
}

const EXIT_CODES: &str = "Exit code: 0 if all is well, 1 if there are faults, 2 if the command line makes no sense";

impl Args {
    /// Parses the arguments. What is no error is a text to be shown, such as the help.
    pub(super) fn parse(program: &str, args: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = command(program);
        let matches = command.try_get_matches_from_mut(args)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// The command, with examples that name the program.
fn command(program: &str) -> clap::Command {
    let examples = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| format!("  {program} {line}")).collect();
        format!("Examples:\n{}\n\n{EXIT_CODES}", lines.join("\n"))
    };
    Args::command()
        .bin_name(program)
        .mut_subcommand("check", |check| {
            check.after_help(examples(&["check", "check --config infra/sym --var environment=prod", "check --json"]))
        })
        .mut_subcommand("handlers", |handlers| handlers.after_help(examples(&["handlers", "handlers --json"])))
}

/// The help, for a program that was not told what to do.
pub(super) fn help(program: &str) -> String {
    command(program).render_help().to_string()
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name and a value, as in `environment=prod`".to_owned()),
    }
}
