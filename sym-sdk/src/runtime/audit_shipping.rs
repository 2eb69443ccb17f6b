//! Brings the audit log to its destinations, to each from where it has got to.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;

use super::bounded_call::call_bounded;
use crate::audit::{AuditDestination, AuditLine, LineWriter};
use crate::clock::Clock;
use crate::engine::{Engine, StopSignal};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::Srn;

/// So many records are read at a time.
const PAGE: usize = 256;

/// One delivery, or one call of the store, may take this long.
const LIMIT: Duration = Duration::from_secs(60);

/// The log is looked at this often at least: nobody tells of a commit that was given up and written later.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// The longest pause after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The longest pause that a destination can ask for.
const ASKED_MAX: Duration = Duration::from_secs(15 * 60);

/// Of a failure that lasts it is told once in this time.
const TELL_EVERY: Duration = Duration::from_secs(60 * 60);

/// How far a destination of the audit log has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditProgress {
    /// The destination.
    pub destination: String,
    /// The number of the last record that it has, or that is not for it.
    pub delivered: u64,
    /// How many records there are after that one.
    pub behind: u64,
}

/// The flows whose entries a destination gets.
#[derive(Debug)]
pub(super) enum FlowSelector {
    /// All that there are.
    All,
    /// Those of an environment that names it. Entries of flows that are declared no more have no environment: every
    /// destination gets them, so that none is lost.
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

/// The way to one destination.
pub(super) struct AuditShipper {
    destination: Arc<dyn AuditDestination>,
    wants: FlowSelector,
    /// Held by the task that delivers, so that no other one does as well.
    progress: Mutex<Option<Progress>>,
}

/// Numbers of records: `saved <= kept <= read`.
#[derive(Default)]
struct Progress {
    /// The last one that was read.
    read: u64,
    /// The last one that the destination keeps or does not want.
    kept: u64,
    /// The cursor in the store.
    saved: u64,
    /// Whether the destination keeps lines beyond the cursor.
    unsaved: bool,
    /// Lines that were read and are not kept yet. When a delivery fails they come again as they are.
    pending: VecDeque<AuditLine>,
    writer: LineWriter,
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Moved,
    /// The destination has all there is.
    Idle,
}

/// A failure that lasts.
struct Failing {
    attempts: u32,
    since: Timestamp,
    told: Timestamp,
}

impl AuditShipper {
    pub(super) fn new(destination: Arc<dyn AuditDestination>, wants: FlowSelector) -> Self {
        Self { destination, wants, progress: Mutex::new(None) }
    }

    pub(super) fn name(&self) -> &str {
        self.destination.name()
    }

    pub(super) async fn progress(&self, engine: &dyn Engine) -> Result<AuditProgress> {
        let delivered = engine.audit_cursor(self.name()).await?;
        let behind = engine.head().await?.seq.saturating_sub(delivered);
        Ok(AuditProgress { destination: self.name().to_owned(), delivered, behind })
    }

    /// Delivers until it is told to stop, between two batches.
    pub(super) async fn run(&self, engine: &dyn Engine, clock: &dyn Clock, mut stop: StopSignal) {
        let mut progress = tokio::select! {
            biased;
            () = stop.requested() => return,
            progress = self.progress.lock() => progress,
        };
        let mut failing = None;
        while !stop.is_requested() {
            // Registered before looking, so that a commit in between is not missed.
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
                () = clock.sleep(pause.unwrap_or(LOOK_ANYWAY)) => {}
            }
        }
    }

    async fn step(&self, engine: &dyn Engine, clock: &dyn Clock, progress: &mut Option<Progress>) -> Result<Step> {
        let progress = match progress {
            Some(progress) => progress,
            None => {
                let saved = within(clock, engine.audit_cursor(self.name())).await?;
                progress.insert(Progress { read: saved, kept: saved, saved, ..Progress::default() })
            }
        };
        if progress.unsaved {
            self.save(engine, clock, progress).await?;
        }
        if progress.pending.is_empty() {
            if self.read(engine, clock, progress).await? == 0 {
                return Ok(Step::Idle);
            }
            // What the destination does not want is read once more after a crash, and costs no write each time.
            progress.unsaved = progress.pending.is_empty() && progress.kept - progress.saved >= PAGE as u64;
        }
        if !progress.pending.is_empty() {
            self.deliver(clock, progress).await?;
            self.save(engine, clock, progress).await?;
        }
        Ok(Step::Moved)
    }

