//! Event counts, written with the audit entries that report the events.

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::rows::{Id, id, nanoseconds};
use crate::audit::{AuditEntry, EventChange, RunRequest};
use crate::directory::{EventFilter, EventQuery};

/// The changes to the counts that audit entries make.
pub(super) struct Changes(Vec<(Id, Change)>);

enum Change {
    Request(RunRequest),
    Event(EventChange),
}

impl Changes {
    pub(super) fn of(entries: &[AuditEntry]) -> Self {
        let changes = entries.iter().flat_map(|entry| {
            let request = RunRequest::of(entry).map(Change::Request);
            let event = EventChange::of(entry).map(Change::Event);
            request.into_iter().chain(event).map(|change| (id(entry.run), change))
        });
        Self(changes.collect())
    }

    pub(super) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        for (run, change) in &self.0 {
            match change {
                Change::Request(RunRequest { requester, flow, target }) => db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO requests (run, requester, flow, target) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![
                        run,
                        requester.as_uuid().as_bytes(),
                        flow,
                        target.map(|id| *id.as_uuid().as_bytes())
                    ])?,
                Change::Event(EventChange::Begun { event, name, at }) => db
                    .prepare_cached(
                        "INSERT OR IGNORE INTO events (run, event, name, at, errored) VALUES (?1, ?2, ?3, ?4, 0)",
                    )?
                    .execute(params![run, event.as_uuid().as_bytes(), name.as_str(), nanoseconds(*at)])?,
                Change::Event(EventChange::Errored { event }) => db
                    .prepare_cached("UPDATE events SET errored = 1 WHERE run = ?1 AND event = ?2")?
                    .execute(params![run, event.as_uuid().as_bytes()])?,
            };
        }
        Ok(())
    }
}

pub(super) fn count(db: &Connection, count: &EventQuery) -> rusqlite::Result<i64> {
    let (column, wanted) = match &count.filter {
        EventFilter::Flow(flow) => ("flow", Value::Text(flow.clone())),
        EventFilter::Target(target) => ("target", Value::Blob(target.as_uuid().as_bytes().to_vec())),
    };
    let mut counted = db.prepare_cached(&format!(
        "SELECT count(*) FROM requests JOIN events USING (run)
         WHERE requester = ?1 AND {column} = ?2 AND name = ?3 AND at BETWEEN ?4 AND ?5 AND errored <= ?6"
    ))?;
    let since = count.since.map_or(i64::MIN, nanoseconds);
    let until = count.until.map_or(i64::MAX, nanoseconds);
    let (requester, name) = (count.requester.as_uuid().as_bytes(), count.event.as_str());
    counted.query_row(params![requester, wanted, name, since, until, count.include_errored], |row| row.get(0))
}
