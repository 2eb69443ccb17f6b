//! The open requests at startup: those of removed flows are closed, and those of earlier versions get what they lack.
//!
//! None of this may keep the program from starting, because it has access to end: what fails is logged, and tried again at the next
//! start.

use super::flows::FlowEntries;
use crate::clock::Clock;
use crate::engine::{Engine, InputKey, RunFilter, StoredRun};
use crate::machine::{Input, InputBody};
use crate::model::RunStatus;

/// The statuses of Runs with a request that is not decided, or decided and not granted.
const UNDECIDED: [RunStatus; 5] =
    [RunStatus::Pending, RunStatus::Prompted, RunStatus::Requested, RunStatus::Forwarded, RunStatus::Approved];

/// Closes the requests of flows that are no longer configured, and gives open requests of earlier versions the lifetime and the
/// fingerprint that they lack.
pub(super) async fn resume(engine: &dyn Engine, clock: &dyn Clock, flows: &FlowEntries) {
    for status in UNDECIDED {
        let filter = RunFilter { active: true, status: Some(status), ..RunFilter::default() };
        let runs = match engine.runs(filter, usize::MAX).await {
            Ok(runs) => runs,
            Err(error) => {
                tracing::error!(%error, %status, "could not read the open requests");
                continue;
            }
        };
        for run in &runs {
            match flows.by_srn(&run.state.flow) {
                Err(_) if run.state.can_be_closed() => submit(engine, clock, run, InputBody::FlowRemoved).await,
                // A declaration with errors says nothing about what its flow grants.
                Ok(entry) if entry.is_unresolved() => {}
                _ if run.state.is_of_earlier_version() => submit(engine, clock, run, InputBody::Resumed).await,
                _ => {}
            }
        }
    }
}

async fn submit(engine: &dyn Engine, clock: &dyn Clock, run: &StoredRun, body: InputBody) {
    let id = run.state.run.id();
    let key = InputKey::new(format!("start:{id}:{}", run.version));
    let input = Input::new(id, run.state.flow.clone(), clock.now(), body);
    if let Err(error) = engine.submit(key, input).await {
        tracing::error!(%error, run = %id, "could not resume an open request");
    }
}
