//! Readiness: whether the store responds, the workers run and the front ends pass their checks.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::engine::Liveness;
use crate::error::{Error, ErrorCode, ErrorKind, codes};
use crate::runtime::{Runtime, Unavailable, UnavailablePart, call_bounded};
use crate::sync::lock;

/// Time for which the results of front ends' checks are reused.
const CHECK_TTL: Duration = Duration::from_secs(5);

/// Timeout of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// A part that is not ready.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NotReady {
    name: String,
    code: ErrorCode,
}

/// A part that could not be built.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UnavailableName {
    part: UnavailablePart,
    name: String,
    since: Timestamp,
}

/// The results of the front ends' checks, and their time.
#[derive(Debug)]
struct CheckResult {
    at: Timestamp,
    not_ready: Vec<NotReady>,
}

/// Determines which parts are not ready.
#[derive(Debug)]
pub(super) struct Readiness {
    runtime: Runtime,
    workers: OnceLock<Liveness>,
    failed: Mutex<BTreeMap<String, ErrorCode>>,
    checked: tokio::sync::Mutex<Option<CheckResult>>,
}

impl Readiness {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self { runtime, workers: OnceLock::new(), failed: Mutex::default(), checked: tokio::sync::Mutex::default() }
    }

    /// Includes these workers.
    pub(super) fn watch(&self, workers: Liveness) {
        let _ = self.workers.set(workers);
    }

    /// Records that the connections of a front end have failed, or that they are being retried.
    pub(super) fn failed(&self, name: &str, error: Option<ErrorCode>) {
        let mut failed = lock(&self.failed);
        match error {
            Some(code) => failed.insert(name.to_owned(), code),
            None => failed.remove(name),
        };
    }

    /// Returns the parts that are not ready now.
    pub(super) async fn not_ready(&self) -> Vec<NotReady> {
        let mut not_ready: Vec<_> = self.store().await.into_iter().collect();
        if self.workers.get().is_some_and(|workers| !workers.is_alive()) {
            let error = Error::new(ErrorKind::Internal, codes::WORKERS, "workers have ended before their time");
            not_ready.push(log_not_ready("workers", &error));
        }
        not_ready.extend(self.missing());
        let failed = lock(&self.failed).clone();
        not_ready.extend(failed.into_iter().map(|(name, code)| NotReady { name, code }));
        for failed in self.front_ends().await {
            if not_ready.iter().all(|known| known.name != failed.name) {
                not_ready.push(failed);
            }
        }
        not_ready
    }

    /// Returns the parts that could not be built. The others work without them.
    pub(super) fn unavailable(&self) -> Vec<UnavailableName> {
        let parts = self.runtime.unavailable().into_iter();
        parts.map(|Unavailable { part, name, since, .. }| UnavailableName { part, name, since }).collect()
    }

    /// Returns the number of Runs whose access cannot be revoked as things are.
    pub(super) fn blocked_access(&self) -> usize {
        self.runtime.blocked_access().len()
    }

    /// Returns the parts without which the program does not do its work for anybody: flows that accept requests, and front ends.
    fn missing(&self) -> impl Iterator<Item = NotReady> {
        let flows = (!self.runtime.accepts_requests()).then(|| "flows".to_owned());
        let front_ends = self.runtime.unavailable().into_iter().filter(|part| part.part == UnavailablePart::FrontEnd);
        let missing = flows.into_iter().chain(front_ends.map(|part| part.name));
        missing.map(|name| NotReady { name, code: codes::CONFIGURATION })
    }

    async fn store(&self) -> Option<NotReady> {
        let reading = self.runtime.engine().head();
        let read =
            call_bounded(&**self.runtime.clock(), CHECK_TIMEOUT, || "reading the store".to_owned(), reading).await;
        read.flatten().err().map(|error| log_not_ready("store", &error))
    }

    /// Returns the front ends that are not ready. Concurrent callers wait for one check.
    async fn front_ends(&self) -> Vec<NotReady> {
        let mut checked = self.checked.lock().await;
        let now = self.runtime.clock().now();
        if let Some(last) = &*checked {
            // If the clock was set back, the result has expired, too.
            let age = Duration::try_from(now.duration_since(last.at));
            if age.is_ok_and(|age| age < CHECK_TTL) {
                return last.not_ready.clone();
            }
        }
        let checks = self.runtime.front_ends().iter().map(|front_end| async {
            let what = || format!("the check of front end `{}`", front_end.name());
            let check = async { front_end.check().await };
            let checked = call_bounded(&**self.runtime.clock(), CHECK_TIMEOUT, what, check).await.flatten();
            checked.err().map(|error| log_not_ready(front_end.name(), &error))
        });
        let not_ready: Vec<_> = join_all(checks).await.into_iter().flatten().collect();
        *checked = Some(CheckResult { at: self.runtime.clock().now(), not_ready: not_ready.clone() });
        not_ready
    }
}

/// Logs the error, and returns its code alone: anybody may ask whether the program is ready.
fn log_not_ready(name: &str, error: &Error) -> NotReady {
    tracing::warn!(name, error = %error.report(), "not ready");
    NotReady { name: name.to_owned(), code: error.code().clone() }
}
