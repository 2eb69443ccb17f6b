//! Brings handlers, strategies and front ends to the engine, and requests to the machine.
//!
//! A [`Runtime`] is built once, from a [`Config`] and a [`Registry`](crate::handler::Registry), and
//! checks both before it starts.

mod audit_shipping;
mod bounded_call;
mod builder;
mod effect_executor;
mod event;
mod flow_visibility;
mod flows;
mod forms;
#[cfg(feature = "server")]
mod front_end;
mod handler_call;
mod identity;
mod limits;
mod plugin;
mod reconcile;
mod recovery;
mod request_validation;
mod retention;
mod secrets;
mod slack_fields;
mod startup_checks;
mod submission;

use std::sync::Arc;
use std::time::Duration;

pub use audit_shipping::AuditProgress;
use audit_shipping::AuditShipper;
#[cfg(feature = "server")]
pub(crate) use bounded_call::call_bounded;
pub use builder::{Builder, HandlerUsage};
use effect_executor::EffectExecutor;
#[cfg(feature = "server")]
pub(crate) use front_end::{DynFrontEnd, FrontEnds};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use front_end::{FakeConfig, FakeService, FrontEnd, FrontEndConfig, FrontEndType, ManifestConfig};
use jiff::Timestamp;
pub use limits::Limits;
pub use plugin::Plugin;
pub use reconcile::{ExtraAccess, MissingAccess, Reconcile, Reconciliation, Repair, UnknownAccess};
use reconcile::{Periodic, periodically};
pub use request_validation::FieldFault;
pub use secrets::{LocalSecrets, SecretReader};
use serde_json::{Map, Value};
pub use submission::{Actor, Receipt, Submission};

use crate::audit::{AuditEntry, AuditKind, EventSummary};
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::Directory;
use crate::engine::{AccessHealth, Drive, Engine, RunFilter, StoredRun, WorkerLimits, Workers};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::model::{Flow, Flows, RunId, Step, User};
use crate::time::TimestampExt;

/// Taking access away takes a moment.
const LATE_AFTER: Duration = Duration::from_secs(60);

/// Everything that runs an organization's flows. Cheap to clone: all clones are one runtime.
#[derive(Clone, Debug)]
pub struct Runtime {
    executor: Arc<EffectExecutor>,
    engine: Arc<dyn Engine>,
    drive: Option<Arc<dyn Drive>>,
    routes: Arc<[AuditShipper]>,
    kept_for: Option<Duration>,
    reconciling: Option<Periodic>,
    #[cfg(feature = "server")]
    front_ends: FrontEnds,
}

impl Runtime {
    /// A runtime for this configuration.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// The flows, by name.
    pub fn flows(&self) -> Flows {
        self.executor.flows.flows().clone()
    }

