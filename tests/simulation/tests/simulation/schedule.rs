//! Decides who goes on when.
//!
//! Everything in a simulated world runs on one thread, which waits for those of a store. Whoever is about to touch the world
//! outside waits at a point until it is released, and one is released at a time: so the order in which calls take effect is the
//! scheduler's choice, and nobody else's.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The points at which somebody waits. Clones are one schedule.
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

    /// Who waits, in the order in which they came.
    pub(crate) fn waiting(&self) -> Vec<(u64, &'static str)> {
        let state = self.lock();
        state.waiting.iter().filter(|(_, one)| !one.is_released).map(|(ticket, one)| (*ticket, one.point)).collect()
    }

    /// Lets one go on.
    pub(crate) fn release(&self, ticket: u64) {
        if let Some(waiting) = self.lock().waiting.get_mut(&ticket) {
            waiting.is_released = true;
            waiting.waker.wake_by_ref();
        }
    }

    /// Returns once nobody can go on unless somebody is released or time passes.
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

    /// The thread has nothing left to do. To be called before it is parked.
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
