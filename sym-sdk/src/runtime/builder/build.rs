//! The building phase: reads secrets, builds what the flows need, and starts from what the store holds.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Builder;
use super::assembler::RuntimeAssembler;
use super::plan::{FlowPlan, Plan};
use crate::clock::Clock;
use crate::config::{Diagnostic, Diagnostics, Severity, SourceLocation};
use crate::delivery::SimulatedDelivery;
#[cfg(feature = "cli")]
use crate::delivery::{DynDelivery, ScriptedDelivery};
use crate::directory::Directory;
use crate::engine::{self, Engine, EngineContext, MemoryStore};
use crate::model::Strategy;
use crate::runtime::availability::{PartFaults, UnavailablePart};
use crate::runtime::bounded_call::call_bounded;
#[cfg(feature = "api")]
use crate::runtime::changed_runs::ChangedRuns;
use crate::runtime::changes::ChangeReader;
use crate::runtime::effect_executor::EffectExecutor;
use crate::runtime::field_options::MenuCache;
use crate::runtime::flow_visibility::FlowVisibility;
use crate::runtime::flows::{FlowEntries, FlowEntry};
use crate::runtime::open_request_limit::OpenRequestLimit;
use crate::runtime::output_secrets::OutputSecrets;
use crate::runtime::reconcile::RecentTargets;
use crate::runtime::recovery::Recovery;
use crate::runtime::refusals::Refusals;
use crate::runtime::request_rate::{RefusedActionRate, RequestRate};
use crate::runtime::revocation_strategies::RevocationStrategies;
use crate::runtime::{Runtime, open_requests, startup_checks};

/// The treatment of errors that do not concern the whole program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They are returned.
    Strict,
    /// The program does without what they concern.
    Degraded,
}

impl Mode {
    /// Returns the errors, in the strict mode.
    fn check(self, errors: impl IntoIterator<Item = Diagnostic>) -> Result<(), Diagnostics> {
        match self {
            Self::Strict => Diagnostics::check(errors),
            Self::Degraded => Ok(()),
        }
    }
}

/// The flows and the strategies of a configuration without errors.
pub(in crate::runtime) type SoundParts = (Vec<FlowPlan>, Vec<(Strategy, SourceLocation)>);

impl Builder {
    /// Checks the configuration and builds the runtime, or reports everything that is wrong: in tests, and wherever a developer is to see
    /// faults at once. A program in operation is better built with [`Builder::build_degraded`].
    ///
    /// # Errors
    /// Returns all errors of the configuration and the handlers, or all secrets, clients and strategies that are not available. Also
    /// fails if a Run may hold access that could not be revoked: its flow is no longer declared, or the store has lost the expiry of
    /// the access and it cannot be restored.
    pub async fn build(self) -> Result<Runtime, Diagnostics> {
        self.assemble(Mode::Strict).await
    }

    /// Builds what can be built, so that one fault does not keep the access of all flows from ending.
    ///
    /// - A flow with a fault accepts no requests: its requests are refused with
    ///   [`FLOW_UNAVAILABLE`](crate::error::codes::FLOW_UNAVAILABLE). Open requests of it wait, and can be denied. The access that it gave
    ///   is revoked if the strategy can be built.
    /// - A flow that is no longer declared is closed: its open requests end, and its access is revoked by any declared strategy that works
    ///   where it was granted.
    /// - If the fault concerns no single flow, such as a flows filter that cannot be built, no flow accepts requests.
    ///
    /// [`Runtime::unavailable`] tells what is missing, and [`Runtime::blocked_access`] what cannot be revoked. Running workers try again
    /// what secrets and services kept from being built.
    ///
    /// # Errors
    /// If the engine or its store cannot be used: then no access could be revoked at all.
    pub async fn build_degraded(self) -> Result<Runtime, Diagnostics> {
        self.assemble(Mode::Degraded).await
    }

    /// Returns the flows and the strategies of the configuration, if nothing is wrong with it.
    pub(in crate::runtime) fn sound_parts(&self) -> Result<SoundParts, Diagnostics> {
        let plan = self.plan();
        Diagnostics::check(plan.errors())?;
        Ok((plan.flows, plan.strategies))
    }

    /// Returns the directory that was set, or that of the store.
    pub(in crate::runtime) fn directory_of_store(&self) -> Directory {
        let domains = self.config.organization.domains.iter().map(String::as_str);
        self.directory
            .clone()
            .unwrap_or_else(|| Directory::from_store(self.users.clone(), domains).with_plus_aliases(self.plus_aliases))
    }

    /// Returns the time limit of a call to a strategy, and the clock that measures it.
    pub(in crate::runtime) fn strategy_limit(&self) -> (Arc<dyn Clock>, Duration) {
        (self.clock.clone(), self.limits.strategy)
    }

