//! The runtime: connects handlers, strategies and front ends with the engine and the machine.
//!
//! The [`machine`](crate::machine) decides what happens and touches nothing; the [`engine`](crate::engine) makes it durable and
//! knows no handler. The runtime connects them to the world. It has two paths and nothing else:
//!
//! - **In**: a front end [submits](Runtime::submit) an action. It is validated against the flow and its fields, its actor is looked
//!   up in the directory, and it becomes one input of the engine. Everything that can be refused without the machine is refused
//!   here, before anything is written. Whether the actor may take the action is the machine's decision alone, because it
//!   depends on the state in which the input is applied.
//! - **Out**: the engine hands over a committed effect, and the effect executor calls the handler, strategy or delivery that it
//!   is about. The outcome goes back to the engine as the next input. Handlers and services are called nowhere else,
//!   except for forms, which are built and changed without a Run.
//!
//! # Guarantees
//!
//! - **A flow with a fault accepts no requests, and holds up no other.** [`Builder::build`] checks the configuration, the handlers and
//!   the flows against each other, and reports all errors at once; it also refuses to start if a Run holds access whose flow was
//!   removed. [`Builder::build_degraded`] starts with what can be built, because a program that does not start revokes nothing, and
//!   [`Runtime::unavailable`] says what is missing.
//! - **Foreign code is bounded.** Every call has a time limit and cannot panic into the runtime; see [`Limits`]. An effect always
//!   has an outcome.
//! - **A receipt is final.** A submission that was accepted stays accepted: repeated with the same key, it returns the same
//!   receipt, even if it would be refused now.
//! - **What is granted is what was asked.** Before a decision and before each call to a strategy, the request is compared with the
//!   configuration of now, and its people are read from the directory again; see `docs/decisions.md`. Requests of flows that are no
//!   longer configured are closed at start.
//! - **Users are who the directory says.** The runtime itself reads roles, when a submission arrives or at most a second earlier, not
//!   when a front end saw the user; and an account that is known to be one user's is never granted access for another.
//!
//! # Trade-offs
//!
//! Delivery, handlers and strategies are called at least once. The alternative, at most once, would lose revocations, so all of
//! them must be idempotent; strategies get a key for that.
//!
//! A flow is looked up in the current configuration whenever an effect is executed, rather than stored with the Run. A fix of a
//! handler thus reaches Runs in progress. Access, however, is only granted where it was requested, and only ever revoked under the
//! strategy that granted it.
//!
//! # Left to others
//!
//! Retries and their delays are the machine's, leases and lanes the engine's. [`reconcile`](Runtime::reconcile) compares what Runs
//! grant with what targets list, but repairs only through inputs, like everybody else. Serving HTTP is left to the
//! `server` module, which mounts the routes of front ends.

mod account_events;
#[cfg(feature = "mcp")]
mod agents;
mod approver_count;
mod audit_anchors;
mod audit_shipping;
mod availability;
mod background_tasks;
mod blocked_access;
mod bounded_call;
mod builder;
#[cfg(feature = "api")]
mod changed_runs;
mod changes;
mod deciders;
mod earlier_request;
mod effect_executor;
mod field_error;
mod field_options;
mod flow_form;
mod flow_visibility;
mod flows;
mod form_settling;
mod form_submission;
mod forms;
#[cfg(feature = "server")]
mod front_end;
mod handler_call;
mod handler_data;
mod handler_failures;
mod identity;
#[cfg(any(feature = "api", feature = "mcp"))]
pub(crate) mod ip_range;
mod limits;
#[cfg(feature = "api")]
mod message_links;
mod offered_options;
mod open_forms;
mod open_request_limit;
mod open_requests;
mod other_levels;
mod output_secrets;
mod overview;
mod plugin;
mod preview;
mod prior_access;
mod prompt_view;
mod reconcile;
mod recovery;
mod refusals;
#[cfg(all(feature = "cli", feature = "sqlite"))]
mod replay;
mod request_rate;
mod request_validation;
mod request_view;
mod revocation_strategies;
mod run_access;
mod secrets;
mod service_checks;
mod sessions;
mod sign_in;
mod single_flight;
mod slack_fields;
mod startup_checks;
mod submission;
mod submit;
mod token_exchange;
mod user_administration;

use std::sync::Arc;
use std::time::Duration;

