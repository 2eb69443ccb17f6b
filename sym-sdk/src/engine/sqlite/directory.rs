//! The directory in the file: users, their accounts, and the tokens of bots. Deleted users are in
//! [`deleted_users`](super::deleted_users), trusts in [`trusts`](super::trusts), and sessions in [`sessions`](super::sessions).

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::SqliteStore;
use super::deleted_users;
use super::queue::Priority;
use super::rows::{Id, limit, nanoseconds, timestamp, to_json};
use super::sessions;
use super::thread::query;
use super::trusts::{self, TrustRow};
use super::writer::write;
use crate::directory::{
    DeletedBy, DeletedUser, DirectoryConflict, DirectoryStore, Inserted, PendingSignIn, Session, StoredSession,
    StoredToken, Token, TokenHash, UserChange, WorkloadTrust,
};
use crate::engine::StoreError;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::model::{SessionId, TokenId, TrustId, User, UserId, UserIdentity, UserType};

pub(super) type Found<T> = rusqlite::Result<Option<T>>;

/// The result of a change, or the reason why the directory refuses it.
pub(super) type Changed<T> = rusqlite::Result<Result<T, DirectoryConflict>>;

impl SqliteStore {
    async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        Ok(query(&self.lookups, work).await?)
    }

    async fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        Ok(query(&self.listings, work).await?)
    }

    async fn change<T: Send + 'static>(
        &self,
        priority: Priority,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        Ok(write(&self.writes, priority, work).await?)
    }
}

impl DirectoryStore for SqliteStore {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        Box::pin(self.look_up(move |db| user(db, id)))
    }

    fn users_with_ids<'a>(&'a self, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        let ids = ids.to_vec();
        Box::pin(self.look_up(move |db| {
            let found: rusqlite::Result<Vec<_>> = ids.into_iter().map(|id| user(db, id)).collect();
            Ok(found?.into_iter().flatten().collect())
        }))
    }

    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        let username = username.to_owned();
        Box::pin(self.look_up(move |db| user_of_name(db, &username)))
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        Box::pin(async move {
            let wanted = identity.clone();
            let mut matching = self.look_up(move |db| users_by_identity(db, &wanted)).await?.into_iter();
            match (matching.next(), matching.next()) {
                (Some(user), Some(other)) => {
                    let users = [user, other];
                    Err(DirectoryConflict::SharedIdentity { identity: identity.clone(), users }.into())
                }
                (only, _) => Ok(only),
            }
        })
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        Box::pin(self.list(users))
    }

    fn users_page<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        Box::pin(self.look_up(move |db| users_page(db, &prefix, after.as_deref(), limit)))
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        Box::pin(async move {
            let row = UserRow::of(user)?;
            Ok(self.change(Priority::Normal, move |db| insert_user(db, row)).await??)
        })
    }

    fn admit_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        Box::pin(async move {
            let row = UserRow::of(user)?;
            Ok(self.change(Priority::Normal, move |db| admit_user(db, row)).await??)
        })
    }

    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        Box::pin(async move {
            let rows = users.into_iter().map(UserRow::of).collect::<Result<Vec<_>, _>>()?;
            Ok(self.change(Priority::Normal, move |db| put_users(db, rows)).await??)
        })
    }

    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        // Changes that take rights away are made on a full disk, too.
        let priority = if matches!(change, UserChange::Locked(true)) { Priority::High } else { Priority::Normal };
        Box::pin(self.change(priority, move |db| change_user(db, id, change)))
    }

    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        Box::pin(self.change(Priority::High, move |db| delete_user(db, id, now)))
    }

    fn deleted_user<'a>(&'a self, by: DeletedBy<'a>) -> BoxFuture<'a, Result<Option<DeletedUser>>> {
        let key = deleted_users::Key::from(by);
        Box::pin(self.look_up(move |db| deleted_users::find(db, &key)))
    }

    fn deleted_users(&self) -> BoxFuture<'_, Result<Vec<DeletedUser>>> {
        Box::pin(self.list(deleted_users::all))
    }

    fn restore_user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        Box::pin(async move { Ok(self.change(Priority::Normal, move |db| restore_user(db, id)).await??) })
    }

    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.change(Priority::Normal, move |db| insert_token(db, &token)))
    }

    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        Box::pin(self.look_up(move |db| token(db, id)))
    }

    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>> {
        Box::pin(self.list(move |db| tokens(db, bot)))
    }

    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        Box::pin(self.change(Priority::High, move |db| revoke_token(db, id, now)))
    }

    fn record_token_use(&self, id: TokenId, at: Timestamp) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.change(Priority::Normal, move |db| record_token_use(db, id, at)))
    }

    fn insert_trust(&self, trust: WorkloadTrust) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let row = TrustRow::of(&trust)?;
            self.change(Priority::Normal, move |db| trusts::insert(db, &row)).await
        })
    }

    fn trusts(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<WorkloadTrust>>> {
        Box::pin(self.look_up(move |db| trusts::list(db, bot)))
    }

    fn delete_trust(&self, id: TrustId) -> BoxFuture<'_, Result<Option<WorkloadTrust>>> {
        Box::pin(self.change(Priority::High, move |db| trusts::delete(db, id)))
    }

    fn use_once(
        &self,
        hash: [u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        Box::pin(self.change(Priority::Normal, move |db| trusts::use_once(db, &hash, now, expires_at)))
    }

    fn insert_session(&self, session: StoredSession) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.change(Priority::Normal, move |db| sessions::insert(db, &session)))
    }

    fn session(&self, id: SessionId) -> BoxFuture<'_, Result<Option<StoredSession>>> {
        Box::pin(self.look_up(move |db| sessions::find(db, id)))
    }

    fn record_session_use(&self, session: Session) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.change(Priority::Normal, move |db| sessions::record_use(db, &session)))
    }

    fn sessions_of(&self, user: UserId) -> BoxFuture<'_, Result<Vec<Session>>> {
        Box::pin(self.look_up(move |db| sessions::list(db, user)))
    }

    fn end_session(&self, id: SessionId) -> BoxFuture<'_, Result<Option<Session>>> {
        Box::pin(self.change(Priority::High, move |db| sessions::end(db, id)))
    }

    fn end_sessions_of(&self, user: UserId) -> BoxFuture<'_, Result<usize>> {
        Box::pin(self.change(Priority::High, move |db| sessions::end_all_of(db, user)))
    }

    fn insert_pending_sign_in(
        &self,
        hash: [u8; 32],
        pending: PendingSignIn,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let json = to_json(&pending)?;
            let insert = move |db: &Connection| sessions::insert_pending(db, &hash, &json, now, expires_at);
            self.change(Priority::Normal, insert).await
        })
    }

    fn pending_sign_in(&self, hash: [u8; 32], now: Timestamp) -> BoxFuture<'_, Result<Option<PendingSignIn>>> {
        Box::pin(self.look_up(move |db| sessions::find_pending(db, &hash, now)))
    }

    fn take_pending_sign_in(&self, hash: [u8; 32], now: Timestamp) -> BoxFuture<'_, Result<Option<PendingSignIn>>> {
        Box::pin(self.change(Priority::Normal, move |db| sessions::take_pending(db, &hash, now)))
    }
}