    async fn assemble(mut self, mode: Mode) -> Result<Runtime, Diagnostics> {
        let plan = self.plan();
        mode.check(plan.errors())?;
        for warning in plan.warnings.iter().chain(&plan.tolerated()).filter(|_| !self.simulated) {
            match warning.severity {
                Severity::Note => tracing::info!("{warning}"),
                _ => tracing::warn!("{warning}"),
            }
        }
        let engine_factory =
            self.engine.take().unwrap_or_else(|| Box::new(engine::local(Arc::new(MemoryStore::new()))));
        let directory = self.directory_of_store().with_reproducible_ids(self.reproducible_ids);
        let directory = directory.with_clock(self.clock.clone()).with_events(engine_factory.event_source());

        let Plan { flows, strategies, filter, log_destinations, program_faults, mut filter_faults, .. } = plan;
        let since = self.clock.now();
        let declared = flows.iter().map(|plan| plan.flow.srn().slug().to_owned()).collect();
        let mut assembler = RuntimeAssembler::new(&self, &directory);
        let mut faults = Vec::new();
        faults.extend(PartFaults::of(UnavailablePart::Program, "program", program_faults.clone()));
        #[cfg(feature = "server")]
        let front_ends = {
            let (front_ends, of_front_ends) = assembler.front_ends(&flows).await;
            faults.extend(of_front_ends);
            front_ends
        };
        let mut entries = Vec::new();
        for plan in &flows {
            let parts = assembler.parts(plan).await;
            entries.push(FlowEntry::new(plan.flow.clone(), plan.handlers.clone(), parts, plan.is_resolved));
        }
        let mut visibility: Option<FlowVisibility> = None;
        if let Some(filter) = filter.clone() {
            visibility = Some(assembler.filter(filter).await);
        }
        let is_filter_retried = filter_faults.is_empty();
        filter_faults.extend(assembler.take_diagnostics());
        let (shippers, of_shippers) = assembler.audit_shippers(log_destinations, declared).await;
        faults.extend(of_shippers);
        let all = faults.iter().flat_map(|part| part.faults.clone());
        let all = all.chain(entries.iter().flat_map(FlowEntry::faults)).chain(filter_faults.iter().cloned());
        mode.check(all)?;

        let mut deliveries = self.deliveries.clone();
        #[cfg(feature = "server")]
        deliveries.extend(front_ends.deliveries());
        if self.simulated {
            deliveries.push(Arc::new(SimulatedDelivery::behind(deliveries.clone())));
        }
        // The order of the others stays.
        deliveries.sort_by_key(|delivery| delivery.is_fallback());
        #[cfg(feature = "cli")]
        if let Some(undeliverable) = &self.undeliverable {
            let scripted =
                |delivery| -> Arc<dyn DynDelivery> { Arc::new(ScriptedDelivery::new(delivery, undeliverable.clone())) };
            deliveries = deliveries.into_iter().map(scripted).collect();
        }
        let builder = Arc::new(self);
        let strategies = RevocationStrategies::new(builder.clone(), directory.clone(), strategies);
        let retried_filter = filter.filter(|_| is_filter_retried && !filter_faults.is_empty());
        let recovery = Recovery::new(builder.clone(), directory.clone(), since, flows, retried_filter, faults);
        let executor = Arc::new(EffectExecutor {
            flows: FlowEntries::new(entries, program_faults, filter_faults),
            filter: visibility,
            strategies,
            deliveries,
            directory,
            clock: builder.clock.clone(),
            limits: builder.limits.clone(),
            has_unknown_approvers: builder.has_unknown_approvers,
            engine: OnceLock::new(),
            output_secrets: OutputSecrets::new(builder.output_keys.clone()),
            request_rate: RequestRate::default(),
            refused_action_rate: RefusedActionRate::default(),
            open_request_limit: OpenRequestLimit::default(),
        });
        let (longest_effect, store_timeout) = (executor.limits.longest_effect(), executor.limits.store);
        let context = EngineContext::new(executor.clone(), builder.clock.clone(), longest_effect, store_timeout);
        let engine = engine_factory.create(context).await.map_err(|error| unusable(&error))?;
        // Set once, here.
        let _ = executor.engine.set(Arc::downgrade(&engine));
        let values = builder.key_value.clone().unwrap_or_else(|| builder.values.clone().into());
        let runtime = Runtime {
            drive: engine.clone().drive(),
            executor,
            engine,
            recovery: Arc::new(recovery),
            shippers: shippers.into(),
            audit_anchors: builder.audit_anchors.clone().filter(|_| !builder.simulated),
            retention: builder.retention,
            periodic_reconcile: builder.periodic_reconcile.clone(),
            recent_targets: RecentTargets::new(values.clone()),
            values,
            refusals: Refusals::default(),
            account_refusals: Refusals::default(),
            change_reader: ChangeReader::default(),
            #[cfg(feature = "api")]
            changed_runs: ChangedRuns::default(),
            menus: MenuCache::default(),
            workload_verifier: builder.workload_verifier.clone(),
            sign_in: builder.sign_in.clone(),
            #[cfg(feature = "server")]
            front_ends,
        };
        if !builder.is_read_only {
            runtime.resume(mode, builder.simulated).await?;
        }
        Ok(runtime)
    }
}

impl Runtime {
    /// Makes what the store holds consistent with what was built.
    async fn resume(&self, mode: Mode, simulated: bool) -> Result<(), Diagnostics> {
        let (engine, clock, flows): (&dyn Engine, _, _) = (&*self.engine, &**self.clock(), &self.executor.flows);
        mode.check(startup_checks::check_held_access(engine, clock, flows).await?)?;
        if let Some(drive) = &self.drive
            && let Err(error) = drive.clamp_future_due_times().await
        {
            let unreadable = startup_checks::unreadable(&error);
            tracing::error!("due times that were written while the clock was ahead stay as they are: {unreadable}");
            mode.check([unreadable])?;
        }
        open_requests::resume(engine, clock, flows).await;
        // A simulation revokes nothing, so it cannot tell what could be revoked.
        if !simulated {
            // What could not be found out in this time must not delay the revocations that can be made.
            let (limit, subject) =
                (self.executor.limits.strategy, || "the search for access that cannot be revoked".to_owned());
            let found = call_bounded(&**self.clock(), limit, subject, self.find_blocked_access()).await;
            if let Err(error) = found.and_then(|found| found) {
                tracing::error!(%error, "could not find out which access cannot be revoked");
            }
        }
        Ok(())
    }
}

fn unusable(error: &crate::error::Error) -> Diagnostics {
    let diagnostic = Diagnostic::error(SourceLocation::default(), format!("the engine cannot be used: {error}"));
    diagnostic.with_hint_if(error.hint()).into()
}
