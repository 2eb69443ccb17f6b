//! A store in one SQLite file.
//!
//! One thread writes and two read, each on a connection of its own: short look-ups do not wait behind long listings. Callers
//! hand jobs to the threads through [queues](queue), so no async task blocks. The writer [commits in groups](writer), which is what
//! makes `synchronous = FULL` affordable.

mod audit;
mod backup;
mod commit;
mod deleted_users;
mod directory;
mod error;
mod events;
mod file_system;
mod integrity;
mod key_value;
mod leases;
mod lock;
mod normalize_names;
mod packed;
mod queries;
mod queue;
mod reserve;
mod retention;
mod rows;
mod run_projection;
mod run_search;
mod schema;
mod sessions;
mod thread;
mod trusts;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::Connection;

pub use self::backup::BackupProgress;
use self::commit::{CommitResult, CommitRows};
use self::error::FileError;
use self::lock::FileLock;
use self::queue::{Priority, Queue};
use self::reserve::{DEFAULT_RESERVE_BYTES, Reserve};
use self::thread::{Failure, QueueThread, ReadJob, query, spawn_blocking};
use self::writer::{BoxedWriteJob, Writer, write, write_for_caller, write_if_awaited};
use super::health::{AccessHealth, Backlog};
use super::store::{
    AuditPage, AuditQuery, Change, Claim, Claimed, Commit, Committed, DueTimer, InputFingerprint, InputKey, RunFilter,
    RunPage, RunQuery, Store, StoreError, StoredRun,
};
#[cfg(feature = "cli")]
use crate::audit::RecordedAnchors;
use crate::audit::{AuditEntry, AuditHead, AuditRecord};
use crate::directory::EventQuery;
use crate::future::BoxFuture;
use crate::machine::{Effect, EffectKey, EntitlementKey, InputReply, Lane};
use crate::model::{EventId, RunId};
use crate::sync::lock;

/// A [`Store`] in one SQLite file, which outlives the process.
///
/// A write is on disk when the call returns. Concurrent writes share one `fsync`, and those that take access away go first. Three
/// threads of the store do the work, so the async runtime never blocks.
///
/// Only one process can have the file open for writing, and only once; locks on `FILE.lock` and, on Linux, on the file itself ensure
/// that. A file that is replaced while it is in use is not written any more. After a crash the file
/// is checked when it is opened, and effects that were in flight are due again immediately. The file must be on a local disk: the
/// locks of network file systems are unreliable, so on Linux a file on one is refused (NFS, SMB, 9P, FUSE and others).
///
/// A file beside it, `FILE.reserve`, keeps [space for revocations](SqliteOptions::reserve_bytes): when the disk is full, it is
/// deleted, and nothing else is written until there is space for it again.
///
/// [`SqliteStore::backup`] copies the file while it is in use, and [`SqliteStore::open_read_only`] reads it beside the program that
/// has it open. Pruning returns free space to the file system.
///
/// The store also holds users, bots and the values of handlers: [`Builder::sqlite`](crate::runtime::Builder::sqlite) makes a
/// runtime use it for all of them. A Run that continues after a restart needs its users, so a runtime that uses the store for
/// Runs alone needs another persistent [`Directory`](crate::directory::Directory).
///
/// The file contains form inputs as people typed them, along with the names and accounts of users. It is created readable for its
/// owner alone; encrypt the disk if that is not enough. It contains no secrets of the configuration, and only hashes of the tokens
/// of bots.
///
/// Times have nanosecond precision. Times after the year 2262 are stored as the end of time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("runs.db");
/// use std::sync::Arc;
/// use sym_sdk::config::Config;
/// use sym_sdk::engine::SqliteStore;
/// use sym_sdk::runtime::Runtime;
///
/// let store = Arc::new(SqliteStore::open(path).await?);
/// let runtime = Runtime::builder(Config::default()).sqlite(store.clone());
/// // ... and once its workers have been shut down:
/// store.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    path: PathBuf,
    /// Short reads.
    lookups: Arc<Queue<ReadJob>>,
    /// Reads that may take long.
    listings: Arc<Queue<ReadJob>>,
    writes: Arc<Queue<BoxedWriteJob>>,
    threads: Mutex<Option<Threads>>,
    failure: Failure,
}

