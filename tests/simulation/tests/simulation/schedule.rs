//! The scheduler, which decides the order of calls.
//!
//! Everything in a simulated world runs on one thread, which blocks on the threads of the store. A task that is about to have an
//! effect outside waits at a point until it is released, one at a time. The order in which calls take effect is therefore
//! determined by the scheduler alone.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The points at which tasks wait. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Schedule(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
    idle: Option<Waker>,
    is_idle: bool,
}

struct Waiting {
    point: &'static str,
    is_released: bool,
    waker: Waker,
}

impl Schedule {
    /// Waits to be released.
    pub(crate) fn pass(&self, point: &'static str) -> Pass {
        Pass { schedule: self.clone(), point, ticket: None }
    }

    /// Returns the waiting points, in order of arrival.
    pub(crate) fn waiting(&self) -> Vec<(u64, &'static str)> {
        let state = self.lock();
        state.waiting.iter().filter(|(_, one)| !one.is_released).map(|(ticket, one)| (*ticket, one.point)).collect()
    }

    /// Releases one task.
    pub(crate) fn release(&self, ticket: u64) {
        if let Some(waiting) = self.lock().waiting.get_mut(&ticket) {
            waiting.is_released = true;
            waiting.waker.wake_by_ref();
        }
    }

    /// Returns once no task can proceed unless one is released or time advances.
    pub(crate) async fn idle(&self) {
        self.lock().is_idle = false;
        std::future::poll_fn(|cx| {
            let mut state = self.lock();
            if state.is_idle {
                return Poll::Ready(());
            }
            state.idle = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Records that the thread is idle. To be called before it is parked.
    pub(crate) fn thread_parks(&self) {
        let mut state = self.lock();
        if let Some(waker) = state.idle.take() {
            state.is_idle = true;
            drop(state);
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits to be released.
pub(crate) struct Pass {
    schedule: Schedule,
    point: &'static str,
    ticket: Option<u64>,
}

impl Future for Pass {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let schedule = self.schedule.clone();
        let mut state = schedule.lock();
        let ticket = *self.ticket.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        let waiting = Waiting { point: self.point, is_released: false, waker: cx.waker().clone() };
        let waiting = state.waiting.entry(ticket).or_insert(waiting);
        waiting.waker.clone_from(cx.waker());
        if waiting.is_released { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.schedule.lock().waiting.remove(&ticket);
        }
    }
}
