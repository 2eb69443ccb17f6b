//! The interface through which a scenario acts on a runtime.

use std::time::Duration;

use crate::error::Result;
use crate::model::RunId;
use crate::runtime::{Receipt, Runtime, Submission};
use crate::simulation::Simulation;

/// A runtime in which a scenario submits requests and lets time pass.
///
/// A [`Simulation`] advances its clock; the demo on a store waits.
pub(in crate::cli) trait Driver {
    /// Returns the runtime.
    fn runtime(&self) -> &Runtime;

    /// Submits, and returns when the work that follows from it immediately is done.
    async fn submit(&mut self, submission: impl Into<Submission>) -> Result<Receipt>;

    /// Lets time pass.
    async fn advance(&mut self, time: Duration) -> Result<()>;

    /// Reports whether a Run can still be decided.
    async fn is_open(&self, run: RunId) -> Result<bool> {
        Ok(self.runtime().run(run).await?.state.is_open())
    }
}

impl Driver for Simulation {
    fn runtime(&self) -> &Runtime {
        self.runtime()
    }

    async fn submit(&mut self, submission: impl Into<Submission>) -> Result<Receipt> {
        self.submit(submission).await
    }

    async fn advance(&mut self, time: Duration) -> Result<()> {
        self.advance(time).await
    }
}
