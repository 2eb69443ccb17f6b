//! Measures the Slack front end: signed type-ahead and approvals at rising rates, beside the same handlers in Bolt for JavaScript
//! and Bolt for Python. `run`, in the folder of this crate, builds it, installs those and starts it.

#![allow(clippy::disallowed_methods, reason = "it measures how much time passes")]

mod bench;
mod fire;
mod forms;
mod measure;
mod payload;
mod process;
mod report;
mod scene;
mod serve;
mod shot;
mod slack;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use bench::Plan;

/// What can go wrong here ends the program, with what there is to say.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Debug, Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    plan: Plan,
    /// Print JSON in place of a table.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until standard input ends: the server that is measured.
    #[command(hide = true)]
    Serve { setup: PathBuf },
}

fn main() -> ExitCode {
    let done = match Arguments::parse() {
        Arguments { command: Some(Command::Serve { setup }), .. } => serve::run(&setup).map(|()| ExitCode::SUCCESS),
        Arguments { plan, json, .. } => measure(&plan, json),
    };
    done.unwrap_or_else(|error| {
        progress(&format!("error: {error}"));
        ExitCode::from(2)
    })
}

fn measure(plan: &Plan, json: bool) -> Outcome<ExitCode> {
    // Of one thread, as it has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(bench::run(plan))?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &results)?;
        writeln!(out)?;
    } else {
        report::write(&results, &mut out)?;
    }
    let wrong: usize = results.steps.iter().map(|step| step.errors).sum();
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says on standard error what is going on.
fn progress(line: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "load: {line}");
}
