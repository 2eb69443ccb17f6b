//! A user directory in memory, for tests and simulations.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{DirectoryConflict, DirectoryStore, Inserted, StoredToken, UserChange};
use crate::error::Result;
use crate::future::BoxFuture;
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
    tokens: BTreeMap<TokenId, StoredToken>,
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
        self.users.insert(user.id(), Arc::clone(&user));
        user
    }

    fn insert_user(&mut self, user: User) -> Result<Inserted> {
        if let Some(existing) = self.with_name(user.username()) {
            return Ok(Inserted::Existing(Arc::clone(existing)));
        }
        if let Some(existing) = self.users.get(&user.id()) {
            return Err(DirectoryConflict::Taken { existing: existing.clone(), user: Box::new(user) }.into());
        }
        Ok(Inserted::New(self.insert(user)))
    }

    fn put_users(&mut self, users: Vec<User>) -> Result<Vec<Arc<User>>> {
        for user in &users {
            let (with_id, with_name) = (self.users.get(&user.id()), self.with_name(user.username()));
            if let Some(conflict) = DirectoryConflict::find(user, with_id, with_name) {
                return Err(conflict.into());
            }
        }
        Ok(users.into_iter().map(|user| self.insert(user)).collect())
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
        Some(deleted)
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
}