pub use audit_anchors::AuditAnchors;
pub use audit_shipping::AuditProgress;
use audit_shipping::AuditShipper;
pub use availability::{BlockedAccess, Unavailable, UnavailablePart};
use background_tasks::PeriodicReconcile;
#[cfg(feature = "server")]
pub(crate) use bounded_call::call_bounded;
pub use builder::{Builder, HandlerUsage};
#[cfg(feature = "api")]
use changed_runs::ChangedRuns;
use changes::ChangeReader;
pub use changes::{ChangeCursor, Changes};
pub use deciders::{BarredApprover, Deciders};
use effect_executor::EffectExecutor;
pub use field_error::FieldError;
use field_options::MenuCache;
pub use flow_form::FlowForm;
pub use form_settling::{FormChange, Settling};
#[cfg(feature = "console")]
pub(crate) use front_end::RUN_PAGES_NAME;
#[cfg(feature = "server")]
pub(crate) use front_end::{DynFrontEnd, FrontEnds};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use front_end::{
    FakeConfig, FakeService, FrontEnd, FrontEndConfig, FrontEndType, ManifestConfig, PublicUrl, RouterContext,
    RunLinks, ServerLimits,
};
pub use handler_failures::HandlerFailures;
pub use identity::first_contact;
use jiff::Timestamp;
pub use limits::Limits;
pub use open_forms::{FormSnapshot, LockedForm, OpenForm, OpenForms};
pub use output_secrets::OutputKey;
pub use overview::Overview;
pub use plugin::Plugin;
pub use preview::{Preview, PreviewDeciders, PreviewDestination, PreviewNotification};
pub use prompt_view::PromptView;
use reconcile::RecentTargets;
pub use reconcile::{ComparedTarget, ExtraAccess, MissingAccess, Reconcile, Reconciliation, Repair, UnknownAccess};
use recovery::Recovery;
use refusals::Refusals;
#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) use replay::{RecordedRequest, Unreplayable};
pub use secrets::{LocalSecrets, SecretReader};
pub use service_checks::{ClientCheck, ServiceChecks, TargetCheck, TargetWarning};
use sign_in::SignIn;
#[cfg(feature = "api")]
#[cfg_attr(docsrs, doc(cfg(feature = "api")))]
pub use sign_in::SignInProxy;
pub use sign_in::{
    AssertionSettings, AssertionVerifier, CommandLineProgress, IdentityProvider, OidcSettings, SignInFactory,
    SignInRequest, SignInRules, SignedIn,
};
pub use submission::{
    Actor, Decision, Extend, FlowRequest, PromptRequest, Receipt, Remind, ResolvedUser, Revoke, Submission, WriteOff,
};
pub use token_exchange::{ExchangedToken, WorkloadTokenVerifier};
pub use user_administration::{Administrator, EndedAccess};

use crate::audit::{AuditEntry, EventSummary};
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::{Directory, KeyValue};
use crate::engine::{AccessHealth, Drive, Engine, RunFilter, StoredRun, WorkerLimits, Workers};
use crate::error::{Error, Result};
use crate::model::{Flow, Flows, RunId};
use crate::time::TimestampExt;

/// Access is late if it has not ended this long after its expiry: a revocation takes a moment.
const LATE_AFTER: Duration = Duration::from_secs(60);

/// A runtime of an organization's flows. Clones are cheap and refer to the same runtime.
#[derive(Clone, Debug)]
pub struct Runtime {
    executor: Arc<EffectExecutor>,
    engine: Arc<dyn Engine>,
    drive: Option<Arc<dyn Drive>>,
    recovery: Arc<Recovery>,
    audit_anchors: Option<AuditAnchors>,
    shippers: Arc<[AuditShipper]>,
    retention: Option<Duration>,
    periodic_reconcile: Option<PeriodicReconcile>,
    values: KeyValue,
    recent_targets: RecentTargets,
    refusals: Refusals,
    account_refusals: Refusals,
    change_reader: ChangeReader,
    #[cfg(feature = "api")]
    changed_runs: ChangedRuns,
    menus: MenuCache,
    workload_verifier: Option<Arc<dyn WorkloadTokenVerifier>>,
    sign_in: Option<Arc<SignIn>>,
    #[cfg(feature = "server")]
    front_ends: FrontEnds,
}

impl Runtime {
    /// Returns a builder of a runtime with this configuration.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// Returns the flows, sorted by name.
    pub fn flows(&self) -> Flows {
        self.executor.flows.flows().clone()
    }

    /// Returns a flow by SRN or name.
    ///
    /// # Errors
    /// If there is no such flow. The hint suggests the nearest name.
    pub fn flow(&self, name: &str) -> Result<Arc<Flow>> {
        self.executor.flows.named(name).map(|entry| entry.flow.clone())
    }

    /// Returns the directory of users and their identities.
    pub fn directory(&self) -> &Directory {
        &self.executor.directory
    }

    /// Returns the values of handlers. A front end keeps in them what must survive a restart and belongs to no Run, below a name of its own
    /// that begins with `sym_`.
    pub fn key_value(&self) -> &KeyValue {
        &self.values
    }

    /// Returns the front ends, for a server to mount.
    #[cfg(feature = "server")]
    pub(crate) fn front_ends(&self) -> &FrontEnds {
        &self.front_ends
    }

