//! The Runs of the latest changes, each of which is read once for all who listen.
//!
//! A Run is as it was when the first listener asked after the change, or later. Whatever happens to it afterwards is a change of its own, of
//! which every listener is told too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::Runtime;
use crate::engine::{Change, StoredRun};
use crate::error::Result;
use crate::sync::lock;

/// The number of changes whose Runs are kept. Listeners who lag more read for themselves.
const KEPT: usize = 256;

/// A Run that is read once. `None` if the change is that of no Run.
type ReadOnce = Arc<OnceCell<Option<StoredRun>>>;

/// The Runs of the latest changes, by the numbers of their records.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangedRuns(Arc<Mutex<BTreeMap<u64, ReadOnce>>>);

impl ChangedRuns {
    fn of(&self, change: &Change) -> ReadOnce {
        let mut kept = lock(&self.0);
        let read = kept.entry(change.seq).or_default().clone();
        if kept.len() > KEPT {
            kept.pop_first();
        }
        read
    }
}

impl Runtime {
    /// Returns the Run that has changed, as it is after the change. `None` for a record that belongs to no Run, such as that of a refusal.
    pub(crate) async fn changed_run(&self, change: &Change) -> Result<Option<StoredRun>> {
        let read = self.changed_runs.of(change);
        read.get_or_try_init(async || self.engine.run(change.run).await).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    #[test]
    fn listeners_share_what_they_read_of_the_latest_changes() {
        let (kept, run) = (ChangedRuns::default(), RunId::from_uuid(uuid::Uuid::nil()));
        let of = |seq| kept.of(&Change::new(seq, [0; 4], run, jiff::Timestamp::UNIX_EPOCH));
        let first = of(1);
        assert!(Arc::ptr_eq(&first, &of(1)));
        assert!(!Arc::ptr_eq(&first, &of(2)));
        for seq in 0..10 * KEPT as u64 {
            of(seq);
        }
        assert_eq!(lock(&kept.0).len(), KEPT);
        // Whoever lags that much reads again.
        assert!(!Arc::ptr_eq(&first, &of(1)));
    }
}
