//! A cache of recently used Runs, so that a step need not read its Run again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use super::store::StoredRun;
use crate::model::RunId;
use crate::sync::lock;

/// The number of cached Runs, more than are usually in progress at once. A full cache is cleared: each Run is read once more.
const RUN_CACHE_CAPACITY: usize = 1_024;

/// The latest known versions of Runs that this process has read or written.
///
/// Another process may have changed a Run since. The version check of the commit notices that, so a stale entry costs a retry and
/// nothing else.
#[derive(Debug, Default)]
pub(super) struct RunCache(Mutex<HashMap<RunId, StoredRun>>);

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
        if runs.len() >= RUN_CACHE_CAPACITY {
            runs.clear();
        }
        runs.insert(run, stored);
    }

    pub(super) fn remove(&self, run: RunId) {
        self.runs().remove(&run);
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, StoredRun>> {
        lock(&self.0)
    }
}
