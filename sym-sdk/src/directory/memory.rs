use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::{DirectoryStore, KeyPath, KeyValueStore};
use crate::BoxFuture;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole};

/// What is behind a lock stays whole even if a thread panicked with it: each change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory in memory.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    users: Mutex<BTreeMap<UserId, Arc<User>>>,
}

impl MemoryDirectory {
    /// A directory without users.
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, is_wanted: impl Fn(&User) -> bool) -> Option<Arc<User>> {
        lock(&self.users).values().find(|user| is_wanted(user)).cloned()
    }

    fn change(&self, id: UserId, change: impl FnOnce(User) -> User) -> Option<Arc<User>> {
        let mut users = lock(&self.users);
        let user = users.get_mut(&id)?;
        *user = Arc::new(change(User::clone(user)));
        Some(Arc::clone(user))
    }
}

impl FromIterator<User> for MemoryDirectory {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        let users = users.into_iter().map(|user| (user.id(), Arc::new(user))).collect();
        Self { users: Mutex::new(users) }
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(ready(Ok(value)))
}

impl DirectoryStore for MemoryDirectory {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        done(lock(&self.users).get(&id).cloned())
    }

    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        done(self.find(|user| user.username().eq_ignore_ascii_case(username)))
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        let (service, service_id) = (identity.service(), Some(identity.service_id()));
        done(self.find(|user| {
            let mut known = user.identities().iter().filter(|known| known.is_in(service, service_id));
            known.any(|known| known.user_id() == identity.user_id())
        }))
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        let mut users: Vec<Arc<User>> = lock(&self.users).values().cloned().collect();
        users.sort_by_key(|user| user.username().to_ascii_lowercase());
        done(users)
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Arc<User>>> {
        let mut users = lock(&self.users);
        if let Some(known) = users.values().find(|known| ***known == user) {
            return done(Arc::clone(known));
        }
        if let Some(other) = users.get(&user.id()) {
            return Box::pin(ready(Err(taken(&user, other))));
        }
        done(insert(&mut users, user))
    }

    fn put_user(&self, user: User) -> BoxFuture<'_, Result<Arc<User>>> {
        let mut users = lock(&self.users);
        if let Some(other) = users.values().find(|other| ***other == user && other.id() != user.id()) {
            return Box::pin(ready(Err(taken(&user, other))));
        }
        done(insert(&mut users, user))
    }

    fn set_role(&self, id: UserId, role: UserRole) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        done(self.change(id, |user| user.with_role(role)))
    }

    fn put_identity(&self, id: UserId, identity: UserIdentity) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        done(self.change(id, |user| user.with_identity(identity)))
    }
}

fn insert(users: &mut BTreeMap<UserId, Arc<User>>, user: User) -> Arc<User> {
    let user = Arc::new(user);
    users.insert(user.id(), Arc::clone(&user));
    user
}

/// The error for a user whose name or id another user has.
fn taken(user: &User, other: &User) -> Error {
    let (name, id) = (other.username(), other.id());
    let message = format!("`{}` cannot be saved, because `{name}` with the id `{id}` is in the way", user.username());
    Error::new(ErrorKind::Conflict, codes::USER_PROCESSING_ERROR, message)
}

/// A key-value store in memory.
#[derive(Debug, Default)]
pub struct MemoryKeyValue {
    values: Mutex<BTreeMap<String, Value>>,
}

impl MemoryKeyValue {
    /// A store without values.
    pub fn new() -> Self {
        Self::default()
    }
}

impl KeyValueStore for MemoryKeyValue {
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>> {
        let values = lock(&self.values);
        let found = check(&values, path).map(|()| values.get(path.as_str()).cloned());
        Box::pin(ready(found))
    }

    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>> {
        let mut values = lock(&self.values);
        let put = check(&values, path).map(|()| {
            values.insert(path.as_str().to_owned(), value);
        });
        Box::pin(ready(put))
    }
}

/// Whether the path can be a value beside those that there are.
fn check(values: &BTreeMap<String, Value>, path: &KeyPath) -> Result<()> {
    if let Some(namespace) = path.namespaces().find(|namespace| values.contains_key(*namespace)) {
        return Err(path.blocked_by_value(namespace));
    }
    let below = format!("{path}.");
    if values.range(below.clone()..).next().is_some_and(|(key, _)| key.starts_with(&below)) {
        return Err(path.is_a_namespace());
    }
    Ok(())
}
