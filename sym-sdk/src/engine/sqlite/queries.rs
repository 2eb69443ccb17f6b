//! Queries. Each is a single statement, and so sees a consistent snapshot.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::rows::{self, Id, due_timer, id, limit, nanoseconds, run_id, timestamp};
use super::run_search::Condition;
use crate::engine::{AccessHealth, Backlog, DueTimer, RunFilter};
use crate::machine::Lane;
use crate::model::{EventId, RunId};

/// The id of a Run, its version, and its state: as JSON, or [packed](super::packed).
pub(super) type RunRow = (Id, i64, String, Option<Vec<u8>>);

pub(super) fn load(db: &Connection, run: RunId) -> rusqlite::Result<Option<RunRow>> {
    db.prepare_cached("SELECT id, version, state, packed FROM runs WHERE id = ?1")?
        .query_row([id(run)], |row| row.try_into())
        .optional()
}

pub(super) fn recorded_reply(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT reply FROM replies WHERE input_key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

pub(super) fn recorded_fingerprint(db: &Connection, key: &str) -> rusqlite::Result<Option<[u8; 16]>> {
    let mut recorded = db.prepare_cached("SELECT fingerprint FROM replies WHERE input_key = ?1")?;
    Ok(recorded.query_row([key], |row| row.get(0)).optional()?.flatten())
}

pub(super) fn due_timers(db: &Connection, now: Timestamp, max: usize) -> rusqlite::Result<Vec<DueTimer>> {
    // The kinds are those of `rows::timer_kind`; the one that ends access comes first.
    db.prepare_cached(
        "SELECT * FROM (SELECT run, kind, at, generation FROM timers WHERE kind = 1 AND at <= ?1 ORDER BY at, run)
         UNION ALL
         SELECT * FROM (SELECT run, kind, at, generation FROM timers WHERE kind = 0 AND at <= ?1 ORDER BY at, run)
         UNION ALL
         SELECT * FROM (SELECT run, kind, at, generation FROM timers WHERE kind = 2 AND at <= ?1 ORDER BY at, run)
         UNION ALL
         SELECT * FROM (SELECT run, kind, at, generation FROM timers WHERE kind = 3 AND at <= ?1 ORDER BY at, run)
         UNION ALL
         SELECT * FROM (SELECT run, kind, at, generation FROM timers WHERE kind = 4 AND at <= ?1 ORDER BY at, run)
         LIMIT ?2",
    )?
    .query_map([nanoseconds(now), limit(max)], due_timer)?
    .collect()
}

/// Returns effects that are due and not leased, as JSON.
pub(super) fn due_effects(db: &Connection, lane: Lane, now: Timestamp, max: usize) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT effect FROM effects WHERE lane = ?1 AND due <= ?2 ORDER BY due, ord LIMIT ?3")?
        .query_map([rows::lane(lane), nanoseconds(now), limit(max)], |row| row.get(0))?
        .collect()
}

pub(super) fn next_due(db: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    // One look into an index for each part. The lanes are those of `rows::lane`.
    let mut next = db.prepare_cached(
        "SELECT min(at) FROM (
            SELECT min(due) AS at FROM effects WHERE lane = 0
            UNION ALL SELECT min(due) FROM effects WHERE lane = 1
            UNION ALL SELECT min(due) FROM effects WHERE lane = 2
            UNION ALL SELECT min(due) FROM effects WHERE lane = 3
            UNION ALL SELECT min(at) FROM timers WHERE kind = 0
            UNION ALL SELECT min(at) FROM timers WHERE kind = 1
            UNION ALL SELECT min(at) FROM timers WHERE kind = 2
            UNION ALL SELECT min(at) FROM timers WHERE kind = 3
            UNION ALL SELECT min(at) FROM timers WHERE kind = 4)",
    )?;
    Ok(next.query_row((), |row| row.get::<_, Option<i64>>(0))?.map(timestamp))
}

