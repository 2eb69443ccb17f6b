//! A user directory in memory, for tests and simulations.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{DeletedBy, DeletedUser, DirectoryConflict, DirectoryStore, Inserted, StoredToken, UserChange};
#[cfg(feature = "runtime")]
use super::{MAX_PENDING_SIGN_INS, PendingSignIn, Session, StoredSession, WorkloadTrust};
use crate::error::Result;
use crate::future::BoxFuture;
#[cfg(feature = "runtime")]
use crate::model::{SessionId, TrustId};
use crate::model::{TokenId, User, UserId, UserIdentity, UserType};
use crate::sync::lock;

/// A [`DirectoryStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    users: BTreeMap<UserId, Arc<User>>,
    /// In the order of deletion.
    deleted: Vec<Deleted>,
    tokens: BTreeMap<TokenId, StoredToken>,
    #[cfg(feature = "runtime")]
    trusts: Vec<WorkloadTrust>,
    /// The time of use and of expiry, by hash.
    #[cfg(feature = "runtime")]
    used: BTreeMap<[u8; 32], (Timestamp, Timestamp)>,
    #[cfg(feature = "runtime")]
    sessions: BTreeMap<SessionId, StoredSession>,
    /// The time of expiry and the sign-in, by hash.
    #[cfg(feature = "runtime")]
    pending_sign_ins: BTreeMap<[u8; 32], (Timestamp, PendingSignIn)>,
}

#[derive(Debug)]
struct Deleted {
    user: DeletedUser,
    /// The name, until it is given to somebody else.
    username: Option<String>,
}

impl Deleted {
    fn has_name(&self, name: &str) -> bool {
        self.username.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    fn matches(&self, by: DeletedBy<'_>) -> bool {
        let user = &self.user.user;
        match by {
            DeletedBy::Id(id) => user.id() == id,
            DeletedBy::Username(name) => self.has_name(name),
            DeletedBy::Account(account) => user.identities().iter().any(|known| known.is_same(account)),
        }
    }
}

impl MemoryDirectory {
    /// Creates an empty directory.
    pub fn new() -> Self {
        Self::default()
    }
}

impl FromIterator<User> for MemoryDirectory {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        let mut tables = Tables::default();
        users.into_iter().for_each(|user| drop(tables.insert(user)));
        Self { tables: Mutex::new(tables) }
    }
}

impl Tables {
    fn with_name(&self, username: &str) -> Option<&Arc<User>> {
        self.users.values().find(|user| user.username().eq_ignore_ascii_case(username))
    }

    fn insert(&mut self, user: User) -> Arc<User> {
        let user = Arc::new(user);
        let _before = self.users.insert(user.id(), Arc::clone(&user));
        #[cfg(feature = "runtime")]
        if _before.is_some_and(|before| Session::end_with_change(&before, &user)) {
            self.end_sessions_of(user.id());
        }
        user
    }

    fn insert_user(&mut self, user: User) -> Result<Inserted> {
        if let Some(existing) = self.with_name(user.username()) {
            return Ok(Inserted::Existing(Arc::clone(existing)));
        }
        if let Some(existing) = self.users.get(&user.id()) {
            return Err(DirectoryConflict::Taken { existing: existing.clone(), user: Box::new(user) }.into());
        }
        let keys = DirectoryConflict::deletions_to_check(&user);
        if keys.into_iter().any(|key| self.deleted.iter().any(|deleted| deleted.matches(key))) {
            return Err(DirectoryConflict::Deleted { user: Box::new(user) }.into());
        }
        Ok(Inserted::New(self.insert(user)))
    }

    fn admit_user(&mut self, user: User) -> Result<Inserted> {
        let username = user.username().to_owned();
        if self.with_name(&username).is_some() {
            return self.insert_user(user);
        }
        // Everything else is checked before the name is released, so that a refused user changes nothing.
        let keys = DirectoryConflict::deletions_to_check(&user);
        let is_other =
            |deleted: &Deleted| keys.iter().any(|key| !matches!(key, DeletedBy::Username(_)) && deleted.matches(*key));
        if !self.users.contains_key(&user.id()) && !self.deleted.iter().any(is_other) {
            self.release_name(&username);
        }
        self.insert_user(user)
    }

