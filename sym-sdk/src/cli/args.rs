//! What can be given on the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use jiff::Timestamp;

use crate::forms::parse_duration;
use crate::model::Source;

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
    /// Run a request through its flow on a virtual clock, and print what happens
    ///
    /// Nothing real is touched: clients are fakes, strategies only pretend, and messages go nowhere.
    Simulate(Simulate),
}

#[derive(Debug, clap::Args)]
pub(super) struct Simulate {
    /// File with the request, as JSON; `-` for the standard input
    #[arg(value_name = "REQUEST.json")]
    pub(super) request: PathBuf,
    #[command(flatten)]
    pub(super) how: How,
}

#[derive(Debug, Default, clap::Args)]
pub(super) struct How {
    /// Where the request comes from [default: the first that the flow allows]
    #[arg(long, value_name = "SOURCE", value_parser = source())]
    pub(super) source: Option<Source>,
    /// Have this person approve; may be given several times
    #[arg(long, value_name = "EMAIL")]
    pub(super) approve_as: Vec<String>,
    /// Have this person deny, after all approvals
    #[arg(long, value_name = "EMAIL")]
    pub(super) deny_as: Vec<String>,
    /// Have nobody decide
    #[arg(long, conflicts_with_all = ["approve_as", "deny_as"])]
    pub(super) no_decision: bool,
    /// How long the request waits for the decision, such as `90s` or `2h` [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) after: Option<Duration>,
    /// When it begins [default: 2024-02-29T09:00:00Z]
    #[arg(long, value_name = "TIMESTAMP", value_parser = timestamp)]
    pub(super) at: Option<Timestamp>,
    /// How much time may pass after the decision [default: 366d]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(super) time: Option<Duration>,
}

const EXIT_CODES: &str = "Exit code: 0 if all is well, 1 if there are faults, 2 if the command line makes no sense";

const REQUEST: &str = r#"A request is what Sym's API takes, and may say what becomes of it:
  {
    "flow_srn": "acme:flow:prod:latest",
    "flow_inputs": { "target_srn": "...", "duration": 3600, "reason": "..." },
    "user_email": "ana@example.com",
    "source": "slack",
    "decision": { "approve": "ben@example.com", "message": "...", "after": "5m" }
  }
Without a decision, an admin approves who is made up for this."#;

impl Args {
    /// Parses the arguments. What is no error is a text to be shown, such as the help.
    pub(super) fn parse(program: &str, has_demo: bool, args: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = command(program, has_demo);
        let matches = command.try_get_matches_from_mut(args)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// The command, with examples that name the program.
fn command(program: &str, has_demo: bool) -> clap::Command {
    let examples = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| format!("  {program} {line}")).collect();
        format!("Examples:\n{}\n\n{EXIT_CODES}", lines.join("\n"))
    };
    let alone = if has_demo { "Without a command, it simulates the requests that it brings along.\n\n" } else { "" };
    Args::command()
        .bin_name(program)
        .after_help(format!("{alone}{}", examples(&["check", "handlers", "simulate request.json"])))
        .mut_subcommand("check", |check| {
            check.after_help(examples(&["check", "check --config infra/sym --var environment=prod", "check --json"]))
        })
        .mut_subcommand("handlers", |handlers| handlers.after_help(examples(&["handlers", "handlers --json"])))
        .mut_subcommand("simulate", |simulate| {
            let examples = examples(&[
                "simulate request.json",
                "simulate request.json --config infra/sym --deny-as ben@example.com",
                "simulate - --source api --no-decision < request.json",
            ]);
            simulate.after_help(format!("{REQUEST}\n\n{examples}"))
        })
}

/// The help, for a program that was not told what to do.
pub(super) fn help(program: &str) -> String {
    command(program, false).render_help().to_string()
}

fn source() -> impl TypedValueParser<Value = Source> {
    PossibleValuesParser::new(Source::ALL.map(Source::as_str)).try_map(|name| name.parse::<Source>())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.message().to_owned())
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| format!("{error}; expected a time such as `2024-02-29T09:00:00Z`"))
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name and a value, as in `environment=prod`".to_owned()),
    }
}
