//! Shipping of the audit log to its destinations, to each from its own cursor.
//!
//! Delivery is at least once and in order: the cursor moves after a destination has kept a batch, so a crash repeats that batch and
//! loses nothing. A destination that fails holds up nobody but itself.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Mutex, Notify};

use super::bounded_call::call_bounded;
use crate::audit::{AuditAnchor, AuditDestination, AuditLine, LineWriter};
use crate::clock::Clock;
use crate::engine::{Engine, StopSignal};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::Srn;
use crate::sync::lock;

/// The number of records that are read at a time.
const PAGE: usize = 256;

/// Timeout of one delivery, and of one call to the store.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The log is polled at least this often: nothing wakes the shipper for a commit that timed out and was written later.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum delay of a retry.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// The maximum delay that a destination can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// Timeout of the delivery of an anchor. Lines wait for it.
const ANCHOR_TIMEOUT: Duration = Duration::from_secs(30);

/// The delay before an anchor is delivered again, at least. Lines do not wait for that.
const ANCHOR_RETRY_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// A persistent failure is logged once in this interval.
const LOG_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The progress of a destination of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditProgress {
    /// The name of the destination.
    pub destination: String,
    /// The number of the last record that was delivered, or that the destination does not receive.
    pub delivered: u64,
    /// The number of records after that one.
    pub behind: u64,
}

/// Selects the flows whose entries a destination receives.
#[derive(Debug)]
pub(super) enum FlowSelector {
    /// All flows.
    All,
    /// The flows of environments that name the destination. Flows that are no longer declared have no environment: every
    /// destination receives their entries, so that none is lost.
    Flows { wanted: BTreeSet<String>, declared: Arc<BTreeSet<String>> },
}

impl FlowSelector {
    fn flow(&self, flow: &Srn) -> bool {
        match self {
            Self::All => true,
            Self::Flows { wanted, declared } => wanted.contains(flow.slug()) || !declared.contains(flow.slug()),
        }
    }
}

/// Ships entries to one destination.
pub(super) struct AuditShipper {
    destination: Arc<dyn AuditDestination>,
    wants: FlowSelector,
    /// Locked by the task that ships, so that there is one at most.
    progress: Mutex<Option<Progress>>,
    /// The anchor that is to be delivered after the lines up to it.
    anchor: std::sync::Mutex<Option<AuditAnchor>>,
    anchor_set: Notify,
}

/// The position in the log, in record numbers: `saved <= kept <= read`.
#[derive(Default)]
struct Progress {
    /// The last record that was read.
    read: u64,
    /// The last record that the destination has kept or does not receive.
    kept: u64,
    /// The cursor in the store.
    saved: u64,
    /// Whether the destination has kept lines after the cursor.
    unsaved: bool,
    /// Lines that were read and not kept yet. They are retried as they are.
    pending: VecDeque<AuditLine>,
    writer: LineWriter,
    /// When an anchor was not taken, and how long no other attempt is made.
    anchor_failed: Option<(Timestamp, Duration)>,
}

/// The result of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Moved,
    /// The destination is up to date.
    Idle,
}

/// A persistent failure.
struct Failing {
    attempts: u32,
    since: Timestamp,
    told: Timestamp,
}

