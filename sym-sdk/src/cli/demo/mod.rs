//! The demo on a store: runs the program's demo requests in a file, on a real clock.
//!
//! It shows durability. Kill it at any point and start it again: access that was granted is still revoked on time. Nothing
//! real is touched, and the store is marked as simulated.

mod real_time_driver;
mod scaled_clock;

use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::exit::CommandError;
use super::follow::Follower;
use super::output::{Output, count};
use super::signal;
use super::simulate::{Outcome, Request, Scenario, demo_requests, request_and_decide};
use super::simulated_store::StoreMode;
use super::{Common, Exit, Program};
use crate::config::Config;
use crate::directory::{KeyValue, KeyValueStore};
use crate::engine::{RunFilter, SqliteStore, StoredRun, WorkerLimits};
use crate::error::Result;
use crate::runtime::Runtime;
use real_time_driver::RealTimeDriver;
use scaled_clock::ScaledClock;

/// The time limit for work in flight after a shutdown signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The store of the demo, and the speed of its clock.
#[derive(Debug)]
pub(super) struct DemoStore {
    pub(super) db: PathBuf,
    pub(super) speed: NonZeroU32,
}

/// Runs the demo requests, or continues those in the store.
pub(super) async fn run(
    mut program: Program,
    common: Common,
    demo: DemoStore,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let requests = demo_requests(&mut program)?;
    let config = super::read_for_simulation(&mut program, common, output)?;
    let store = Arc::new(SqliteStore::open(&demo.db).await?);
    let result = run_on(&store, program, config, requests, demo.speed, output).await;
    let closed = store.close().await;
    let exit = result?;
    closed?;
    Ok(exit)
}

async fn run_on(
    store: &Arc<SqliteStore>,
    mut program: Program,
    config: Config,
    requests: Vec<(String, Request)>,
    speed: NonZeroU32,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    StoreMode::Demo.claim(store).await?;
    let values = KeyValue::from(store.clone() as Arc<dyn KeyValueStore>);
    let clock = ScaledClock::open(&values, speed).await?;
    let builder = program.simulated_builder(config);
    let builder = program.install_fakes(builder);
    let runtime = builder.sqlite(store.clone()).clock(Arc::new(clock)).build().await?;
    program.add_missing_users(runtime.directory()).await?;
    let before = runtime.runs(RunFilter::default(), usize::MAX).await?;
    if !output.json {
        write_start(store.path(), &before, speed, output)?;
    }
    let seq = runtime.engine().head().await?.seq;
    let mut follower = Follower::new(runtime.clone(), program.outbox, seq, before.len().max(requests.len()));

    let workers = runtime.start(WorkerLimits::default());
    let ended = tokio::select! {
        biased;
        stopped = signal::shutdown() => stopped.map(|()| None).map_err(CommandError::from),
        followed = follower.follow(output) => match followed { Err(error) => Err(error) },
        finished = run_to_end(&runtime, requests) => finished.map(Some).map_err(CommandError::from),
    };
    workers.shutdown(SHUTDOWN_TIMEOUT).await;
    let notes = ended?;
    follower.catch_up(output).await?;
    let runs = runtime.runs(RunFilter::default(), usize::MAX).await?;
    if !output.json {
        if follower.seq() > seq {
            writeln!(output.out)?;
        }
        // After a restart, the notes are about what was printed before it.
        let notes = notes.map(|notes| if before.is_empty() { notes } else { Vec::new() });
        write_end(&runs, notes.as_deref(), output)?;
    }
    Ok(if follower.has_seen_a_failure() { Exit::Failure } else { Exit::Success })
}

/// Makes the requests and their decisions, waits until no work is left, and returns the notes.
async fn run_to_end(runtime: &Runtime, requests: Vec<(String, Request)>) -> Result<Vec<String>> {
    let mut outcome = Outcome::default();
    for (name, request) in requests {
        let mut driver = RealTimeDriver::new(runtime.clone(), name);
        request_and_decide(&mut driver, request, &Scenario::default(), &mut outcome).await?;
    }
    loop {
        // Subscribe before looking, so that a commit in between is not missed.
        let changed = runtime.engine().next_commit();
        if runtime.next_due().await?.is_none() {
            return Ok(outcome.notes);
        }
        changed.await;
    }
}

fn write_start(path: &Path, runs: &[StoredRun], speed: NonZeroU32, output: &mut Output<'_>) -> io::Result<()> {
    let path = path.display();
    if runs.is_empty() {
        writeln!(output.out, "Created {path}. Stop or kill the program at any time; run it again to continue.")?;
    } else {
        let (all, holding) = (count(runs.len(), "Run"), holding(runs));
        writeln!(output.out, "Continuing {path}: {all}, {holding} with active access.")?;
    }
    if speed.get() > 1 {
        writeln!(output.out, "The clock runs at {speed} times real time.")?;
    }
    writeln!(output.out)?;
    output.out.flush()
}

/// Writes how the demo ended. There are `notes` if no work is left.
fn write_end(runs: &[StoredRun], notes: Option<&[String]>, output: &mut Output<'_>) -> io::Result<()> {
    for note in notes.unwrap_or_default() {
        writeln!(output.out, "note: {note}")?;
    }
    match (notes, holding(runs)) {
        (Some(_), 0) => writeln!(output.out, "Finished: all requests are completed, and all access is revoked."),
        (_, 0) => writeln!(output.out, "Stopped, with no active access. Run the program again to continue."),
        (_, holding) => {
            let holding = count(holding, "Run");
            writeln!(output.out, "Stopped, with active access in {holding}. Run the program again to have it revoked.")
        }
    }
}

fn holding(runs: &[StoredRun]) -> usize {
    runs.iter().filter(|run| run.state.may_hold_access()).count()
}