    /// Returns the limits.
    #[cfg(any(feature = "api", feature = "mcp"))]
    pub(crate) fn limits(&self) -> &Limits {
        &self.executor.limits
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.executor.clock
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Returns the handle that drives the engine. `None` if it is not driven by this process.
    pub fn drive(&self) -> Option<&Arc<dyn Drive>> {
        self.drive.as_ref()
    }

    /// Returns the time at which the next effect or timer is due. `None` if nothing is left to do, or the engine is not driven by this
    /// process.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        match &self.drive {
            Some(drive) => drive.next_due().await,
            None => Ok(None),
        }
    }

    /// Executes one effect or timer that is due. Returns whether there was one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn run_one(&self) -> Result<bool> {
        match &self.drive {
            Some(drive) => drive.run_one().await,
            None => Ok(false),
        }
    }

    /// Returns a Run in its current state, for tools that inspect it, whoever may see it. Front ends use [`run_for`](Self::run_for),
    /// [`prompt`](Self::prompt) and [`request_view`](Self::request_view) instead: the state is the machine's own, and what it means for a
    /// user is not for a front end to decide.
    ///
    /// # Errors
    /// If there is no such Run, it was pruned, or the store fails.
    pub async fn run(&self, run: RunId) -> Result<StoredRun> {
        match self.engine.run(run).await? {
            Some(stored) => Ok(stored),
            None => Err(run_access::missing_run(run, &self.engine.audit(Some(run), usize::MAX).await?)),
        }
    }

    /// Waits until the engine has failed for good, and returns the reason: the store's threads have ended, or its file was replaced.
    /// The program has to be restarted, by ending with an error so that a supervisor does it. A server and the command
    /// `serve` do that.
    pub async fn failure(&self) -> Error {
        self.engine.failure().await
    }

    /// Deletes finished Runs that have not changed for this long, and forms that were not submitted. Returns the number of deleted
    /// Runs. The audit log and event counts are not affected.
    ///
    /// Runs that may hold access, that can still be decided or that have deliveries in flight are kept, whatever their age. The
    /// [key](FlowRequest::key) of a submission is deleted with its Run: repeated after that, the submission begins a new one.
    ///
    /// The targets in which the Runs gave access are kept for 30 days all the same: see [`Runtime::reconcile`].
    ///
    /// # Errors
    /// If the store fails. Runs that were already deleted stay deleted.
    pub async fn prune(&self, older_than: Duration) -> Result<usize> {
        self.recent_targets.keep(self).await?;
        self.engine.prune(older_than).await
    }

    /// Returns up to `limit` Runs that pass the filter, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn runs(&self, filter: RunFilter, limit: usize) -> Result<Vec<StoredRun>> {
        self.engine.runs(filter, limit).await
    }

    /// Returns the health of the Runs that hold access. Access that should have ended more than a minute ago is late.
    ///
    /// This reads every such Run, so call it about once a minute.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn health(&self) -> Result<AccessHealth> {
        let late = self.clock().now().minus(LATE_AFTER);
        self.engine.access_health(late).await
    }

    /// Returns up to `limit` audit entries of one Run or of all, in commit order.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit(&self, run: Option<RunId>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.engine.audit(run, limit).await
    }

    /// Returns the events of a Run in order, each with its result.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn events(&self, run: RunId) -> Result<Vec<EventSummary>> {
        Ok(EventSummary::of(&self.engine.audit(Some(run), usize::MAX).await?))
    }

    /// Returns the progress of each destination of the audit log.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit_progress(&self) -> Result<Vec<AuditProgress>> {
        let mut all = Vec::new();
        for shipper in &*self.shippers {
            all.push(shipper.progress(&*self.engine).await?);
        }
        Ok(all)
    }

    /// Starts the workers on the current tokio runtime: they execute due effects and timers, ship the audit log and write its [anchors](Builder::audit_anchors), prune finished
    /// Runs, reconcile at the configured interval, [build again](Self::retry_unavailable) what could not be built, and end access of
    /// users who are locked or deleted.
    pub fn start(&self, limits: WorkerLimits) -> Workers {
        let mut workers = self.drive.clone().map_or_else(Workers::new, |drive| drive.start_workers(limits));
        for index in 0..self.shippers.len() {
            let (engine, clock, shippers) = (self.engine.clone(), self.clock().clone(), self.shippers.clone());
            workers.spawn(|stop| async move {
                if let Some(shipper) = shippers.get(index) {
                    shipper.run(&*engine, &*clock, stop).await;
                }
            });
        }
        let engine = self.engine.clone();
        workers.spawn(|stop| background_tasks::verify_audit_tail(engine, stop));
        if self.audit_anchors.is_some() {
            let runtime = self.clone();
            workers.spawn(|stop| audit_anchors::run(runtime, stop));
        }
        if let Some(age) = self.retention {
            let runtime = self.clone();
            workers.spawn(|stop| background_tasks::prune(runtime, age, stop));
        }
        if self.needs_retries() {
            let runtime = self.clone();
            workers.spawn(|stop| runtime.recover(stop));
        }
        let runtime = self.clone();
        workers.spawn(|stop| background_tasks::sweep(runtime, stop));
        if let Some(periodic) = self.periodic_reconcile.clone() {
            let runtime = self.clone();
            workers.spawn(|stop| background_tasks::reconcile(runtime, periodic, stop));
        }
        workers
    }

    /// Executes everything that is due, in a deterministic order. Returns the number of effects and timers.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn run_until_idle(&self) -> Result<usize> {
        match &self.drive {
            Some(drive) => drive.run_until_idle().await,
            None => Ok(0),
        }
    }
}
