//! Whether the store takes writes, as the engine last saw it.
//!
//! An outage is one thing to tell an operator, not one per attempt: it is logged when it begins, from time to time while it lasts,
//! and when it ends.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;

use super::observability;
use super::store::StoreError;
use crate::error::{Error, codes};
use crate::sync::lock;
use crate::time::TimestampExt;

/// The interval between two log messages about an outage.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The condition of the store.
#[derive(Debug, Default)]
pub(super) struct StoreCondition(Mutex<Option<Outage>>);

#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Timestamp,
    logged: Timestamp,
}

impl StoreCondition {
    /// Whether the last write that was attempted has failed.
    pub(super) fn is_failing(&self) -> bool {
        self.outage().is_some()
    }

    /// Whether writes have failed for at least this long.
    pub(super) fn has_failed_for(&self, time: Duration, now: Timestamp) -> bool {
        self.outage().is_some_and(|outage| outage.since.plus(time) <= now || now < outage.since)
    }

    /// Notes that a write has failed.
    pub(super) fn failed(&self, error: &Error, unwritten: usize, now: Timestamp) {
        let mut outage = self.outage();
        let since = outage.map_or(now, |outage| outage.since);
        // Logged again, too, if the clock went back.
        if outage.is_some_and(|outage| outage.logged <= now && now < outage.logged.plus(LOG_INTERVAL)) {
            return;
        }
        *outage = Some(Outage { since, logged: now });
        drop(outage);
        observability::store_writable(false);
        tracing::error!(
            error = %error.report(), %since, unwritten,
            "the store does not take writes; access that ends is revoked from memory, and new requests are refused"
        );
    }

    /// Notes that a write has succeeded. Returns whether that ends an outage.
    pub(super) fn succeeded(&self, now: Timestamp) -> bool {
        let Some(outage) = self.outage().take() else { return false };
        observability::store_writable(true);
        tracing::info!(since = %outage.since, until = %now, "the store takes writes again");
        true
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        lock(&self.0)
    }
}

/// Whether an error is that of a store which failed or did not respond.
pub(super) fn is_store_failure(error: &Error) -> bool {
    *error.code() == codes::STORE || *error.code() == codes::STORE_NOT_WRITABLE
}

/// Whether an error is part of an outage of the store, which is logged as a whole. Data that cannot be read, and what a store refuses, is
/// not: it concerns one call, and waiting does not mend it.
pub(super) fn is_outage(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<StoreError>());
    is_store_failure(error) && !matches!(source, Some(StoreError::Corrupt(_) | StoreError::Refused(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They were logged at the level `debug`, although nobody else told of them.
    #[test]
    fn unreadable_data_is_no_outage() {
        let error = |kind: fn(crate::error::BoxError) -> StoreError| Error::from(kind("invalid JSON".into()));
        assert!(!is_outage(&error(StoreError::Corrupt)));
        assert!(!is_outage(&error(StoreError::Refused)));
        assert!(is_outage(&error(StoreError::Unavailable)));
        assert!(is_outage(&error(StoreError::Unusable)));
    }
}
