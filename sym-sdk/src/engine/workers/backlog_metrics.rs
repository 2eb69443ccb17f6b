//! Measures the backlog for the gauges of [`observability`](crate::engine::observability).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Phase, stop_requested};
use crate::engine::local::LocalEngine;
use crate::engine::traits::Drive;

const MEASURE_INTERVAL: Duration = Duration::from_secs(15);

/// Measures until the phase changes.
pub(super) async fn run(engine: Arc<LocalEngine>, mut phase: watch::Receiver<Phase>) {
    loop {
        if let Err(error) = engine.measure_backlog().await {
            tracing::warn!(%error, "could not measure the backlog");
        }
        tokio::select! {
            biased;
            () = stop_requested(&mut phase) => return,
            () = engine.clock().sleep(MEASURE_INTERVAL) => {}
        }
    }
}
