//! The effect executor: the only place where handlers, strategies and deliveries are called.
//!
//! The engine hands over a committed effect and gets an outcome, whatever happens. An error is an outcome, too: the machine decides
//! whether the effect is retried.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, Weak};

use super::approver_count::possible_approvers;
use super::bounded_call::{call_bounded, catch_panics};
use super::earlier_request::earlier_request;
use super::flow_visibility::FlowVisibility;
use super::flows::{FlowEntries, FlowEntry};
use super::forms::build_form;
use super::handler_call::{call, failed_in};
use super::identity::requester_identity;
use super::limits::Limits;
use super::other_levels;
use super::output_secrets::OutputSecrets;
use super::prior_access;
use super::request_rate::RequestRate;
use super::revocation_strategies::RevocationStrategies;
use crate::clock::Clock;
use crate::delivery::{DeliveryReceipt, DynDelivery, RequestView};
use crate::directory::Directory;
use crate::engine::{EffectHandler, Engine};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::handler::{Context, HandlerFn, Requires};
use crate::machine::{
    self, Action, DeliveryResult, Effect, EffectError, EffectKind, EntitlementKey, EventRecord, HookResult, Input,
    InputBody, MessageRef, Notice, Outcome, People, Revocation, RevocationCheck, Routing, RunState, Transition,
};
use crate::model::{AccessTarget, Event, Flow, Hook, OpenedOutput, RunId, Step, StepOutput, User, UserId};
use crate::routing::{Approvers, Destination, Notification, RequestForwardContext, RequestPermission};
use crate::strategy::{AccessRequest, DynAccessStrategy, PriorAccess};

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

