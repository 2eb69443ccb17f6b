//! Where calls wait for the thread that serves them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::error::closed;
use crate::engine::StoreError;
use crate::sync::lock;

/// So many calls of each priority wait at the most; further ones wait, without a thread, until there is room.
const QUEUE_CAPACITY: usize = 1_024;

/// Which calls are served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// What takes access away. It has room of its own, so that nothing else fills it up.
    High,
    /// All else.
    Normal,
}

#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    filled: Condvar,
    high_permits: Semaphore,
    normal_permits: Semaphore,
    /// What is said to those who come when it is closed.
    refusal: fn() -> StoreError,
}

#[derive(Debug)]
struct Waiting<T> {
    high: VecDeque<T>,
    normal: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting { high: VecDeque::new(), normal: VecDeque::new(), closed: false }),
            filled: Condvar::new(),
            high_permits: Semaphore::new(QUEUE_CAPACITY),
            normal_permits: Semaphore::new(QUEUE_CAPACITY),
            refusal: closed,
        }
    }

    /// A queue that nobody serves.
    pub(super) fn refusing(refusal: fn() -> StoreError) -> Self {
        let queue = Self { refusal, ..Self::new() };
        queue.close();
        queue
    }

    /// Puts a call at the end of those that are as urgent.
    pub(super) async fn push(&self, priority: Priority, call: T) -> Result<(), StoreError> {
        let room = match priority {
            Priority::High => &self.high_permits,
            Priority::Normal => &self.normal_permits,
        };
        let permit = room.acquire().await.map_err(|_| (self.refusal)())?;
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err((self.refusal)());
        }
        // `take` gives it back.
        permit.forget();
        match priority {
            Priority::High => waiting.high.push_back(call),
            Priority::Normal => waiting.normal.push_back(call),
        }
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for calls and takes them, most urgent first. `None` once the queue is closed and empty.
    pub(super) fn take(&self, most: usize) -> Option<Vec<T>> {
        let idle = |waiting: &mut Waiting<T>| waiting.high.is_empty() && waiting.normal.is_empty() && !waiting.closed;
        let mut waiting = self.filled.wait_while(self.waiting(), idle).unwrap_or_else(PoisonError::into_inner);
        let first = waiting.high.len().min(most);
        let ordinary = waiting.normal.len().min(most - first);
        if first + ordinary == 0 {
            return None;
        }
        let mut taken: Vec<T> = waiting.high.drain(..first).collect();
        taken.extend(waiting.normal.drain(..ordinary));
        drop(waiting);
        self.high_permits.add_permits(first);
        self.normal_permits.add_permits(ordinary);
        Some(taken)
    }

    /// Takes no more calls. Those that wait are still served.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.high_permits.close();
        self.normal_permits.close();
        self.filled.notify_all();
    }

    /// Takes no more calls and lets go of those that wait: there is nobody left to serve them.
    pub(super) fn abandon(&self) {
        self.close();
        let mut waiting = self.waiting();
        let abandoned = (std::mem::take(&mut waiting.high), std::mem::take(&mut waiting.normal));
        drop(waiting);
        drop(abandoned);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        // No change of the queues can panic halfway.
        lock(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_is_urgent_is_taken_first_and_has_room_of_its_own() {
        let queue = Queue::new();
        for call in 0..QUEUE_CAPACITY {
            queue.push(Priority::Normal, call).await.unwrap();
        }
        let full = queue.push(Priority::Normal, QUEUE_CAPACITY);
        tokio::pin!(full);
        assert!(full.as_mut().now_or_never().is_none());
        queue.push(Priority::High, 5_000).await.unwrap();
        assert_eq!(queue.take(3), Some(vec![5_000, 0, 1]));
        full.await.unwrap();
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_and_an_abandoned_one_is_not() {
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