/// A user and its JSON.
pub(super) struct UserRow {
    pub(super) user: Arc<User>,
    json: String,
}

impl UserRow {
    pub(super) fn of(user: User) -> Result<Self, StoreError> {
        Ok(Self { json: to_json(&user)?, user: Arc::new(user) })
    }

    pub(super) fn write(self, db: &Connection) -> rusqlite::Result<Arc<User>> {
        let Self { user, json } = self;
        let id = bytes(user.id().as_uuid());
        db.prepare_cached(
            "INSERT INTO users (id, username, user) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET username = excluded.username, user = excluded.user",
        )?
        .execute(params![id, user.username(), json])?;
        db.prepare_cached("DELETE FROM identities WHERE user = ?1")?.execute([id])?;
        let mut insert = db.prepare_cached(
            "INSERT OR IGNORE INTO identities (service, service_id, user_id, user) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for identity in user.identities() {
            insert.execute(params![identity.service(), identity.service_id(), identity.user_id(), id])?;
        }
        Ok(user)
    }
}

pub(super) fn bytes(id: &Uuid) -> Id {
    *id.as_bytes()
}

/// The error of a row that cannot be read; `what` names the row.
pub(super) fn unreadable(what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, what.into())
}

pub(super) fn to_user(row: &Row<'_>) -> rusqlite::Result<Arc<User>> {
    let json: String = row.get("user")?;
    let user = serde_json::from_str(&json);
    user.map(Arc::new).map_err(|error| match row.get::<_, Id>("id") {
        Ok(id) => unreadable(format!("user {}: {error}", Uuid::from_bytes(id))),
        Err(error) => error,
    })
}

pub(super) fn user(db: &Connection, id: UserId) -> Found<Arc<User>> {
    db.prepare_cached("SELECT id, user FROM users WHERE id = ?1")?.query_row([bytes(id.as_uuid())], to_user).optional()
}

