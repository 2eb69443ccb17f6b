//! Whether the program can do its work.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::engine::Liveness;
use crate::error::{Error, ErrorCode, ErrorKind, codes};
use crate::runtime::{Runtime, call_bounded};
use crate::sync::lock;

/// What front ends have said holds for this time.
const HOLDS: Duration = Duration::from_secs(5);

/// A check may take this long.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

/// Something that is not ready.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NotReady {
    name: String,
    code: ErrorCode,
}

/// What the front ends said, and when.
#[derive(Debug)]
struct Said {
    at: Timestamp,
    not_ready: Vec<NotReady>,
}

/// Finds out what is not ready.
#[derive(Debug)]
pub(super) struct Readiness {
    runtime: Runtime,
    workers: OnceLock<Liveness>,
    failed: Mutex<BTreeMap<String, ErrorCode>>,
    said: tokio::sync::Mutex<Option<Said>>,
}

impl Readiness {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self { runtime, workers: OnceLock::new(), failed: Mutex::default(), said: tokio::sync::Mutex::default() }
    }

    /// Has these workers count from now on. Those of others do not.
    pub(super) fn watch(&self, workers: Liveness) {
        let _ = self.workers.set(workers);
    }

    /// Notes that the connections of a front end have failed, or that they are tried again.
    pub(super) fn failed(&self, name: &str, error: Option<ErrorCode>) {
        let mut failed = lock(&self.failed);
        match error {
            Some(code) => failed.insert(name.to_owned(), code),
            None => failed.remove(name),
        };
    }

    /// What is not ready now.
    pub(super) async fn not_ready(&self) -> Vec<NotReady> {
        let mut not_ready: Vec<_> = self.store().await.into_iter().collect();
        if self.workers.get().is_some_and(|workers| !workers.is_alive()) {
            let error = Error::new(ErrorKind::Internal, codes::WORKERS, "workers have ended before their time");
            not_ready.push(noted("workers", &error));
        }
        let failed = lock(&self.failed).clone();
        not_ready.extend(failed.into_iter().map(|(name, code)| NotReady { name, code }));
        for said in self.front_ends().await {
            if not_ready.iter().all(|known| known.name != said.name) {
                not_ready.push(said);
            }
        }
        not_ready
    }

    async fn store(&self) -> Option<NotReady> {
        let reading = self.runtime.engine().head();
        let read = call_bounded(&**self.runtime.clock(), CHECK_LIMIT, || "reading the store".to_owned(), reading).await;
        read.flatten().err().map(|error| noted("store", &error))
    }

    /// What front ends say, or have just said. Whoever comes while they are asked waits for the answer.
    async fn front_ends(&self) -> Vec<NotReady> {
        let mut said = self.said.lock().await;
        let now = self.runtime.clock().now();
        if let Some(said) = &*said {
            // A clock that was set back makes it old, too.
            let age = Duration::try_from(now.duration_since(said.at));
            if age.is_ok_and(|age| age < HOLDS) {
                return said.not_ready.clone();
            }
        }
        let checks = self.runtime.front_ends().iter().map(|front_end| async {
            let what = || format!("the check of front end `{}`", front_end.name());
            let check = async { front_end.check().await };
            let checked = call_bounded(&**self.runtime.clock(), CHECK_LIMIT, what, check).await.flatten();
            checked.err().map(|error| noted(front_end.name(), &error))
        });
        let not_ready: Vec<_> = join_all(checks).await.into_iter().flatten().collect();
        *said = Some(Said { at: self.runtime.clock().now(), not_ready: not_ready.clone() });
        not_ready
    }
}

/// The message is for the log alone: anybody may ask whether we are ready.
fn noted(name: &str, error: &Error) -> NotReady {
    tracing::warn!(name, error = %error.report(), "not ready");
    NotReady { name: name.to_owned(), code: error.code().clone() }
}
