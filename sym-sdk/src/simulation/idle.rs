//! Awaits work that may hang.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::clock::VirtualClock;

/// Awaits `work`. Whenever nothing has woken it for `grace`, the clock moves on to its first sleeper: the time limit of the
/// call that the work awaits.
pub(super) async fn drive<T>(clock: &VirtualClock, grace: Duration, work: impl Future<Output = T>) -> T {
    let grace = grace.max(Duration::from_millis(1));
    let mut work = pin!(work);
    // Most work never waits, and then needs no timer.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            let timer = timer.get_or_insert_with(|| Box::pin(sleep(grace)));
            let ran_out = timer.is_elapsed();
            timer.as_mut().reset(Instant::now() + grace);
            if timer.as_mut().poll(cx).is_ready() {
                continue;
            }
            match clock.next_sleeper().filter(|_| ran_out) {
                Some(at) => clock.advance_to(at),
                None => return Poll::Pending,
            }
        }
    })
    .await
}
