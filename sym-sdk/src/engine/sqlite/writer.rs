//! Group commit: all queued writes share one transaction, and so one `fsync`.
//!
//! Each write has a savepoint of its own, so that one that fails takes no other with it.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::error::{closed, failed};
use super::queue::{Priority, Queue};
use crate::engine::StoreError;

/// The maximum number of writes in a transaction, so that the first does not wait long for the last.
const MAX_GROUP_SIZE: usize = 256;

/// A queued write.
pub(super) type BoxedWriteJob = Box<dyn WriteJob>;

pub(super) trait WriteJob: Send {
    /// Executes the write, and keeps its result.
    fn execute(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>>;

    /// Sends the result to the caller, once it is known whether the group was committed.
    fn complete(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
}

struct QueuedWrite<T, F> {
    work: Option<F>,
    result: Result<T, StoreError>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> WriteJob for QueuedWrite<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn execute(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>> {
        let Some(work) = self.work.take() else { return Ok(()) };
        match work(connection) {
            Ok(value) => {
                self.result = Ok(value);
                Ok(())
            }
            Err(error) => {
                let error = Arc::new(error);
                self.result = Err(failed(error.clone()));
                Err(error)
            }
        }
    }

    fn complete(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let result = match committed {
            Ok(()) => self.result,
            Err(error) => Err(failed(error)),
        };
        // The caller may be gone. What was written stays.
        let _ = self.caller.send(result);
    }
}

/// Queues a write, and returns once its group is durable.
pub(super) async fn write<T: Send + 'static>(
    queue: &Queue<BoxedWriteJob>,
    priority: Priority,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (caller, result) = oneshot::channel();
    let job = QueuedWrite { work: Some(work), result: Err(closed()), caller };
    queue.push(priority, Box::new(job)).await?;
    result.await.map_err(|_| closed())?
}

/// Serves writes until the queue is closed.
pub(super) fn serve(connection: &mut Connection, queue: &Queue<BoxedWriteJob>) {
    while let Some(group) = queue.take(MAX_GROUP_SIZE) {
        write_group(connection, group);
    }
}

fn write_group(connection: &mut Connection, mut group: Vec<BoxedWriteJob>) {
    let committed = commit_group(connection, &mut group);
    if let Err(error) = &committed {
        tracing::error!(%error, writes = group.len(), "could not commit");
    }
    for job in group {
        job.complete(committed.clone());
    }
}

fn commit_group(connection: &mut Connection, group: &mut [BoxedWriteJob]) -> Result<(), Arc<rusqlite::Error>> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in group {
        let savepoint = transaction.savepoint()?;
        match job.execute(&savepoint) {
            Ok(()) => savepoint.commit()?,
            Err(error) => {
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

    use super::super::{schema, thread::QueueThread};
    use super::*;

    type Completion = oneshot::Receiver<Result<(), StoreError>>;

    fn database() -> (TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let connection = schema::open_to_write(&dir.path().join("runs.db")).unwrap();
        (dir, connection)
    }

    fn job(work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) -> (BoxedWriteJob, Completion) {
        let (caller, answer) = oneshot::channel();
        (Box::new(QueuedWrite { work: Some(work), result: Err(closed()), caller }), answer)
    }

    /// Inserts a reply of this length.
    fn insert(key: &'static str, bytes: usize) -> (BoxedWriteJob, Completion) {
        job(move |db| {
            db.execute("INSERT INTO replies VALUES (?1, NULL, 0, ?2)", (key, "x".repeat(bytes)))?;
            Ok(())
        })
    }

    fn inserted(connection: &Connection) -> Vec<String> {
        let mut keys = connection.prepare("SELECT input_key FROM replies ORDER BY input_key").unwrap();
        keys.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn failed_write_leaves_the_rest_of_its_group() {
        let (_dir, mut connection) = database();
        let (one, mut of_one) = insert("one", 1);
        let (bad, mut of_bad) = job(|db| {
            db.execute("INSERT INTO replies VALUES ('bad', NULL, 0, 'x')", ())?;
            db.execute("INSERT INTO replies VALUES ('bad', NULL, 0, 'x')", ()).map(drop)
        });
        let (two, mut of_two) = insert("two", 1);
        write_group(&mut connection, vec![one, bad, two]);
        of_one.try_recv().unwrap().unwrap();
        assert!(matches!(of_bad.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
        of_two.try_recv().unwrap().unwrap();
        assert_eq!(inserted(&connection), ["one", "two"], "the failed write left nothing behind");
    }

    /// A page is 4 KiB, so there is no space for the second write. One that is reported as written is in the file.
    #[test]
    fn full_disk_is_reported_and_recovered_from() {
        let (_dir, mut connection) = database();
        let pages: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
        connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 2), (), |_| Ok(())).unwrap();
        let (small, mut of_small) = insert("small", 1);
        let (large, mut of_large) = insert("large", 100_000);
        write_group(&mut connection, vec![small, large]);
        let error = of_large.try_recv().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the store is unavailable: database or disk is full");
        let written = of_small.try_recv().unwrap().is_ok();
        assert_eq!(inserted(&connection), if written { vec!["small"] } else { vec![] });

        connection.query_row("PRAGMA max_page_count = 1000000", (), |_| Ok(())).unwrap();
        let (large, mut of_large) = insert("large", 100_000);
        write_group(&mut connection, vec![large]);
        of_large.try_recv().unwrap().unwrap();
    }

    #[tokio::test]
    async fn writes_fail_once_the_writer_is_gone() {
        let (_dir, mut connection) = database();
        let queue = Arc::new(Queue::new());
        let worker = QueueThread::start("test", &queue, move |queue| {
            serve(&mut connection, queue);
            Ok(())
        });
        let broken = write(&queue, Priority::Normal, |_| -> rusqlite::Result<()> { panic!("a bug") }).await;
        assert!(matches!(broken, Err(StoreError::Unavailable(_))));
        let later = write(&queue, Priority::High, |_| Ok(())).await;
        assert!(matches!(later, Err(StoreError::Unavailable(_))));
        assert!(matches!(worker.unwrap().stop(), Err(StoreError::Unavailable(_))));
    }
}
