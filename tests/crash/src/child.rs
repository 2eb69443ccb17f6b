//! The process under test: a runtime on a SQLite store, and the submissions of its users.

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
use sym_sdk::runtime::{Limits, Runtime, Submission};
use sym_sdk::strategy::StrategyType;

use crate::clock::PersistentClock;
use crate::configured::Configured;
use crate::flows::{self, DOMAIN, STRATEGY_TYPE};
use crate::front_end::FrontEnd;
use crate::handlers;
use crate::journal::Journal;
use crate::points::Points;
use crate::service::{self, Service};
use crate::store::CrashStore;

/// The file name of the store.
pub const STORE: &str = "runs.db";

/// The file name of the journal of acknowledged submissions.
pub const ACKNOWLEDGED: &str = "acknowledged.log";

/// The users. They are created by the first process.
pub const USERS: [&str; 6] =
    ["ana@example.com", "ben@example.com", "cyd@example.com", "dan@example.com", "eve@example.com", "fay@example.com"];

/// The grace period at shutdown. Nothing is in flight then, so it never elapses.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// The maximum number of jumps of the clock before a Run counts as hanging.
const MAX_JUMPS: usize = 10_000;

/// The response to a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The submission was accepted.
    Accepted {
        /// The Run.
        run: RunId,
        /// The event.
        event: EventId,
    },
    /// The submission was refused with this code, and the refusal was audited.
    Refused(String),
}

/// A submission that was acknowledged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The key.
    pub key: String,
    /// The response.
    pub response: Response,
}

/// The process under test.
#[derive(Debug)]
pub struct Child {
    runtime: Runtime,
    store: Arc<CrashStore>,
    clock: Arc<PersistentClock>,
    points: Arc<Points>,
    acknowledged: Journal<Acknowledged>,
    workers: Workers,
}

impl Child {
    /// Continues from the files in `dir`. The clock advances by `tick` with each commit.
    pub async fn start(dir: &Path, points: Arc<Points>, tick: Duration) -> Self {
        let configured = Configured::of(dir);
        let clock = Arc::new(PersistentClock::open(dir));
        points.before("open");
        let store = SqliteStore::open(dir.join(STORE)).await.unwrap();
        points.after("open");
        let store = Arc::new(CrashStore::new(store, points.clone(), clock.clone(), tick));
        let calls = Arc::new(Journal::open(&dir.join(service::CALLS)));
        let service = Service::new(points.clone(), clock.clone(), store.clone(), calls);
        let builder = Runtime::builder(flows::config(configured))
            .registry(handlers::registry())
            .state(points.clone())
            .state(handlers::DeferredExpiries::open(&dir.join("deferred.log")))
            .delivery(FrontEnd::new(points.clone()))
            .strategy_type(StrategyType::new(STRATEGY_TYPE, move |config| {
                Ok(Arc::new(service.in_account(config.integration()?.external_id())))
            }))
            .clock(clock.clone())
            // It changes nothing unless it is told to.
            .without_reconcile()
            .store(store.clone())
            .directory(Directory::from_store(store.clone(), [DOMAIN]))
            .limits(Limits {
                requests_per_minute: usize::MAX,
                requests_per_hour: usize::MAX,
                open_requests: usize::MAX,
                ..Limits::default()
            });
        let runtime = match configured {
            Configured::Unchanged => builder.build().await,
            // As a server starts.
            _ => builder.build_degraded().await,
        };
        let runtime = runtime.unwrap();
        // Nobody decides with their first contact.
        for email in USERS {
            runtime.directory().contact(email).await.unwrap();
        }
        let workers = runtime.start(WorkerLimits::default());
        let acknowledged = Journal::open(&dir.join(ACKNOWLEDGED));
        Self { runtime, store, clock, points, acknowledged, workers }
    }

