//! The trusts of bots in the file, and the tokens of workloads that were used.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::directory::{Found, bytes, unreadable, user};
use super::rows::{Id, nanoseconds, timestamp, to_json};
use crate::directory::WorkloadTrust;
use crate::engine::StoreError;
use crate::model::{TrustId, UserId, UserType};

/// A trust and its JSON.
pub(super) struct TrustRow {
    id: TrustId,
    bot: UserId,
    created_at: Timestamp,
    json: String,
}

impl TrustRow {
    pub(super) fn of(trust: &WorkloadTrust) -> Result<Self, StoreError> {
        Ok(Self { id: trust.id, bot: trust.bot, created_at: trust.created_at, json: to_json(trust)? })
    }
}

/// Adds a trust if its bot exists. Returns whether it was added.
pub(super) fn insert(db: &Connection, row: &TrustRow) -> rusqlite::Result<bool> {
    if user(db, row.bot)?.is_none_or(|user| user.user_type() != UserType::Bot) {
        return Ok(false);
    }
    db.prepare_cached("INSERT INTO trusts (id, bot, created_at, trust) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        bytes(row.id.as_uuid()),
        bytes(row.bot.as_uuid()),
        nanoseconds(row.created_at),
        row.json,
    ])?;
    Ok(true)
}

pub(super) fn list(db: &Connection, bot: Option<UserId>) -> rusqlite::Result<Vec<WorkloadTrust>> {
    db.prepare_cached("SELECT id, trust FROM trusts WHERE ?1 IS NULL OR bot = ?1 ORDER BY created_at, id")?
        .query_map([bot.map(|bot| bytes(bot.as_uuid()))], to_trust)?
        .collect()
}

pub(super) fn delete(db: &Connection, id: TrustId) -> Found<WorkloadTrust> {
    let mut delete = db.prepare_cached("DELETE FROM trusts WHERE id = ?1 RETURNING id, trust")?;
    delete.query_row([bytes(id.as_uuid())], to_trust).optional()
}

pub(super) fn delete_of_bot(db: &Connection, bot: UserId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM trusts WHERE bot = ?1")?.execute([bytes(bot.as_uuid())]).map(drop)
}

/// Records a use, unless there was one. Returns the time of the earlier one.
pub(super) fn use_once(
    db: &Connection,
    hash: &[u8; 32],
    now: Timestamp,
    expires_at: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    db.prepare_cached("DELETE FROM used_workload_tokens WHERE expires_at < ?1")?.execute([nanoseconds(now)])?;
    let mut used = db.prepare_cached("SELECT used_at FROM used_workload_tokens WHERE hash = ?1")?;
    if let Some(used_at) = used.query_row([hash], |row| row.get(0).map(timestamp)).optional()? {
        return Ok(Some(used_at));
    }
    db.prepare_cached("INSERT INTO used_workload_tokens (hash, used_at, expires_at) VALUES (?1, ?2, ?3)")?
        .execute(params![hash, nanoseconds(now), nanoseconds(expires_at)])?;
    Ok(None)
}

fn to_trust(row: &Row<'_>) -> rusqlite::Result<WorkloadTrust> {
    let json: String = row.get("trust")?;
    serde_json::from_str(&json).map_err(|error| match row.get::<_, Id>("id") {
        Ok(id) => unreadable(format!("trust {}: {error}", Uuid::from_bytes(id))),
        Err(error) => error,
    })
}
