//! Writes in groups: all calls that wait share one transaction, and so one wait for the disk.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::error::{closed, failed};
use super::queue::{Priority, Queue};
use crate::engine::StoreError;

/// So many calls share a transaction at the most, so that the first does not wait long for the last.
const MAX_GROUP: usize = 256;

/// A call that writes.
pub(super) type BoxedWriteJob = Box<dyn WriteJob>;

pub(super) trait WriteJob: Send {
    /// Does its work, and keeps what came of it.
    fn run(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>>;

    /// Tells the caller, once it is known whether the group was committed.
    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
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
    fn run(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>> {
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

    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let result = match committed {
            Ok(()) => self.result,
            Err(error) => Err(failed(error)),
        };
        // The caller may have gone. What was written stays.
        let _ = self.caller.send(result);
    }
}

/// Has work done in the next group, and returns once that is durable.
pub(super) async fn write<T: Send + 'static>(
    queue: &Queue<BoxedWriteJob>,
    priority: Priority,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (caller, answer) = oneshot::channel();
    let call = QueuedWrite { work: Some(work), result: Err(closed()), caller };
    queue.push(priority, Box::new(call)).await?;
    answer.await.map_err(|_| closed())?
}

/// Serves writes.
pub(super) fn serve(connection: &mut Connection, queue: &Queue<BoxedWriteJob>) {
    while let Some(group) = queue.take(MAX_GROUP) {
        write_group(connection, group);
    }
}

fn write_group(connection: &mut Connection, mut group: Vec<BoxedWriteJob>) {
    let committed = commit_group(connection, &mut group);
    if let Err(error) = &committed {
        tracing::error!(%error, calls = group.len(), "could not commit");
    }
    for call in group {
        call.answer(committed.clone());
    }
}

fn commit_group(connection: &mut Connection, group: &mut [BoxedWriteJob]) -> Result<(), Arc<rusqlite::Error>> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for call in group {
        let savepoint = transaction.savepoint()?;
        match call.run(&savepoint) {
            Ok(()) => savepoint.commit()?,
            Err(error) => {
                // SQLite may have given up the whole transaction, as it does when the disk is full: then nobody's work is left.
                if savepoint.is_autocommit() {
                    return Err(error);
                }
                // Rolls back what this call did, and no more. If that fails, nobody's work is committed.
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

    type Answer = oneshot::Receiver<Result<(), StoreError>>;

    fn database() -> (TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let connection = schema::open_to_write(&dir.path().join("runs.db")).unwrap();
        (dir, connection)
    }

    fn call(work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) -> (BoxedWriteJob, Answer) {
        let (caller, answer) = oneshot::channel();
        (Box::new(QueuedWrite { work: Some(work), result: Err(closed()), caller }), answer)
    }

    /// A call that keeps a reply of so many bytes.
    fn keep(key: &'static str, bytes: usize) -> (BoxedWriteJob, Answer) {
        call(move |db| {
            db.execute("INSERT INTO replies VALUES (?1, NULL, 0, ?2)", (key, "x".repeat(bytes)))?;
            Ok(())
        })
    }

    fn kept(connection: &Connection) -> Vec<String> {
        let mut keys = connection.prepare("SELECT input_key FROM replies ORDER BY input_key").unwrap();
        keys.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_call_that_fails_takes_nobody_with_it() {
        let (_dir, mut connection) = database();
        let (one, mut of_one) = keep("one", 1);
        let (bad, mut of_bad) = call(|db| {
            db.execute("INSERT INTO replies VALUES ('bad', NULL, 0, 'x')", ())?;
            db.execute("INSERT INTO replies VALUES ('bad', NULL, 0, 'x')", ()).map(drop)
        });
        let (two, mut of_two) = keep("two", 1);
        write_group(&mut connection, vec![one, bad, two]);
        of_one.try_recv().unwrap().unwrap();
        assert!(matches!(of_bad.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
        of_two.try_recv().unwrap().unwrap();
        assert_eq!(kept(&connection), ["one", "two"], "and leaves nothing behind");
    }

    /// A page is 4 KiB, so there is no room for the second call. Who is told that it was written is in the file.
    #[test]
    fn a_full_disk_is_told_and_passes() {
        let (_dir, mut connection) = database();
        let pages: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
        connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 2), (), |_| Ok(())).unwrap();
        let (small, mut of_small) = keep("small", 1);
        let (large, mut of_large) = keep("large", 100_000);
        write_group(&mut connection, vec![small, large]);
        let error = of_large.try_recv().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the store is unavailable: database or disk is full");
        let written = of_small.try_recv().unwrap().is_ok();
        assert_eq!(kept(&connection), if written { vec!["small"] } else { vec![] });

        connection.query_row("PRAGMA max_page_count = 1000000", (), |_| Ok(())).unwrap();
        let (large, mut of_large) = keep("large", 100_000);
        write_group(&mut connection, vec![large]);
        of_large.try_recv().unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_is_gone() {
        let (_dir, mut connection) = database();
        let queue = Arc::new(Queue::new());
        let worker = QueueThread::start("test", &queue, move |queue| {
            serve(&mut connection, queue);
            Ok(())
        });
        let broken = write(&queue, Priority::Normal, |_| -> rusqlite::Result<()> { panic!("a fault of ours") }).await;
        assert!(matches!(broken, Err(StoreError::Unavailable(_))));
        let later = write(&queue, Priority::High, |_| Ok(())).await;
        assert!(matches!(later, Err(StoreError::Unavailable(_))));
        assert!(matches!(worker.unwrap().stop(), Err(StoreError::Unavailable(_))));
    }
}