    /// Submits something under a key, and records the response once it is received.
    ///
    /// It must be the response that an earlier process received.
    pub async fn submit(&self, key: &str, submission: impl Into<Submission>) -> Response {
        let submission: Submission = submission.into();
        let response = match self.runtime.submit(submission.key(InputKey::new(key))).await {
            Ok(receipt) => Response::Accepted { run: receipt.run, event: receipt.event },
            Err(error) if is_refusal(error.kind()) => Response::Refused(error.code().to_string()),
            Err(error) => panic!("{key}: {error}"),
        };
        match self.acknowledged.lines().into_iter().find(|known| known.key == key) {
            Some(known) => assert_eq!(known.response, response, "`{key}` got another response before"),
            None => {
                let acknowledged = Acknowledged { key: key.to_owned(), response: response.clone() };
                self.acknowledged.append(acknowledged);
                self.points.after("acknowledgement");
            }
        }
        response
    }

    /// Submits something that must be accepted, while nothing else is in progress.
    pub async fn submit_accepted(&self, key: &str, submission: impl Into<Submission>) -> RunId {
        self.store.idle().await;
        match self.submit(key, submission).await {
            Response::Accepted { run, .. } => run,
            Response::Refused(code) => panic!("`{key}` was refused: {code}"),
        }
    }

    /// Submits something that must be accepted, as [`submit_accepted`](Self::submit_accepted) does, and returns its event.
    pub async fn submit_event(&self, key: &str, submission: impl Into<Submission>) -> EventId {
        self.store.idle().await;
        match self.submit(key, submission).await {
            Response::Accepted { event, .. } => event,
            Response::Refused(code) => panic!("`{key}` was refused: {code}"),
        }
    }

    /// Submits something that must be refused, while nothing else is in progress.
    pub async fn submit_refused(&self, key: &str, submission: impl Into<Submission>) {
        self.store.idle().await;
        let response = self.submit(key, submission).await;
        assert!(matches!(response, Response::Refused(_)), "`{key}` was {response:?}");
    }

    /// Whether an earlier process received a response to this submission.
    pub fn is_acknowledged(&self, key: &str) -> bool {
        self.acknowledged.lines().iter().any(|known| known.key == key)
    }

    /// Advances the clock until a condition holds for a Run.
    pub async fn until(&self, run: RunId, condition: impl Fn(&RunState) -> bool) {
        for _ in 0..MAX_JUMPS {
            self.store.idle().await;
            let stored = self.store.load(run).await.unwrap().expect("the Run was acknowledged");
            if condition(&stored.state) {
                return;
            }
            assert!(self.clock.jump(), "nothing more will happen to Run {run}, which is {}", stored.state.run.status());
        }
        panic!("Run {run} does not reach the expected state");
    }

    /// Advances the clock until no work is left.
    pub async fn until_idle(&self) {
        loop {
            self.store.idle().await;
            if self.store.next_due().await.unwrap().is_none() {
                return;
            }
            assert!(self.clock.jump(), "work is due that no worker waits for");
        }
    }

    /// Returns the status of a Run.
    pub async fn status(&self, run: RunId) -> RunStatus {
        let stored = self.store.load(run).await.unwrap();
        stored.expect("the Run was acknowledged").state.run.status()
    }

    /// Completes due work, and advances the clock.
    pub async fn advance(&self) {
        self.store.idle().await;
        self.clock.jump();
    }

    /// Returns the clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Shuts down as a server does.
    pub async fn stop(self) {
        let Self { runtime, store, points, workers, .. } = self;
        workers.shutdown(SHUTDOWN_TIMEOUT).await;
        drop(runtime);
        points.before("close");
        store.inner().close().await.unwrap();
        points.after("close");
    }
}

fn is_refusal(kind: ErrorKind) -> bool {
    use ErrorKind::{Conflict, Forbidden, InvalidInput, NotFound, Unauthorized};
    matches!(kind, Conflict | Forbidden | InvalidInput | NotFound | Unauthorized)
}