    /// The flow that is named, by SRN or by name alone.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn flow(&self, name: &str) -> Result<Arc<Flow>> {
        self.executor.flows.named(name).map(|entry| entry.flow.clone())
    }

    /// The flows that this person sees: all, or those that the `get_flows` reducer gives.
    ///
    /// # Errors
    /// If the reducer fails.
    pub async fn flows_for(&self, user: &Arc<User>) -> Result<Flows> {
        let flows = self.flows();
        match &self.executor.filter {
            Some(filter) => filter.flows_for(&self.executor, user, flows).await.map_err(Error::from),
            None => Ok(flows),
        }
    }

    /// Users and their identities.
    pub fn directory(&self) -> &Directory {
        &self.executor.directory
    }

    /// The front ends, to be mounted.
    #[cfg(feature = "server")]
    pub(crate) fn front_ends(&self) -> &FrontEnds {
        &self.front_ends
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.executor.clock
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// The handle that drives the engine; `None` if it is not driven by this process.
    pub fn drive(&self) -> Option<&Arc<dyn Drive>> {
        self.drive.as_ref()
    }

    /// When the next effect or timer falls due; `None` if nothing is left to do, or the engine is not driven by this process.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        match &self.drive {
            Some(drive) => drive.next_due().await,
            None => Ok(None),
        }
    }

    /// Does one thing that is due now, and says whether there was one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn run_one(&self) -> Result<bool> {
        match &self.drive {
            Some(drive) => drive.run_one().await,
            None => Ok(false),
        }
    }

    /// The Run as it stands.
    ///
    /// # Errors
    /// If there is none, or none any more, or the store fails.
    pub async fn run(&self, run: RunId) -> Result<StoredRun> {
        match self.engine.run(run).await? {
            Some(stored) => Ok(stored),
            None => Err(self.no_run(run).await?),
        }
    }

    /// Why there is no such Run: it never began, or it is over for long.
    async fn no_run(&self, run: RunId) -> Result<Error> {
        let record = self.engine.audit(Some(run), usize::MAX).await?;
        Ok(match record.last() {
            Some(last) if record.iter().any(|entry| entry.kind == AuditKind::Received) => {
                let message = format!("Run {run} ended on {:.0} and is no longer kept", last.at);
                let error = Error::new(ErrorKind::NotFound, codes::RUN_PRUNED, message);
                error.with_hint("the audit log still tells of it; make a new request if access is needed again")
            }
            _ => Error::new(ErrorKind::NotFound, codes::UNKNOWN_RUN, format!("there is no Run {run}")),
        })
    }

    /// Forgets Runs that are over and have not changed for this long, and forms that were shown and not sent; says how many
    /// that were. The audit log and the counts of events stay whole.
    ///
    /// Runs that may hold access, that can still be decided or that have messages under way are kept however old they are.
    /// What was submitted under a [key](Submission::key) is forgotten with its Run: sent again after that, it begins a new one.
    ///
    /// # Errors
    /// If the store fails. What was forgotten by then stays so.
    pub async fn prune(&self, older_than: Duration) -> Result<usize> {
        self.engine.prune(older_than).await
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn runs(&self, filter: RunFilter, limit: usize) -> Result<Vec<StoredRun>> {
        self.engine.runs(filter, limit).await
    }

    /// How the Runs with access stand. Those whose access should have ended more than a minute ago are late. It takes a look
    /// at each of them, so ask once a minute or so.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn health(&self) -> Result<AccessHealth> {
        let late = self.clock().now().minus(LATE_AFTER);
        self.engine.access_health(late).await
    }

    /// Audit entries in the order of their commits, of one Run or of all.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit(&self, run: Option<RunId>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.engine.audit(run, limit).await
    }

    /// The form that this person would be shown, with the options that prefetch reducers give. Begins no Run.
    ///
    /// # Errors
    /// If there is no such flow, it is hidden from this person, or a prefetch reducer fails.
    pub async fn preview_form(&self, flow: &str, user: &Arc<User>) -> Result<PromptForm> {
        let entry = self.executor.flows.named(flow)?;
        self.check_visible(entry.flow.srn(), user).await?;
        let event = forms::prompt_event(&self.executor, entry, user);
        forms::build_form(&self.executor, entry, event).await.map_err(Error::from)
    }

    /// The form of a Run that waits for it, made anew: what prefetch reducers give by now, and nothing filled in. For a front
    /// end that has lost what it showed, in a restart say.
    ///
    /// # Errors
    /// If there is no such Run, its form was sent or it has failed, the flow is gone or hidden from whoever asked for the form,
    /// or a prefetch reducer fails.
    pub async fn form(&self, run: RunId) -> Result<PromptForm> {
        let state = self.run(run).await?.state;
        let asked = state.run.actors().get(&Step::Prompt).filter(|_| state.is_form_open());
        let Some(user) = asked else {
            let message = "this form was submitted already, or is no longer open";
            let error = Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, message);
            return Err(error.with_hint("begin a new request"));
        };
        let entry = self.executor.flows.by_srn(&state.flow)?;
        self.check_visible(entry.flow.srn(), user).await?;
        let event = forms::prompt_event_of(&self.executor, entry, user, &state.run);
        forms::build_form(&self.executor, entry, event).await.map_err(Error::from)
    }

    /// What is wrong with a form as it was filled in, field by field; nothing if [`submit`](Self::submit) would take it. Begins
    /// no Run.
    ///
    /// # Errors
    /// If there is no such flow.
    pub fn check_form(&self, flow: &str, inputs: &Map<String, Value>) -> Result<Vec<FieldFault>> {
        let entry = self.executor.flows.named(flow)?;
        Ok(request_validation::parse_inputs(&entry.flow, &self.executor.limits, inputs).err().unwrap_or_default())
    }

    /// Has the field's `on_change` handler change a form in which the field was changed. Without a handler the form stays as
    /// it is.
    ///
    /// # Errors
    /// If there is no such flow, it is hidden from this person, or the handler fails. What its author wrote with
    /// [`Error::handler`] is for whoever changed the form, and of kind [`ErrorKind::InvalidInput`]. All else, what clients and
    /// other crates say too, is of kind [`ErrorKind::Handler`], and not for their eyes.
    pub async fn change_form(
        &self,
        flow: &str,
        user: &Arc<User>,
        changed: &str,
        form: PromptForm,
    ) -> Result<PromptForm> {
        let entry = self.executor.flows.named(flow)?;
        self.check_visible(entry.flow.srn(), user).await?;
        forms::change_form(&self.executor, entry, user, changed, form).await
    }

    /// The events of a Run so far, in order, with what became of each.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn events(&self, run: RunId) -> Result<Vec<EventSummary>> {
        Ok(EventSummary::of(&self.engine.audit(Some(run), usize::MAX).await?))
    }

    /// How far each destination of the audit log has got.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit_progress(&self) -> Result<Vec<AuditProgress>> {
        let mut all = Vec::new();
        for route in &*self.routes {
            all.push(route.progress(&*self.engine).await?);
        }
        Ok(all)
    }

    /// Starts workers that carry out what is due, deliver the audit log, forget what is over and reconcile as often as they should,
    /// on the current tokio runtime.
    pub fn start(&self, limits: WorkerLimits) -> Workers {
        let mut workers = self.drive.clone().map_or_else(Workers::new, |drive| drive.start_workers(limits));
        for index in 0..self.routes.len() {
            let (engine, clock, routes) = (self.engine.clone(), self.clock().clone(), self.routes.clone());
            workers.spawn(|stop| async move {
                if let Some(route) = routes.get(index) {
                    route.run(&*engine, &*clock, stop).await;
                }
            });
        }
        if let Some(age) = self.kept_for {
            let (engine, clock) = (self.engine.clone(), self.clock().clone());
            workers.spawn(|stop| retention::run(engine, clock, age, stop));
        }
        if let Some(periodic) = self.reconciling.clone() {
            let runtime = self.clone();
            workers.spawn(|stop| periodically(runtime, periodic, stop));
        }
        workers
    }

    /// Does all that is due now, in a deterministic order, and says how many things that were.
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
