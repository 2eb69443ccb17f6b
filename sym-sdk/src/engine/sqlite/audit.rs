//! The audit log: its hash chain, and the cursors of its destinations.

#[cfg(feature = "cli")]
use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::rows::{Id, id, limit, nanoseconds, run_id, timestamp};
use super::{packed, queries};
use crate::audit::{AuditEntry, AuditHash, AuditHead, AuditRecord, StoredEntry, StoredEvent, StoredText};
use crate::engine::{AuditOrder, AuditPage, AuditQuery, Change, StoreError};
use crate::machine::AccountEvent;
use crate::model::RunId;

/// An audit entry as rows: one in the chain, and one for the event and for its fields each, unless they are stored already.
pub(super) struct AuditRow {
    run: Id,
    entry: StoredEntry,
    packed: PackedTexts,
    search: SearchColumns,
}

/// The packed forms of the texts of an entry, of its event and of the fields of the event, each unless the text stays as it is.
struct PackedTexts {
    entry: Option<Vec<u8>>,
    event: Option<Vec<u8>>,
    fields: Option<Vec<u8>>,
}

impl PackedTexts {
    /// Packs texts. Those of the event are left out if they are written already.
    fn of(entry: &AuditEntry, stored: &StoredEntry, is_event_written: bool) -> Self {
        let StoredEntry { text, event: StoredEvent { event, fields, .. }, .. } = stored;
        let is_plain = is_found_by_event(entry.kind.name());
        let known = [entry.run.to_string(), event.hash.to_string()];
        let of_event = |text: &StoredText| packed::pack(&text.text, &[]);
        Self {
            entry: (!is_plain).then(|| packed::pack(text, &[&known[0], &known[1]])).flatten(),
            event: (!is_event_written).then(|| of_event(event)).flatten(),
            fields: fields.as_ref().filter(|_| !is_event_written).and_then(of_event),
        }
    }
}

/// The kinds of entries of events that were not admitted. They are found by the id in their text, which is not packed; those of other events,
/// by their Run.
const KINDS_FOUND_BY_EVENT: [&str; 3] = ["refused", "submission_refused", "user_action"];

fn is_found_by_event(kind: &str) -> bool {
    KINDS_FOUND_BY_EVENT.contains(&kind) || AccountEvent::NAMES.contains(&kind)
}

/// The columns of an entry that are searched.
struct SearchColumns {
    at: i64,
    actor: Id,
    flow: String,
    kind: &'static str,
    handler: Option<String>,
}

impl SearchColumns {
    fn of(entry: &AuditEntry) -> Self {
        Self {
            at: nanoseconds(entry.at),
            actor: entry.event.actor.id().as_uuid().into_bytes(),
            flow: entry.flow.slug().to_owned(),
            kind: entry.kind.name(),
            handler: entry.kind.handler().map(|handler| handler.name().to_owned()),
        }
    }
}

/// Encodes entries. This is done by the caller, because there is only one thread that writes.
pub(super) fn rows(entries: &[AuditEntry]) -> Result<Vec<AuditRow>, StoreError> {
    let stored = AuditEntry::all_to_stored(entries).map_err(|error| StoreError::Refused(error.into()))?;
    let mut last = None;
    let row = |(entry, stored): (&AuditEntry, StoredEntry)| {
        let is_event_written = last.replace(stored.event.event.hash) == Some(stored.event.event.hash);
        let packed = PackedTexts::of(entry, &stored, is_event_written);
        AuditRow { run: id(entry.run), entry: stored, packed, search: SearchColumns::of(entry) }
    };
    Ok(entries.iter().zip(stored).map(row).collect())
}

