//! A cache of the users of a workspace.
//!
//! Resolving names and members takes the whole list of users, which is slow and rate-limited. The cache keeps one list for
//! [`USERS_TTL`], holds only what look-ups need, and lets concurrent callers wait for a single `users.list`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::lock::Mutex;
use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::error::Result;

use super::UserInfo;

/// The lifetime of a list of users.
const USERS_TTL: Duration = Duration::from_secs(300);

/// The properties of a Slack user that look-ups need. A large workspace has many users, so nothing else is kept.
#[derive(Clone, Debug)]
pub(super) struct CachedUser {
    pub(super) id: String,
    /// Display name, full name and user name, in lower case.
    names: Vec<String>,
    pub(super) email: Option<String>,
    pub(super) is_bot: bool,
    pub(super) is_deactivated: bool,
    /// The person's own workspace, if it is another one than the app's.
    pub(super) foreign_team: Option<String>,
    pub(super) is_outsider: bool,
}

impl CachedUser {
    pub(super) fn new(user: &UserInfo, workspace: &str) -> Self {
        let names = [user.display_name(), user.real_name(), user.name()];
        Self {
            id: user.id().to_owned(),
            names: names.into_iter().flatten().map(str::to_lowercase).collect(),
            email: user.verified_email().map(str::to_owned),
            is_bot: user.is_bot(),
            is_deactivated: user.is_deactivated(),
            foreign_team: user.team_id().filter(|team| *team != workspace).map(str::to_owned),
            is_outsider: user.is_outsider(workspace),
        }
    }

    /// Returns whether this is an active person of the workspace.
    fn is_member(&self) -> bool {
        !self.is_bot && !self.is_deactivated && !self.is_outsider
    }
}

/// All users of a workspace, by id.
#[derive(Default)]
pub(super) struct UserList(HashMap<String, CachedUser>);

impl UserList {
    pub(super) fn get(&self, id: &str) -> Option<&CachedUser> {
        self.0.get(id)
    }

    /// Returns the ids of the members with this name, sorted. Case is ignored.
    pub(super) fn ids_by_name(&self, name: &str) -> Vec<&str> {
        let name = name.trim().to_lowercase();
        let named = self.0.values().filter(|user| user.is_member() && user.names.contains(&name));
        let mut ids: Vec<&str> = named.map(|user| user.id.as_str()).collect();
        ids.sort_unstable();
        ids
    }
}

impl FromIterator<CachedUser> for UserList {
    fn from_iter<I: IntoIterator<Item = CachedUser>>(users: I) -> Self {
        Self(users.into_iter().map(|user| (user.id.clone(), user)).collect())
    }
}

/// A cache of one workspace's users, filled on first use.
pub(super) struct UserCache {
    clock: Arc<dyn Clock>,
    entry: Mutex<Option<(Timestamp, Arc<UserList>)>>,
}

impl UserCache {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entry: Mutex::new(None) }
    }

    /// Returns the cached users, or else fetches them. Concurrent callers wait for the same fetch.
    pub(super) async fn get_or_fetch(&self, fetch: impl Future<Output = Result<UserList>>) -> Result<Arc<UserList>> {
        let mut entry = self.entry.lock().await;
        if let Some(users) = self.unexpired(&entry) {
            return Ok(users);
        }
        let fetched_at = self.clock.now();
        let users = Arc::new(fetch.await?);
        *entry = Some((fetched_at, Arc::clone(&users)));
        Ok(users)
    }

    /// Returns the cached users, without fetching them or waiting for a fetch in flight.
    pub(super) fn get(&self) -> Option<Arc<UserList>> {
        self.unexpired(&*self.entry.try_lock()?)
    }

    fn unexpired(&self, entry: &Option<(Timestamp, Arc<UserList>)>) -> Option<Arc<UserList>> {
        let (fetched_at, users) = entry.as_ref()?;
        // After the clock was set back, the age is unknown: the entry counts as expired.
        let age = Duration::try_from(self.clock.now().duration_since(*fetched_at)).ok()?;
        (age < USERS_TTL).then(|| Arc::clone(users))
    }
}

impl fmt::Debug for UserCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCache").finish_non_exhaustive()
    }
}
