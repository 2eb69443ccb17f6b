//! Runs a scenario while workers execute it and time passes.

use std::time::Duration;

use crate::cli::simulate::Driver;
use crate::error::Result;
use crate::model::RunId;
use crate::runtime::{Receipt, Runtime, Submission};
use crate::time::TimestampExt;

/// A [`Driver`] for a runtime with running workers.
///
/// Its submissions have keys that depend only on the name of the request and their order. When the program is restarted, what was
/// submitted before is recognized, and not submitted again.
#[derive(Debug)]
pub(super) struct RealTimeDriver {
    runtime: Runtime,
    name: String,
    submitted: u32,
}

impl RealTimeDriver {
    /// Returns a driver for the request with this name.
    pub(super) fn new(runtime: Runtime, name: String) -> Self {
        Self { runtime, name, submitted: 0 }
    }

    /// Waits until the Run has no work in flight.
    async fn settled(&self, run: RunId) -> Result<()> {
        loop {
            // Subscribe before looking, so that a commit in between is not missed.
            let changed = self.runtime.engine().next_commit();
            if !self.runtime.run(run).await?.state.is_busy() {
                return Ok(());
            }
            changed.await;
        }
    }
}

impl Driver for RealTimeDriver {
    fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    async fn submit(&mut self, submission: impl Into<Submission>) -> Result<Receipt> {
        let submission: Submission = submission.into();
        self.submitted += 1;
        let (name, number) = (&self.name, self.submitted);
        let receipt = self.runtime.submit(submission.key_or(|| format!("demo:{name}:{number}"))).await?;
        self.settled(receipt.run).await?;
        Ok(receipt)
    }

    async fn advance(&mut self, time: Duration) -> Result<()> {
        let clock = self.runtime.clock();
        clock.sleep_until(clock.now().plus(time)).await;
        Ok(())
    }
}