    /// Reads what comes next, and says how many records that were.
    async fn read(&self, engine: &dyn Engine, clock: &dyn Clock, progress: &mut Progress) -> Result<usize> {
        let records = within(clock, engine.records_after(progress.read, PAGE)).await?;
        let read = records.len();
        for record in records {
            let seq = record.seq;
            let wants = |flow: &Srn| self.wants.flow(flow);
            let line = within(clock, progress.writer.line(engine, record, wants)).await?;
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
        // A destination that panics before it has anything to await is caught too.
        let delivery = async { self.destination.deliver(batch).await };
        let kept = call_bounded(clock, LIMIT, what, delivery).await??.min(batch.len());
        if kept == 0 {
            let message = format!("destination `{}` has kept no audit entry, and gave no reason", self.name());
            return Err(Error::new(ErrorKind::Unavailable, codes::AUDIT_DESTINATION, message));
        }
        let last = progress.pending.drain(..kept).next_back();
        progress.kept = match last {
            Some(last) if !progress.pending.is_empty() => last.seq(),
            // What was read after it is not wanted.
            _ => progress.read,
        };
        progress.unsaved = true;
        Ok(())
    }

    async fn save(&self, engine: &dyn Engine, clock: &dyn Clock, progress: &mut Progress) -> Result<()> {
        within(clock, engine.set_audit_cursor(self.name(), progress.kept)).await?;
        progress.saved = progress.kept;
        progress.unsaved = false;
        Ok(())
    }

    /// Tells of a failure, and says after which pause to try again.
    fn failed(&self, failing: &mut Option<Failing>, error: &Error, now: Timestamp) -> Duration {
        let first = failing.is_none();
        let failing = failing.get_or_insert(Failing { attempts: 0, since: now, told: now });
        failing.attempts = failing.attempts.saturating_add(1);
        if first || now.duration_since(failing.told).unsigned_abs() >= TELL_EVERY {
            failing.told = now;
            let (destination, attempts, since) = (self.name(), failing.attempts, failing.since);
            if error.is_retryable() {
                tracing::warn!(%error, destination, attempts, %since, "audit entries wait for their destination");
            } else {
                let hint = error.hint();
                tracing::error!(%error, hint, destination, attempts, %since, "audit entries cannot be delivered; see to it");
            }
        }
        let asked = error.retry_after().unwrap_or_default().min(ASKED_MAX);
        asked.max(pause(failing.attempts, error.is_retryable()))
    }

    fn recovered(&self, failing: Option<Failing>) {
        if let Some(Failing { attempts, since, .. }) = failing {
            tracing::info!(destination = self.name(), attempts, %since, "audit entries are delivered again");
        }
    }
}

/// 1 s, doubling, up to a minute; a minute at once if trying again alone will not help. Up to half of it is left to chance, so
/// that what failed together does not come back together.
fn pause(attempts: u32, retryable: bool) -> Duration {
    let exponent = attempts.saturating_sub(1).min(6);
    let longest = if retryable { Duration::from_secs(1 << exponent).min(PAUSE_MAX) } else { PAUSE_MAX };
    let chance = RandomState::new().hash_one(attempts) % 500;
    longest.mul_f64(1.0 - chance as f64 / 1_000.0)
}

/// Has the store answer in time.
async fn within<T>(clock: &dyn Clock, answer: impl Future<Output = Result<T>> + Send) -> Result<T> {
    call_bounded(clock, LIMIT, || "a call of the store".to_owned(), answer).await?
}

impl fmt::Debug for AuditShipper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditShipper")
            .field("destination", &self.name())
            .field("wants", &self.wants)
            .finish_non_exhaustive()
    }
}
