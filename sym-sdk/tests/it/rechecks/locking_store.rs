//! A memory store in which somebody is locked while a grant looks at other Runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use sym_sdk::directory::UserChange;
use sym_sdk::engine::*;

use super::*;
use crate::store_forwarding::{StoreFuture, forward_to_store};

/// A memory store that locks somebody in the directory during a look at the Runs with access at another level. A request looks twice: when
/// its requester is identified, and before the grant.
pub(super) struct LockingStore {
    store: MemoryStore,
    users: Arc<dyn DirectoryStore>,
    locked: UserId,
    looks: AtomicUsize,
}

impl LockingStore {
    /// Creates a store that locks a user during the look before the grant.
    pub(super) fn new(users: Arc<dyn DirectoryStore>, locked: UserId) -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::new(), users, locked, looks: AtomicUsize::new(0) })
    }

    /// Returns the number of looks so far.
    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Store for LockingStore {
    fn runs(&self, filter: RunFilter, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        let locks = filter.other_level_than.is_some() && self.looks.fetch_add(1, Ordering::SeqCst) == 1;
        Box::pin(async move {
            if locks {
                self.users.change_user(self.locked, UserChange::Locked(true)).await.unwrap().unwrap();
            }
            self.store.runs(filter, limit).await
        })
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> StoreFuture<'_, usize> {
        self.store.clamp_future_due_times(latest)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Committed> {
        self.store.commit(commit)
    }

    forward_to_store!();
}