impl AuditShipper {
    pub(super) fn new(destination: Arc<dyn AuditDestination>, wants: FlowSelector) -> Self {
        Self {
            destination,
            wants,
            progress: Mutex::new(None),
            anchor: std::sync::Mutex::new(None),
            anchor_set: Notify::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.destination.name()
    }

    /// Has an anchor delivered, in place of one that was not delivered yet.
    pub(super) fn set_anchor(&self, anchor: AuditAnchor) {
        *lock(&self.anchor) = Some(anchor);
        self.anchor_set.notify_one();
    }

    pub(super) async fn progress(&self, engine: &dyn Engine) -> Result<AuditProgress> {
        let delivered = engine.audit_cursor(self.name()).await?;
        let behind = engine.head().await?.seq.saturating_sub(delivered);
        Ok(AuditProgress { destination: self.name().to_owned(), delivered, behind })
    }

    /// Ships until stopped, which takes effect between two batches.
    pub(super) async fn run(&self, engine: &dyn Engine, clock: &dyn Clock, mut stop: StopSignal) {
        let mut progress = tokio::select! {
            biased;
            () = stop.requested() => return,
            progress = self.progress.lock() => progress,
        };
        let mut failing = None;
        while !stop.is_requested() {
            // Registered before the log is read, so that no commit is missed in between.
            let committed = engine.next_commit();
            let pause = match self.step(engine, clock, &mut progress).await {
                Ok(Step::Moved) => {
                    self.recovered(failing.take());
                    continue;
                }
                Ok(Step::Idle) => None,
                Err(error) => Some(self.failed(&mut failing, &error, clock.now())),
            };
            tokio::select! {
                biased;
                () = stop.requested() => return,
                () = committed, if pause.is_none() => {}
                () = self.anchor_set.notified(), if pause.is_none() => {}
                () = clock.sleep(pause.unwrap_or(POLL_INTERVAL)) => {}
            }
        }
    }

    async fn step(&self, engine: &dyn Engine, clock: &dyn Clock, progress: &mut Option<Progress>) -> Result<Step> {
        let progress = match progress {
            Some(progress) => progress,
            None => {
                let saved = with_store_timeout(clock, engine.audit_cursor(self.name())).await?;
                progress.insert(Progress { read: saved, kept: saved, saved, ..Progress::default() })
            }
        };
        if progress.unsaved {
            self.save(engine, clock, progress).await?;
        }
        if progress.pending.is_empty() {
            if self.read(engine, clock, progress).await? == 0 {
                self.deliver_anchor(clock, progress).await;
                return Ok(Step::Idle);
            }
            // Skipped records do not cost a write each: they are read again after a crash.
            progress.unsaved = progress.pending.is_empty() && progress.kept - progress.saved >= PAGE as u64;
        }
        if !progress.pending.is_empty() {
            self.deliver(clock, progress).await?;
            self.save(engine, clock, progress).await?;
            self.deliver_anchor(clock, progress).await;
        }
        Ok(Step::Moved)
    }

    /// Delivers the anchor, if the destination has the lines up to it. One that is not taken delays no lines: it is delivered again later.
    async fn deliver_anchor(&self, clock: &dyn Clock, progress: &mut Progress) {
        let now = clock.now();
        if progress.anchor_failed.is_some_and(|(at, delay)| now.duration_since(at).unsigned_abs() < delay) {
            return;
        }
        let anchor = lock(&self.anchor).clone().filter(|anchor| anchor.head().seq <= progress.kept);
        let Some(anchor) = anchor else { return };
        let what = || format!("delivering an anchor to `{}`", self.name());
        let delivery = async { self.destination.deliver_anchor(&anchor).await };
        let delivered = call_bounded(clock, ANCHOR_TIMEOUT, what, delivery).await.flatten();
        progress.anchor_failed = delivered.as_ref().err().map(|error| {
            let (destination, hint) = (self.name(), error.hint());
            tracing::warn!(%error, hint, destination, "an anchor of the audit log waits for its destination");
            (now, error.retry_after().unwrap_or_default().clamp(ANCHOR_RETRY_INTERVAL, MAX_RETRY_AFTER))
        });
        // Another one may have come meanwhile.
        let mut waiting = lock(&self.anchor);
        if delivered.is_ok() && *waiting == Some(anchor) {
            *waiting = None;
        }
    }

    /// Reads the next records. Returns their number.
    async fn read(&self, engine: &dyn Engine, clock: &dyn Clock, progress: &mut Progress) -> Result<usize> {
        let records = with_store_timeout(clock, engine.records_after(progress.read, PAGE)).await?;
        let read = records.len();
        for record in records {
            let seq = record.seq;
            let wants = |flow: &Srn| self.wants.flow(flow);
            let line = with_store_timeout(clock, progress.writer.line(engine, record, wants)).await?;
            progress.pending.extend(line);
            progress.read = seq;
        }
        if progress.pending.is_empty() {
            progress.kept = progress.read;
        }
        Ok(read)
    }

    async fn deliver(&self, clock: &dyn Clock, progress: &mut Progress) -> Result<()> {
        let lines = progress.pending.make_contiguous();
        let batch = lines.get(..self.destination.batch_size().max(1)).unwrap_or(lines);
        let what = || format!("delivering audit entries to `{}`", self.name());
        // The call is made inside of the future, so that a panic before the first await is caught, too.
        let delivery = async { self.destination.deliver(batch).await };
        let kept = call_bounded(clock, TIMEOUT, what, delivery).await??.min(batch.len());
        if kept == 0 {
            let message = format!("destination `{}` has kept no audit entry, and gave no reason", self.name());
            return Err(Error::new(ErrorKind::Unavailable, codes::AUDIT_DESTINATION, message));
        }
        let last = progress.pending.drain(..kept).next_back();
        progress.kept = match last {
            Some(last) if !progress.pending.is_empty() => last.seq(),
            // The records read after the last line are skipped ones.
            _ => progress.read,
        };
        progress.unsaved = true;
        Ok(())
    }

    async fn save(&self, engine: &dyn Engine, clock: &dyn Clock, progress: &mut Progress) -> Result<()> {
        with_store_timeout(clock, engine.set_audit_cursor(self.name(), progress.kept)).await?;
        progress.saved = progress.kept;
        progress.unsaved = false;
        Ok(())
    }

    /// Logs a failure, and returns the delay before the retry.
    fn failed(&self, failing: &mut Option<Failing>, error: &Error, now: Timestamp) -> Duration {
        let first = failing.is_none();
        let failing = failing.get_or_insert(Failing { attempts: 0, since: now, told: now });
        failing.attempts = failing.attempts.saturating_add(1);
        if first || now.duration_since(failing.told).unsigned_abs() >= LOG_INTERVAL {
            failing.told = now;
            let (destination, attempts, since) = (self.name(), failing.attempts, failing.since);
            if error.is_retryable() {
                tracing::warn!(%error, destination, attempts, %since, "audit entries wait for their destination");
            } else {
                let hint = error.hint();
                tracing::error!(%error, hint, destination, attempts, %since, "audit entries cannot be delivered; see to it");
            }
        }
        let asked = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
        asked.max(backoff(failing.attempts, error.is_retryable()))
    }

    fn recovered(&self, failing: Option<Failing>) {
        if let Some(Failing { attempts, since, .. }) = failing {
            tracing::info!(destination = self.name(), attempts, %since, "audit entries are delivered again");
        }
    }
}

/// Returns the backoff after a number of attempts: 1 s, doubling up to a minute, or a minute if a retry alone will not help. Up to
/// half of it is jitter, so that destinations that failed together are not retried together.
fn backoff(attempts: u32, retryable: bool) -> Duration {
    let exponent = attempts.saturating_sub(1).min(6);
    let longest = if retryable { Duration::from_secs(1 << exponent).min(MAX_BACKOFF) } else { MAX_BACKOFF };
    let chance = RandomState::new().hash_one(attempts) % 500;
    longest.mul_f64(1.0 - chance as f64 / 1_000.0)
}

/// Awaits a call to the store, within its time limit.
async fn with_store_timeout<T>(clock: &dyn Clock, answer: impl Future<Output = Result<T>> + Send) -> Result<T> {
    call_bounded(clock, TIMEOUT, || "a call of the store".to_owned(), answer).await?
}

impl fmt::Debug for AuditShipper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditShipper")
            .field("destination", &self.name())
            .field("wants", &self.wants)
            .finish_non_exhaustive()
    }
}
