//! The threads that serve calls, each on a connection of its own.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{closed, failed};
use super::queue::{Priority, Queue};
use crate::engine::StoreError;

/// A thread and the queue that it serves. Dropping it ends the thread too.
pub(super) struct QueueThread<T> {
    queue: Arc<Queue<T>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl<T: Send + 'static> QueueThread<T> {
    /// Starts a thread that serves the queue until it is closed.
    pub(super) fn start(
        name: &str,
        queue: &Arc<Queue<T>>,
        serve: impl FnOnce(&Queue<T>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let served = Serving(queue.clone());
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || serve(&served.0));
        Ok(Self { queue: queue.clone(), thread: Some(thread.map_err(no_thread)?) })
    }
}

impl<T> QueueThread<T> {
    /// Has the thread serve the calls that wait, and ends it.
    pub(super) fn stop(mut self) -> Result<(), StoreError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.queue.close();
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(closed())))
    }
}

impl<T> Drop for QueueThread<T> {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(%error, "the store was not closed as it should be");
        }
    }
}

/// However the thread ends, nobody waits for it in vain.
struct Serving<T>(Arc<Queue<T>>);

impl<T> Drop for Serving<T> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Does blocking work on a thread of its own.
pub(super) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, answer) = oneshot::channel();
    let work = move || {
        // If nobody waits any longer, what was made is dropped here.
        let _ = done.send(work());
    };
    thread::Builder::new().name("sym-store-open".to_owned()).spawn(work).map_err(no_thread)?;
    answer.await.map_err(|_| closed())?
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// A call that only reads.
pub(super) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// Serves reads.
pub(super) fn read(connection: &Connection, queue: &Queue<ReadJob>) {
    while let Some(queries) = queue.take(1) {
        for query in queries {
            query(connection);
        }
    }
}

/// Has a query answered.
pub(super) async fn query<T: Send + 'static>(
    queue: &Queue<ReadJob>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, answer) = oneshot::channel();
    let job = move |connection: &Connection| {
        let _ = done.send(work(connection));
    };
    queue.push(Priority::Normal, Box::new(job)).await?;
    answer.await.map_err(|_| closed())?.map_err(failed)
}
