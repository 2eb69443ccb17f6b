//! The audit log: its hash chain, and the cursors of its destinations.

#[cfg(feature = "cli")]
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{Id, id, limit};
use crate::audit::{AuditEntry, AuditHash, AuditHead, AuditRecord, StoredEntry, StoredEvent, StoredText};
use crate::engine::StoreError;
use crate::model::RunId;

/// An audit entry as rows: one in the chain, and one for the event and for its fields each, unless they are stored already.
pub(super) struct AuditRow {
    run: Id,
    entry: StoredEntry,
}

/// Encodes entries. This is done by the caller, because there is only one thread that writes.
pub(super) fn rows(entries: &[AuditEntry]) -> Result<Vec<AuditRow>, StoreError> {
    let stored = AuditEntry::all_to_stored(entries).map_err(|error| StoreError::Refused(error.into()))?;
    Ok(entries.iter().zip(stored).map(|(entry, stored)| AuditRow { run: id(entry.run), entry: stored }).collect())
}

/// Appends entries to the chain.
pub(super) fn append(db: &Connection, rows: &[AuditRow]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut head = head(db)?;
    let mut append =
        db.prepare_cached("INSERT INTO audit (seq, run, prev, hash, entry, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut text = db.prepare_cached("INSERT OR IGNORE INTO audit_texts (hash, text, fields) VALUES (?1, ?2, ?3)")?;
    // Most commits have one event, however many entries.
    let mut written = None;
    for AuditRow { run, entry: StoredEntry { text: entry, event, .. } } in rows {
        if written != Some(event.event.hash) {
            let fields = event.fields.as_ref();
            if let Some(fields) = fields {
                text.execute(params![fields.hash.as_bytes(), fields.text, None::<&[u8]>])?;
            }
            let fields = fields.map(|fields| fields.hash.as_bytes());
            text.execute(params![event.event.hash.as_bytes(), event.event.text, fields])?;
            written = Some(event.event.hash);
        }
        let next = head.followed_by(entry);
        let event = event.event.hash.as_bytes();
        append.execute(params![
            next.seq.cast_signed(),
            run,
            head.hash.as_bytes(),
            next.hash.as_bytes(),
            entry,
            event
        ])?;
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

/// Selects records with their events, to be completed by a condition.
const RECORDS: &str = "SELECT audit.seq AS seq, audit.prev AS prev, audit.hash AS hash, audit.entry AS entry,
        events.hash AS event_hash, events.text AS event_text, fields.hash AS fields_hash, fields.text AS fields_text
    FROM audit
    LEFT JOIN audit_texts AS events ON events.hash = audit.event
    LEFT JOIN audit_texts AS fields ON fields.hash = events.fields";

/// Returns records in commit order, of one Run or of all.
pub(super) fn records(db: &Connection, run: Option<RunId>, max: usize) -> rusqlite::Result<Vec<AuditRecord>> {
    match run {
        Some(run) => db
            .prepare_cached(&format!("{RECORDS} WHERE run = ?1 ORDER BY seq LIMIT ?2"))?
            .query_map(params![id(run), limit(max)], record)?
            .collect(),
        None => after(db, 0, max),
    }
}

pub(super) fn after(db: &Connection, seq: u64, max: usize) -> rusqlite::Result<Vec<AuditRecord>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    db.prepare_cached(&format!("{RECORDS} WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?
        .query_map(params![seq, limit(max)], record)?
        .collect()
}

pub(super) fn before(db: &Connection, run: RunId, seq: u64) -> rusqlite::Result<Vec<AuditRecord>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    db.prepare_cached(&format!("{RECORDS} WHERE run = ?1 AND seq < ?2 ORDER BY seq"))?
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

/// Returns all cursors by name.
#[cfg(feature = "cli")]
pub(super) fn cursors(db: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    db.prepare_cached("SELECT destination, seq FROM audit_cursors")?
        .query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
        .collect()
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    let seq = row.get::<_, i64>("seq")?.cast_unsigned();
    let record = AuditRecord::new(seq, hash(row, "prev")?, hash(row, "hash")?, row.get::<_, String>("entry")?);
    let event = text(row, "event_hash", "event_text")?;
    let fields = text(row, "fields_hash", "fields_text")?;
    Ok(record.with_event(event.map(|event| StoredEvent::new(event, fields))))
}

fn text(row: &Row<'_>, hash: &str, text: &str) -> rusqlite::Result<Option<StoredText>> {
    let Some(hash) = row.get::<_, Option<[u8; 32]>>(hash)? else { return Ok(None) };
    Ok(Some(StoredText::new(AuditHash::from_bytes(hash), row.get::<_, String>(text)?)))
}

fn hash(row: &Row<'_>, column: &str) -> rusqlite::Result<AuditHash> {
    row.get(column).map(AuditHash::from_bytes)
}
