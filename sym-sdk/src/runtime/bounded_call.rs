//! Calls to code that the runtime does not control: handlers, strategies, front ends, the directory and the store.
//!
//! Such code can hang or panic. Every call to it goes through [`call_bounded`], so that it costs one event an error, and never a
//! worker.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, codes};
use crate::machine::EffectError;

/// Awaits a call for at most `limit`, and turns a panic into an error. `subject` names the call in errors; it is only evaluated
/// for them.
///
/// Make the call inside of `work`: it can panic before it returns a future.
///
/// # Errors
/// If the call panics or exceeds its limit.
pub(crate) async fn call_bounded<T>(
    clock: &dyn Clock,
    limit: Duration,
    subject: impl FnOnce() -> String + Send,
    work: impl Future<Output = T> + Send,
) -> Result<T, Error> {
    let work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
    match select(work, clock.sleep(limit)).await {
        Either::Left((Ok(value), _)) => Ok(value),
        Either::Left((Err(panic), _)) => {
            let message = format!("{} panicked: {}", subject(), panic_message(&*panic));
            Err(Error::new(ErrorKind::Handler, codes::HANDLER_PANICKED, message))
        }
        Either::Right(((), _)) => {
            let message = format!("{} took longer than its limit of {limit:?}", subject());
            Err(Error::new(ErrorKind::Timeout, codes::HANDLER_TIMED_OUT, message))
        }
    }
}

/// Turns a panic into an error, without a time limit.
///
/// Executing an effect also makes small synchronous calls to foreign code, such as asking a front end whom it reaches. If one of
/// them panicked, the effect would have no outcome and would wait until its lease expired.
pub(super) async fn catch_panics<T>(work: impl Future<Output = Result<T, EffectError>>) -> Result<T, EffectError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let message = format!("executing an effect panicked: {}", panic_message(&*panic));
        Err(EffectError::new(ErrorKind::Handler, codes::HANDLER_PANICKED, message))
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
