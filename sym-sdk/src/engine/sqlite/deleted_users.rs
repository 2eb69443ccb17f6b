//! Deleted users in the file. They are kept apart from users, so that whatever reads users does not see them.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::directory::{Found, bytes, to_user, unreadable};
use super::rows::{nanoseconds, timestamp, to_json};
use crate::directory::{DeletedBy, DeletedUser};
use crate::model::{User, UserId, UserIdentity};

/// An owned [`DeletedBy`], for another thread.
pub(super) enum Key {
    Id(UserId),
    Username(String),
    Account(UserIdentity),
}

impl From<DeletedBy<'_>> for Key {
    fn from(by: DeletedBy<'_>) -> Self {
        match by {
            DeletedBy::Id(id) => Self::Id(id),
            DeletedBy::Username(name) => Self::Username(name.to_owned()),
            DeletedBy::Account(account) => Self::Account(account.clone()),
        }
    }
}

fn to_deleted(row: &Row<'_>) -> rusqlite::Result<DeletedUser> {
    Ok(DeletedUser::new(to_user(row)?, timestamp(row.get("deleted_at")?)))
}

/// Returns the user who was deleted last, of those who had the property.
pub(super) fn find(db: &Connection, key: &Key) -> Found<DeletedUser> {
    match key {
        Key::Id(id) => db
            .prepare_cached("SELECT id, user, deleted_at FROM deleted_users WHERE id = ?1")?
            .query_row([bytes(id.as_uuid())], to_deleted)
            .optional(),
        Key::Username(name) => db
            .prepare_cached("SELECT id, user, deleted_at FROM deleted_users WHERE username = ?1")?
            .query_row([name], to_deleted)
            .optional(),
        Key::Account(account) => db
            .prepare_cached(
                "SELECT id, deleted_users.user, deleted_at
                 FROM deleted_identities JOIN deleted_users ON deleted_users.id = deleted_identities.user
                 WHERE service = ?1 AND service_id = ?2 AND user_id = ?3 ORDER BY number DESC LIMIT 1",
            )?
            .query_row([account.service(), account.service_id(), account.user_id()], to_deleted)
            .optional(),
    }
}

/// Returns whether a deleted user had one of the properties.
pub(super) fn any(db: &Connection, keys: Vec<DeletedBy<'_>>) -> rusqlite::Result<bool> {
    for key in keys {
        if find(db, &key.into())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<DeletedUser>> {
    db.prepare_cached("SELECT id, user, deleted_at FROM deleted_users ORDER BY number")?
        .query_map((), to_deleted)?
        .collect()
}

pub(super) fn insert(db: &Connection, user: &Arc<User>, now: Timestamp) -> rusqlite::Result<()> {
    let id = bytes(user.id().as_uuid());
    let json = to_json(user).map_err(|error| unreadable(format!("user {}: {error}", user.id())))?;
    db.prepare_cached("INSERT INTO deleted_users (id, username, deleted_at, user) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id, user.username(), nanoseconds(now), json])?;
    let mut insert = db.prepare_cached(
        "INSERT OR IGNORE INTO deleted_identities (service, service_id, user_id, user) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for identity in user.identities() {
        insert.execute(params![identity.service(), identity.service_id(), identity.user_id(), id])?;
    }
    Ok(())
}

pub(super) fn remove(db: &Connection, id: UserId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM deleted_users WHERE id = ?1")?.execute([bytes(id.as_uuid())])?;
    Ok(())
}

/// Lets a new user have the name of a deleted one.
pub(super) fn release_name(db: &Connection, username: &str) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE deleted_users SET username = NULL WHERE username = ?1")?.execute([username])?;
    Ok(())
}
