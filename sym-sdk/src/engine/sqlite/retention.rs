//! Pruning of Runs that are over.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{Id, limit, nanoseconds};

/// The number of free pages returned to the file system with each call, so that other writes do not wait long.
const MAX_VACUUM_PAGES: usize = 256;

pub(super) fn prune(db: &Connection, before: Timestamp, max: usize) -> rusqlite::Result<usize> {
    let runs = runs_at_rest(db, before, max)?;
    // A Run at rest has effects and timers only if something went wrong. They would belong to no Run.
    for sql in [
        "DELETE FROM replies WHERE run = ?1",
        "DELETE FROM effects WHERE run = ?1",
        "DELETE FROM timers WHERE run = ?1",
        "DELETE FROM run_permissions WHERE run = ?1",
        "DELETE FROM runs WHERE id = ?1",
    ] {
        let mut delete = db.prepare_cached(sql)?;
        for run in &runs {
            delete.execute([run])?;
        }
    }
    let replies = db
        .prepare_cached(
            "DELETE FROM replies WHERE input_key IN (
                SELECT input_key FROM replies WHERE run IS NULL AND at < ?1 ORDER BY at, input_key LIMIT ?2)",
        )?
        .execute(params![nanoseconds(before), limit(max)])?;
    vacuum(db)?;
    Ok(runs.len() + replies)
}

fn runs_at_rest(db: &Connection, before: Timestamp, max: usize) -> rusqlite::Result<Vec<Id>> {
    // Earlier versions took a Run whose revocation was written off for one at rest. No state of theirs is packed.
    let sql =
        "SELECT id FROM runs WHERE at_rest = 1 AND updated_at < ?1 AND json_type(state, '$.access.written_off') IS NULL
        ORDER BY updated_at, id LIMIT ?2";
    db.prepare_cached(sql)?.query_map(params![nanoseconds(before), limit(max)], |row| row.get(0))?.collect()
}

/// Returns free pages to the file system.
fn vacuum(db: &Connection) -> rusqlite::Result<()> {
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({MAX_VACUUM_PAGES})"))?;
    let mut pages = statement.query(())?;
    while pages.next()?.is_some() {}
    Ok(())
}
