//! Group commit: all queued writes share one transaction, and so one `fsync`.
//!
//! Each write has a savepoint of its own, so that one that fails takes no other with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::error::{self, GroupError, closed, write_failed};
use super::lock::FileLock;
use super::queue::{Priority, Queue};
use super::reserve::Reserve;
use super::schema;
use super::thread::Failure;
use crate::engine::StoreError;

/// The maximum number of writes in a transaction, so that the first does not wait long for the last.
const MAX_GROUP_SIZE: usize = 256;

/// A queued write.
pub(super) type BoxedWriteJob = Box<dyn WriteJob>;

pub(super) trait WriteJob: Send {
    fn priority(&self) -> Priority;

    /// Executes the write, and keeps its result.
    fn execute(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>>;

    /// Sends the result to the caller, once it is known whether the group was committed.
    fn complete(self: Box<Self>, committed: Result<(), GroupError>, path: &Path);
}

struct QueuedWrite<T, F> {
    priority: Priority,
    work: Option<F>,
    /// `None` if the write was not executed.
    result: Option<Result<T, Arc<rusqlite::Error>>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
    /// Whether it is only executed if the caller still waits for it.
    if_awaited: bool,
}

impl<T, F> WriteJob for QueuedWrite<T, F>
where
    T: Send,
    F: FnOnce(&Connection, bool) -> rusqlite::Result<T> + Send,
{
    fn priority(&self) -> Priority {
        self.priority
    }

    fn execute(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>> {
        let is_awaited = !self.caller.is_closed();
        let Some(work) = self.work.take().filter(|_| is_awaited || !self.if_awaited) else {
            return Ok(());
        };
        let result = work(connection, is_awaited).map_err(Arc::new);
        let executed = result.as_ref().map(drop).map_err(Arc::clone);
        self.result = Some(result);
        executed
    }

    fn complete(self: Box<Self>, committed: Result<(), GroupError>, path: &Path) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result.map_err(|error| write_failed(error, path)),
            (Ok(()), None) => Err(closed()),
            (Err(error), _) => Err(error.into_error(path)),
        };
        // The caller may be gone. What was written stays.
        let _ = self.caller.send(result);
    }
}

/// Queues a write, and returns once its group is durable. It may be executed although the caller has stopped waiting.
pub(super) async fn write<T: Send + 'static>(
    queue: &Queue<BoxedWriteJob>,
    priority: Priority,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    push(queue, priority, false, move |connection, _| work(connection)).await
}

/// Like [`write`], and tells the work whether the caller still waits for it.
pub(super) async fn write_for_caller<T: Send + 'static>(
    queue: &Queue<BoxedWriteJob>,
    priority: Priority,
    work: impl FnOnce(&Connection, bool) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    push(queue, priority, false, work).await
}

/// Like [`write`], and is not executed once the caller has stopped waiting. For a lease, which nobody would know of.
pub(super) async fn write_if_awaited<T: Send + 'static>(
    queue: &Queue<BoxedWriteJob>,
    priority: Priority,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    push(queue, priority, true, move |connection, _| work(connection)).await
}

async fn push<T: Send + 'static>(
    queue: &Queue<BoxedWriteJob>,
    priority: Priority,
    if_awaited: bool,
    work: impl FnOnce(&Connection, bool) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (caller, result) = oneshot::channel();
    let job = QueuedWrite { priority, work: Some(work), result: None, caller, if_awaited };
    queue.push(priority, Box::new(job)).await?;
    result.await.map_err(|_| closed())?
}

/// The writer of a file.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) reserve: Reserve,
    /// Released after the connection is closed, not before.
    pub(super) lock: FileLock,
}

impl Writer {
    /// Serves writes until the queue is closed, and closes the file.
    ///
    /// # Errors
    /// If the path no longer leads to the file, or the file cannot be closed.
    pub(super) fn serve(mut self, queue: &Queue<BoxedWriteJob>, failure: &Failure) -> Result<(), StoreError> {
        while let Some(group) = queue.take(MAX_GROUP_SIZE) {
            if let Err(replaced) = self.lock.check() {
                failure.set(replaced.to_string());
                group.into_iter().for_each(|job| job.complete(Err(GroupError::Replaced), &self.path));
                return Err(replaced.into_error());
            }
            self.write_group(group);
        }
        schema::close(self.connection)
    }

