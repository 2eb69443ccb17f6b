//! The harness, which drives a simulation by what users do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Decision, Extend, HarnessBuilder, RecordingDelivery, RecordingStrategy, Request};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::integration::Outbox;
use crate::machine::RunState;
use crate::model::{RunId, RunStatus};
use crate::runtime::{self, Runtime, Submission};
use crate::simulation::{Simulation, Timeline};

/// A test harness for whole flows: handlers, configuration and a runtime, with recording strategies and deliveries, on a virtual clock.
/// See [the module](super) for a first test.
///
/// Failures can be injected:
///
/// ```
/// # use sym_sdk::prelude::*;
/// # use sym_sdk::testing::Harness;
/// # #[reducer]
/// # fn get_permissions() -> RequestPermission {
/// #     RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
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
    /// Returns a builder without any declarations.
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

    // Actions of users.

    /// Makes a request.
    pub fn request(&mut self, flow: &str) -> Request<'_> {
        Request::new(self, flow)
    }

    /// Approves a request.
    pub fn approve_as(&mut self, run: RunId, email: &str) -> Decision<'_> {
        Decision::new(self, Submission::approve(run, email))
    }

    /// Denies a request, or cancels the user's own.
    pub fn deny_as(&mut self, run: RunId, email: &str) -> Decision<'_> {
        Decision::new(self, Submission::deny(run, email))
    }

    /// Asks for more time, for access that has not ended yet.
    pub fn extend_as(&mut self, run: RunId, email: &str, duration: Duration) -> Extend<'_> {
        Extend::new(self, Submission::extend(run, email, duration))
    }

    /// Reminds those who can decide.
    pub fn remind_as(&mut self, run: RunId, email: &str) -> Decision<'_, runtime::Remind> {
        Decision::new(self, Submission::remind(run, email))
    }

    /// Revokes access before it expires.
    pub fn revoke_as(&mut self, run: RunId, email: &str) -> Decision<'_, runtime::Revoke> {
        Decision::new(self, Submission::revoke(run, email))
    }

    /// Writes off a revocation that does not succeed.
    pub fn write_off_as(&mut self, run: RunId, email: &str, reason: &str) -> Decision<'_, runtime::WriteOff> {
        Decision::new(self, Submission::write_off(run, email, reason))
    }

    /// Opens the form of a flow, which [`RecordingDelivery::forms`] then contains.
    ///
    /// For a form without a Run, and for `on_change` handlers, use [`Runtime::preview_form`] and [`Runtime::change_form`].
    ///
    /// # Errors
    /// Those of [`Runtime::submit`].
    pub async fn prompt(&mut self, flow: &str, email: &str) -> Result<RunId> {
        Ok(self.simulation.submit(Submission::prompt(flow, email)).await?.run)
    }

    // Time.

    /// Advances the clock, running all work that falls due on the way.
    ///
    /// # Errors
    /// Those of [`Simulation::advance`].
    pub async fn advance(&mut self, time: Duration) -> Result<()> {
        self.simulation.advance(time).await
    }

    /// Advances the clock until no work is left, by at most a year.
    ///
    /// # Errors
    /// Those of [`Simulation::run_to_end`], or if work is left after a year.
    pub async fn run_to_end(&mut self) -> Result<()> {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        if self.simulation.run_to_end(YEAR).await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Timeout, codes::INVALID_EVENT, "work is still scheduled after a year"))
    }

    // Results.

    /// Returns the current state of a Run.
    ///
    /// # Errors
    /// If the Run does not exist.
    pub async fn run(&self, run: RunId) -> Result<Arc<RunState>> {
        Ok(self.runtime().run(run).await?.state)
    }

    /// Returns the status of a Run.
    ///
    /// # Errors
    /// If the Run does not exist.
    pub async fn status(&self, run: RunId) -> Result<RunStatus> {
        Ok(self.run(run).await?.run.status())
    }

    /// Returns the current access in the recording strategies, sorted, as `target: account`. Targets are shown by label, or else by
    /// name.
    pub fn granted(&self) -> Vec<String> {
        let granted = self.strategies.values().flat_map(RecordingStrategy::granted);
        let mut granted: Vec<_> = granted.map(|(target, identity)| format!("{}: {identity}", target.label())).collect();
        granted.sort();
        granted
    }

    /// Returns what has happened in all Runs.
    pub fn timeline(&self) -> &Timeline {
        self.simulation.timeline()
    }

    /// Returns what has happened in one Run, as text for a golden test. Handlers are shown without line numbers, which change with every
    /// edit of the file.
    ///
    /// With the crate `expect-test`: `expect![[r#"…"#]].assert_eq(&harness.golden(run))`.
    pub fn golden(&self, run: RunId) -> String {
        self.timeline().of_run(run).without_lines().to_string()
    }

    /// Returns the delivery that shows what no other one reaches.
    pub fn delivery(&self) -> &RecordingDelivery {
        &self.delivery
    }

    /// Returns the recording strategy of this type, such as `okta`.
    ///
    /// # Errors
    /// If no strategy of this type is configured, or the test has set one of its own.
    pub fn strategy(&self, kind: &str) -> Result<&RecordingStrategy> {
        self.strategies.get(kind).ok_or_else(|| {
            let message = format!("the harness has no recording strategy of type `{kind}`");
            let known = self.strategies.keys().map(String::as_str);
            let hint = crate::suggest::hint(kind, "types", known);
            Error::new(ErrorKind::NotFound, codes::ACCESS_STRATEGY_NOT_FOUND, message).with_hint(hint)
        })
    }

    /// Returns the outbox in which fakes record what they would have sent.
    pub fn outbox(&self) -> &Outbox {
        self.simulation.outbox()
    }

    /// Returns the runtime.
    pub fn runtime(&self) -> &Runtime {
        self.simulation.runtime()
    }

    /// Returns the simulation.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// Returns the simulation, for what the harness has no method for.
    pub fn simulation_mut(&mut self) -> &mut Simulation {
        &mut self.simulation
    }
}