/// The options of a [`SqliteStore`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The size of the reserve for revocations in bytes, or 0 for none. A revocation takes some ten kilobytes. Default: 8 MiB.
    pub reserve_bytes: u64,
    /// The name of SQLite's virtual file system, for tests of storage faults.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub vfs: Option<String>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            reserve_bytes: DEFAULT_RESERVE_BYTES,
            #[cfg(feature = "testing")]
            vfs: None,
        }
    }
}

impl SqliteOptions {
    /// Sets the size of the reserve for revocations in bytes; 0 for none.
    #[must_use]
    pub fn with_reserve_bytes(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes;
        self
    }

    fn vfs(&self) -> Option<&str> {
        #[cfg(feature = "testing")]
        return self.vfs.as_deref();
        #[cfg(not(feature = "testing"))]
        None
    }
}

/// The threads of an open store, in the order in which they are stopped. The writer is last: it closes the file cleanly and
/// releases the lock.
struct Threads {
    readers: [QueueThread<ReadJob>; 2],
    /// `None` if the file is opened read-only.
    writer: Option<QueueThread<BoxedWriteJob>>,
}

impl Threads {
    /// Serves queued jobs and stops the threads.
    fn stop(self) -> Result<(), StoreError> {
        let readers = self.readers.map(QueueThread::stop);
        let writer = self.writer.map_or(Ok(()), QueueThread::stop);
        readers.into_iter().collect::<Result<Vec<()>, _>>().and(writer)
    }
}

