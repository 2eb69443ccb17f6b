//! Tells metrics of what is due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Phase, stopped};
use crate::engine::LocalEngine;

const MEASURE_INTERVAL: Duration = Duration::from_secs(15);

/// Works until it is told to stop.
pub(super) async fn measure(engine: Arc<LocalEngine>, mut told: watch::Receiver<Phase>) {
    loop {
        if let Err(error) = engine.measure_backlog().await {
            tracing::warn!(%error, "could not measure what is due");
        }
        tokio::select! {
            biased;
            () = stopped(&mut told) => return,
            () = engine.clock().sleep(MEASURE_INTERVAL) => {}
        }
    }
}
