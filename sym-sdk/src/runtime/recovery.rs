//! Makes sure, before anything is done, that all access which Runs may hold comes to its end.

use std::collections::HashSet;

use super::flows::FlowEntries;
use crate::clock::Clock;
use crate::config::{Diagnostic, SourceLocation};
use crate::engine::{Engine, InputKey, StoredRun};
use crate::error::Result;
use crate::machine::{Input, InputBody};

/// How many Runs are repaired before the store is asked for more.
const AT_ONCE: usize = 500;

/// What speaks against going on.
pub(super) async fn recover(engine: &dyn Engine, clock: &dyn Clock, flows: &FlowEntries) -> Vec<Diagnostic> {
    let health = match engine.access_health(clock.now()).await {
        Ok(health) => health,
        Err(error) => return vec![unreadable(&error)],
    };
    let orphans: Vec<_> = health.holding.iter().filter(|(flow, _)| flows.by_name(flow).is_err()).collect();
    if !orphans.is_empty() {
        return orphans.into_iter().map(|(flow, runs)| orphaned(flow, *runs)).collect();
    }
    if health.missing_expiry == 0 {
        return Vec::new();
    }
    repair(engine, clock).await.unwrap_or_else(|error| vec![unreadable(&error)])
}

/// Has each Run that nothing would end ask anew for what ends it.
async fn repair(engine: &dyn Engine, clock: &dyn Clock) -> Result<Vec<Diagnostic>> {
    let mut repaired = HashSet::new();
    loop {
        let runs = engine.runs_missing_expiry(AT_ONCE).await?;
        let hopeless: Vec<_> = runs.iter().filter(|run| repaired.contains(&run.state.run.id())).collect();
        if !hopeless.is_empty() {
            return Ok(hopeless.into_iter().map(endless).collect());
        }
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        for run in runs {
            let id = run.state.run.id();
            let flow = run.state.flow.slug();
            tracing::error!(run = %id, flow, "the store has lost what was to end an access; it is asked for anew");
            let key = InputKey::new(format!("rearm:{id}:{}", run.version));
            let input = Input::new(id, run.state.flow.clone(), clock.now(), InputBody::Rearm);
            engine.submit(key, input).await?;
            repaired.insert(id);
        }
    }
}

fn unreadable(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), format!("the Runs cannot be read: {error}"))
}

fn orphaned(flow: &str, runs: u64) -> Diagnostic {
    let runs = if runs == 1 { "1 Run".to_owned() } else { format!("{runs} Runs") };
    let message = format!("flow `{flow}` is not declared any more, and {runs} of it may still give access");
    Diagnostic::error(SourceLocation::default(), message).with_hint("declare the flow until that access has ended")
}

fn endless(run: &StoredRun) -> Diagnostic {
    let message =
        format!("nothing would end the access that Run {} may give, and that cannot be repaired", run.state.run.id());
    Diagnostic::error(SourceLocation::default(), message)
        .with_hint("go back to a backup of the store, or take the access away by hand")
}