impl SqliteStore {
    /// Opens the file, and creates it if it does not exist. Its directory must exist.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the file is in use, is read-only, or belongs to another program or a newer version of this one;
    /// [`StoreError::Corrupt`] if it is damaged or not a database. Each says what to do.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// Like [`SqliteStore::open`], with options.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub async fn open_with(path: impl Into<PathBuf>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.into();
        spawn_blocking(move || Self::open_blocking(&path, &options)).await
    }

    fn open_blocking(path: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        let path = canonical_path(path)?;
        file_system::refuse_network(&path, file_system::network_kind).map_err(FileError::into_error)?;
        lock::refuse_lost(&path, &Reserve::path_of(&path)).map_err(FileError::into_error)?;
        let lock = FileLock::take(&path).map_err(FileError::into_error)?;
        let vfs = options.vfs();
        let mut reserve = Reserve::of(&path, options.reserve_bytes);
        let connection = match schema::open_to_write(&path, vfs) {
            // A program that is started while the disk is full has access to revoke.
            Err(StoreError::NotWritable { .. }) if !reserve.is_released() => {
                reserve.release(None);
                schema::open_to_write(&path, vfs)?
            }
            opened => opened?,
        };
        let (lookup, listing) = (schema::open_to_read(&path, vfs)?, schema::open_to_read(&path, vfs)?);

        let (lookups, listings, writes) = (Arc::new(Queue::new()), Arc::new(Queue::new()), Arc::new(Queue::new()));
        let failure = Failure::new();
        let writer = Writer { connection, path: path.clone(), reserve, lock };
        let failed = failure.clone();
        let writer =
            QueueThread::start("sym-store-write", &writes, &failure, move |queue| writer.serve(queue, &failed))?;
        Self::start_readers(path, [lookup, listing], [lookups, listings], writes, Some(writer), failure)
    }

    /// Opens a file read-only, even while another process has it open for writing. Every write fails.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::engine::StoreError> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("runs.db");
    /// use sym_sdk::engine::{RunFilter, SqliteStore, Store};
    ///
    /// # let running = SqliteStore::open(&path).await?;
    /// let store = SqliteStore::open_read_only(&path).await?;
    /// assert!(store.runs(RunFilter::default(), 10).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no such file, it is not a store, or its schema version is not that of this program.
    pub async fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        spawn_blocking(move || {
            let path = canonical_path(&path)?;
            let connections = [schema::open_for_reader(&path)?, schema::open_to_read(&path, None)?];
            let queues = [Arc::new(Queue::new()), Arc::new(Queue::new())];
            let writes = Arc::new(Queue::new_closed(error::read_only));
            Self::start_readers(path, connections, queues, writes, None, Failure::new())
        })
        .await
    }

    /// Opens a file read-only. Returns `None` if its schema is that of an earlier version.
    #[cfg(feature = "cli")]
    pub(crate) async fn open_if_current(path: impl Into<PathBuf>) -> Result<Option<Self>, StoreError> {
        match Self::open_read_only(path).await {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::Refused(error))
                if matches!(error.downcast_ref::<FileError>(), Some(FileError::Older { .. })) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Copies a file in its current state, whatever its schema, as [`SqliteStore::backup`] does.
    #[cfg(feature = "cli")]
    pub(crate) async fn copy(from: PathBuf, to: PathBuf) -> Result<(), StoreError> {
        spawn_blocking(move || backup::copy(&from, &to, |_| {})).await
    }

    fn start_readers(
        path: PathBuf,
        connections: [Connection; 2],
        [lookups, listings]: [Arc<Queue<ReadJob>>; 2],
        writes: Arc<Queue<BoxedWriteJob>>,
        writer: Option<QueueThread<BoxedWriteJob>>,
        failure: Failure,
    ) -> Result<Self, StoreError> {
        let reader = |connection, queue| {
            QueueThread::start("sym-store-read", queue, &failure, move |queue| {
                thread::serve_reads(&connection, queue);
                Ok(())
            })
        };
        let [lookup, listing] = connections;
        let readers = [reader(lookup, &lookups)?, reader(listing, &listings)?];
        let threads = Mutex::new(Some(Threads { readers, writer }));
        Ok(Self { path, lookups, listings, writes, threads, failure })
    }

    /// Copies the file in its current state while it is in use. Neither readers nor writers wait for it; later writes are not in the
    /// copy. The copy is a complete store, readable for its owner alone, and as confidential as the file itself.
    ///
    /// To restore a backup, stop the program, replace the file with the copy and delete `FILE-wal` and `FILE-shm` beside it. What
    /// happened since the backup is lost, including grants and revocations: reconcile afterwards.
    ///
    /// # Errors
    /// If the target exists, or cannot be written. No partial copy is left then.
    pub async fn backup(&self, to: impl Into<PathBuf>) -> Result<(), StoreError> {
        self.backup_with(to, |_| {}).await
    }

    /// Like [`SqliteStore::backup`], and calls `progress` on the way, on a thread of the store.
    ///
    /// # Errors
    /// Those of [`SqliteStore::backup`].
    pub async fn backup_with(
        &self,
        to: impl Into<PathBuf>,
        progress: impl FnMut(BackupProgress) + Send + 'static,
    ) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), to.into());
        spawn_blocking(move || backup::copy(&from, &to, progress)).await
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns which anchors of the audit log were written to which files.
    #[cfg(feature = "cli")]
    pub(crate) async fn recorded_anchors(&self) -> Result<Vec<RecordedAnchors>, StoreError> {
        let cursors = query(&self.listings, audit::cursors).await?;
        Ok(RecordedAnchors::of_cursors(&cursors))
    }

    /// Completes queued calls and closes the file. Every later call fails; closing it again does nothing.
    ///
    /// Dropping a store closes it too, but blocks the thread and can only log errors.
    ///
    /// # Errors
    /// If the file could not be closed cleanly. It is checked when it is opened again.
    pub async fn close(&self) -> Result<(), StoreError> {
        let threads = lock(&self.threads).take();
        match threads {
            Some(threads) => spawn_blocking(move || threads.stop()).await,
            None => Ok(()),
        }
    }
}

