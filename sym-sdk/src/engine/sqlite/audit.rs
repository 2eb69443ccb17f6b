//! The audit log: its hash chain, and the cursors of its destinations.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{Id, id, limit};
use crate::audit::{AuditHash, AuditHead, AuditRecord};
use crate::model::RunId;

/// Appends entries to the chain, each with its Run and in canonical form.
pub(super) fn append(db: &Connection, entries: &[(Id, String)]) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut head = head(db)?;
    let mut append =
        db.prepare_cached("INSERT INTO audit (seq, run, prev, hash, entry) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (run, entry) in entries {
        let next = head.followed_by(entry);
        append.execute(params![next.seq.cast_signed(), run, head.hash.as_bytes(), next.hash.as_bytes(), entry])?;
        head = next;
    }
    db.prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2")?
        .execute(params![head.seq.cast_signed(), head.hash.as_bytes()])?;
    Ok(())
}

pub(super) fn head(db: &Connection) -> rusqlite::Result<AuditHead> {
    db.prepare_cached("SELECT seq, hash FROM audit_head")?
        .query_row((), |row| Ok(AuditHead::new(row.get::<_, i64>("seq")?.cast_unsigned(), hash(row, "hash")?)))
}

pub(super) fn after(db: &Connection, seq: u64, max: usize) -> rusqlite::Result<Vec<AuditRecord>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    db.prepare_cached("SELECT seq, prev, hash, entry FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
        .query_map(params![seq, limit(max)], record)?
        .collect()
}

pub(super) fn before(db: &Connection, run: RunId, seq: u64) -> rusqlite::Result<Vec<AuditRecord>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    db.prepare_cached("SELECT seq, prev, hash, entry FROM audit WHERE run = ?1 AND seq < ?2 ORDER BY seq")?
        .query_map(params![id(run), seq], record)?
        .collect()
}

pub(super) fn cursor(db: &Connection, destination: &str) -> rusqlite::Result<u64> {
    let mut cursor = db.prepare_cached("SELECT seq FROM audit_cursors WHERE destination = ?1")?;
    let cursor = cursor.query_row([destination], |row| row.get::<_, i64>(0)).optional()?;
    Ok(cursor.map_or(0, i64::cast_unsigned))
}

pub(super) fn set_cursor(db: &Connection, destination: &str, seq: u64) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO audit_cursors (destination, seq) VALUES (?1, ?2)")?
        .execute(params![destination, i64::try_from(seq).unwrap_or(i64::MAX)])?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    let seq = row.get::<_, i64>("seq")?.cast_unsigned();
    Ok(AuditRecord::new(seq, hash(row, "prev")?, hash(row, "hash")?, row.get::<_, String>("entry")?))
}

fn hash(row: &Row<'_>, column: &str) -> rusqlite::Result<AuditHash> {
    row.get(column).map(AuditHash::from_bytes)
}
