//! Advances the virtual clock when a call hangs.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::clock::VirtualClock;

/// Awaits `work`. Whenever it has not been woken for `idle_timeout` of real time, advances the clock to its first sleeper, which is
/// the time limit of the call that the work awaits.
pub(super) async fn drive<T>(clock: &VirtualClock, idle_timeout: Duration, work: impl Future<Output = T>) -> T {
    let idle_timeout = idle_timeout.max(Duration::from_millis(1));
    let mut work = pin!(work);
    // Created only when needed: most work never waits, and then runs without a tokio timer.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            let timer = timer.get_or_insert_with(|| Box::pin(sleep(idle_timeout)));
            let ran_out = timer.is_elapsed();
            timer.as_mut().reset(Instant::now() + idle_timeout);
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