/// Returns the path without symbolic links, so that one file has one lock.
fn canonical_path(path: &Path) -> Result<PathBuf, StoreError> {
    if path.is_dir() {
        return Err(FileError::Directory { path: path.to_owned() }.into_error());
    }
    resolve(path).map_err(|error| FileError::open(path, error).into_error())
}

fn resolve(path: &Path) -> std::io::Result<PathBuf> {
    if path.exists() {
        return path.canonicalize();
    }
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidFilename)?;
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    Ok(directory.unwrap_or(Path::new(".")).canonicalize()?.join(name))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn to_stored_run((id, version, state, packed): queries::RunRow) -> Result<StoredRun, StoreError> {
    let run = rows::run_id(id);
    let state = match packed {
        Some(packed) => packed::unpack(&packed, &[&run.to_string()])
            .map_err(|error| StoreError::Corrupt(format!("Run {run}: {error}").into()))?,
        None => state,
    };
    let state = rows::from_json(&state, format_args!("Run {run}"))?;
    Ok(StoredRun::new(version.cast_unsigned(), Arc::new(state)))
}

fn to_claimed(leased: leases::Leased) -> Option<Claimed> {
    let key = EffectKey { run: rows::run_id(leased.run), seq: leased.seq.cast_unsigned() };
    match rows::from_json(&leased.effect, format_args!("effect {key}")) {
        Ok(effect) => Some(Claimed::new(effect, leased.claims, leased.lost)),
        // It must not keep others from being executed. It is claimed, and reported, again when its lease expires.
        Err(error) => {
            tracing::error!(%error, %key, "could not read an effect; it stays due");
            None
        }
    }
}

impl Store for SqliteStore {
    fn check_writable(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(write(&self.writes, Priority::Normal, integrity::mark_writable))
    }

