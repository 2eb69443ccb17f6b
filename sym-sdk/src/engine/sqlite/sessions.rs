//! The sessions of people in the file, and their pending sign-ins.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::directory::{Found, bytes, unreadable, user};
use super::rows::{Id, limit, nanoseconds, timestamp};
use crate::directory::{MAX_PENDING_SIGN_INS, PendingSignIn, Session, SessionKind, StoredSession, TokenHash};
use crate::model::{SessionId, UserId, UserType};

/// Adds a session if its user can sign in, and removes those that have expired. Returns whether it was added.
pub(super) fn insert(db: &Connection, stored: &StoredSession) -> rusqlite::Result<bool> {
    let StoredSession { session, hash } = stored;
    db.prepare_cached("DELETE FROM sessions WHERE expires_at <= ?1")?.execute([nanoseconds(session.created_at)])?;
    if user(db, session.user)?.is_none_or(|user| user.user_type() != UserType::Normal || user.is_locked()) {
        return Ok(false);
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO sessions (id, user, kind, hash, created_at, last_used_at, ends_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        bytes(session.id.as_uuid()),
        bytes(session.user.as_uuid()),
        session.kind.as_str(),
        hash.as_bytes(),
        nanoseconds(session.created_at),
        nanoseconds(session.last_used_at),
        nanoseconds(session.ends_at),
        nanoseconds(session.expires_at()),
    ])?;
    Ok(true)
}

pub(super) fn find(db: &Connection, id: SessionId) -> Found<StoredSession> {
    let mut find = db.prepare_cached("SELECT * FROM sessions WHERE id = ?1")?;
    let to_stored = |row: &Row<'_>| {
        let hash = TokenHash::from_bytes(row.get("hash")?);
        Ok(StoredSession::new(to_session(row)?, hash))
    };
    find.query_row([bytes(id.as_uuid())], to_stored).optional()
}

/// Sets the time of the last use, unless the session was used later.
pub(super) fn record_use(db: &Connection, session: &Session) -> rusqlite::Result<()> {
    let mut update = db
        .prepare_cached("UPDATE sessions SET last_used_at = ?2, expires_at = ?3 WHERE id = ?1 AND last_used_at < ?2")?;
    let (used_at, expires_at) = (nanoseconds(session.last_used_at), nanoseconds(session.expires_at()));
    update.execute(params![bytes(session.id.as_uuid()), used_at, expires_at]).map(drop)
}

pub(super) fn list(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Session>> {
    db.prepare_cached("SELECT * FROM sessions WHERE user = ?1 ORDER BY created_at, id")?
        .query_map([bytes(user.as_uuid())], to_session)?
        .collect()
}

pub(super) fn end(db: &Connection, id: SessionId) -> Found<Session> {
    let mut delete = db.prepare_cached("DELETE FROM sessions WHERE id = ?1 RETURNING *")?;
    delete.query_row([bytes(id.as_uuid())], to_session).optional()
}

pub(super) fn end_all_of(db: &Connection, user: UserId) -> rusqlite::Result<usize> {
    db.prepare_cached("DELETE FROM sessions WHERE user = ?1")?.execute([bytes(user.as_uuid())])
}

/// Adds a sign-in or replaces it, and removes those that have expired and the oldest of too many.
pub(super) fn insert_pending(
    db: &Connection,
    hash: &[u8; 32],
    pending: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM pending_sign_ins WHERE expires_at <= ?1")?.execute([nanoseconds(now)])?;
    db.prepare_cached(
        "DELETE FROM pending_sign_ins WHERE hash IN
         (SELECT hash FROM pending_sign_ins ORDER BY expires_at DESC, hash DESC LIMIT -1 OFFSET ?1)",
    )?
    .execute([limit(MAX_PENDING_SIGN_INS) - 1])?;
    db.prepare_cached("INSERT OR REPLACE INTO pending_sign_ins (hash, expires_at, pending) VALUES (?1, ?2, ?3)")?
        .execute(params![hash, nanoseconds(expires_at), pending])
        .map(drop)
}

pub(super) fn take_pending(db: &Connection, hash: &[u8; 32], now: Timestamp) -> Found<PendingSignIn> {
    let mut take = db.prepare_cached("DELETE FROM pending_sign_ins WHERE hash = ?1 RETURNING expires_at, pending")?;
    let taken = take.query_row([hash], to_pending).optional()?;
    Ok(taken.filter(|(expires_at, _)| *expires_at > now).map(|(_, pending)| pending))
}

pub(super) fn find_pending(db: &Connection, hash: &[u8; 32], now: Timestamp) -> Found<PendingSignIn> {
    let mut find = db.prepare_cached("SELECT expires_at, pending FROM pending_sign_ins WHERE hash = ?1")?;
    let found = find.query_row([hash], to_pending).optional()?;
    Ok(found.filter(|(expires_at, _)| *expires_at > now).map(|(_, pending)| pending))
}

fn to_pending(row: &Row<'_>) -> rusqlite::Result<(Timestamp, PendingSignIn)> {
    let json: String = row.get("pending")?;
    let pending = serde_json::from_str(&json).map_err(|error| unreadable(format!("a sign-in: {error}")))?;
    Ok((timestamp(row.get("expires_at")?), pending))
}

fn to_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let id = Uuid::from_bytes(row.get::<_, Id>("id")?);
    let kind: String = row.get("kind")?;
    let kind = SessionKind::from_name(&kind).ok_or_else(|| unreadable(format!("session {id}: kind `{kind}`")))?;
    let time = |column| row.get(column).map(timestamp);
    let user = UserId::from_uuid(Uuid::from_bytes(row.get("user")?));
    let mut session = Session::new(SessionId::from_uuid(id), user, kind, time("created_at")?, time("ends_at")?);
    session.last_used_at = time("last_used_at")?;
    Ok(session)
}
