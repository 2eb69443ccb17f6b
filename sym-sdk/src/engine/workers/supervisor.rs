//! Restarts of workers that panic.
//!
//! A worker that is gone would leave its lane without anybody, and a process that ends takes all other lanes with it. So a worker that
//! panics is started again, after a delay that grows while it keeps panicking, and is short again once it has worked for a while.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::{Phase, may_work, stop_requested};
use crate::engine::local::LocalEngine;
use crate::engine::observability;

const MIN_RESTART_DELAY: Duration = Duration::from_secs(1);
const MAX_RESTART_DELAY: Duration = Duration::from_secs(60);

/// A worker. Its state outlasts a panic.
pub(super) trait Worker: Send {
    /// Returns the name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Works until the phase changes.
    fn work(&mut self, phase: &mut watch::Receiver<Phase>) -> impl Future<Output = ()> + Send;
}

/// Runs a worker until it ends, and again whenever it panics.
pub(super) async fn supervise(engine: &LocalEngine, worker: &mut impl Worker, phase: &mut watch::Receiver<Phase>) {
    let mut delay = MIN_RESTART_DELAY;
    loop {
        let started = engine.clock().elapsed();
        let ended = AssertUnwindSafe(worker.work(phase)).catch_unwind().await;
        if ended.is_ok() || !may_work(phase) {
            return;
        }
        if engine.clock().elapsed().saturating_sub(started) > MAX_RESTART_DELAY {
            delay = MIN_RESTART_DELAY;
        }
        observability::worker_panicked(worker.name());
        tracing::error!(worker = worker.name(), ?delay, "a worker panicked and is started again");
        tokio::select! {
            biased;
            () = stop_requested(phase) => {}
            () = engine.clock().sleep(delay) => {}
        }
        delay = delay.saturating_mul(2).min(MAX_RESTART_DELAY);
    }
}
