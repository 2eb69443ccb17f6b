//! Writes the inputs that the store did not take, once it does; at shutdown until all are written, or time is up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::supervisor::{Worker, supervise};
use super::{POLL_INTERVAL, Phase, may_work, stop_requested};
use crate::engine::local::LocalEngine;

/// The interval between two attempts at shutdown, which has a time limit in real time.
const SHUTDOWN_RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Writes what is kept until the phase changes and nothing is left.
pub(super) async fn run(engine: Arc<LocalEngine>, mut phase: watch::Receiver<Phase>) {
    supervise(&engine, &mut UnwrittenWriter(engine.clone()), &mut phase).await;
    // Without a sender, the shutdown was abandoned.
    while !engine.in_flight.is_idle() && *phase.borrow() == Phase::Finish && phase.has_changed().is_ok() {
        let ended = engine.in_flight.ended();
        if engine.has_unwritten() {
            // An error is logged by the engine.
            let _ = engine.write_kept().await;
        }
        tokio::select! {
            _ = phase.wait_for(|phase| *phase == Phase::Release) => {}
            () = ended => {}
            () = tokio::time::sleep(SHUTDOWN_RETRY_INTERVAL) => {}
        }
    }
    if engine.has_unwritten() && engine.write_kept().await.is_err() {
        tracing::error!(
            "outcomes of effects could not be stored before the shutdown; the effects are executed again with the same keys"
        );
    }
    engine.release_held().await;
}

struct UnwrittenWriter(Arc<LocalEngine>);

impl Worker for UnwrittenWriter {
    fn name(&self) -> &'static str {
        "unwritten"
    }

    async fn work(&mut self, phase: &mut watch::Receiver<Phase>) {
        let engine = self.0.clone();
        while may_work(phase) {
            let changed = engine.write_schedule_changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            // An error is logged by the engine, and the next attempt scheduled.
            let _ = engine.write_kept_if_due().await;
            let until_next = async {
                match engine.next_write() {
                    // The clock can go back meanwhile, and then that is not the time of the next attempt any more.
                    Some(at) => tokio::select! {
                        () = engine.clock().sleep_until(at) => {}
                        () = engine.clock().sleep(POLL_INTERVAL) => {}
                    },
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop_requested(phase) => {}
                () = changed => {}
                () = until_next => {}
            }
        }
    }
}
