//! A cache of recently used Runs, so that a step need not read its Run again.

use std::sync::{Mutex, MutexGuard};

use super::store::StoredRun;
use crate::bounded_map::BoundedMap;
use crate::model::RunId;
use crate::sync::lock;

/// The maximum number of cached Runs. More than are usually in progress at once.
const RUN_CACHE_CAPACITY: usize = 1_024;

/// The latest known versions of Runs that this process has read or written.
///
/// Another process may have changed a Run since. The version check of the commit notices that, so a stale entry costs a retry and
/// nothing else.
#[derive(Debug)]
pub(super) struct RunCache(Mutex<BoundedMap<RunId, StoredRun>>);

impl Default for RunCache {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(RUN_CACHE_CAPACITY)))
    }
}

impl RunCache {
    pub(super) fn get(&self, run: RunId) -> Option<StoredRun> {
        self.runs().get(&run).cloned()
    }

    /// Inserts a Run, unless a later version is cached.
    pub(super) fn insert(&self, run: RunId, stored: StoredRun) {
        let mut runs = self.runs();
        if runs.get(&run).is_some_and(|cached| cached.version > stored.version) {
            return;
        }
        runs.insert(run, stored);
    }

    pub(super) fn remove(&self, run: RunId) {
        self.runs().remove(&run);
    }

    fn runs(&self) -> MutexGuard<'_, BoundedMap<RunId, StoredRun>> {
        lock(&self.0)
    }
}
