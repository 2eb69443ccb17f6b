//! Where a request is played.

use std::time::Duration;

use crate::error::Result;
use crate::runtime::{Receipt, Runtime, Submission};
use crate::simulation::Simulation;

/// A place where requests are made and time passes.
pub(in crate::cli) trait Driver {
    /// What runs there.
    fn runtime(&self) -> &Runtime;

    /// Takes a submission, and returns when all that follows from it at once is done.
    async fn submit(&mut self, submission: impl Into<Submission>) -> Result<Receipt>;

    /// Lets time pass.
    async fn pass(&mut self, time: Duration) -> Result<()>;
}

impl Driver for Simulation {
    fn runtime(&self) -> &Runtime {
        self.runtime()
    }

    async fn submit(&mut self, submission: impl Into<Submission>) -> Result<Receipt> {
        self.submit(submission).await
    }

    async fn pass(&mut self, time: Duration) -> Result<()> {
        self.advance(time).await
    }
}