pub(super) fn user_of_name(db: &Connection, username: &str) -> Found<Arc<User>> {
    db.prepare_cached("SELECT id, user FROM users WHERE username = ?1")?.query_row([username], to_user).optional()
}

/// Returns up to two users, enough to see that an identity is shared.
fn users_by_identity(db: &Connection, identity: &UserIdentity) -> rusqlite::Result<Vec<Arc<User>>> {
    db.prepare_cached(
        "SELECT id, users.user FROM identities JOIN users ON users.id = identities.user
         WHERE service = ?1 AND service_id = ?2 AND user_id = ?3 ORDER BY id LIMIT 2",
    )?
    .query_map([identity.service(), identity.service_id(), identity.user_id()], to_user)?
    .collect()
}

fn users(db: &Connection) -> rusqlite::Result<Vec<Arc<User>>> {
    db.prepare_cached("SELECT id, user FROM users ORDER BY username")?.query_map((), to_user)?.collect()
}

fn users_page(db: &Connection, prefix: &str, after: Option<&str>, max: usize) -> rusqlite::Result<Vec<Arc<User>>> {
    // The index ignores the case of ASCII letters. Names that begin with the prefix follow each other: from the prefix itself to the one
    // with the last character of all.
    db.prepare_cached(
        "SELECT id, user FROM users
         WHERE username >= ?1 AND username < ?1 || char(1114111) AND (?2 IS NULL OR username > ?2)
         ORDER BY username LIMIT ?3",
    )?
    .query_map(params![prefix, after, limit(max)], to_user)?
    .collect()
}

fn insert_user(db: &Connection, row: UserRow) -> Changed<Inserted> {
    if let Some(known) = user_of_name(db, row.user.username())? {
        return Ok(Ok(Inserted::Existing(known)));
    }
    if let Some(existing) = user(db, row.user.id())? {
        return Ok(Err(DirectoryConflict::Taken { user: Box::new(User::clone(&row.user)), existing }));
    }
    if deleted_users::any(db, DirectoryConflict::deletions_to_check(&row.user))? {
        return Ok(Err(DirectoryConflict::Deleted { user: Box::new(User::clone(&row.user)) }));
    }
    row.write(db).map(|user| Ok(Inserted::New(user)))
}

fn admit_user(db: &Connection, row: UserRow) -> Changed<Inserted> {
    // Everything else is checked before the name is released, so that a refused user changes nothing.
    let is_free = user_of_name(db, row.user.username())?.is_none() && user(db, row.user.id())?.is_none();
    let mut others = DirectoryConflict::deletions_to_check(&row.user);
    others.retain(|key| !matches!(key, DeletedBy::Username(_)));
    if is_free && !deleted_users::any(db, others)? {
        deleted_users::release_name(db, row.user.username())?;
    }
    insert_user(db, row)
}

fn put_users(db: &Connection, rows: Vec<UserRow>) -> Changed<Vec<Arc<User>>> {
    for UserRow { user: new, .. } in &rows {
        let (with_id, of_name) = (user(db, new.id())?, user_of_name(db, new.username())?);
        if let Some(fault) = DirectoryConflict::find(new, with_id.as_ref(), of_name.as_ref()) {
            return Ok(Err(fault));
        }
        if deleted_users::any(db, vec![DeletedBy::Id(new.id()), DeletedBy::Username(new.username())])? {
            return Ok(Err(DirectoryConflict::Deleted { user: Box::new(User::clone(new)) }));
        }
    }
    rows.into_iter().map(|row| replace(db, row)).collect::<rusqlite::Result<_>>().map(Ok)
}

/// Saves a user, who stays locked or unlocked.
fn replace(db: &Connection, row: UserRow) -> rusqlite::Result<Arc<User>> {
    let existing = user(db, row.user.id())?;
    let locked = existing.as_ref().is_some_and(|existing| existing.is_locked());
    let replaced = if locked == row.user.is_locked() {
        row.write(db)?
    } else {
        change(db, Arc::unwrap_or_clone(row.user), UserChange::Locked(locked))?
    };
    end_sessions(db, existing.as_deref(), &replaced)?;
    Ok(replaced)
}

fn change_user(db: &Connection, id: UserId, change: UserChange) -> Found<Arc<User>> {
    let Some(before) = user(db, id)? else { return Ok(None) };
    let changed = self::change(db, User::clone(&before), change)?;
    end_sessions(db, Some(&before), &changed)?;
    Ok(Some(changed))
}