    fn write_group(&mut self, group: Vec<BoxedWriteJob>) {
        self.reserve.restore_if_possible();
        let only_high = self.reserve.is_released();
        let (mut group, refused): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|job| !only_high || job.priority() == Priority::High);
        let needs_bytes = self.reserve.space_to_restore();
        refused.into_iter().for_each(|job| job.complete(Err(GroupError::OnlyRevocations { needs_bytes }), &self.path));
        if group.is_empty() {
            return;
        }
        let mut lacks_space = false;
        let committed = commit_group(&mut self.connection, &mut group, &mut lacks_space);
        if let Err(error) = &committed {
            // Whoever asked for a write logs that it failed.
            tracing::debug!(%error, writes = group.len(), "could not commit");
            lacks_space |= error::lacks_space(error);
        }
        if lacks_space {
            self.reserve.release(Some(&self.connection));
        }
        for job in group {
            job.complete(committed.clone().map_err(GroupError::Sqlite), &self.path);
        }
    }
}

/// Commits a group, and notes whether one of its writes has found the disk full.
fn commit_group(
    connection: &mut Connection,
    group: &mut [BoxedWriteJob],
    lacks_space: &mut bool,
) -> Result<(), Arc<rusqlite::Error>> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in group {
        let savepoint = transaction.savepoint()?;
        match job.execute(&savepoint) {
            Ok(()) => savepoint.commit()?,
            Err(error) => {
                *lacks_space |= error::lacks_space(&error);
                // SQLite may have rolled back the whole transaction, as it does when the disk is full: then no write is left.
                if savepoint.is_autocommit() {
                    return Err(error);
                }
                // Rolls back this write alone. If that fails, the group is not committed.
                savepoint.finish()?;
            }
        }
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::thread::QueueThread;
    use super::*;

    type Completion = oneshot::Receiver<Result<(), StoreError>>;

    fn writer() -> (TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        let lock = FileLock::take(&path).unwrap();
        let connection = schema::open_to_write(&path, None).unwrap();
        (dir, Writer { connection, reserve: Reserve::of(&path, 4096), path, lock })
    }

    fn job(
        priority: Priority,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> (BoxedWriteJob, Completion) {
        let (caller, answer) = oneshot::channel();
        let work = Some(|connection: &Connection, _| work(connection));
        (Box::new(QueuedWrite { priority, work, result: None, caller, if_awaited: false }), answer)
    }

    /// Inserts a reply of this length.
    fn insert(priority: Priority, key: &'static str, bytes: usize) -> (BoxedWriteJob, Completion) {
        job(priority, move |db| {
            db.execute("INSERT INTO replies (input_key, at, reply) VALUES (?1, 0, ?2)", (key, "x".repeat(bytes)))?;
            Ok(())
        })
    }

    fn inserted(writer: &Writer) -> Vec<String> {
        let mut keys = writer.connection.prepare("SELECT input_key FROM replies ORDER BY input_key").unwrap();
        keys.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn failed_write_leaves_the_rest_of_its_group() {
        let (_dir, mut writer) = writer();
        let (one, mut of_one) = insert(Priority::Normal, "one", 1);
        let (bad, mut of_bad) = job(Priority::Normal, |db| {
            db.execute("INSERT INTO replies (input_key, at, reply) VALUES ('bad', 0, 'x')", ())?;
            db.execute("INSERT INTO replies (input_key, at, reply) VALUES ('bad', 0, 'x')", ()).map(drop)
        });
        let (two, mut of_two) = insert(Priority::Normal, "two", 1);
        writer.write_group(vec![one, bad, two]);
        of_one.try_recv().unwrap().unwrap();
        assert!(matches!(of_bad.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
        of_two.try_recv().unwrap().unwrap();
        assert_eq!(inserted(&writer), ["one", "two"], "the failed write left nothing behind");
    }

    /// A page is 4 KiB, so there is no space for the second write. One that is reported as written is in the file.
    #[test]
    fn full_disk_is_reported_and_the_reserve_is_for_revocations() {
        let (dir, mut writer) = writer();
        let reserve = dir.path().join("runs.db.reserve");
        let set_pages = |writer: &Writer, pages: i64| {
            writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(())).unwrap();
        };
        let pages: i64 = writer.connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
        set_pages(&writer, pages + 2);
        let (small, mut of_small) = insert(Priority::Normal, "small", 1);
        let (large, mut of_large) = insert(Priority::Normal, "large", 100_000);
        assert!(reserve.exists());
        writer.write_group(vec![small, large]);
        let error = of_large.try_recv().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the store cannot write: the disk is full");
        #[cfg(feature = "server")]
        assert_eq!(error.summary(), "the store cannot write: the disk is full");
        let hint = crate::error::Error::from(error).hint().unwrap().to_owned();
        assert_eq!(hint, format!("free space on the disk of `{}`", dir.path().join("runs.db").display()));
        let written = of_small.try_recv().unwrap().is_ok();
        assert_eq!(inserted(&writer), if written { vec!["small"] } else { vec![] });
        assert!(!reserve.exists());

        // The disk has no space for the reserve either.
        std::fs::create_dir(&reserve).unwrap();
        set_pages(&writer, 1_000_000);
        let (revocation, mut of_revocation) = insert(Priority::High, "revocation", 100_000);
        let (request, mut of_request) = insert(Priority::Normal, "request", 1);
        writer.write_group(vec![request, revocation]);
        of_revocation.try_recv().unwrap().unwrap();
        let error = of_request.try_recv().unwrap().unwrap_err();
        let expected =
            "the store cannot write: the disk was full, and only revocations are stored until there is space";
        assert_eq!(error.to_string(), expected);
        // Twice the reserve, here of 4 KiB.
        let hint = crate::error::Error::from(error).hint().unwrap().to_owned();
        assert!(hint.starts_with("make at least 1 MiB of free space on the disk of `"), "{hint}");

        std::fs::remove_dir(&reserve).unwrap();
        let (request, mut of_request) = insert(Priority::Normal, "request", 100_000);
        writer.write_group(vec![request]);
        of_request.try_recv().unwrap().unwrap();
        assert!(reserve.exists());
    }

    /// Safety finding 11.
    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_is_written_to_a_file_that_was_replaced() {
        let (dir, writer) = writer();
        let (queue, failure) = (Arc::new(Queue::new()), Failure::new());
        let failed = failure.clone();
        let worker = QueueThread::start("test", &queue, &failure, move |queue| writer.serve(queue, &failed)).unwrap();
        let path = dir.path().join("runs.db");
        write(&queue, Priority::Normal, |_| Ok(())).await.unwrap();
        std::fs::rename(&path, dir.path().join("moved.db")).unwrap();
        std::fs::write(&path, "another file").unwrap();
        let error = write(&queue, Priority::High, |_| Ok(())).await.unwrap_err();
        let replaced = "was removed or replaced while it was in use, so nothing is written any more; put it back, or restore it from a \
                        backup";
        assert_eq!(error.to_string(), format!("the store can no longer be used: `{}` {replaced}", path.display()));
        assert!(failure.wait().await.to_string().ends_with(replaced));
        assert!(matches!(worker.stop(), Err(StoreError::Unusable(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another file");
    }

    /// Nobody would know of the lease.
    #[tokio::test]
    async fn claim_that_nobody_waits_for_is_not_executed() {
        let (_dir, mut writer) = writer();
        let queue = Queue::new();
        let claim =
            |db: &Connection| db.execute("INSERT INTO replies (input_key, at, reply) VALUES ('claim', 0, 'x')", ());
        let mut waiting = Box::pin(write_if_awaited(&queue, Priority::High, claim));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(waiting);
        writer.write_group(queue.take(1).unwrap());
        assert!(inserted(&writer).is_empty());
    }

    /// Safety finding 13.
    #[tokio::test]
    async fn store_has_failed_once_the_writer_is_gone() {
        let (_dir, writer) = writer();
        let (queue, failure) = (Arc::new(Queue::new()), Failure::new());
        let failed = failure.clone();
        let worker = QueueThread::start("test", &queue, &failure, move |queue| writer.serve(queue, &failed));
        let broken = write(&queue, Priority::Normal, |_| -> rusqlite::Result<()> { panic!("a bug") }).await;
        assert!(matches!(broken, Err(StoreError::Unavailable(_))));
        let later = write(&queue, Priority::High, |_| Ok(())).await;
        assert!(matches!(later, Err(StoreError::Unavailable(_))));
        let expected = "the store can no longer be used: its thread `test` has ended unexpectedly";
        assert_eq!(failure.wait().await.to_string(), expected);
        assert!(matches!(worker.unwrap().stop(), Err(StoreError::Unavailable(_))));
    }
}
