//! The threads of the store: one per connection, each of which serves a queue, so that no async task blocks.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::error::{closed, failed};
use super::queue::{Priority, Queue};
use crate::engine::StoreError;

/// A thread and the queue that it serves. Dropping it stops the thread.
pub(super) struct QueueThread<T> {
    queue: Arc<Queue<T>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl<T: Send + 'static> QueueThread<T> {
    /// Starts a thread that serves the queue until it is closed.
    pub(super) fn start(
        name: &str,
        queue: &Arc<Queue<T>>,
        failure: &Failure,
        serve: impl FnOnce(&Queue<T>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let guard = AbandonOnDrop { queue: queue.clone(), failure: failure.clone(), name: name.to_owned() };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || serve(&guard.queue));
        Ok(Self { queue: queue.clone(), thread: Some(thread.map_err(spawn_failed)?) })
    }
}

impl<T> QueueThread<T> {
    /// Closes the queue and waits until the thread has served what is queued.
    pub(super) fn stop(mut self) -> Result<(), StoreError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), StoreError> {
        self.queue.close();
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(closed())))
    }
}

impl<T> Drop for QueueThread<T> {
    fn drop(&mut self) {
        if let Err(error) = self.join() {
            tracing::error!(%error, "the store was not closed cleanly");
        }
    }
}

/// Abandons the queue however the thread ends, so that nobody waits for a job that is never served. If nobody has closed the queue,
/// the thread has panicked, and the store has failed.
struct AbandonOnDrop<T> {
    queue: Arc<Queue<T>>,
    failure: Failure,
    name: String,
}

impl<T> Drop for AbandonOnDrop<T> {
    fn drop(&mut self) {
        if !self.queue.is_closed() {
            self.failure.set(format!("its thread `{}` has ended unexpectedly", self.name));
        }
        self.queue.abandon();
    }
}

/// Tells that the store has failed for good, and why. The first reason stays.
#[derive(Clone, Debug)]
pub(super) struct Failure(Arc<watch::Sender<Option<String>>>);

impl Failure {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    pub(super) fn set(&self, reason: String) {
        let is_first = self.0.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert_with(|| reason.clone());
            is_first
        });
        if is_first {
            tracing::error!(reason, "the store has failed; the program has to be restarted");
        }
    }

    /// Waits for a failure.
    pub(super) async fn wait(&self) -> StoreError {
        let mut failure = self.0.subscribe();
        let failed = failure.wait_for(Option::is_some).await;
        let reason = failed.ok().and_then(|reason| reason.clone()).unwrap_or_default();
        StoreError::Unusable(reason.into())
    }
}

/// Runs blocking work on a thread of its own.
pub(super) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, result) = oneshot::channel();
    let work = move || {
        // If the caller is gone, the result is dropped here.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("sym-store-open".to_owned()).spawn(work).map_err(spawn_failed)?;
    result.await.map_err(|_| closed())?
}

fn spawn_failed(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// A queued read.
pub(super) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// Serves reads until the queue is closed.
pub(super) fn serve_reads(connection: &Connection, queue: &Queue<ReadJob>) {
    while let Some(jobs) = queue.take(1) {
        for job in jobs {
            job(connection);
        }
    }
}

/// Queues a read and waits for its result.
pub(super) async fn query<T: Send + 'static>(
    queue: &Queue<ReadJob>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, result) = oneshot::channel();
    let job = move |connection: &Connection| {
        let _ = sender.send(work(connection));
    };
    queue.push(Priority::Normal, Box::new(job)).await?;
    result.await.map_err(|_| closed())?.map_err(failed)
}