pub(super) fn backlog(db: &Connection, now: Timestamp, late: Timestamp) -> rusqlite::Result<Backlog> {
    // The lanes are those of `rows::lane`, the kinds those of `rows::timer_kind`.
    let mut due = db.prepare_cached(
        "SELECT count(*), count(*) FILTER (WHERE since < ?2), min(since) FROM (
            SELECT since FROM effects WHERE lane IN (0, 1, 2, 3) AND due <= ?1
            UNION ALL SELECT at FROM timers WHERE kind IN (0, 1, 2, 3, 4) AND at <= ?1)",
    )?;
    let mut stuck = db.prepare_cached("SELECT count(*) FROM runs WHERE stuck = 1")?;
    let stuck = stuck.query_row((), |row| count(row, 0))?;
    due.query_row([nanoseconds(now), nanoseconds(late)], |row| {
        let oldest = row.get::<_, Option<i64>>(2)?.map(timestamp);
        Ok(Backlog { due: count(row, 0)?, late: count(row, 1)?, oldest, stuck })
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let count: i64 = row.get(column)?;
    usize::try_from(count).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, count))
}

pub(super) fn holders(db: &Connection, entitlement: &str) -> rusqlite::Result<Vec<RunId>> {
    db.prepare_cached("SELECT run FROM holders WHERE entitlement = ?1 ORDER BY run")?
        .query_map([entitlement], |row| row.get(0).map(run_id))?
        .collect()
}

pub(super) fn runs(db: &Connection, filter: &RunFilter, max: usize) -> rusqlite::Result<Vec<RunRow>> {
    let Condition { sql, mut values } = Condition::of_filter(filter);
    values.push(Value::from(limit(max)));
    // Otherwise, the order of the result would decide which index is used.
    let index = if filter.entitlement.is_some() { "INDEXED BY runs_of_entitlement" } else { "" };
    let sql = format!(
        "SELECT id, version, state, packed FROM runs {index} WHERE {sql} ORDER BY created_at DESC, id DESC LIMIT ?"
    );
    db.prepare_cached(&sql)?.query_map(params_from_iter(values), |row| row.try_into())?.collect()
}

/// Returns the Run to which an event was admitted.
pub(super) fn run_of_event(db: &Connection, event: EventId) -> rusqlite::Result<Option<RunId>> {
    db.prepare_cached("SELECT run FROM events WHERE event = ?1")?
        .query_row([event.as_uuid().as_bytes()], |row| row.get(0).map(run_id))
        .optional()
}

/// Whether the timer or effect that would end a Run's access is missing. The kind of the timer is that of `rows::timer_kind`.
const MISSING_EXPIRY: &str = "(endless = 1
    OR (end_timer IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM timers WHERE timers.run = runs.id AND kind = 1 AND generation = end_timer))
    OR (end_effect IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM effects WHERE effects.run = runs.id AND seq = end_effect)))";

pub(super) fn runs_missing_expiry(db: &Connection, max: usize) -> rusqlite::Result<Vec<RunRow>> {
    let sql = format!(
        "SELECT id, version, state, packed FROM runs WHERE may_hold_access = 1 AND {MISSING_EXPIRY}
         ORDER BY created_at DESC, id DESC LIMIT ?1"
    );
    db.prepare_cached(&sql)?.query_map([limit(max)], |row| row.try_into())?.collect()
}

pub(super) fn access_health(db: &Connection, late: Timestamp) -> rusqlite::Result<AccessHealth> {
    let sql = format!(
        "SELECT flow, count(*), count(*) FILTER (WHERE access_until < ?1), sum(stuck),
            count(*) FILTER (WHERE {MISSING_EXPIRY})
         FROM runs WHERE may_hold_access = 1 GROUP BY flow"
    );
    let mut health = AccessHealth::default();
    let mut counted = db.prepare_cached(&sql)?;
    let mut flows = counted.query([nanoseconds(late)])?;
    while let Some(row) = flows.next()? {
        let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        health.holding.insert(row.get(0)?, count(1)?);
        health.late += count(2)?;
        health.stuck += count(3)?;
        health.missing_expiry += count(4)?;
    }
    Ok(health)
}
