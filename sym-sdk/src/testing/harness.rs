//! The harness.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Decision, HarnessBuilder, RecordingDelivery, RecordingStrategy, Request};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::integration::Outbox;
use crate::machine::RunState;
use crate::model::{RunId, RunStatus};
use crate::runtime::{self, Runtime, Submission};
use crate::simulation::{Simulation, Timeline};

/// Whole flows in a test: handlers, configuration and everything that runs them, with fakes around and a virtual clock. See
/// [the module](super) for a first test.
///
/// What fails can be made to fail:
///
/// ```
/// # use sym_sdk::prelude::*;
/// # use sym_sdk::testing::Harness;
/// # #[reducer]
/// # fn get_permissions() -> RequestPermission {
/// #     RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(sym_sdk::handlers![get_permissions]);
/// let mut harness = builder.build().await?;
/// harness.strategy("test")?.fail_grants(2);
///
/// let run = harness.request("prod").duration("1h").await?;
/// harness.approve_as(run, "ben@example.com").await?;
/// assert_eq!(harness.status(run).await?, RunStatus::Approved);
///
/// // The third attempt succeeds.
/// harness.advance(Duration::from_secs(10)).await?;
/// assert_eq!(harness.status(run).await?, RunStatus::Escalated);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Harness {
    simulation: Simulation,
    delivery: RecordingDelivery,
    strategies: BTreeMap<String, RecordingStrategy>,
}

impl Harness {
    /// Nothing declared yet.
    pub fn builder() -> HarnessBuilder {
        HarnessBuilder::default()
    }

    pub(super) fn new(
        simulation: Simulation,
        delivery: RecordingDelivery,
        strategies: BTreeMap<String, RecordingStrategy>,
    ) -> Self {
        Self { simulation, delivery, strategies }
    }

    // What people do.

    /// Makes a request.
    pub fn request(&mut self, flow: &str) -> Request<'_> {
        Request::new(self, flow)
    }

    /// Approves a request.
    pub fn approve_as(&mut self, run: RunId, email: &str) -> Decision<'_> {
        Decision::new(self, Submission::approve(run, email))
    }

    /// Denies a request, or cancels it if it is the person's own.
    pub fn deny_as(&mut self, run: RunId, email: &str) -> Decision<'_> {
        Decision::new(self, Submission::deny(run, email))
    }

    /// Revokes access before its time.
    pub fn revoke_as(&mut self, run: RunId, email: &str) -> Decision<'_, runtime::Revoke> {
        Decision::new(self, Submission::revoke(run, email))
    }

    /// Gives up a revocation that does not succeed.
    pub fn write_off_as(&mut self, run: RunId, email: &str, reason: &str) -> Decision<'_, runtime::WriteOff> {
        Decision::new(self, Submission::write_off(run, email, reason))
    }

    /// Asks for the form of a flow. It then stands in [`RecordingDelivery::forms`].
    ///
    /// A form without a Run, and what `on_change` handlers make of it, is had from [`Runtime::preview_form`] and
    /// [`Runtime::change_form`] of [`Harness::runtime`].
    ///
    /// # Errors
    /// Those of [`Runtime::submit`].
    pub async fn prompt(&mut self, flow: &str, email: &str) -> Result<RunId> {
        Ok(self.simulation.submit(Submission::prompt(flow, email)).await?.run)
    }

    // Time.

    /// Lets time pass, with all that falls due in it.
    ///
    /// # Errors
    /// Those of [`Simulation::advance`].
    pub async fn advance(&mut self, time: Duration) -> Result<()> {
        self.simulation.advance(time).await
    }

    /// Lets time pass until nothing is left to do, a year at most.
    ///
    /// # Errors
    /// Those of [`Simulation::run_to_end`]; or that something is left to do.
    pub async fn run_to_end(&mut self) -> Result<()> {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        if self.simulation.run_to_end(YEAR).await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Timeout, codes::INVALID_EVENT, "after a year something is still left to do"))
    }

    // What has come of it.

    /// A Run as it stands.
    ///
    /// # Errors
    /// If there is none.
    pub async fn run(&self, run: RunId) -> Result<Arc<RunState>> {
        Ok(self.runtime().run(run).await?.state)
    }

    /// A Run's status.
    ///
    /// # Errors
    /// If there is none.
    pub async fn status(&self, run: RunId) -> Result<RunStatus> {
        Ok(self.run(run).await?.run.status())
    }

    /// Who has access now, as the recording strategies have it: `label of the target: identity`, sorted. A target
    /// without a label goes by its name.
    pub fn granted(&self) -> Vec<String> {
        let granted = self.strategies.values().flat_map(RecordingStrategy::granted);
        let mut granted: Vec<_> = granted.map(|(target, identity)| format!("{}: {identity}", target.label())).collect();
        granted.sort();
        granted
    }

    /// What has happened, in all Runs.
    pub fn timeline(&self) -> &Timeline {
        self.simulation.timeline()
    }

    /// What has happened in one Run, as text to be compared with what a test expects. Handlers stand in it without their
    /// lines, which change with every edit of the file.
    ///
    /// With the crate `expect-test`: `expect![[r#"…"#]].assert_eq(&harness.golden(run))`.
    pub fn golden(&self, run: RunId) -> String {
        self.timeline().of_run(run).without_lines().to_string()
    }

    /// The front end that shows what no other one does.
    pub fn delivery(&self) -> &RecordingDelivery {
        &self.delivery
    }

    /// The recording strategy of this type, such as `okta`.
    ///
    /// # Errors
    /// If no strategy of this type is configured, or the test gave one of its own.
    pub fn strategy(&self, kind: &str) -> Result<&RecordingStrategy> {
        self.strategies.get(kind).ok_or_else(|| {
            let message = format!("the harness has no recording strategy of type `{kind}`");
            let known = self.strategies.keys().map(String::as_str);
            let hint = crate::suggest::hint(kind, "types", known);
            Error::new(ErrorKind::NotFound, codes::ACCESS_STRATEGY_NOT_FOUND, message).with_hint(hint)
        })
    }

    /// What fakes have sent.
    pub fn outbox(&self) -> &Outbox {
        self.simulation.outbox()
    }

    /// The runtime.
    pub fn runtime(&self) -> &Runtime {
        self.simulation.runtime()
    }

    /// The simulation.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// The simulation, to go on with it.
    pub fn simulation_mut(&mut self) -> &mut Simulation {
        &mut self.simulation
    }
}
