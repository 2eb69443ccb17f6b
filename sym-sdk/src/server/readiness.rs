//! Readiness: whether the store takes writes, the workers run and the front ends pass their checks. Liveness: whether the process can
//! go on, or has to be restarted.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::engine::{Liveness, StoreError};
use crate::error::{Error, ErrorCode, ErrorKind, codes};
use crate::runtime::{Runtime, Unavailable, UnavailablePart, call_bounded};
use crate::sync::lock;

/// Time for which the results of front ends' checks, and of a write to the store, are reused.
const CHECK_TTL: Duration = Duration::from_secs(5);

/// Timeout of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// A part that is not ready.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NotReady {
    name: String,
    code: ErrorCode,
    /// The message, for parts whose messages contain nothing confidential.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The whole error, for the log. `None` if it was logged elsewhere.
    #[serde(skip)]
    report: Option<String>,
}

/// A part that could not be built.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UnavailableName {
    part: UnavailablePart,
    name: String,
    since: Timestamp,
}

/// The results of checks, and their time.
#[derive(Debug)]
struct CheckResult {
    at: Timestamp,
    not_ready: Vec<NotReady>,
}

impl CheckResult {
    /// Whether the result still holds. If the clock was set back, it has expired, too.
    fn holds(&self, now: Timestamp) -> bool {
        Duration::try_from(now.duration_since(self.at)).is_ok_and(|age| age < CHECK_TTL)
    }
}

/// Determines which parts are not ready.
#[derive(Debug)]
pub(super) struct Readiness {
    runtime: Runtime,
    workers: OnceLock<Liveness>,
    failed: Mutex<BTreeMap<String, ErrorCode>>,
    checked: tokio::sync::Mutex<Option<CheckResult>>,
    written: tokio::sync::Mutex<Option<CheckResult>>,
    /// The parts that were logged as not ready, and why. Probes come every few seconds, and an error is logged once.
    logged: Mutex<BTreeMap<String, ErrorCode>>,
}

impl Readiness {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            workers: OnceLock::new(),
            failed: Mutex::default(),
            checked: tokio::sync::Mutex::default(),
            written: tokio::sync::Mutex::default(),
            logged: Mutex::default(),
        }
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

    /// Returns the part because of which the process has to be restarted; `None` if it can go on.
    pub(super) fn dead(&self) -> Option<&'static str> {
        if self.runtime.failure().now_or_never().is_some() {
            return Some("store");
        }
        self.workers.get().is_some_and(|workers| !workers.is_alive()).then_some("workers")
    }

    /// Returns the parts that are not ready now.
    pub(super) async fn not_ready(&self) -> Vec<NotReady> {
        let mut not_ready: Vec<_> = self.store().await.into_iter().collect();
        if self.workers.get().is_some_and(|workers| !workers.is_alive()) {
            let error = Error::new(ErrorKind::Internal, codes::WORKERS, "workers have ended before their time");
            not_ready.push(NotReady::new("workers", &error).with_reason(error.message()));
        }
        not_ready.extend(self.missing());
        let failed = lock(&self.failed).clone();
        not_ready.extend(failed.into_iter().map(|(name, code)| NotReady { name, code, reason: None, report: None }));
        for failed in self.front_ends().await {
            if not_ready.iter().all(|known| known.name != failed.name) {
                not_ready.push(failed);
            }
        }
        self.log_changes(&not_ready);
        not_ready
    }

    /// Logs the parts that are not ready since now, or for another reason, and those that are ready again.
    fn log_changes(&self, not_ready: &[NotReady]) {
        let mut logged = lock(&self.logged);
        logged.retain(|name, _| {
            let is_ready = not_ready.iter().all(|part| part.name != *name);
            if is_ready {
                tracing::info!(name, "ready again");
            }
            !is_ready
        });
        for NotReady { name, code, report, .. } in not_ready {
            let Some(report) = report else { continue };
            if logged.get(name) != Some(code) {
                tracing::warn!(name, error = %report, "not ready");
                logged.insert(name.clone(), code.clone());
            }
        }
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
        missing.map(|name| NotReady { name, code: codes::CONFIGURATION, reason: None, report: None })
    }

    /// Reads from the store, and writes to it unless it was written to a moment ago: anybody may ask, as often as they like.
    async fn store(&self) -> Option<NotReady> {
        if let Err(not_ready) = self.await_store(self.runtime.engine().head()).await {
            return Some(not_ready);
        }
        let clock = &**self.runtime.clock();
        let mut written = self.written.lock().await;
        if let Some(last) = written.as_ref().filter(|last| last.holds(clock.now())) {
            return last.not_ready.first().cloned();
        }
        let not_ready = self.await_store(self.runtime.engine().check_writable()).await.err();
        *written = Some(CheckResult { at: clock.now(), not_ready: not_ready.clone().into_iter().collect() });
        not_ready
    }

    /// Awaits a call of the store within the time limit.
    async fn await_store<T>(&self, call: impl Future<Output = Result<T, Error>> + Send) -> Result<T, NotReady> {
        match call_bounded(&**self.runtime.clock(), CHECK_TIMEOUT, || "the store".to_owned(), call).await {
            Ok(result) => result.map_err(|error| store_not_ready(&error)),
            Err(error) if error.kind() == ErrorKind::Timeout => {
                let message = format!("the store did not respond within {CHECK_TIMEOUT:?}");
                let error = Error::new(ErrorKind::Unavailable, codes::STORE, message);
                Err(NotReady::new("store", &error).with_reason(error.message()))
            }
            Err(panic) => Err(NotReady::new("store", &panic)),
        }
    }

    /// Returns the front ends that are not ready. Concurrent callers wait for one check.
    async fn front_ends(&self) -> Vec<NotReady> {
        let mut checked = self.checked.lock().await;
        let now = self.runtime.clock().now();
        if let Some(last) = checked.as_ref().filter(|last| last.holds(now)) {
            return last.not_ready.clone();
        }
        let checks = self.runtime.front_ends().iter().map(|front_end| async {
            let what = || format!("the check of front end `{}`", front_end.name());
            let check = async { front_end.check().await };
            let checked = call_bounded(&**self.runtime.clock(), CHECK_TIMEOUT, what, check).await.flatten();
            checked.err().map(|error| NotReady::new(front_end.name(), &error))
        });
        let not_ready: Vec<_> = join_all(checks).await.into_iter().flatten().collect();
        *checked = Some(CheckResult { at: self.runtime.clock().now(), not_ready: not_ready.clone() });
        not_ready
    }
}

impl NotReady {
    /// Creates a part that is not ready. Its code alone is shown: anybody may ask whether the program is ready.
    fn new(name: &str, error: &Error) -> Self {
        Self {
            name: name.to_owned(),
            code: error.code().clone(),
            reason: None,
            report: Some(error.report().to_string()),
        }
    }

    fn with_reason(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}

/// Describes an error of the store by its kind. The rest can name files.
fn store_not_ready(error: &Error) -> NotReady {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<StoreError>());
    let not_ready = NotReady::new("store", error);
    match source {
        Some(source) => not_ready.with_reason(source.summary()),
        None => not_ready,
    }
}