    fn release_name(&mut self, username: &str) {
        for deleted in self.deleted.iter_mut().filter(|deleted| deleted.has_name(username)) {
            deleted.username = None;
        }
    }

    fn put_users(&mut self, users: Vec<User>) -> Result<Vec<Arc<User>>> {
        for user in &users {
            let (with_id, with_name) = (self.users.get(&user.id()), self.with_name(user.username()));
            if let Some(conflict) = DirectoryConflict::find(user, with_id, with_name) {
                return Err(conflict.into());
            }
            let keys = [DeletedBy::Id(user.id()), DeletedBy::Username(user.username())];
            if self.deleted.iter().any(|deleted| keys.iter().any(|key| deleted.matches(*key))) {
                return Err(DirectoryConflict::Deleted { user: Box::new(user.clone()) }.into());
            }
        }
        Ok(users.into_iter().map(|user| self.replace(user)).collect())
    }

    /// Saves a user, who stays locked or unlocked.
    fn replace(&mut self, user: User) -> Arc<User> {
        let locked = self.users.get(&user.id()).is_some_and(|existing| existing.is_locked());
        self.insert(UserChange::Locked(locked).apply(user))
    }

    fn user_by_identity(&self, identity: &UserIdentity) -> Result<Option<Arc<User>>> {
        let mut having =
            self.users.values().filter(|user| user.identities().iter().any(|known| known.is_same(identity)));
        match (having.next(), having.next()) {
            (Some(user), Some(other)) => {
                let users = [user.clone(), other.clone()];
                Err(DirectoryConflict::SharedIdentity { identity: identity.clone(), users }.into())
            }
            (only, _) => Ok(only.cloned()),
        }
    }

    fn delete_user(&mut self, id: UserId, now: Timestamp) -> Option<Arc<User>> {
        let deleted = self.users.remove(&id)?;
        for stored in self.tokens.values_mut().filter(|stored| stored.token.bot == id) {
            stored.token.revoked_at.get_or_insert(now);
        }
        #[cfg(feature = "runtime")]
        self.trusts.retain(|trust| trust.bot != id);
        #[cfg(feature = "runtime")]
        self.end_sessions_of(id);
        let username = Some(deleted.username().to_owned());
        self.deleted.push(Deleted { user: DeletedUser::new(deleted.clone(), now), username });
        Some(deleted)
    }

    fn restore_user(&mut self, id: UserId) -> Result<Option<Arc<User>>> {
        let Some(deleted) = self.deleted.iter().find(|deleted| deleted.matches(DeletedBy::Id(id))) else {
            return Ok(None);
        };
        let user = User::clone(&deleted.user.user);
        if let Some(existing) = self.with_name(user.username()) {
            return Err(DirectoryConflict::Taken { existing: existing.clone(), user: Box::new(user) }.into());
        }
        self.deleted.retain(|deleted| !deleted.matches(DeletedBy::Id(id)));
        self.release_name(user.username());
        Ok(Some(self.insert(user)))
    }

    fn insert_token(&mut self, token: StoredToken) -> bool {
        let bot = self.users.get(&token.token.bot).filter(|user| user.user_type() == UserType::Bot);
        let is_bot = bot.is_some();
        if is_bot {
            self.tokens.insert(token.token.id, token);
        }
        is_bot
    }
}

#[cfg(feature = "runtime")]
impl Tables {
    fn insert_trust(&mut self, trust: WorkloadTrust) -> bool {
        let is_bot = self.users.get(&trust.bot).is_some_and(|user| user.user_type() == UserType::Bot);
        if is_bot {
            self.trusts.push(trust);
        }
        is_bot
    }

    fn use_once(&mut self, hash: [u8; 32], now: Timestamp, expires_at: Timestamp) -> Option<Timestamp> {
        self.used.retain(|_, (_, expires_at)| *expires_at >= now);
        let used = self.used.get(&hash).map(|(used_at, _)| *used_at);
        if used.is_none() {
            self.used.insert(hash, (now, expires_at));
        }
        used
    }