/// Appends entries to the chain.
pub(super) fn append(db: &Connection, rows: &[AuditRow]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut head = head(db)?;
    let mut append = db.prepare_cached(
        "INSERT INTO audit (seq, run, prev, hash, entry, packed, event, at, actor, flow, kind, handler)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut text =
        db.prepare_cached("INSERT OR IGNORE INTO audit_texts (hash, text, packed, fields) VALUES (?1, ?2, ?3, ?4)")?;
    // Most commits have one event, however many entries.
    let mut written = None;
    for AuditRow { run, entry: StoredEntry { text: entry, event, .. }, packed, search } in rows {
        if written != Some(event.event.hash) {
            let fields = event.fields.as_ref();
            if let Some(fields) = fields {
                let plain = plain(&fields.text, packed.fields.as_deref());
                text.execute(params![fields.hash.as_bytes(), plain, packed.fields, None::<&[u8]>])?;
            }
            let fields = fields.map(|fields| fields.hash.as_bytes());
            let plain = plain(&event.event.text, packed.event.as_deref());
            text.execute(params![event.event.hash.as_bytes(), plain, packed.event, fields])?;
            written = Some(event.event.hash);
        }
        let next = head.followed_by(entry);
        let event = event.event.hash.as_bytes();
        append.execute(params![
            next.seq.cast_signed(),
            run,
            head.hash.as_bytes(),
            next.hash.as_bytes(),
            plain(entry, packed.entry.as_deref()),
            packed.entry,
            event,
            search.at,
            search.actor,
            search.flow,
            search.kind,
            search.handler,
        ])?;
        head = next;
    }
    db.prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2")?
        .execute(params![head.seq.cast_signed(), head.hash.as_bytes()])?;
    Ok(())
}

/// Returns what the column of a text holds: nothing if the text is packed.
fn plain<'a>(text: &'a str, packed: Option<&[u8]>) -> &'a str {
    if packed.is_some() { "" } else { text }
}

pub(super) fn head(db: &Connection) -> rusqlite::Result<AuditHead> {
    db.prepare_cached("SELECT seq, hash FROM audit_head")?
        .query_row((), |row| Ok(AuditHead::new(row.get::<_, i64>("seq")?.cast_unsigned(), hash(row, "hash")?)))
}

/// The number of entries whose columns are filled at once.
const FILL_PAGE_SIZE: usize = 1_000;

/// Selects records with their events, to be completed by a condition. The arguments are the columns of packed texts.
macro_rules! select_records {
    ($entry:literal, $event:literal, $fields:literal) => {
        concat!(
            "SELECT audit.seq AS seq, audit.run AS run, audit.prev AS prev, audit.hash AS hash, audit.entry AS entry, \
             audit.event AS event, ",
            $entry,
            " AS packed, events.hash AS event_hash, events.text AS event_text, ",
            $event,
            " AS event_packed, fields.hash AS fields_hash, fields.text AS fields_text, ",
            $fields,
            " AS fields_packed
            FROM audit
            LEFT JOIN audit_texts AS events ON events.hash = audit.event
            LEFT JOIN audit_texts AS fields ON fields.hash = events.fields"
        )
    };
}

const RECORDS: &str = select_records!("audit.packed", "events.packed", "fields.packed");

/// Selects records of a file of an earlier version, which has no packed texts.
const PLAIN_RECORDS: &str = select_records!("NULL", "NULL", "NULL");

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
    selected_after(db, RECORDS, seq, max)
}

fn selected_after(db: &Connection, select: &str, seq: u64, max: usize) -> rusqlite::Result<Vec<AuditRecord>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    db.prepare_cached(&format!("{select} WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?
        .query_map(params![seq, limit(max)], record)?
        .collect()
}

pub(super) fn before(db: &Connection, run: RunId, seq: u64) -> rusqlite::Result<Vec<AuditRecord>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    db.prepare_cached(&format!("{RECORDS} WHERE run = ?1 AND seq < ?2 ORDER BY seq"))?
        .query_map(params![id(run), seq], record)?
        .collect()
}

/// The largest number of records that one search reads for their words. No index has words, so each record is read and decoded.
const MAX_WORDS_SCAN: usize = 1_000;