/// Ends the sessions of a user whom a change has taken rights from.
fn end_sessions(db: &Connection, before: Option<&User>, after: &User) -> rusqlite::Result<()> {
    if before.is_some_and(|before| Session::end_with_change(before, after)) {
        sessions::end_all_of(db, after.id())?;
    }
    Ok(())
}

fn change(db: &Connection, user: User, change: UserChange) -> rusqlite::Result<Arc<User>> {
    let id = user.id();
    let row = UserRow::of(change.apply(user));
    row.map_err(|error| unreadable(format!("user {id}: {error}")))?.write(db)
}

fn delete_user(db: &Connection, id: UserId, now: Timestamp) -> Found<Arc<User>> {
    let Some(user) = user(db, id)? else { return Ok(None) };
    deleted_users::insert(db, &user, now)?;
    db.prepare_cached("DELETE FROM users WHERE id = ?1")?.execute([bytes(id.as_uuid())])?;
    db.prepare_cached("UPDATE tokens SET revoked_at = ?2 WHERE bot = ?1 AND revoked_at IS NULL")?
        .execute(params![bytes(id.as_uuid()), nanoseconds(now)])?;
    trusts::delete_of_bot(db, id)?;
    Ok(Some(user))
}

fn restore_user(db: &Connection, id: UserId) -> Changed<Option<Arc<User>>> {
    let Some(DeletedUser { user, .. }) = deleted_users::find(db, &deleted_users::Key::Id(id))? else {
        return Ok(Ok(None));
    };
    if let Some(existing) = user_of_name(db, user.username())? {
        return Ok(Err(DirectoryConflict::Taken { user: Box::new(User::clone(&user)), existing }));
    }
    deleted_users::remove(db, id)?;
    deleted_users::release_name(db, user.username())?;
    let row = UserRow::of(Arc::unwrap_or_clone(user));
    row.map_err(|error| unreadable(format!("user {id}: {error}")))?.write(db).map(|user| Ok(Some(user)))
}

fn insert_token(db: &Connection, stored: &StoredToken) -> rusqlite::Result<bool> {
    let StoredToken { token, hash } = stored;
    if user(db, token.bot)?.is_none_or(|user| user.user_type() != UserType::Bot) {
        return Ok(false);
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO tokens (id, bot, label, hash, created_at, expires_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![
        bytes(token.id.as_uuid()),
        bytes(token.bot.as_uuid()),
        token.label,
        hash.as_bytes(),
        nanoseconds(token.created_at),
        nanoseconds(token.expires_at),
        token.revoked_at.map(nanoseconds),
    ])?;
    Ok(true)
}

fn to_token(row: &Row<'_>) -> rusqlite::Result<StoredToken> {
    let time = |column| row.get(column).map(timestamp);
    let mut token = Token::new(
        TokenId::from_uuid(Uuid::from_bytes(row.get("id")?)),
        UserId::from_uuid(Uuid::from_bytes(row.get("bot")?)),
        row.get("label")?,
        time("created_at")?,
        time("expires_at")?,
    );
    token.revoked_at = row.get::<_, Option<i64>>("revoked_at")?.map(timestamp);
    token.last_used_at = row.get::<_, Option<i64>>("last_used_at")?.map(timestamp);
    Ok(StoredToken::new(token, TokenHash::from_bytes(row.get("hash")?)))
}

fn token(db: &Connection, id: TokenId) -> Found<StoredToken> {
    db.prepare_cached("SELECT * FROM tokens WHERE id = ?1")?.query_row([bytes(id.as_uuid())], to_token).optional()
}

fn tokens(db: &Connection, bot: Option<UserId>) -> rusqlite::Result<Vec<StoredToken>> {
    db.prepare_cached("SELECT * FROM tokens WHERE ?1 IS NULL OR bot = ?1 ORDER BY created_at, id")?
        .query_map([bot.map(|bot| bytes(bot.as_uuid()))], to_token)?
        .collect()
}

fn revoke_token(db: &Connection, id: TokenId, now: Timestamp) -> Found<StoredToken> {
    db.prepare_cached("UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")?
        .execute(params![bytes(id.as_uuid()), nanoseconds(now)])?;
    token(db, id)
}

/// Sets the time of the last use, unless the token was used later.
fn record_token_use(db: &Connection, id: TokenId, at: Timestamp) -> rusqlite::Result<()> {
    let mut update = db.prepare_cached(
        "UPDATE tokens SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
    )?;
    update.execute(params![bytes(id.as_uuid()), nanoseconds(at)]).map(drop)
}