    fn insert_session(&mut self, stored: StoredSession) -> bool {
        let now = stored.session.created_at;
        self.sessions.retain(|_, stored| stored.session.expires_at() > now);
        let user = self.users.get(&stored.session.user);
        let can_sign_in = user.is_some_and(|user| user.user_type() == UserType::Normal && !user.is_locked());
        if can_sign_in {
            self.sessions.insert(stored.session.id, stored);
        }
        can_sign_in
    }

    fn end_sessions_of(&mut self, user: UserId) -> usize {
        let before = self.sessions.len();
        self.sessions.retain(|_, stored| stored.session.user != user);
        before - self.sessions.len()
    }

    fn insert_pending_sign_in(
        &mut self,
        hash: [u8; 32],
        pending: PendingSignIn,
        now: Timestamp,
        expires_at: Timestamp,
    ) {
        self.pending_sign_ins.retain(|_, (expires_at, _)| *expires_at > now);
        while self.pending_sign_ins.len() >= MAX_PENDING_SIGN_INS {
            let oldest = self.pending_sign_ins.iter().min_by_key(|(hash, (expires_at, _))| (*expires_at, **hash));
            let Some(oldest) = oldest.map(|(hash, _)| *hash) else { break };
            self.pending_sign_ins.remove(&oldest);
        }
        self.pending_sign_ins.insert(hash, (expires_at, pending));
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(ready(Ok(value)))
}

impl DirectoryStore for MemoryDirectory {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        done(lock(&self.tables).users.get(&id).cloned())
    }

