//! The command `replay`: what today's handlers and configuration would make of recorded requests.
//!
//! Requests are read from the audit log and go through the program one after the other, on a clock that shows the time of each. Services
//! are replaced as in a simulation, and nothing is written: the store is opened for reading, beside the program that writes it. A store of
//! an earlier schema is copied, and the copy migrated, so that a new version of a program can be tried on the store of the old one.
//!
//! Each request is on its own: it does not meet the requests that were open at its time. Only one is in memory, however many there are.

mod course;
mod difference;
mod outside;
mod recorded;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::args::ReplayArgs;
use super::exit::CommandError;
use super::output::Output;
use super::signal::Signals;
use super::store_copy::StoreCopy;
use super::{Common, Exit, Program, read_for_simulation};
use crate::clock::{Clock, SystemClock, VirtualClock};
use crate::config::Config;
use crate::directory::{DirectoryStore, KeyValue, KeyValueStore, MemoryDirectory};
use crate::engine::{SqliteOptions, SqliteStore};
use crate::error::{Error, ErrorKind, codes};
use crate::integration::Outbox;
use crate::machine::EffectError;
use crate::model::UserId;
use crate::runtime::{Runtime, Unreplayable};
use crate::simulation::drive_calls;
use course::{Course, Decision};
use difference::differences;
use outside::{EventsSoFar, ReplayEngine, ReplayValues};
use recorded::{Recorded, RecordedRequests};
use report::{Reason, ReasonKind, Report, Verdict};

pub(super) async fn run(
    mut program: Program,
    common: Common,
    args: ReplayArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let config = read_for_simulation(&mut program, common, output)?;
    // From now on, a signal ends the replay and leaves no copy behind.
    let mut signals = Signals::listen()?;
    let (store, _copy) = open(args.database.db).await?;
    let store = Arc::new(store);
    let mut report = Report::new(args.since, output);
    let done = tokio::select! {
        biased;
        signal = signals.recv() => signal.map(|()| false).map_err(CommandError::from),
        done = replay_all(program, config, &store, &mut report) => done.map(|()| true),
    };
    let exit = report.finish(done);
    store.close().await?;
    exit
}

/// Opens a store for reading. One of an earlier schema is copied first, and the copy is opened.
async fn open(db: PathBuf) -> Result<(SqliteStore, Option<StoreCopy>), CommandError> {
    if let Some(store) = SqliteStore::open_if_current(db.clone()).await? {
        return Ok((store, None));
    }
    let copy = StoreCopy::of_any_schema(db, "replay").await?;
    let options = SqliteOptions::default().with_reserve_bytes(0);
    Ok((SqliteStore::open_with(copy.path(), options).await?, Some(copy)))
}

async fn replay_all(
    mut program: Program,
    config: Config,
    store: &Arc<SqliteStore>,
    report: &mut Report<'_, '_>,
) -> Result<(), CommandError> {
    let mut replayer = Replayer::start(&mut program, config, store).await?;
    let mut requests = RecordedRequests::since(store, report.since());
    while let Some(recorded) = requests.next().await? {
        let verdict = replayer.replay(&recorded).await?;
        report.add(&recorded, verdict)?;
    }
    Ok(())
}

/// The program in a replay.
struct Replayer {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
    values: Arc<ReplayValues>,
    outbox: Outbox,
}

impl Replayer {
    /// Builds the program in the world of the store: with its users, their events, and the values of handlers.
    async fn start(program: &mut Program, config: Config, store: &Arc<SqliteStore>) -> Result<Self, CommandError> {
        let clock = Arc::new(VirtualClock::at(SystemClock.now()));
        let values = Arc::new(ReplayValues::new(store.clone()));
        let users = store.users().await?;
        let users: MemoryDirectory = users.into_iter().map(Arc::unwrap_or_clone).collect();
        let events = EventsSoFar { store: store.clone(), clock: clock.clone() };
        let builder = program.simulated_builder(config);
        let builder = program.install_fakes(builder).clock(clock.clone());
        let builder = builder.users(users).engine(ReplayEngine(Arc::new(events)));
        let builder = builder.key_value(KeyValue::from(values.clone() as Arc<dyn KeyValueStore>));
        let runtime = drive_calls(&clock, builder.build()).await?;
        Ok(Self { runtime, clock, values, outbox: program.outbox.clone() })
    }

    /// Replays one request, and compares it with its record.
    async fn replay(&mut self, recorded: &Recorded) -> Result<Verdict, CommandError> {
        self.clock.set(recorded.event().at);
        self.values.reset();
        let replayed = drive_calls(&self.clock, self.runtime.replay(&recorded.request)).await;
        self.outbox.clear();
        let entries = match replayed {
            Ok(entries) => entries,
            Err(reason) => return Ok(Verdict::NotReplayed(reason.into())),
        };
        let now = Course::of(&entries);
        if let Decision::Failed(error) = &now.decision
            && !matches!(recorded.course.decision, Decision::Failed(_))
        {
            let error = EffectError { message: error.to_string(), ..error.clone() };
            return Ok(Verdict::NotReplayed(Reason { kind: ReasonKind::Failed, errors: vec![error.into()] }));
        }
        let permission = |course: &Course| course.routing.as_ref().map(|routed| routed.permission.clone());
        // Few requests differ, and all users are read for their names.
        let names =
            if permission(&recorded.course) == permission(&now) { BTreeMap::new() } else { self.names().await? };
        let differences = differences(&recorded.course, &now, &names);
        Ok(if differences.is_empty() { Verdict::Same } else { Verdict::Differs(differences) })
    }
}

impl Replayer {
    /// Returns the names of all users, also of those that handlers have named for the first time.
    async fn names(&self) -> Result<BTreeMap<UserId, String>, CommandError> {
        let users = self.runtime.directory().users().await?;
        Ok(users.iter().map(|user| (user.id(), user.username().to_owned())).collect())
    }
}

impl From<Unreplayable> for Reason {
    fn from(reason: Unreplayable) -> Self {
        let (kind, errors) = match reason {
            Unreplayable::Flow(error) => (ReasonKind::Flow, vec![error]),
            Unreplayable::Inputs(errors) => (ReasonKind::Inputs, errors),
            Unreplayable::Refused(error) => (ReasonKind::Refused, vec![error.into()]),
            Unreplayable::NotRecorded(questions) => {
                let errors = questions.iter().map(|question| {
                    let message = format!("there is no answer to `{question}`");
                    Error::new(ErrorKind::Unavailable, codes::NOT_RECORDED, message)
                });
                (ReasonKind::NotRecorded, errors.collect())
            }
        };
        Self { kind, errors }
    }
}
