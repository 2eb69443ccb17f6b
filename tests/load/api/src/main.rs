//! Measures the HTTP API on a SQLite store: durable requests beside the bare engine, streams of changes, and lists of many Runs.

#![allow(clippy::disallowed_methods, reason = "it measures elapsed time")]

mod connection;
mod lists;
mod requests;
mod serve;
mod server;
mod streams;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use load_support::{Outcome, progress};

#[derive(Debug, Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    serve: Option<Serve>,
    /// Measure only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Number of pairs of turns, one of the API and one of the bare engine
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pairs: u32,
    /// Number of requests in each turn
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    requests: u32,
    /// Number of commits per second that the streams tell of
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    commits: u32,
    /// Time for which there are commits, in seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Number of Runs in the lists
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    runs: u32,
    /// Number of times that each list is read
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    reads: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Requests,
    Streams,
    Lists,
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// Serve the API until standard input is closed: the process under load
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        db: PathBuf,
        #[arg(long, default_value_t = 0)]
        runs: u32,
    },
}

fn main() -> ExitCode {
    let args = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(args)));
    done.unwrap_or_else(|error| {
        progress(&format!("error: {error}"));
        ExitCode::from(2)
    })
}

async fn run(args: Arguments) -> Outcome<ExitCode> {
    if let Some(Serve::Serve { db, runs }) = args.serve {
        serve::run(&db, runs).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let wants = |scenario| args.only.is_empty() || args.only.contains(&scenario);
    let mut reached = true;
    if wants(Scenario::Requests) {
        reached &= requests::measure(args.pairs, args.requests).await?;
    }
    if wants(Scenario::Streams) {
        reached &= streams::measure(args.commits, args.seconds).await?;
    }
    if wants(Scenario::Lists) {
        reached &= lists::measure(args.runs, args.reads).await?;
    }
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