impl EffectHandler for EffectExecutor {
    fn step(&self, state: Option<&RunState>, input: &Input) -> Result<Transition> {
        if let Some(recorded) = machine::record_user_action(input) {
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
            if !precedes_decision || state.decision.is_some() {
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
            catch_panics(execution.run()).await.unwrap_or_else(Outcome::Failed)
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
    async fn run(&self) -> Result<Outcome, EffectError> {
        match &self.effect.kind {
            EffectKind::Hook { hook, forward } => self.hook(*hook, forward.as_ref()).await,
            EffectKind::Route => self.route().await,
            EffectKind::OpenForm => self.open_form().await,
            EffectKind::Deliver { notification, .. } => Ok(self.deliver(notification).await),
            EffectKind::UpdateMessages => self.update_messages().await,
            EffectKind::Message { to, notice } => self.message(to, notice).await,
            EffectKind::Identify { target } => self.identify(target).await,
            EffectKind::Grant { target, identity, deadline, .. } => {
                let mut valid = self.check_end(*deadline);
                if valid.is_ok() {
                    valid = self.check_grant(target).await?;
                }
                if valid.is_ok() {
                    valid = self.check_level_of_grant().await?;
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

    fn view(&self) -> RequestView {
        RequestView::new(self.event(), self.state.clone())
    }

    fn context(&self, forward: Option<&RequestForwardContext>) -> Context {
        self.context_for(self.event(), None, forward)
    }

    fn context_for(
        &self,
        event: Event,
        output: Option<OpenedOutput>,
        forward: Option<&RequestForwardContext>,
    ) -> Context {
        let context = Context::builder().services(self.entry.services()).event(event).opened_output(output);
        match forward {
            Some(forward) => context.forward(forward.clone()).build(),
            None => context.build(),
        }
    }

    // Handlers.

    async fn hook(&self, hook: Hook, forward: Option<&RequestForwardContext>) -> Result<Outcome, EffectError> {
        let (handlers, limit) = (&self.entry.handlers, self.executor.limits.hook);
        match hook {
            Hook::On(step) => {
                let Some(handler) = handlers.on(step) else { return Ok(Outcome::Done) };
                let context = self.context(forward);
                let verdict = match self.call(handler, &context, limit).await? {
                    Some(next) => {
                        next.validate().map_err(|error| failed_in(handler.record(), &error))?;
                        HookResult::Fire(Box::new(next))
                    }
                    None => HookResult::Continue,
                };
                Ok(Outcome::Hook { handler: handler.to_ref(), result: verdict })
            }
            Hook::After(step) => {
                let Some(handler) = handlers.after(step) else { return Ok(Outcome::Done) };
                // A step that was not taken has no output.
                if self.is_standing()
                    && matches!(step, Step::Escalate | Step::Deescalate)
                    && handler.record().requires().iter().any(|argument| matches!(argument, Requires::StepOutput))
                {
                    return Ok(Outcome::Done);
                }
                let (event, run, secrets) = (self.event(), self.state.run.id(), &self.executor.output_secrets);
                let output = event.step_output(step).and_then(|output| secrets.open(run, step, output));
                let context = self.context_for(event, output, forward);
                let called = self.call(handler, &context, limit).await;
                // The hook is not called again, whatever it returned.
                secrets.forget(run, step);
                called?;
                Ok(Outcome::Hook { handler: handler.to_ref(), result: HookResult::Continue })
            }
        }
    }

    /// Calls the reducer of permissions, then that of notifications.
    async fn route(&self) -> Result<Outcome, EffectError> {
        let handlers = &self.entry.handlers;
        let limit = self.executor.limits.reducer;
        let context = self.context(None);
        let mut called = Vec::new();
        let routing = if let Some(handler) = handlers.get_permissions() {
            let permission = self.call(handler, &context, limit).await?;
            called.push(handler.to_ref());
            let notifications = match handlers.get_request_notifications() {
                None => Vec::new(),
                Some(handler) => {
                    called.push(handler.to_ref());
                    self.call(handler, &context, limit).await?
                }
            };
            Routing::new(permission, notifications)
        } else if let Some(handler) = handlers.get_approvers() {
            called.push(handler.to_ref());
            legacy_routing(&self.call(handler, &context, limit).await?)
        } else {
            Routing::new(RequestPermission::admins_only(), Vec::new())
        };
        let earlier = earlier_request(self.executor, self.state).await;
        let requester = self.state.run.requester().map(User::id);
        let possible = possible_approvers(self.executor, &self.entry.flow, &routing.permission, requester).await;
        Ok(Outcome::Routed {
            handlers: called,
            routing: Routing { possible_approvers: possible, earlier_request: earlier, ..routing },
        })
    }

    async fn call<T>(
        &self,
        handler: HandlerFn<T>,
        context: &Context,
        limit: std::time::Duration,
    ) -> Result<T, EffectError> {
        call(&*self.executor.clock, limit, handler, context).await
    }

    // Front ends.

    async fn open_form(&self) -> Result<Outcome, EffectError> {
        let channel = self.effect.event.channel.kind();
        let Some(front_end) = self.executor.deliveries.iter().find(|delivery| delivery.opens_forms_for(channel)) else {
            return Err(unreachable_by(&format!("a form asked for through {channel}")));
        };
        let form = build_form(self.executor, self.entry, self.event()).await?;
        let view = self.view();
        self.contained("opening the form", self.executor.limits.delivery, async {
            front_end.open_form(&view, &form).await
        })
        .await?;
        Ok(Outcome::Done)
    }

    /// Delivers to every destination of the notification. A destination that an earlier, interrupted attempt reached is delivered to
    /// again: a duplicate message is better than none.
    async fn deliver(&self, notification: &Notification) -> Outcome {
        let view = self.view();
        let told = notification.destinations().iter().map(|destination| self.tell(&view, destination));
        Outcome::Delivered(futures_util::future::join_all(told).await)
    }

    async fn tell(&self, view: &RequestView, destination: &Destination) -> DeliveryResult {
        let name = destination.label();
        let Some(front_end) = self.executor.deliveries.iter().find(|delivery| delivery.reaches(destination)) else {
            return DeliveryResult::Failed { error: unreachable_by(&name), destination: name };
        };
        let limit = self.executor.limits.delivery;
        match self.contained("the delivery", limit, async { front_end.deliver(view, destination).await }).await {
            Ok(DeliveryReceipt::Delivered(message)) => DeliveryResult::Delivered { destination: name, message },
            Ok(DeliveryReceipt::OptedOut) => DeliveryResult::OptedOut { destination: name },
            Err(error) => DeliveryResult::Failed { destination: name, error },
        }
    }

    async fn update_messages(&self) -> Result<Outcome, EffectError> {
        let view = self.view();
        let updates = self.state.delivered.iter().map(|delivered| self.update(&view, &delivered.message));
        let updated: Result<Vec<()>, _> = futures_util::future::join_all(updates).await.into_iter().collect();
        updated.map(|_| Outcome::Done)
    }

    async fn update(&self, view: &RequestView, message: &MessageRef) -> Result<(), EffectError> {
        let named = |delivery: &&Arc<dyn DynDelivery>| delivery.name() == message.front_end;
        match self.executor.deliveries.iter().find(named) {
            Some(front_end) => {
                let update = async { front_end.update(view, message).await };
                self.contained("updating a message", self.executor.limits.delivery, update).await
            }
            // The front end is no longer configured, so its messages cannot be updated.
            None => Ok(()),
        }
    }

    async fn message(&self, to: &User, notice: &Notice) -> Result<Outcome, EffectError> {
        let Some(front_end) = self.executor.deliveries.iter().find(|delivery| delivery.reaches_user(to)) else {
            return Err(unreachable_by(to.username()));
        };
        let view = self.view();
        let limit = self.executor.limits.delivery;
        self.contained("the message", limit, async { front_end.message(&view, to, notice).await }).await?;
        Ok(Outcome::Done)
    }

    /// Logs the error, and sends it to the error destination through every front end that can reach it. One that confirms it is
    /// enough. If nobody can be told, the log is all that is left.
    async fn alert(&self, error: &EffectError) -> Result<Outcome, EffectError> {
        let (flow, run) = (self.entry.flow.name(), self.state.run.id());
        tracing::error!(%flow, %run, event = %self.effect.event.name, code = %error.code, "{error}");
        let destinations = self.error_destinations();
        if destinations.is_empty() {
            let message = format!("environment `{}` has no error logger", self.entry.flow.environment().name());
            return Ok(self.alert_undelivered(&message, "declare a `sym_error_logger` and name it in the environment"));
        }
        let view = self.view();
        let alerts = destinations.iter().flat_map(|destination| {
            let reaching = self.executor.deliveries.iter();
            let reaching = reaching.filter(|front_end| front_end.reaches_error_destination(destination));
            let (view, limit) = (&view, self.executor.limits.delivery);
            reaching.map(move |front_end| {
                self.contained("the alert", limit, async move { front_end.alert(view, destination, error).await })
            })
        });
        let results = futures_util::future::join_all(alerts).await;
        let is_delivered = results.iter().any(Result::is_ok);
        match results.into_iter().find_map(Result::err) {
            None if is_delivered => Ok(Outcome::Done),
            None => {
                let destinations = destinations.into_iter().collect::<Vec<_>>().join(", ");
                let message = format!("no front end can reach the error destination {destinations}");
                Ok(self.alert_undelivered(&message, "add the front end to the app with `App::delivery`"))
            }
            Some(failure) if is_delivered => {
                tracing::warn!(%flow, %run, %failure, "a front end could not deliver an alert that another one delivered");
                Ok(Outcome::Done)
            }
            Some(failure) => Err(failure),
        }
    }

    /// Returns the error destination of the flow's environment. Nobody knows the environment that a removed flow had, so its errors go
    /// to those of all.
    fn error_destinations(&self) -> BTreeSet<&str> {
        if self.entry.is_removed() {
            let all = self.executor.flows.iter();
            return all.filter_map(|entry| entry.flow.environment().error_logger()).collect();
        }
        self.entry.flow.environment().error_logger().into_iter().collect()
    }

    fn alert_undelivered(&self, message: &str, hint: &str) -> Outcome {
        let (flow, run) = (self.entry.flow.name(), self.state.run.id());
        tracing::error!(%flow, %run, hint, "an alert was delivered to nobody: {message}");
        let reason = Error::new(ErrorKind::Configuration, codes::INVALID_DESTINATION, message).with_hint(hint);
        Outcome::AlertUndelivered { reason: EffectError::from(&reason) }
    }

    // Strategies.

    /// Checks that access to the target may still be granted: the directory and the configuration can have changed since the
    /// approval. The outer error is that of the directory.
    async fn check_grant(&self, target: &AccessTarget) -> Result<Result<(), EffectError>, EffectError> {
        let Some(requester) = self.state.run.requester() else { return Ok(Ok(())) };
        let current = self.executor.ask_directory(self.executor.directory.user(requester.id())).await;
        let current = current.map_err(|error| EffectError::from(&error))?;
        Ok(machine::check_grant(&self.entry.flow, self.state, target, current.as_deref()))
    }

    async fn identify(&self, target: &AccessTarget) -> Result<Outcome, EffectError> {
        if let Err(error) = self.check_grant(target).await? {
            return Ok(Outcome::NoLongerValid(error));
        }
        let (identity, handler) = requester_identity(self.executor, self.entry, self.event(), target).await?;
        let strategy = self.strategy()?;
        let properties = async { Ok((strategy.resource(target), strategy.level(target), strategy.settle_time())) };
        let properties = self.contained("the strategy", self.executor.limits.strategy, properties).await?;
        let (resource, level, settle_time) = properties;
        let declared = self.entry.flow.strategy().ok_or_else(|| self.no_strategy())?;
        let key = EntitlementKey::new(declared, &resource, &identity);
        if level.is_some() {
            let wanted = other_levels::Wanted { key: &key, identity: &identity, level: level.as_deref() };
            if let Err(error) = wanted.check(self.executor, self.state).await? {
                return Ok(Outcome::NoLongerValid(error));
            }
        }
        let candidate = prior_access::Candidate { strategy: &*strategy, target, identity: &identity, key };
        let (has_standing_access, prior) = match self.prior_access(candidate).await {
            prior_access::Found::Nothing => (false, None),
            prior_access::Found::Standing => (true, None),
            prior_access::Found::Lesser(prior) => (false, Some(prior)),
        };
        Ok(Outcome::Identified { identity, resource, handler, settle_time, has_standing_access, prior, level })
    }

    /// Returns the access that the identity has although no Run gives it. In doubt, none.
    async fn prior_access(&self, candidate: prior_access::Candidate<'_>) -> prior_access::Found {
        let read = candidate.prior(self.executor, self.state);
        // One limit for all that is read: it holds up the grant.
        self.contained("reading the target", self.executor.limits.strategy, read).await.unwrap_or_else(|error| {
            let run = self.state.run.id();
            tracing::warn!(%error, %run, "it is unknown which access the requester has already; all of it will end");
            prior_access::Found::Nothing
        })
    }

    /// Checks once more that no other Run gives the resource at another level: one that was identified at the same time holds it by
    /// now. Runs hold access before it is granted, so of two such Runs at least the later one sees the other.
    async fn check_level_of_grant(&self) -> Result<Result<(), EffectError>, EffectError> {
        let Some(grant) = self.state.access.grant().filter(|grant| !grant.is_standing) else { return Ok(Ok(())) };
        // Strategies without levels cost no look at other Runs.
        if grant.level.is_none() && self.holders.is_empty() {
            return Ok(Ok(()));
        }
        let (key, identity, level) = (&grant.entitlement, &grant.identity, grant.level.as_deref());
        other_levels::Wanted { key, identity, level }.check(self.executor, self.state).await
    }

    /// Checks that the access has not ended before it could be granted, because the process or the clock stopped in between.
    fn check_end(&self, deadline: Option<jiff::Timestamp>) -> Result<(), EffectError> {
        // The expiry may have been moved forward since the grant was requested.
        let until = self.state.access.grant().and_then(|grant| grant.until);
        let now = self.executor.clock.now();
        if deadline.iter().chain(&until).any(|end| now >= *end) {
            let message = "its time had passed before access could be granted";
            return Err(EffectError::new(ErrorKind::Conflict, codes::ACCESS_EXPIRED, message));
        }
        Ok(())
    }

    async fn grant(&self, target: &AccessTarget, identity: &str) -> Result<Outcome, EffectError> {
        // Granting it again could change it, and a grant that takes effect after the access is lost would have nobody to revoke it.
        if self.is_standing() {
            return Ok(Outcome::Granted { output: None });
        }
        let event = self.event();
        let request = self.access_request(&event, target, identity);
        let strategy = self.strategy()?;
        let granted = async { strategy.escalate(&request).await };
        let granted = self.contained("the strategy", self.executor.limits.strategy, granted).await?;
        let output = self.storable(Step::Escalate, granted.output);
        Ok(if granted.errors.is_empty() {
            Outcome::Granted { output }
        } else {
            Outcome::Rejected { output, errors: granted.errors }
        })
    }

    async fn revoke(&self, target: &AccessTarget, identity: &str) -> Result<Outcome, EffectError> {
        if self.is_standing() {
            return Ok(Outcome::Revoked(Revocation::default()));
        }
        if !self.holders.is_empty() {
            let still_needed_by = self.holders.len();
            return Ok(Outcome::Revoked(Revocation { still_needed_by, ..Revocation::default() }));
        }
        let strategy = match self.state.access.grant() {
            Some(grant) => self.executor.revocation_strategy(self.entry, grant).await?,
            None => self.strategy()?,
        };
        let event = self.event();
        let request = self.access_request(&event, target, identity);
        let revoked = async { strategy.deescalate(&request).await };
        let output = self.contained("the strategy", self.executor.limits.strategy, revoked).await?;
        let read_back = match request.prior() {
            Some(_) => self.check_restoration(&*strategy, target, identity).await?,
            None => self.check_revocation(&*strategy, target, identity).await?,
        };
        let output = self.storable(Step::Deescalate, output);
        Ok(Outcome::Revoked(Revocation { output, still_needed_by: 0, check: read_back }))
    }

    /// Returns an output without its secrets.
    fn storable(&self, step: Step, output: Option<StepOutput>) -> Option<StepOutput> {
        let is_read = self.entry.handlers.after(step).is_some();
        output.map(|output| self.executor.output_secrets.protect(self.state.run.id(), step, output, is_read))
    }

    /// Checks against the service's own list that a revocation took effect. A list that cannot be read does not undo a revocation that
    /// the strategy confirmed: the failed check is recorded and sent to the error destination.
    async fn check_revocation(
        &self,
        strategy: &dyn DynAccessStrategy,
        target: &AccessTarget,
        identity: &str,
    ) -> Result<RevocationCheck, EffectError> {
        let listed = async {
            let listed = strategy.list_current(target).await?;
            Ok(listed.map(|listed| listed.iter().any(|listed| listed == identity)))
        };
        self.check_read_back(target, identity, listed).await
    }

    /// Checks that a revocation which restored lesser access has left no more than that: the service may list whoever has it.
    async fn check_restoration(
        &self,
        strategy: &dyn DynAccessStrategy,
        target: &AccessTarget,
        identity: &str,
    ) -> Result<RevocationCheck, EffectError> {
        let read = async {
            Ok(match strategy.prior_access(target, identity).await? {
                PriorAccess::Unknown => None,
                PriorAccess::Sufficient => Some(true),
                PriorAccess::None | PriorAccess::Lesser(_) => Some(false),
            })
        };
        self.check_read_back(target, identity, read).await
    }

    /// `read` returns whether the identity still has the access; `None` if the service cannot tell.
    async fn check_read_back(
        &self,
        target: &AccessTarget,
        identity: &str,
        read: impl Future<Output = Result<Option<bool>>> + Send,
    ) -> Result<RevocationCheck, EffectError> {
        let title = target.title();
        match self.contained("reading the target", self.executor.limits.strategy, read).await {
            Ok(None) => Ok(RevocationCheck::Unknown),
            Ok(Some(true)) => {
                let message = format!("{identity} still has {title}, which the strategy said it had taken away");
                let mut error = EffectError::new(ErrorKind::Strategy, codes::ACCESS_STILL_LISTED, message);
                error.retryable = true;
                Err(error)
            }
            Ok(Some(false)) => Ok(RevocationCheck::Gone),
            Err(error) => {
                let message = format!(
                    "{title} was taken away from {identity}, and whether it is gone could not be read: {}",
                    error.message
                );
                Ok(RevocationCheck::Failed(EffectError { code: codes::REVOCATION_NOT_READ_BACK, message, ..error }))
            }
        }
    }

    /// Whether the requester has the access without the request, which leaves it as it is.
    fn is_standing(&self) -> bool {
        self.state.last_grant().is_some_and(|grant| grant.is_standing)
    }

    fn access_request<'a>(
        &'a self,
        event: &'a Event,
        target: &'a AccessTarget,
        identity: &'a str,
    ) -> AccessRequest<'a> {
        let grant = self.state.access.grant();
        AccessRequest::new(event, target, identity, self.effect.idempotency_key())
            .with_attempt(self.effect.attempt)
            .with_prior(grant.and_then(|grant| grant.prior.as_ref()))
            .with_ends_at(grant.and_then(|grant| grant.until))
    }

    fn strategy(&self) -> Result<Arc<dyn DynAccessStrategy>, EffectError> {
        self.entry.strategy().ok_or_else(|| self.no_strategy())
    }

    fn no_strategy(&self) -> EffectError {
        let message = format!("flow `{}` has no strategy any more", self.entry.flow.name());
        EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message)
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
    matches!(kind, EffectKind::UpdateMessages | EffectKind::Message { .. } | EffectKind::Alert { .. })
}

/// Returns an event as handlers and front ends see it.
pub(super) fn build_event(flow: &Arc<Flow>, state: &RunState, record: &EventRecord) -> Event {
    let mut run = state.run.clone();
    // The Run's history includes the current event.
    run.set_actor(record.name, record.actor.clone());
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

fn unreachable_by(destination: &str) -> EffectError {
    let message = format!("no front end can reach {destination}");
    let error = Error::new(ErrorKind::Configuration, codes::INVALID_DESTINATION, message);
    EffectError::from(&error.with_hint("add the front end to the app with `App::delivery`"))
}

/// Converts the deprecated `get_approvers`: everyone who sees the message may decide, and admins may in the web app.
fn legacy_routing(approvers: &Approvers) -> Routing {
    let (on_failure, on_timeout) = match approvers {
        Approvers::Fallback(fallback) => (fallback.continues_on_delivery_failure(), fallback.continues_on_timeout()),
        Approvers::List(_) => (true, true),
        Approvers::Destination(_) => (false, false),
    };
    Routing {
        continue_on_delivery_failure: on_failure,
        continue_on_timeout: on_timeout,
        ..Routing::new(approvers.permission(), approvers.notifications())
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