    fn users_with_ids<'a>(&'a self, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        let tables = lock(&self.tables);
        done(ids.iter().filter_map(|id| tables.users.get(id).cloned()).collect())
    }

    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        done(lock(&self.tables).with_name(username).cloned())
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        Box::pin(ready(lock(&self.tables).user_by_identity(identity)))
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        let mut users: Vec<Arc<User>> = lock(&self.tables).users.values().cloned().collect();
        users.sort_by_key(|user| user.username().to_ascii_lowercase());
        done(users)
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        Box::pin(ready(lock(&self.tables).insert_user(user)))
    }

    fn admit_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        Box::pin(ready(lock(&self.tables).admit_user(user)))
    }

    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        Box::pin(ready(lock(&self.tables).put_users(users)))
    }

    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        let mut tables = lock(&self.tables);
        let user = tables.users.get(&id).map(|user| User::clone(user));
        done(user.map(|user| tables.insert(change.apply(user))))
    }

    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        done(lock(&self.tables).delete_user(id, now))
    }

    fn deleted_user<'a>(&'a self, by: DeletedBy<'a>) -> BoxFuture<'a, Result<Option<DeletedUser>>> {
        let tables = lock(&self.tables);
        done(tables.deleted.iter().rfind(|deleted| deleted.matches(by)).map(|deleted| deleted.user.clone()))
    }

    fn deleted_users(&self) -> BoxFuture<'_, Result<Vec<DeletedUser>>> {
        done(lock(&self.tables).deleted.iter().map(|deleted| deleted.user.clone()).collect())
    }

    fn restore_user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        Box::pin(ready(lock(&self.tables).restore_user(id)))
    }

    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>> {
        done(lock(&self.tables).insert_token(token))
    }

    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        done(lock(&self.tables).tokens.get(&id).cloned())
    }

    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>> {
        let tables = lock(&self.tables);
        let tokens = tables.tokens.values().filter(|stored| bot.is_none_or(|bot| stored.token.bot == bot));
        let mut tokens: Vec<StoredToken> = tokens.cloned().collect();
        tokens.sort_by_key(|stored| (stored.token.created_at, stored.token.id));
        done(tokens)
    }

    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        let mut tables = lock(&self.tables);
        let revoked = tables.tokens.get_mut(&id).map(|stored| {
            stored.token.revoked_at.get_or_insert(now);
            stored.clone()
        });
        done(revoked)
    }

    fn record_token_use(&self, id: TokenId, at: Timestamp) -> BoxFuture<'_, Result<()>> {
        if let Some(stored) = lock(&self.tables).tokens.get_mut(&id) {
            // None is less than any time.
            stored.token.last_used_at = stored.token.last_used_at.max(Some(at));
        }
        done(())
    }

    #[cfg(feature = "runtime")]
    fn insert_trust(&self, trust: WorkloadTrust) -> BoxFuture<'_, Result<bool>> {
        done(lock(&self.tables).insert_trust(trust))
    }

    #[cfg(feature = "runtime")]
    fn trusts(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<WorkloadTrust>>> {
        let tables = lock(&self.tables);
        let trusts = tables.trusts.iter().filter(|trust| bot.is_none_or(|bot| trust.bot == bot));
        let mut trusts: Vec<WorkloadTrust> = trusts.cloned().collect();
        trusts.sort_by_key(|trust| (trust.created_at, trust.id));
        done(trusts)
    }

    #[cfg(feature = "runtime")]
    fn delete_trust(&self, id: TrustId) -> BoxFuture<'_, Result<Option<WorkloadTrust>>> {
        let mut tables = lock(&self.tables);
        let position = tables.trusts.iter().position(|trust| trust.id == id);
        done(position.map(|position| tables.trusts.remove(position)))
    }

    #[cfg(feature = "runtime")]
    fn use_once(
        &self,
        hash: [u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        done(lock(&self.tables).use_once(hash, now, expires_at))
    }

    #[cfg(feature = "runtime")]
    fn insert_session(&self, session: StoredSession) -> BoxFuture<'_, Result<bool>> {
        done(lock(&self.tables).insert_session(session))
    }

    #[cfg(feature = "runtime")]
    fn session(&self, id: SessionId) -> BoxFuture<'_, Result<Option<StoredSession>>> {
        done(lock(&self.tables).sessions.get(&id).cloned())
    }

    #[cfg(feature = "runtime")]
    fn record_session_use(&self, session: Session) -> BoxFuture<'_, Result<()>> {
        if let Some(stored) = lock(&self.tables).sessions.get_mut(&session.id) {
            stored.session.last_used_at = stored.session.last_used_at.max(session.last_used_at);
        }
        done(())
    }

    #[cfg(feature = "runtime")]
    fn sessions_of(&self, user: UserId) -> BoxFuture<'_, Result<Vec<Session>>> {
        let tables = lock(&self.tables);
        let sessions = tables.sessions.values().map(|stored| &stored.session).filter(|session| session.user == user);
        let mut sessions: Vec<Session> = sessions.cloned().collect();
        sessions.sort_by_key(|session| (session.created_at, session.id));
        done(sessions)
    }

    #[cfg(feature = "runtime")]
    fn end_session(&self, id: SessionId) -> BoxFuture<'_, Result<Option<Session>>> {
        done(lock(&self.tables).sessions.remove(&id).map(|stored| stored.session))
    }

    #[cfg(feature = "runtime")]
    fn end_sessions_of(&self, user: UserId) -> BoxFuture<'_, Result<usize>> {
        done(lock(&self.tables).end_sessions_of(user))
    }

    #[cfg(feature = "runtime")]
    fn insert_pending_sign_in(
        &self,
        hash: [u8; 32],
        pending: PendingSignIn,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> BoxFuture<'_, Result<()>> {
        lock(&self.tables).insert_pending_sign_in(hash, pending, now, expires_at);
        done(())
    }

    #[cfg(feature = "runtime")]
    fn pending_sign_in(&self, hash: [u8; 32], now: Timestamp) -> BoxFuture<'_, Result<Option<PendingSignIn>>> {
        let found = lock(&self.tables).pending_sign_ins.get(&hash).cloned();
        done(found.filter(|(expires_at, _)| *expires_at > now).map(|(_, pending)| pending))
    }

    #[cfg(feature = "runtime")]
    fn take_pending_sign_in(&self, hash: [u8; 32], now: Timestamp) -> BoxFuture<'_, Result<Option<PendingSignIn>>> {
        let taken = lock(&self.tables).pending_sign_ins.remove(&hash);
        done(taken.filter(|(expires_at, _)| *expires_at > now).map(|(_, pending)| pending))
    }
}
