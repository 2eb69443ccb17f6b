//! A load test of the Slack front end: signed type-ahead requests and approvals at increasing rates, compared with the same handlers in
//! Bolt for JavaScript and Bolt for Python. The script `run` in this crate's directory installs Bolt, then builds and starts this program.

#![allow(clippy::disallowed_methods, reason = "it measures elapsed time")]

mod bench;
mod fake_slack;
mod fixture;
mod forms;
mod load_generator;
mod measure;
mod pairs;
mod payload;
mod process;
mod report;
mod serve;
mod signed_request;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use load_support::{Outcome, progress};

use bench::BenchArgs;

#[derive(Debug, Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    bench: BenchArgs,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the measured server until standard input is closed.
    #[command(hide = true)]
    Serve { setup: PathBuf },
}

fn main() -> ExitCode {
    let done = match Arguments::parse() {
        Arguments { command: Some(Command::Serve { setup }), .. } => serve::run(&setup).map(|()| ExitCode::SUCCESS),
        Arguments { bench, json, .. } => measure(&bench, json),
    };
    done.unwrap_or_else(|error| {
        progress(&format!("error: {error}"));
        ExitCode::from(2)
    })
}

fn measure(args: &BenchArgs, json: bool) -> Outcome<ExitCode> {
    // Single-threaded, because the load generator has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(bench::run(args))?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &results)?;
        writeln!(out)?;
    } else {
        report::write(&results, &mut out)?;
    }
    let errors: usize = results.steps.iter().map(|step| step.errors).sum();
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