    fn failure(&self) -> BoxFuture<'_, StoreError> {
        Box::pin(self.failure.wait())
    }

    fn load(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>, StoreError>> {
        Box::pin(
            async move { query(&self.lookups, move |db| queries::load(db, run)).await?.map(to_stored_run).transpose() },
        )
    }

    fn recorded_reply(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputReply>, StoreError>> {
        let key = key.clone();
        Box::pin(async move {
            let input = key.clone();
            let reply = query(&self.lookups, move |db| queries::recorded_reply(db, input.as_str())).await?;
            reply.map(|reply| rows::from_json(&reply, format_args!("the reply to `{}`", key.as_str()))).transpose()
        })
    }

    fn recorded_fingerprint(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputFingerprint>, StoreError>> {
        let key = key.clone();
        Box::pin(async move {
            let recorded = query(&self.lookups, move |db| queries::recorded_fingerprint(db, key.as_str())).await?;
            Ok(recorded.map(InputFingerprint::from_bytes))
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, StoreError>> {
        Box::pin(async move {
            let input = commit.input.clone();
            let priority = Priority::of_commit(&commit);
            let rows = CommitRows::new(commit)?;
            match write_for_caller(&self.writes, priority, move |db, is_awaited| rows.write(db, is_awaited)).await? {
                CommitResult::Written { leased } => Ok(Committed::Written { leased }),
                CommitResult::Conflict => Ok(Committed::Conflict),
                CommitResult::Duplicate(reply) => {
                    let what = format_args!("the reply to `{}`", input.as_str()).to_string();
                    Ok(Committed::Duplicate(rows::from_json(&reply, what)?))
                }
            }
        })
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(async move {
            let priority = Priority::of_claim(claim.lane);
            let leased = write_if_awaited(&self.writes, priority, move |db| leases::claim(db, &claim)).await?;
            Ok(leased.into_iter().filter_map(to_claimed).collect())
        })
    }

    fn due_effects(&self, lane: Lane, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Effect>, StoreError>> {
        Box::pin(async move {
            let due = query(&self.lookups, move |db| queries::due_effects(db, lane, now, limit)).await?;
            // One that cannot be read must not keep others from being executed.
            Ok(due.iter().filter_map(|effect| rows::from_json(effect, "an effect").ok()).collect())
        })
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        // A revocation may be waiting for it.
        let release = move |db: &rusqlite::Connection| leases::release(db, key, claims, not_before);
        Box::pin(write(&self.writes, Priority::High, release))
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(write(&self.writes, Priority::High, move |db| leases::clamp_future_due_times(db, latest)))
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>> {
        Box::pin(query(&self.lookups, move |db| queries::due_timers(db, now, limit)))
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(query(&self.lookups, queries::next_due))
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> BoxFuture<'_, Result<Backlog, StoreError>> {
        Box::pin(query(&self.listings, move |db| queries::backlog(db, now, late)))
    }

    fn holders(&self, key: &EntitlementKey) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        let key = key.clone();
        Box::pin(query(&self.lookups, move |db| queries::holders(db, key.as_str())))
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>> {
        Box::pin(async move {
            let runs = query(&self.listings, move |db| queries::runs(db, &filter, limit)).await?;
            runs.into_iter().map(to_stored_run).collect()
        })
    }

    fn find_runs<'a>(&'a self, wanted: &'a RunQuery) -> BoxFuture<'a, Result<RunPage, StoreError>> {
        Box::pin(async move {
            let asked = wanted.clone();
            let runs = query(&self.listings, move |db| run_search::find(db, &asked)).await?;
            Ok(wanted.page(runs.into_iter().map(to_stored_run).collect::<Result<_, _>>()?))
        })
    }

    fn count_runs<'a>(&'a self, wanted: &'a RunQuery) -> BoxFuture<'a, Result<usize, StoreError>> {
        let wanted = wanted.clone();
        Box::pin(query(&self.lookups, move |db| run_search::count(db, &wanted)))
    }

    fn run_of_event(&self, event: EventId) -> BoxFuture<'_, Result<Option<RunId>, StoreError>> {
        Box::pin(query(&self.lookups, move |db| queries::run_of_event(db, event)))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(write(&self.writes, Priority::Normal, move |db| retention::prune(db, before, limit)))
    }

    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>> {
        Box::pin(async move {
            let runs = query(&self.listings, move |db| queries::runs_missing_expiry(db, limit)).await?;
            runs.into_iter().map(to_stored_run).collect()
        })
    }

    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth, StoreError>> {
        Box::pin(query(&self.listings, move |db| queries::access_health(db, late)))
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(async move {
            let records = query(&self.listings, move |db| audit::records(db, run, limit)).await?;
            let entries = records.iter().map(AuditRecord::entry);
            entries.collect::<Result<_, _>>().map_err(|error| StoreError::Corrupt(error.message().into()))
        })
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64, StoreError>> {
        let count = count.clone();
        Box::pin(async move { Ok(query(&self.listings, move |db| events::count(db, &count)).await?.cast_unsigned()) })
    }

    fn audit_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>> {
        Box::pin(query(&self.listings, move |db| audit::after(db, seq, limit)))
    }

    fn find_audit<'a>(&'a self, wanted: &'a AuditQuery) -> BoxFuture<'a, Result<AuditPage, StoreError>> {
        let wanted = wanted.clone();
        Box::pin(query(&self.listings, move |db| audit::find(db, &wanted)))
    }

    fn changes_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(query(&self.lookups, move |db| audit::changes_after(db, seq, limit)))
    }

    fn audit_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>> {
        Box::pin(query(&self.listings, move |db| audit::before(db, run, seq)))
    }

    fn audit_head(&self) -> BoxFuture<'_, Result<AuditHead, StoreError>> {
        Box::pin(query(&self.lookups, audit::head))
    }

    fn audit_cursor(&self, destination: &str) -> BoxFuture<'_, Result<u64, StoreError>> {
        let destination = destination.to_owned();
        Box::pin(query(&self.lookups, move |db| audit::cursor(db, &destination)))
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        let destination = destination.to_owned();
        let set_cursor = move |db: &rusqlite::Connection| audit::set_cursor(db, &destination, seq);
        Box::pin(write(&self.writes, Priority::Normal, set_cursor))
    }
}