/// Searches the log. The order of times is that of numbers, unless the clock was set back, so the times are compared, too.
pub(super) fn find(db: &Connection, query: &AuditQuery) -> rusqlite::Result<AuditPage> {
    let Some(words) = query.words() else {
        let Some((sql, values)) = search_statement(db, query, query.limit.saturating_add(1))? else {
            return Ok(AuditPage::default());
        };
        let mut statement = db.prepare_cached(&sql)?;
        let records = statement.query_map(params_from_iter(values), record)?;
        return Ok(query.page(records.collect::<rusqlite::Result<_>>()?));
    };
    let Some((sql, values)) = search_statement(db, query, MAX_WORDS_SCAN)? else { return Ok(AuditPage::default()) };
    let mut statement = db.prepare_cached(&sql)?;
    let (mut found, mut read, mut last) = (Vec::new(), 0, 0);
    for record in statement.query_map(params_from_iter(values), record)? {
        let record = record?;
        (read, last) = (read + 1, record.seq);
        match record.entry() {
            Ok(entry) if words.are_in(&entry) => found.push(record),
            Ok(_) => {}
            // It is in the log as before, and found by its number; `audit verify` tells more.
            Err(error) => tracing::warn!(%error, "an audit entry cannot be searched"),
        }
        if found.len() > query.limit {
            break;
        }
    }
    Ok(if read < MAX_WORDS_SCAN { query.page(found) } else { query.page_until(found, last) })
}

/// The number of entries in a time range up to which a search looks up the first and the last one. It takes some milliseconds.
const MAX_BOUNDED: usize = 20_000;

/// Returns whether a search needs no bounds: it starts at the newest entry, which is in its time range, and the range is so long that the page is
/// full before its beginning, but for what is rare.
fn needs_no_bounds(db: &Connection, query: &AuditQuery, since: i64) -> rusqlite::Result<bool> {
    if query.until.is_some() || query.order != AuditOrder::NewestFirst {
        return Ok(false);
    }
    let mut entry = db.prepare_cached("SELECT 1 FROM audit INDEXED BY audit_at WHERE at >= ?1 LIMIT 1 OFFSET ?2")?;
    entry.exists(params![since, limit(MAX_BOUNDED)])
}

/// Returns the statement of a search for at most this many records, with its values. `None` if nothing can be found.
fn search_statement(
    db: &Connection,
    query: &AuditQuery,
    most: usize,
) -> rusqlite::Result<Option<(String, Vec<Value>)>> {
    let (mut sql, mut values) = (format!("{RECORDS} WHERE true"), Vec::new());
    let mut and = |condition: &str, value: Value| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    };
    if query.since.is_some() || query.until.is_some() {
        let since = query.since.map_or(i64::MIN, nanoseconds);
        let until = query.until.map_or(i64::MAX, nanoseconds);
        if !needs_no_bounds(db, query, since)? {
            // Reads the index alone, and leaves out most of the log.
            let mut bounds = db.prepare_cached(
                "SELECT min(seq), max(seq) FROM audit INDEXED BY audit_at WHERE at >= ?1 AND at < ?2",
            )?;
            let (first, last): (Option<i64>, Option<i64>) = bounds.query_row([since, until], |row| row.try_into())?;
            let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
            and("audit.seq >= ?", first.into());
            and("audit.seq <= ?", last.into());
        }
        // The sign keeps SQLite from walking along the index of times, which would have to be sorted.
        and("+audit.at >= ?", since.into());
        and("+audit.at < ?", until.into());
    }
    let text = |text: &str| Value::from(text.to_owned());
    if let Some(actor) = query.actor {
        and("audit.actor = ?", actor.as_uuid().as_bytes().to_vec().into());
    }
    if let Some(flow) = &query.flow {
        and("audit.flow = ?", text(flow));
    }
    if let Some(kind) = &query.kind {
        and("audit.kind = ?", text(kind));
    }
    if let Some(handler) = &query.handler {
        and("audit.handler = ?", text(handler));
    }
    if let Some(run) = query.run {
        and("audit.run = ?", id(run).to_vec().into());
    }
    if let Some(event) = query.event {
        // An event that was admitted belongs to a Run, whose record is short. Others have been refused.
        match queries::run_of_event(db, event)? {
            Some(run) => {
                let of_event = |record: &AuditRecord| {
                    record.entry().is_ok_and(|entry| entry.event.id == event).then_some(record.seq)
                };
                let numbers: Vec<_> = records(db, Some(run), usize::MAX)?.iter().filter_map(of_event).collect();
                and(
                    "audit.seq IN (SELECT value FROM json_each(?))",
                    Value::from(serde_json::json!(numbers).to_string()),
                );
            }
            None => {
                let kinds = KINDS_FOUND_BY_EVENT.iter().chain(&AccountEvent::NAMES);
                let kinds = kinds.map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
                // SQLite may look at the text first, which is empty if it is packed.
                let id = "CASE WHEN audit.packed IS NULL THEN json_extract(audit.entry, '$.event.id') END";
                and(&format!("audit.kind IN ({kinds}) AND {id} = ?"), event.to_string().into());
            }
        }
    }
    let (comparison, order) = match query.order {
        AuditOrder::NewestFirst => ("audit.seq < ?", "DESC"),
        AuditOrder::OldestFirst => ("audit.seq > ?", "ASC"),
    };
    if let Some(after) = query.after {
        and(comparison, i64::try_from(after).unwrap_or(i64::MAX).into());
    }
    values.push(limit(most).into());
    Ok(Some((format!("{sql} ORDER BY audit.seq {order} LIMIT ?"), values)))
}

