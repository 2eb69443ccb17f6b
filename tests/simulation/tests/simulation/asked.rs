//! The place that each request asked for: where it was to grant access, by the configuration under which it was made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sym_sdk::engine::StoredRun;
use sym_sdk::machine::RunState;
use sym_sdk::model::{AccessTarget, RunId, Step};

use crate::declared::{Declared, Place};

/// The places of all requests. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<BTreeMap<RunId, Place>>>);

impl Asked {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the places of requests that were made since the last call, under this configuration.
    pub(crate) fn note(&self, declared: &Declared, runs: &[StoredRun]) {
        let mut places = self.lock();
        for StoredRun { state, .. } in runs {
            let run = state.run.id();
            if !places.contains_key(&run)
                && let Some(target) = requested_target(state)
                && let Some(place) = declared.place(state.flow.slug(), target.name().as_str())
            {
                places.insert(run, place);
            }
        }
    }

    /// Returns where the request of a Run was to grant access.
    pub(crate) fn place(&self, run: RunId) -> Option<Place> {
        self.lock().get(&run).cloned()
    }
}

fn requested_target(state: &RunState) -> Option<&AccessTarget> {
    let active = state.active_event.as_ref().map(|active| &active.event).filter(|event| event.name == Step::Request);
    let request = state.request.as_ref().and_then(|request| request.target.as_ref());
    request.or_else(|| active.and_then(|event| event.target.as_ref()))
}
