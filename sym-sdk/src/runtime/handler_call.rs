//! Calls to handlers, within their time limits and with errors that name the handler.

use std::time::Duration;

use super::bounded_call::call_bounded;
use crate::clock::Clock;
use crate::error::Error;
use crate::handler::{Context, HandlerError, HandlerFn, HandlerRecord};
use crate::integration::LookUps;
use crate::machine::EffectError;

/// Calls a handler within its time limit.
///
/// # Errors
/// If the handler fails, panics or exceeds its limit. The error names the handler.
pub(super) async fn call<T>(
    clock: &dyn Clock,
    limit: Duration,
    handler: HandlerFn<T>,
    context: &Context,
) -> Result<T, EffectError> {
    // A handler that is not async can panic before it returns a future, so the call is made inside the bounded future.
    let record = handler.record();
    if let Some(look_ups) = LookUps::current() {
        look_ups.set_handler(record.to_ref());
    }
    let work = async { handler.call(context).await };
    let called = call_bounded(clock, limit, || record.subject(), work).await;
    called.and_then(|result| result.map_err(HandlerError::into_error)).map_err(|error| failed_in(record, &error))
}

/// Converts an error of a handler into the one that is recorded.
pub(super) fn failed_in(record: &'static HandlerRecord, error: &Error) -> EffectError {
    // A failed handler is not retried: it may have acted before it failed.
    EffectError { retryable: false, ..EffectError::from(error).in_handler(record.to_ref()) }
}
