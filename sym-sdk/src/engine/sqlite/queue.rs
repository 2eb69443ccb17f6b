//! A bounded queue between async callers and a thread, with two priorities.
//!
//! Writes that take access away have high priority: they are served first, however many others are queued.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::error::closed;
use crate::engine::unwritten::executes_from_memory;
use crate::engine::{Commit, StoreError};
use crate::machine::Lane;
use crate::sync::lock;

/// The number of queued jobs of each priority. Further callers wait until there is space, without blocking a thread.
const QUEUE_CAPACITY: usize = 1_024;

/// The priority of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Jobs that take access away. They have a capacity of their own, so that others cannot fill it up.
    High,
    /// All others.
    Normal,
}

impl Priority {
    /// Returns the priority of a commit: high if it starts or ends a revocation, or records that a user was locked out.
    pub(super) fn of_commit(commit: &Commit) -> Self {
        Self::of(commit.takes_access_away())
    }

    /// Returns the priority of a claim of effects in a lane: high for revocations and the hooks before them.
    pub(super) fn of_claim(lane: Lane) -> Self {
        Self::of(executes_from_memory(lane))
    }

    fn of(takes_access_away: bool) -> Self {
        if takes_access_away { Self::High } else { Self::Normal }
    }
}

/// A queue that one thread serves.
#[derive(Debug)]
pub(super) struct Queue<T> {
    jobs: Mutex<Jobs<T>>,
    /// Notified when a job is queued, and when the queue is closed.
    changed: Condvar,
    high_permits: Semaphore,
    normal_permits: Semaphore,
    /// Creates the error for callers of a closed queue.
    closed_error: fn() -> StoreError,
}

#[derive(Debug)]
struct Jobs<T> {
    high: VecDeque<T>,
    normal: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            jobs: Mutex::new(Jobs { high: VecDeque::new(), normal: VecDeque::new(), closed: false }),
            changed: Condvar::new(),
            high_permits: Semaphore::new(QUEUE_CAPACITY),
            normal_permits: Semaphore::new(QUEUE_CAPACITY),
            closed_error: closed,
        }
    }

    /// Creates a queue that is closed, with this error for its callers.
    pub(super) fn new_closed(closed_error: fn() -> StoreError) -> Self {
        let queue = Self { closed_error, ..Self::new() };
        queue.close();
        queue
    }

    /// Queues a job behind those of the same priority, once there is space.
    pub(super) async fn push(&self, priority: Priority, job: T) -> Result<(), StoreError> {
        let permits = match priority {
            Priority::High => &self.high_permits,
            Priority::Normal => &self.normal_permits,
        };
        let permit = permits.acquire().await.map_err(|_| (self.closed_error)())?;
        let mut jobs = self.jobs();
        if jobs.closed {
            return Err((self.closed_error)());
        }
        // `take` returns it.
        permit.forget();
        match priority {
            Priority::High => jobs.high.push_back(job),
            Priority::Normal => jobs.normal.push_back(job),
        }
        drop(jobs);
        self.changed.notify_one();
        Ok(())
    }

    /// Blocks until there are jobs and takes up to `limit`, those of high priority first. `None` once the queue is closed and
    /// empty.
    pub(super) fn take(&self, limit: usize) -> Option<Vec<T>> {
        let idle = |jobs: &mut Jobs<T>| jobs.high.is_empty() && jobs.normal.is_empty() && !jobs.closed;
        let mut jobs = self.changed.wait_while(self.jobs(), idle).unwrap_or_else(PoisonError::into_inner);
        let high = jobs.high.len().min(limit);
        let normal = jobs.normal.len().min(limit - high);
        if high + normal == 0 {
            return None;
        }
        let mut taken: Vec<T> = jobs.high.drain(..high).collect();
        taken.extend(jobs.normal.drain(..normal));
        drop(jobs);
        self.high_permits.add_permits(high);
        self.normal_permits.add_permits(normal);
        Some(taken)
    }

    /// Closes the queue. Jobs that are queued are still served.
    pub(super) fn close(&self) {
        self.jobs().closed = true;
        self.high_permits.close();
        self.normal_permits.close();
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.jobs().closed
    }

    /// Closes the queue and drops the jobs that are queued, because no thread serves them any more.
    pub(super) fn abandon(&self) {
        self.close();
        let mut jobs = self.jobs();
        let abandoned = (std::mem::take(&mut jobs.high), std::mem::take(&mut jobs.normal));
        drop(jobs);
        drop(abandoned);
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs<T>> {
        lock(&self.jobs)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn high_priority_is_taken_first_and_has_its_own_capacity() {
        let queue = Queue::new();
        for job in 0..QUEUE_CAPACITY {
            queue.push(Priority::Normal, job).await.unwrap();
        }
        let full = queue.push(Priority::Normal, QUEUE_CAPACITY);
        tokio::pin!(full);
        assert!(full.as_mut().now_or_never().is_none());
        queue.push(Priority::High, 5_000).await.unwrap();
        assert_eq!(queue.take(3), Some(vec![5_000, 0, 1]));
        full.await.unwrap();
    }

    #[tokio::test]
    async fn closed_queue_is_drained_and_abandoned_queue_is_dropped() {
        let queue = Queue::new();
        queue.push(Priority::Normal, 1).await.unwrap();
        queue.close();
        assert!(matches!(queue.push(Priority::High, 2).await, Err(StoreError::Unavailable(_))));
        assert_eq!(queue.take(10), Some(vec![1]));
        assert_eq!(queue.take(10), None);

        let queue = Queue::new();
        queue.push(Priority::Normal, 1).await.unwrap();
        queue.abandon();
        assert_eq!(queue.take(10), None);
    }
}
