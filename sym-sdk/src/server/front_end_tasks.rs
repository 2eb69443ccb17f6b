//! The tasks of front ends that maintain their own connections, and their restarts after failures.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::readiness::Readiness;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::{DynFrontEnd, Runtime};

/// Delay before a failed front end is run again.
const RESTART_DELAY: Duration = Duration::from_secs(10);

/// Runs all front ends until `stop` is cancelled.
pub(super) async fn run_all(runtime: &Runtime, readiness: &Readiness, stop: CancellationToken) {
    join_all(runtime.front_ends().iter().map(|front_end| run(&**front_end, runtime, readiness, &stop))).await;
    // Front ends without connections return immediately.
    stop.cancelled().await;
}

async fn run(front_end: &dyn DynFrontEnd, runtime: &Runtime, readiness: &Readiness, stop: &CancellationToken) {
    let name = front_end.name();
    while !stop.is_cancelled() {
        let running = AssertUnwindSafe(async { front_end.run(runtime.clone(), stop.child_token()).await });
        let error = match running.catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => Error::new(ErrorKind::Internal, codes::HANDLER_PANICKED, "it panicked"),
        };
        tracing::error!(front_end = name, error = %error.report(), "a front end failed and is run again");
        readiness.failed(name, Some(error.code().clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = runtime.clock().sleep(RESTART_DELAY) => {}
        }
        readiness.failed(name, None);
    }
}
