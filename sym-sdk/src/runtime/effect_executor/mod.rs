//! The effect executor: the only place where handlers, strategies and deliveries are called.
//!
//! The engine hands over a committed effect and gets an outcome, whatever happens. An error is an outcome, too: the machine decides
//! whether the effect is retried. Each of the modules below calls one kind of foreign code.

mod access;
mod handlers;
mod messages;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, Weak};

use super::bounded_call::{call_bounded, catch_panics};
use super::flow_visibility::FlowVisibility;
use super::flows::{FlowEntries, FlowEntry};
use super::limits::Limits;
use super::open_request_limit::OpenRequestLimit;
use super::output_secrets::OutputSecrets;
use super::request_rate::{RefusedActionRate, RequestRate};
use super::revocation_strategies::RevocationStrategies;
use crate::clock::Clock;
use crate::delivery::{DynDelivery, RequestView};
use crate::directory::Directory;
use crate::engine::{EffectHandler, Engine};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::integration::LookUps;
use crate::machine::{
    self, Action, Effect, EffectError, EffectKind, EventRecord, HandlerLookUps, Input, InputBody, Outcome, People,
    RunState, Transition,
};
use crate::model::{Event, Flow, Hook, RunId, Step, User, UserId};

/// Executes the effects of all flows.
pub(super) struct EffectExecutor {
    pub(super) flows: FlowEntries,
    pub(super) filter: Option<FlowVisibility>,
    pub(super) strategies: RevocationStrategies,
    pub(super) deliveries: Vec<Arc<dyn DynDelivery>>,
    pub(super) directory: Directory,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    /// Whether people approve whom the directory does not know yet, as in a dry run that invents them.
    pub(super) has_unknown_approvers: bool,
    /// The engine, once it is created. It owns the executor, and so is not owned by it.
    pub(super) engine: OnceLock<Weak<dyn Engine>>,
    pub(super) request_rate: RequestRate,
    pub(super) refused_action_rate: RefusedActionRate,
    pub(super) open_request_limit: OpenRequestLimit,
    pub(super) output_secrets: OutputSecrets,
}

impl EffectExecutor {
    pub(super) fn engine(&self) -> Option<Arc<dyn Engine>> {
        self.engine.get()?.upgrade()
    }

    /// Awaits a call to the directory, within its time limit: it may be a remote database.
    pub(super) async fn ask_directory<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        call_bounded(&*self.clock, self.limits.directory, || "the directory".to_owned(), call)
            .await
            .and_then(|answer| answer)
    }
}

impl EffectExecutor {
    /// Reads users from the directory, at once. Only people and bots are in it: the platform itself is left out.
    pub(super) async fn people(&self, ids: impl IntoIterator<Item = UserId>) -> Result<People> {
        let platform = User::system().id();
        let ids: BTreeSet<_> = ids.into_iter().filter(|id| *id != platform).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let found = self.ask_directory(self.directory.users_with_ids(&ids)).await?;
        Ok(People::new(ids, found))
    }
}

impl EffectExecutor {
    /// Calls the reducers that route a request, for a Run that is not stored.
    pub(super) async fn preview_routing(
        &self,
        entry: &FlowEntry,
        effect: &Effect,
        state: &Arc<RunState>,
    ) -> Result<Outcome, EffectError> {
        let execution = EffectExecution { executor: self, entry, effect, state, holders: &[] };
        catch_panics(execution.route()).await
    }
}

impl EffectHandler for EffectExecutor {
    fn step(&self, state: Option<&RunState>, input: &Input) -> Result<Transition> {
        if let Some(recorded) = machine::record_outside_of_runs(input) {
            return Ok(recorded);
        }
        let flow = state.map_or(&input.flow, |state| &state.flow);
        match self.flows.by_srn(flow) {
            Ok(entry) => Ok(machine::step(&entry.rules(), state, input)),
            // A Run of a flow that is no longer configured can only be closed, and its access can only end.
            Err(error) if !ends_run(&input.body) => Err(error),
            Err(_) => Ok(machine::step(&FlowEntry::removed(flow).rules(), state, input)),
        }
    }

    fn look_up_people<'a>(&'a self, effect: &'a Effect, state: &'a RunState) -> BoxFuture<'a, Result<People>> {
        Box::pin(async move {
            // The effects after which a request can be decided. The end of access never waits for the directory.
            let precedes_decision = match effect.kind {
                EffectKind::Hook { hook: Hook::On(step), .. } => {
                    !matches!(step, Step::Prompt | Step::Escalate | Step::Deescalate)
                }
                EffectKind::Route => true,
                _ => false,
            };
            if !precedes_decision || (state.decision.is_some() && effect.event.extension.is_none()) {
                return Ok(People::default());
            }
            self.people(state.people().chain([effect.event.actor.id()])).await
        })
    }

    fn execute(&self, effect: Effect, state: Arc<RunState>, holders: Vec<RunId>) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            // An effect that its Run has withdrawn is not executed; any outcome settles it.
            if !state.pending.contains_key(&effect.key.seq) {
                return Outcome::Done;
            }
            let removed;
            let entry = match self.flows.by_srn(&state.flow) {
                Ok(entry) => entry,
                Err(_) if is_message(&effect.kind) || matches!(effect.kind, EffectKind::Revoke { .. }) => {
                    removed = FlowEntry::removed(&state.flow);
                    &removed
                }
                Err(error) => return Outcome::Failed(EffectError::from(&error)),
            };
            if leads_to_access(&effect.kind)
                && let Err(error) = self.flows.check_accepts(entry)
            {
                return Outcome::Failed(EffectError::from(&error));
            }
            let execution =
                EffectExecution { executor: self, entry, effect: &effect, state: &state, holders: &holders };
            execution.run_on_record().await
        })
    }
}

