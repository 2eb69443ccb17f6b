//! Runs as they were stored last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use super::store::StoredRun;
use crate::model::RunId;
use crate::sync::lock;

/// More than are usually under way at once. When there are more, all are forgotten: each is read again once.
const MOST: usize = 1_024;

/// Runs that this process has read or written lately, so that each step need not read its Run again. A Run may have changed
/// since: the version that a commit expects tells.
#[derive(Debug, Default)]
pub(super) struct RunCache(Mutex<HashMap<RunId, StoredRun>>);

impl RunCache {
    pub(super) fn get(&self, run: RunId) -> Option<StoredRun> {
        self.lock().get(&run).cloned()
    }

    /// Keeps the Run, unless a later version is kept already.
    pub(super) fn insert(&self, run: RunId, stored: StoredRun) {
        let mut runs = self.lock();
        if runs.get(&run).is_some_and(|kept| kept.version > stored.version) {
            return;
        }
        if runs.len() >= MOST {
            runs.clear();
        }
        runs.insert(run, stored);
    }

    pub(super) fn remove(&self, run: RunId) {
        self.lock().remove(&run);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, StoredRun>> {
        // No change of the map can panic halfway.
        lock(&self.0)
    }
}
