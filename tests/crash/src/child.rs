//! The process that is killed: a runtime on a file, and what people submit to it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sym_sdk::clock::Clock;
use sym_sdk::directory::Directory;
use sym_sdk::engine::{InputKey, SqliteStore, Store, WorkerLimits, Workers};
use sym_sdk::error::ErrorKind;
use sym_sdk::machine::RunState;
use sym_sdk::model::{EventId, RunId, RunStatus};
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::StrategyType;

use crate::clock::KeptClock;
use crate::flows::{self, DOMAIN, KIND};
use crate::front_end::FrontEnd;
use crate::handlers;
use crate::journal::Journal;
use crate::points::{Point, Points};
use crate::service::{self, Service};
use crate::store::CrashStore;

/// The store's file.
pub const STORE: &str = "runs.db";

/// The file of inputs that were acknowledged.
pub const ACKNOWLEDGED: &str = "acknowledged.log";

/// Who uses it. They become known when they come for the first time.
pub const PEOPLE: [&str; 6] =
    ["ana@example.com", "ben@example.com", "cyd@example.com", "dan@example.com", "eve@example.com", "fay@example.com"];

/// At the end nothing is under way, so this is never waited for.
const GRACE: Duration = Duration::from_secs(20);

/// A Run needs fewer.
const JUMPS_MAX: usize = 10_000;

/// What a submission was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It was taken.
    Taken {
        /// The Run.
        run: RunId,
        /// What it became.
        event: EventId,
    },
    /// It was refused with this code, and the refusal is on the record.
    Refused(String),
}

/// A submission that was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Its name.
    pub key: String,
    /// The answer.
    pub told: Told,
}

/// The process.
#[derive(Debug)]
pub struct Child {
    runtime: Runtime,
    store: Arc<CrashStore>,
    clock: Arc<KeptClock>,
    points: Arc<Points>,
    acknowledged: Journal<Acknowledged>,
    workers: Workers,
}

impl Child {
    /// Goes on from the files in `dir`. So much time passes with each commit.
    pub async fn start(dir: &Path, die_at: Option<Point>, tick: Duration) -> Self {
        let points = Arc::new(Points::new(dir, die_at));
        let clock = Arc::new(KeptClock::open(dir));
        points.before("open");
        let store = SqliteStore::open(dir.join(STORE)).await.unwrap();
        points.after("open");
        let store = Arc::new(CrashStore::new(store, points.clone(), clock.clone(), tick));
        let calls = Journal::open(&dir.join(service::CALLS));
        let service = Arc::new(Service::new(points.clone(), clock.clone(), store.clone(), calls));
        let runtime = Runtime::builder(flows::config())
            .registry(handlers::registry())
            .state(points.clone())
            .state(handlers::PutOff::open(&dir.join("put_off.log")))
            .delivery(FrontEnd::new(points.clone()))
            .strategy_type(StrategyType::new(KIND, move |_| Ok(service.clone())))
            .clock(clock.clone())
            .store(store.clone())
            .directory(Directory::from_store(store.clone(), [DOMAIN]))
            .build()
            .await
            .unwrap();
        let workers = runtime.start(WorkerLimits::default());
        let acknowledged = Journal::open(&dir.join(ACKNOWLEDGED));
        Self { runtime, store, clock, points, acknowledged, workers }
    }

    /// Submits something under this name, and writes down what it was told once it was told.
    ///
    /// What an earlier process was told is what this one is told.
    pub async fn submit(&self, key: &str, submission: Submission) -> Told {
        let told = match self.runtime.submit(submission.key(InputKey::new(key))).await {
            Ok(receipt) => Told::Taken { run: receipt.run, event: receipt.event },
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Conflict) => {
                Told::Refused(error.code().to_string())
            }
            Err(error) => panic!("{key}: {error}"),
        };
        match self.acknowledged.lines().into_iter().find(|known| known.key == key) {
            Some(known) => assert_eq!(known.told, told, "`{key}` was told something else before"),
            None => {
                let acknowledged = Acknowledged { key: key.to_owned(), told: told.clone() };
                self.acknowledged.append(acknowledged);
                self.points.after("acknowledgement");
            }
        }
        told
    }

    /// Submits something that is taken, when nothing else is going on.
    pub async fn take(&self, key: &str, submission: Submission) -> RunId {
        self.store.idle().await;
        match self.submit(key, submission).await {
            Told::Taken { run, .. } => run,
            Told::Refused(code) => panic!("`{key}` was refused: {code}"),
        }
    }

    /// Submits something that is refused, when nothing else is going on.
    pub async fn refuse(&self, key: &str, submission: Submission) {
        self.store.idle().await;
        let told = self.submit(key, submission).await;
        assert!(matches!(told, Told::Refused(_)), "`{key}` was {told:?}");
    }

    /// Whether an earlier process was told what became of this.
    pub fn was_told(&self, key: &str) -> bool {
        self.acknowledged.lines().iter().any(|known| known.key == key)
    }

    /// Lets time pass until the Run is so.
    pub async fn until(&self, run: RunId, is_so: impl Fn(&RunState) -> bool) {
        for _ in 0..JUMPS_MAX {
            self.store.idle().await;
            let stored = self.store.load(run).await.unwrap().expect("the Run was acknowledged");
            if is_so(&stored.state) {
                return;
            }
            assert!(self.clock.jump(), "nothing more will happen to Run {run}, which is {}", stored.state.run.status());
        }
        panic!("{run} does not get there");
    }

    /// Lets time pass until nothing is left to do.
    pub async fn until_all_is_done(&self) {
        loop {
            self.store.idle().await;
            if self.store.next_due().await.unwrap().is_none() {
                return;
            }
            assert!(self.clock.jump(), "something is due, and nobody waits for it");
        }
    }

    /// How the Run has ended.
    pub async fn status(&self, run: RunId) -> RunStatus {
        let stored = self.store.load(run).await.unwrap();
        stored.expect("the Run was acknowledged").state.run.status()
    }

    /// Has everything done that is due, and moves the clock on.
    pub async fn let_time_pass(&self) {
        self.store.idle().await;
        self.clock.jump();
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Ends as a server does.
    pub async fn stop(self) {
        let Self { runtime, store, points, workers, .. } = self;
        workers.shutdown(GRACE).await;
        drop(runtime);
        points.before("close");
        store.inner().close().await.unwrap();
        points.after("close");
    }
}
