//! Measures how fast the pages of the console are on a store with many Runs: the time until a response begins, page by page.

#![allow(clippy::disallowed_methods, reason = "it measures elapsed time")]

mod browser;
mod measure;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use load_support::fixture::{self, ADMINS, DECIDERS, address_of};
use load_support::{Outcome, fill, progress};
use sym_sdk::console::Console;
use sym_sdk::engine::SqliteStore;
use sym_sdk::server::{CancellationToken, Server, listen};

use browser::Browser;

#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    /// Number of Runs
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    runs: u32,
    /// Number of times that each page is opened
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    requests: u32,
}

fn main() -> ExitCode {
    let args = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(&args)));
    done.unwrap_or_else(|error| {
        progress(&format!("error: {error}"));
        ExitCode::from(2)
    })
}

async fn run(args: &Arguments) -> Outcome<ExitCode> {
    let dir = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(dir.path().join("load.db")).await?);
    let console = Console::new().with_user_chooser();
    let builder = fixture::builder(store.clone()).front_end(console.run_pages()).front_end(console);
    let runtime = builder.build().await?;
    fixture::add_people(runtime.directory()).await?;
    let listener = listen(([127, 0, 0, 1], 0).into()).await?;
    let server = listener.local_addr()?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(Server::new(runtime.clone()).serve(listener, stop.clone()));

    let begun = Instant::now();
    let sample = fill::fill(&runtime, &store, args.runs).await?;
    progress(&format!("{} Runs in {:.0} s", args.runs, begun.elapsed().as_secs_f64()));

    let mut admins = Vec::new();
    for number in 0..ADMINS {
        admins.push(Browser::sign_in(server, &runtime, &address_of("ada", number)).await?);
    }
    let mut deciders = Vec::new();
    for number in 0..DECIDERS {
        deciders.push(Browser::sign_in(server, &runtime, &address_of("ben", number)).await?);
    }
    let mut out = io::stdout();
    writeln!(out, "{:<52} {:>8} {:>8} {:>8} {:>8}", "page", "p50 ms", "p99 ms", "max ms", "bytes")?;
    let mut is_fast = true;
    for (who, browsers, pages) in
        [("admin", &mut admins, measure::pages_of_admins(&sample)), ("decider", &mut deciders, measure::pages(&sample))]
    {
        for page in pages {
            let measured = measure::measure(browsers, &page, args.requests).await?;
            is_fast &= measured.is_fast();
            writeln!(out, "{:<52} {measured}", format!("{who} {page}"))?;
        }
    }
    stop.cancel();
    serving.await??;
    drop(runtime);
    store.close().await?;
    Ok(if is_fast { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
