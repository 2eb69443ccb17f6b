//! Runs the requests that the app brings along on a store in a file and in real time, so that they outlive the program.

mod real_time_driver;
mod scaled_clock;

use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::real_time_driver::RealTimeDriver;
use self::scaled_clock::ScaledClock;
use super::Common;
use super::follow::{Follower, Lost};
use super::output::{Output, count};
use super::simulate::{Direction, Request, Story, act, demo_requests, stand_ins};
use super::simulated_store::StoreMode;
use crate::app::{App, Exit};
use crate::config::{Config, Diagnostics};
use crate::directory::{KeyValue, KeyValueStore};
use crate::engine::{RunFilter, SqliteStore, StoredRun, WorkerLimits};
use crate::error::Result;
use crate::runtime::Runtime;

/// How long work that is under way may take when the program is told to stop.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the Runs are kept, and how fast time passes.
#[derive(Debug)]
pub(super) struct DemoStore {
    pub(super) db: PathBuf,
    pub(super) speed: NonZeroU32,
}

/// Runs the app's requests, or goes on with those that were begun.
pub(super) async fn run(mut app: App, common: Common, keep: DemoStore, output: &mut Output<'_>) -> io::Result<Exit> {
    let requests = match demo_requests(&mut app) {
        Ok(requests) => requests,
        Err(error) => {
            output.error(&error)?;
            return Ok(Exit::Usage);
        }
    };
    let config = match super::read_config(&mut app, common, output)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let (path, speed) = (keep.db, keep.speed);
    let store = match SqliteStore::open(&path).await {
        Ok(store) => Arc::new(store),
        Err(error) => {
            output.error(&error.into())?;
            return Ok(Exit::Failure);
        }
    };
    let played = play(app, config, requests, &store, speed, output).await;
    let closed = store.close().await;
    let exit = match played {
        Ok(exit) => exit,
        Err(Interruption::Faults(faults)) => output.faults(&faults).map(|()| Exit::Failure)?,
        Err(Interruption::Short(Lost::Record(error))) => output.error(&error).map(|()| Exit::Failure)?,
        Err(Interruption::Short(Lost::Output(error))) => return Err(error),
    };
    match closed {
        Ok(()) => Ok(exit),
        Err(error) => output.error(&error.into()).map(|()| Exit::Failure),
    }
}

/// Why it ends before its end.
enum Interruption {
    /// It cannot begin.
    Faults(Diagnostics),
    /// It cannot go on.
    Short(Lost),
}

impl<E: Into<Lost>> From<E> for Interruption {
    fn from(lost: E) -> Self {
        Self::Short(lost.into())
    }
}

async fn play(
    mut app: App,
    config: Config,
    requests: Vec<(String, Request)>,
    store: &Arc<SqliteStore>,
    speed: NonZeroU32,
    output: &mut Output<'_>,
) -> std::result::Result<Exit, Interruption> {
    let kept = KeyValue::from(store.clone() as Arc<dyn KeyValueStore>);
    StoreMode::Demo.claim(store).await?;
    let clock = ScaledClock::of(&kept, speed).await?;
    let (users, outbox) = (std::mem::take(&mut app.users), app.outbox.clone());
    let (builder, _) = stand_ins(app, config);
    let runtime = builder
        .simulated()
        .outbox(outbox.clone())
        .sqlite(store.clone())
        .clock(Arc::new(clock))
        .build()
        .await
        .map_err(Interruption::Faults)?;
    for user in users {
        // What became of them since they were first put there stays.
        if runtime.directory().user(user.id()).await?.is_none() {
            runtime.directory().put_user(user).await?;
        }
    }
    let known = runtime.runs(RunFilter::default(), usize::MAX).await?;
    if !output.json {
        greet(store.path(), &known, speed, output).map_err(Lost::Output)?;
    }
    let seq = runtime.engine().head().await?.seq;
    let mut follower = Follower::new(runtime.clone(), outbox, seq, known.len().max(requests.len()));

    let workers = runtime.start(WorkerLimits::default());
    let ended = tokio::select! {
        biased;
        stopped = super::signal::stop() => stopped.map(|()| None).map_err(Lost::Output),
        lost = follower.follow(output) => match lost { Err(lost) => Err(lost) },
        played = to_the_end(&runtime, requests) => played.map(Some).map_err(Lost::Record),
    };
    workers.shutdown(IDLE_TIMEOUT).await;
    let notes = ended?;
    follower.catch_up(output).await?;
    let runs = runtime.runs(RunFilter::default(), usize::MAX).await?;
    if !output.json {
        if follower.seq() > seq {
            writeln!(output.out).map_err(Lost::Output)?;
        }
        // Of what was begun before, they would tell anew what is long past.
        let notes = notes.map(|notes| if known.is_empty() { notes } else { Vec::new() });
        farewell(&runs, notes.as_deref(), output).map_err(Lost::Output)?;
    }
    Ok(if follower.has_seen_a_failure() { Exit::Failure } else { Exit::Success })
}

/// Makes each request and has it decided, and waits until nothing is left to do.
async fn to_the_end(runtime: &Runtime, requests: Vec<(String, Request)>) -> Result<Vec<String>> {
    let mut story = Story::default();
    for (name, request) in requests {
        act(&mut RealTimeDriver::new(runtime.clone(), name), request, &Direction::default(), &mut story).await?;
    }
    loop {
        let changed = runtime.engine().next_commit();
        if runtime.next_due().await?.is_none() {
            return Ok(story.notes);
        }
        changed.await;
    }
}

fn greet(path: &Path, known: &[StoredRun], speed: NonZeroU32, output: &mut Output<'_>) -> io::Result<()> {
    let path = path.display();
    if known.is_empty() {
        writeln!(output.out, "Runs are kept in {path}. Stop the program, or kill it, and start it again: it goes on.")?;
    } else {
        let runs = count(known.len(), "Run");
        let holding = match holding(known) {
            0 => "none of them with access".to_owned(),
            some => format!("{some} of them with access that is still to end"),
        };
        writeln!(output.out, "{path} has {runs}, {holding}. Going on.")?;
    }
    match speed.get() {
        1 => writeln!(output.out),
        speed => writeln!(output.out, "Time passes {speed} times as fast as it does.\n"),
    }?;
    output.out.flush()
}

/// `notes` are there if all has come to its end.
fn farewell(runs: &[StoredRun], notes: Option<&[String]>, output: &mut Output<'_>) -> io::Result<()> {
    for note in notes.unwrap_or_default() {
        writeln!(output.out, "note: {note}")?;
    }
    match (notes, holding(runs)) {
        (Some(_), 0) => writeln!(output.out, "All has come to its end, and no access is left."),
        (_, 0) => writeln!(output.out, "Stopped. No access is left; start the program again to go on."),
        (_, runs) => {
            let runs = count(runs, "Run");
            writeln!(output.out, "Stopped. {runs} with access that is still to end: start the program again for that.")
        }
    }
}

fn holding(runs: &[StoredRun]) -> usize {
    runs.iter().filter(|run| run.state.may_hold_access()).count()
}
