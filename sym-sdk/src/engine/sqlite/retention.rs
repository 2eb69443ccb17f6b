//! Forgetting what is over.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{Id, limit, nanoseconds};

/// So many pages at the most are given back to the file system with each call, so that nobody waits long.
const PAGES: usize = 256;

pub(super) fn prune(db: &Connection, before: Timestamp, most: usize) -> rusqlite::Result<usize> {
    let runs = runs_at_rest(db, before, most)?;
    // Effects and timers of a Run at rest are left over from faults, and would be those of no Run.
    for sql in [
        "DELETE FROM replies WHERE run = ?1",
        "DELETE FROM effects WHERE run = ?1",
        "DELETE FROM timers WHERE run = ?1",
        "DELETE FROM runs WHERE id = ?1",
    ] {
        let mut delete = db.prepare_cached(sql)?;
        for run in &runs {
            delete.execute([run])?;
        }
    }
    let answers = db
        .prepare_cached(
            "DELETE FROM replies WHERE input_key IN (
                SELECT input_key FROM replies WHERE run IS NULL AND at < ?1 ORDER BY at, input_key LIMIT ?2)",
        )?
        .execute(params![nanoseconds(before), limit(most)])?;
    give_back(db)?;
    Ok(runs.len() + answers)
}

fn runs_at_rest(db: &Connection, before: Timestamp, most: usize) -> rusqlite::Result<Vec<Id>> {
    db.prepare_cached("SELECT id FROM runs WHERE at_rest = 1 AND updated_at < ?1 ORDER BY updated_at, id LIMIT ?2")?
        .query_map(params![nanoseconds(before), limit(most)], |row| row.get(0))?
        .collect()
}

/// Makes the file smaller by the pages that nothing is on any more.
fn give_back(db: &Connection) -> rusqlite::Result<()> {
    let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut pages = vacuum.query(())?;
    while pages.next()?.is_some() {}
    Ok(())
}