/// The execution of one effect.
struct EffectExecution<'a> {
    executor: &'a EffectExecutor,
    entry: &'a FlowEntry,
    effect: &'a Effect,
    state: &'a Arc<RunState>,
    holders: &'a [RunId],
}

impl EffectExecution<'_> {
    /// Executes the effect, and adds to the outcome what handlers have asked services before a decision.
    async fn run_on_record(&self) -> Outcome {
        let run = async { catch_panics(self.run()).await.unwrap_or_else(Outcome::Failed) };
        let is_replayed = LookUps::current().is_some_and(|scope| scope.is_replay());
        if is_replayed || !matches!(self.effect.kind, EffectKind::Hook { hook: Hook::On(_), .. } | EffectKind::Route) {
            return run.await;
        }
        let scope = LookUps::recording();
        let outcome = scope.within(run).await;
        let look_ups: Vec<_> =
            scope.recorded().into_iter().map(|(handler, answers)| HandlerLookUps::new(handler, answers)).collect();
        if look_ups.is_empty() { outcome } else { Outcome::LookedUp { look_ups, outcome: Box::new(outcome) } }
    }

    async fn run(&self) -> Result<Outcome, EffectError> {
        match &self.effect.kind {
            EffectKind::Hook { hook, forward } => self.hook(*hook, forward.as_ref()).await,
            EffectKind::Route => self.route().await,
            EffectKind::OpenForm => self.open_form().await,
            EffectKind::Deliver { notification, .. } => Ok(self.deliver(notification).await),
            EffectKind::UpdateMessages => self.update_messages().await,
            EffectKind::Remind { entry } => Ok(self.remind(*entry).await),
            EffectKind::Receipt => self.send_receipt().await,
            EffectKind::Message { to, notice } => self.message(to, notice).await,
            EffectKind::Identify { target } => self.identify(target).await,
            EffectKind::Grant { target, identity, deadline, .. } => {
                let mut valid = self.check_end(*deadline);
                if valid.is_ok() {
                    valid = self.check_level_of_grant().await?;
                }
                // After the look at the Runs, which a slow store prolongs: the requester may lose their role or be locked meanwhile.
                if valid.is_ok() {
                    valid = self.check_grant(target).await?;
                }
                // Once more, because people and Runs are looked up for as long as that takes.
                match valid.and_then(|()| self.check_end(*deadline)) {
                    Ok(()) => self.grant(target, identity).await,
                    Err(error) => Ok(Outcome::NoLongerValid(error)),
                }
            }
            EffectKind::Revoke { target, identity } => self.revoke(target, identity).await,
            EffectKind::Alert { error } => self.alert(error).await,
        }
    }

    fn event(&self) -> Event {
        build_event(&self.entry.flow, self.state, &self.effect.event)
    }

    /// Returns the view of what the event is about: the request, or an extension.
    fn view(&self) -> RequestView {
        RequestView::new(self.event(), self.state.clone())
    }

    /// Awaits a call to foreign code, within a limit. Make the call inside of `work`: it can panic before it returns a future.
    async fn contained<T>(
        &self,
        what: &str,
        limit: std::time::Duration,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T, EffectError> {
        let done = call_bounded(&*self.executor.clock, limit, || what.to_owned(), work).await.and_then(|result| result);
        done.map_err(|error| EffectError::from(&error))
    }
}

/// Returns whether an input can only bring its Run closer to its end.
fn ends_run(body: &InputBody) -> bool {
    match body {
        InputBody::Submitted { action, .. } => matches!(action, Action::Revoke | Action::WriteOff { .. }),
        _ => true,
    }
}

/// Returns whether access may follow from an effect. Such effects are not executed for a flow that accepts no requests.
fn leads_to_access(kind: &EffectKind) -> bool {
    match kind {
        EffectKind::Hook { hook: Hook::On(step), .. } => {
            matches!(step, Step::Prompt | Step::Request | Step::RequestForward | Step::Approve | Step::Escalate)
        }
        EffectKind::Route | EffectKind::OpenForm | EffectKind::Identify { .. } | EffectKind::Grant { .. } => true,
        _ => false,
    }
}

/// Returns whether the effect only tells people something, for which no configured flow is needed.
fn is_message(kind: &EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::UpdateMessages | EffectKind::Receipt | EffectKind::Message { .. } | EffectKind::Alert { .. }
    )
}

/// Returns an event as handlers and front ends see it.
pub(super) fn build_event(flow: &Arc<Flow>, state: &RunState, record: &EventRecord) -> Event {
    let mut run = state.run.clone();
    // The Run's history includes the current event.
    run.set_actor(record.name, record.actor.clone());
    if let (Some(info), Some(extension)) = (record.extension, &state.extension)
        && info.id == extension.id
    {
        run.set_approvals(extension.approvals.clone());
    }
    if let Some(context) = &record.context {
        run.set_context(record.name, context.clone());
    }
    Event {
        id: record.id,
        name: record.name,
        payload: record.payload(),
        flow: flow.clone(),
        run,
        channel: record.channel.clone(),
        user: record.actor.clone(),
    }
}

/// Shows front ends by name only.
impl std::fmt::Debug for EffectExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let front_ends: BTreeSet<_> = self.deliveries.iter().map(|delivery| delivery.name()).collect();
        f.debug_struct("EffectExecutor")
            .field("flows", &self.flows)
            .field("front_ends", &front_ends)
            .finish_non_exhaustive()
    }
}
