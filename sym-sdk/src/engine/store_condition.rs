//! Whether the store takes writes, as the engine last saw it.
//!
//! An outage is one thing to tell an operator, not one per attempt: it is logged when it begins, from time to time while it lasts,
//! and when it ends.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;

use super::observability;
use super::store::{StoreError, WriteProblem};
use crate::error::{Error, codes};
use crate::sync::lock;
use crate::time::TimestampExt;

/// The interval between two log messages about an outage.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The condition of the store.
#[derive(Debug, Default)]
pub(super) struct StoreCondition(Mutex<Condition>);

#[derive(Debug, Default)]
struct Condition {
    /// The time since which no write has succeeded. `None` if the last one has.
    failing_since: Option<Timestamp>,
    /// The outage that was logged and has not ended. It goes on while the store takes revocations only.
    outage: Option<Outage>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Timestamp,
    logged: Timestamp,
    /// Whether the store has refused the last write because it takes revocations only.
    takes_revocations: bool,
}

impl StoreCondition {
    /// Whether the last write that was attempted has failed.
    pub(super) fn is_failing(&self) -> bool {
        self.condition().failing_since.is_some()
    }

    /// Whether all writes are taken, as far as is known.
    pub(super) fn is_writable(&self) -> bool {
        self.condition().outage.is_none()
    }

    /// Whether writes have failed for at least this long.
    pub(super) fn has_failed_for(&self, time: Duration, now: Timestamp) -> bool {
        self.condition().failing_since.is_some_and(|since| since.plus(time) <= now || now < since)
    }

    /// Notes that a write has failed.
    pub(super) fn failed(&self, error: &Error, unwritten: usize, now: Timestamp) {
        let mut condition = self.condition();
        condition.failing_since.get_or_insert(now);
        let takes_revocations = takes_revocations_only(error);
        let since = condition.outage.map_or(now, |outage| outage.since);
        if let Some(outage) = &mut condition.outage {
            outage.takes_revocations = takes_revocations;
            // Logged again, too, if the clock went back.
            if outage.logged <= now && now < outage.logged.plus(LOG_INTERVAL) {
                return;
            }
        }
        condition.outage = Some(Outage { since, logged: now, takes_revocations });
        drop(condition);
        observability::store_writable(false);
        tracing::error!(
            %since, unwritten, error = %error.report(),
            "the store does not take writes; new requests are refused, and access that ends is revoked, from memory if necessary"
        );
    }

    /// Notes that a write has succeeded. Returns whether the one before had failed.
    ///
    /// If it `takes_access_away`, it does not end an outage in which only such writes are taken: otherwise, each revocation would be logged
    /// as the end of the outage, and the next failure as a new one.
    pub(super) fn succeeded(&self, takes_access_away: bool, now: Timestamp) -> bool {
        let mut condition = self.condition();
        let had_failed = condition.failing_since.take().is_some();
        if let Some(outage) = condition.outage.take_if(|outage| !(outage.takes_revocations && takes_access_away)) {
            drop(condition);
            observability::store_writable(true);
            tracing::info!(since = %outage.since, until = %now, "the store takes writes again");
        }
        had_failed
    }

    fn condition(&self) -> MutexGuard<'_, Condition> {
        lock(&self.0)
    }
}

/// Whether an error is that of a store that takes revocations only.
fn takes_revocations_only(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<StoreError>());
    source.and_then(StoreError::write_problem) == Some(WriteProblem::OnlyRevocations)
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

    fn not_writable(problem: WriteProblem) -> Error {
        Error::from(StoreError::NotWritable { problem: problem.into(), hint: "free space".to_owned() })
    }

    /// Each revocation on a full disk was logged as the end of the outage.
    #[test]
    fn revocations_do_not_end_an_outage_in_which_only_they_are_stored() {
        let (condition, now) = (StoreCondition::default(), Timestamp::UNIX_EPOCH);
        for (problem, takes_access_away, ends) in [
            (WriteProblem::OnlyRevocations, true, false),
            (WriteProblem::OnlyRevocations, false, true),
            (WriteProblem::DiskFull, true, true),
            (WriteProblem::DiskFull, false, true),
        ] {
            condition.failed(&not_writable(problem), 0, now);
            assert!(condition.is_failing() && !condition.is_writable());
            assert!(condition.succeeded(takes_access_away, now), "what is kept is written soon");
            assert_eq!((condition.is_failing(), condition.is_writable()), (false, ends), "{problem:?}");
            // A later success of another write ends it.
            assert!(!condition.succeeded(false, now));
            assert!(condition.is_writable());
        }
    }

    /// The disk was full, then only the reserve was used up.
    #[test]
    fn the_last_failure_tells_what_is_stored() {
        let (condition, now) = (StoreCondition::default(), Timestamp::UNIX_EPOCH);
        condition.failed(&not_writable(WriteProblem::OnlyRevocations), 0, now);
        condition.failed(&not_writable(WriteProblem::DiskFull), 0, now);
        condition.succeeded(true, now);
        assert!(condition.is_writable());
    }

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
