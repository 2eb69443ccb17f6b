//! Recovery of what could not be built at start: secrets become readable, and services respond again.
//!
//! Flows and the flows filter are built again until that succeeds, and accept requests from then on. Front ends and log destinations take
//! a restart. Revocations do not wait for any of this: each attempt builds the strategy that it needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::Runtime;
use super::availability::{BlockedAccess, PartFaults, Unavailable, UnavailablePart};
use super::builder::{Builder, FilterPlan, FlowPlan, RuntimeAssembler};
use crate::directory::Directory;
use crate::engine::StopSignal;
use crate::sync::lock;

/// The delay before the first retry. It doubles after each that leaves something unavailable.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(5);

/// The maximum delay between two retries.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(5 * 60);

/// The plans of the parts that could not be built, and everything that building them again takes.
pub(super) struct Recovery {
    builder: Arc<Builder>,
    directory: Directory,
    /// The start of the program.
    since: Timestamp,
    /// The flows that nothing but the world outside keeps from being built.
    flows: Vec<FlowPlan>,
    filter: Option<FilterPlan>,
    /// The parts that are not retried.
    parts: Vec<PartFaults>,
    found: Mutex<Found>,
    /// Locked by a retry in progress, so that there is one at most.
    retrying: tokio::sync::Mutex<()>,
}

/// The flows and the access of Runs in the store that something is missing for.
#[derive(Default)]
pub(super) struct Found {
    pub(super) removed_flows: Vec<PartFaults>,
    pub(super) blocked: Vec<BlockedAccess>,
}

impl Recovery {
    pub(super) fn new(
        builder: Arc<Builder>,
        directory: Directory,
        since: Timestamp,
        flows: Vec<FlowPlan>,
        filter: Option<FilterPlan>,
        parts: Vec<PartFaults>,
    ) -> Self {
        let flows = flows.into_iter().filter(FlowPlan::is_sound).collect();
        Self { builder, directory, since, flows, filter, parts, found: Mutex::default(), retrying: Default::default() }
    }

    pub(super) fn set_found(&self, found: Found) {
        *lock(&self.found) = found;
    }

    pub(super) fn blocked(&self) -> Vec<BlockedAccess> {
        lock(&self.found).blocked.clone()
    }
}

impl Runtime {
    /// Returns the parts of the program that are not available: none, unless it was built with
    /// [`Builder::build_degraded`](super::Builder::build_degraded).
    pub fn unavailable(&self) -> Vec<Unavailable> {
        let recovery = &self.recovery;
        let part = |PartFaults { part, name, faults }: PartFaults, is_retried| Unavailable {
            part,
            name,
            since: recovery.since,
            is_retried,
            faults,
        };
        let mut all: Vec<_> = recovery.parts.iter().cloned().map(|faults| part(faults, false)).collect();
        let filter_faults = self.executor.flows.filter_faults();
        let filter = PartFaults::of(UnavailablePart::Program, "flows filter", filter_faults);
        all.extend(filter.map(|faults| part(faults, recovery.filter.is_some())));
        for entry in self.executor.flows.iter() {
            let name = entry.flow.name().as_str();
            let is_retried = recovery.flows.iter().any(|plan| plan.flow.name() == entry.flow.name());
            let faults = PartFaults::of(UnavailablePart::Flow, name, entry.faults());
            all.extend(faults.map(|faults| part(faults, is_retried)));
        }
        all.extend(lock(&recovery.found).removed_flows.iter().cloned().map(|faults| part(faults, false)));
        all
    }

    /// Returns the access that cannot be revoked as things are, as of the start or the last
    /// [retry](Self::retry_unavailable). Each of these Runs has an audit entry, the error destination was alerted, and
    /// [`RunFilter::stuck`](crate::engine::RunFilter::stuck) finds them.
    pub fn blocked_access(&self) -> Vec<BlockedAccess> {
        self.recovery.blocked()
    }

    /// Returns whether any flow accepts requests. A program without flows has none to refuse.
    #[cfg(feature = "server")]
    pub(crate) fn accepts_requests(&self) -> bool {
        let flows = &self.executor.flows;
        flows.iter().next().is_none() || flows.iter().any(|entry| flows.check_accepts(entry).is_ok())
    }

    /// Builds again what could not be built, and returns what is still unavailable. Workers do this with a growing delay of up to five
    /// minutes; see [`Runtime::start`].
    pub async fn retry_unavailable(&self) -> Vec<Unavailable> {
        let recovery = &self.recovery;
        let _only_one = recovery.retrying.lock().await;
        // A new assembler reads every secret again.
        let mut assembler = RuntimeAssembler::new(&recovery.builder, &recovery.directory);
        for plan in &recovery.flows {
            let Ok(entry) = self.executor.flows.by_name(plan.flow.name()) else { continue };
            if entry.faults().is_empty() {
                continue;
            }
            let parts = assembler.parts(plan).await;
            if parts.faults.is_empty() {
                tracing::info!(flow = %plan.flow.name(), "the flow is available");
            }
            entry.set_parts(parts);
        }
        if let (Some(plan), Some(filter)) = (&recovery.filter, &self.executor.filter)
            && !self.executor.flows.filter_faults().is_empty()
        {
            filter.replace(assembler.filter(plan.clone()).await);
            self.executor.flows.set_filter_faults(assembler.take_diagnostics());
        }
        if let Err(error) = self.find_blocked_access().await {
            tracing::error!(%error, "could not find out which access cannot be revoked");
        }
        self.unavailable()
    }

    /// Returns whether a retry may make something available.
    pub(super) fn needs_retries(&self) -> bool {
        self.unavailable().iter().any(|part| part.is_retried || part.part == UnavailablePart::RemovedFlow)
            || !self.blocked_access().is_empty()
    }

    /// Retries until everything is available, or until stopped.
    pub(super) async fn recover(self, mut stop: StopSignal) {
        let mut delay = FIRST_RETRY_DELAY;
        while self.needs_retries() && !stop.is_requested() {
            tokio::select! {
                biased;
                () = stop.requested() => {}
                () = async {
                    self.clock().sleep(delay).await;
                    self.retry_unavailable().await;
                } => {}
            }
            delay = delay.saturating_mul(2).min(MAX_RETRY_DELAY);
        }
    }
}

impl std::fmt::Debug for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery").field("parts", &self.parts).finish_non_exhaustive()
    }
}
