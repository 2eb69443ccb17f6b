//! Forgets Runs that are over for long, from time to time.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::{Engine, StopSignal};

/// How often it is looked for what is old enough.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Works until it is told to stop.
pub(super) async fn run(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, age: Duration, mut stop: StopSignal) {
    while !stop.is_requested() {
        tokio::select! {
            biased;
            // Also between the steps of one look: there may be any number of them the first time.
            () = stop.requested() => {}
            () = once(&*engine, &*clock, age) => {}
        }
    }
}

async fn once(engine: &dyn Engine, clock: &dyn Clock, age: Duration) {
    match engine.prune(age).await {
        Ok(0) => {}
        Ok(pruned) => tracing::info!(pruned, "Runs that are over were forgotten"),
        Err(error) => tracing::error!(%error, "could not forget Runs that are over"),
    }
    clock.sleep(EVERY).await;
}
