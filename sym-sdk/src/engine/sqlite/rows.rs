//! Conversions between Rust values and columns.

use std::fmt::Display;

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::engine::{DueTimer, StoreError, TimerKey};
use crate::machine::{Lane, TimerKind};
use crate::model::RunId;

pub(super) type Id = [u8; 16];

pub(super) fn id(run: RunId) -> Id {
    run.as_uuid().into_bytes()
}

pub(super) fn run_id(id: Id) -> RunId {
    RunId::from_uuid(Uuid::from_bytes(id))
}

/// Returns the nanoseconds since 1970. Times before the year 1677 become the minimum and times after 2262 the maximum, which
/// [`timestamp`] turns into the ends of time.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    let saturated = if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    i64::try_from(at.as_nanosecond()).unwrap_or(saturated)
}

pub(super) fn timestamp(nanoseconds: i64) -> Timestamp {
    match nanoseconds {
        i64::MIN => Timestamp::MIN,
        i64::MAX => Timestamp::MAX,
        // All others are well within the range of timestamps.
        _ => Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default(),
    }
}

pub(super) fn lane(lane: Lane) -> i64 {
    match lane {
        Lane::Revoke => 0,
        Lane::Deescalate => 1,
        Lane::Decide => 2,
        Lane::Notify => 3,
    }
}

pub(super) fn timer_kind(kind: TimerKind) -> i64 {
    match kind {
        TimerKind::Forward => 0,
        TimerKind::Expire => 1,
        TimerKind::Lifetime => 2,
        TimerKind::Warn => 3,
        TimerKind::Remind => 4,
    }
}

pub(super) fn due_timer(row: &Row<'_>) -> rusqlite::Result<DueTimer> {
    let kind = match row.get("kind")? {
        0 => TimerKind::Forward,
        1 => TimerKind::Expire,
        2 => TimerKind::Lifetime,
        3 => TimerKind::Warn,
        4 => TimerKind::Remind,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    let key = TimerKey::new(run_id(row.get("run")?), kind);
    Ok(DueTimer::new(key, timestamp(row.get("at")?), row.get::<_, i64>("generation")?.cast_unsigned()))
}

pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused(error.into()))
}

/// Parses JSON from a column. `what` names the row in the error.
pub(super) fn from_json<T: DeserializeOwned>(json: &str, what: impl Display) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Corrupt(format!("{what}: {error}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_round_trip_in_order() {
        let times = [
            Timestamp::MIN,
            Timestamp::from_nanosecond(-1).unwrap(),
            Timestamp::UNIX_EPOCH,
            Timestamp::from_nanosecond(1_709_208_000_123_456_789).unwrap(),
            Timestamp::MAX,
        ];
        for time in times {
            assert_eq!(timestamp(nanoseconds(time)), time);
        }
        assert!(times.is_sorted_by_key(|time| nanoseconds(*time)));
        let beyond: Timestamp = "2300-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(timestamp(nanoseconds(beyond)), Timestamp::MAX);
    }
}
