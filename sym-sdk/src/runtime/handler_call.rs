//! Calling one handler.

use std::time::Duration;

use super::bounded_call::call_bounded;
use crate::clock::Clock;
use crate::error::Error;
use crate::handler::{Context, HandlerError, HandlerFn, HandlerRecord};
use crate::machine::EffectError;

/// Calls a handler within its time limit. An error names the handler.
pub(super) async fn call<T>(
    clock: &dyn Clock,
    limit: Duration,
    handler: HandlerFn<T>,
    context: &Context,
) -> Result<T, EffectError> {
    // A handler that is not async can panic while the call is made.
    let record = handler.record();
    let work = async { handler.call(context).await };
    let called = call_bounded(clock, limit, || record.subject(), work).await;
    called.and_then(|result| result.map_err(HandlerError::into_error)).map_err(|error| failed_in(record, &error))
}

/// The error of a handler, as it is recorded.
pub(super) fn failed_in(record: &'static HandlerRecord, error: &Error) -> EffectError {
    // A handler is not called again after it has failed: it may have acted before it did.
    EffectError { retryable: false, ..EffectError::from(error).in_handler(record.to_ref()) }
}