/// Returns what the records after a number report, one change for each.
pub(super) fn changes_after(db: &Connection, seq: u64, max: usize) -> rusqlite::Result<Vec<Change>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let change = |row: &Row<'_>| {
        let number = row.get::<_, i64>("seq")?.cast_unsigned();
        let at = row.get::<_, Option<i64>>("at")?.map_or(Timestamp::MIN, timestamp);
        Ok(Change::new(number, hash(row, "hash")?.tag(), run_id(row.get("run")?), at))
    };
    db.prepare_cached("SELECT seq, run, hash, at FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
        .query_map(params![seq, limit(max)], change)?
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

/// Fills the columns that are searched, in a migration.
pub(super) fn fill_search_columns(db: &Connection) -> rusqlite::Result<()> {
    let mut seq = 0;
    loop {
        let page = selected_after(db, PLAIN_RECORDS, seq, FILL_PAGE_SIZE)?;
        let mut update = db.prepare_cached(
            "UPDATE audit SET at = ?2, actor = ?3, flow = ?4, kind = ?5, handler = ?6 WHERE seq = ?1",
        )?;
        for record in &page {
            seq = record.seq;
            match record.entry() {
                Ok(entry) => {
                    let SearchColumns { at, actor, flow, kind, handler } = SearchColumns::of(&entry);
                    update.execute(params![seq.cast_signed(), at, actor, flow, kind, handler])?;
                }
                // It is in the log as before, and found by its Run.
                Err(error) => tracing::warn!(%error, "an audit entry cannot be searched"),
            }
        }
        if page.len() < FILL_PAGE_SIZE {
            return Ok(());
        }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    let seq = row.get::<_, i64>("seq")?.cast_unsigned();
    let event = text(row, "event_hash", "event_text", "event_packed")?;
    let fields = text(row, "fields_hash", "fields_text", "fields_packed")?;
    let entry = match row.get::<_, Option<Vec<u8>>>("packed")? {
        Some(packed) => {
            let run = run_id(row.get("run")?).to_string();
            // Of the row itself: the text is what it is whether its event is there or not.
            let event = row.get::<_, Option<[u8; 32]>>("event")?.map(|hash| AuditHash::from_bytes(hash).to_string());
            unpacked(&packed, &[&run, &event.unwrap_or_default()])
        }
        None => row.get("entry")?,
    };
    let record = AuditRecord::new(seq, hash(row, "prev")?, hash(row, "hash")?, entry);
    Ok(record.with_event(event.map(|event| StoredEvent::new(event, fields))))
}

fn text(row: &Row<'_>, hash: &str, text: &str, packed: &str) -> rusqlite::Result<Option<StoredText>> {
    let Some(hash) = row.get::<_, Option<[u8; 32]>>(hash)? else { return Ok(None) };
    let text = match row.get::<_, Option<Vec<u8>>>(packed)? {
        Some(packed) => unpacked(&packed, &[]),
        None => row.get(text)?,
    };
    Ok(Some(StoredText::new(AuditHash::from_bytes(hash), text)))
}

/// Unpacks a text of the log. One that is damaged counts as changed: no text has the hash of an empty one.
fn unpacked(packed: &[u8], known: &[&str]) -> String {
    packed::unpack(packed, known).unwrap_or_else(|error| {
        tracing::warn!(%error, "a text of the audit log cannot be read");
        String::new()
    })
}

fn hash(row: &Row<'_>, column: &str) -> rusqlite::Result<AuditHash> {
    row.get(column).map(AuditHash::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::lock::FileLock;
    use super::super::schema;
    use super::*;

    /// The number of entries, more than are looked through for bounds.
    const ENTRIES: i64 = MAX_BOUNDED as i64 + 2_000;

    /// The time of an entry: a second after the one before, but the clock is set back for one of a thousand.
    fn at(seq: i64) -> Timestamp {
        let back = if seq % 1_000 == 0 { 3_000 } else { 0 };
        Timestamp::from_second(seq - back).unwrap()
    }

    fn kind(seq: i64) -> &'static str {
        if seq % 100 == 0 { "failed" } else { "granted" }
    }

    /// Whatever the range of times, and whether its beginning is looked up or not.
    #[test]
    fn a_search_finds_the_entries_of_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        let _lock = FileLock::take(&path).unwrap();
        let mut db = schema::open_to_write(&path, None).unwrap();
        let transaction = db.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare(
                    "INSERT INTO audit (seq, run, prev, hash, entry, at, kind)
                     VALUES (?1, zeroblob(16), zeroblob(32), zeroblob(32), '{}', ?2, ?3)",
                )
                .unwrap();
            for seq in 1..=ENTRIES {
                insert.execute(params![seq, nanoseconds(at(seq)), kind(seq)]).unwrap();
            }
        }
        transaction.commit().unwrap();
        let last = ENTRIES;
        for (since, until) in [
            (Some(0), None),
            (Some(1_500), None),
            (Some(last - 500), None),
            (Some(last), None),
            (None, Some(2_000)),
            (Some(500), Some(last - 500)),
        ] {
            for order in [AuditOrder::NewestFirst, AuditOrder::OldestFirst] {
                for wanted in [None, Some("failed")] {
                    let second = |second| Timestamp::from_second(second).unwrap();
                    let mut query = AuditQuery::default();
                    (query.since, query.until) = (since.map(second), until.map(second));
                    (query.kind, query.order, query.limit) = (wanted.map(str::to_owned), order, 300);
                    let found: Vec<_> =
                        find(&db, &query).unwrap().records.iter().map(|found| found.seq.cast_signed()).collect();
                    let is_wanted = |seq: &i64| {
                        let at = at(*seq);
                        query.since.is_none_or(|since| at >= since)
                            && query.until.is_none_or(|until| at < until)
                            && wanted.is_none_or(|wanted| kind(*seq) == wanted)
                    };
                    let mut expected: Vec<_> = (1..=ENTRIES).filter(is_wanted).collect();
                    if order == AuditOrder::NewestFirst {
                        expected.reverse();
                    }
                    expected.truncate(query.limit);
                    assert_eq!(found, expected, "{query:?}");
                    let bounded = since != Some(0) && since != Some(1_500);
                    let no_bounds = needs_no_bounds(&db, &query, query.since.map_or(i64::MIN, nanoseconds)).unwrap();
                    assert_eq!(no_bounds, !bounded && order == AuditOrder::NewestFirst, "{query:?}");
                }
            }
        }
        schema::close(db).unwrap();
    }
}
