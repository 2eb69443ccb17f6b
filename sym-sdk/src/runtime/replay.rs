//! Replays of recorded requests: what today's handlers and configuration would make of them.
//!
//! A recorded request goes through the machine again, on a Run that is never stored, and the handlers that the machine waits for are
//! called: the `on_` hooks up to the decision, and the reducers. What people decided is submitted again. The replay ends with the
//! decision, because nothing that follows is for handlers to decide, and `after_` hooks are not called, because they only act.
//!
//! The result is the audit entries that would have been written, so that a replay is compared with the record in the record's own terms.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Runtime;
use super::effect_executor::EffectExecutor;
use super::flows::FlowEntry;
use super::request_validation::{parse_inputs, unknown_field};
use crate::engine::EffectHandler;
use crate::error::Error;
use crate::integration::LookUps;
use crate::machine::{
    self, Action, AuditEntry, EffectError, EventRecord, Input, InputBody, InputReply, RequestInput, RunState,
};
use crate::model::{Flow, LookUp, RunId, Srn, Step};

/// A request as it was recorded, with what people decided about it.
#[derive(Clone, Debug)]
pub(crate) struct RecordedRequest {
    /// The Run.
    pub(crate) run: RunId,
    /// The flow.
    pub(crate) flow: Srn,
    /// The Run that led to this one.
    pub(crate) parent: Option<RunId>,
    /// The event of the request, as it was submitted.
    pub(crate) event: Arc<EventRecord>,
    /// The duration with which the request was shown to people.
    pub(crate) shown_duration: Option<Duration>,
    /// The approvals and denials of people, in order.
    pub(crate) decisions: Vec<Arc<EventRecord>>,
    /// The answers of services to the handlers, in order.
    pub(crate) look_ups: Vec<LookUp>,
}

/// The reason why a request could not be made today.
#[derive(Debug)]
pub(crate) enum Unreplayable {
    /// The flow is not configured, or cannot be started.
    Flow(Error),
    /// The flow does not take these inputs.
    Inputs(Vec<Error>),
    /// The request would be refused.
    Refused(EffectError),
    /// Handlers ask services what they did not ask then, or what was not recorded.
    NotRecorded(Vec<String>),
}

impl Runtime {
    /// Replays a request, and returns the audit entries that it would have left up to its decision.
    ///
    /// # Errors
    /// If the request could not be made today, or an answer of a service is not on record.
    pub(crate) async fn replay(&self, request: &RecordedRequest) -> Result<Vec<AuditEntry>, Unreplayable> {
        let look_ups = LookUps::replay(request.look_ups.iter().cloned(), self.executor.directory.clone());
        let replayed = look_ups.within(self.replay_request(request)).await;
        // Whatever the handlers have made of that.
        match look_ups.missing() {
            missing if missing.is_empty() => replayed,
            missing => Err(Unreplayable::NotRecorded(missing)),
        }
    }

    async fn replay_request(&self, request: &RecordedRequest) -> Result<Vec<AuditEntry>, Unreplayable> {
        let flows = &self.executor.flows;
        let entry = flows.by_srn(&request.flow).map_err(Unreplayable::Flow)?;
        flows.check_accepts(entry).map_err(Unreplayable::Flow)?;
        let input = self.todays_input(&entry.flow, request)?;
        let mut replayed =
            ReplayedRun { executor: &self.executor, entry, run: request.run, state: None, audit: Vec::new() };
        let action = Action::Request(Box::new(input));
        replayed.submit(&request.event, action).await.map_err(Unreplayable::Refused)?;
        for decision in &request.decisions {
            if !replayed.is_open() {
                break;
            }
            // A refusal is among the entries.
            let _ = replayed.submit(decision, request.action_of(decision)).await;
        }
        Ok(replayed.audit)
    }

    /// Returns the content of the request as today's flow takes it: its targets may have other settings, and its fields other defaults.
    fn todays_input(&self, flow: &Flow, request: &RecordedRequest) -> Result<RequestInput, Unreplayable> {
        let event = &*request.event;
        let gone = event.fields.names().filter(|name| flow.field(name).is_none());
        let gone: Vec<_> = gone.map(|name| unknown_field(flow, name)).collect();
        if !gone.is_empty() {
            return Err(Unreplayable::Inputs(gone));
        }
        let mut inputs: Map<String, Value> =
            event.fields.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect();
        // A field that was left empty does not get its default.
        for spec in flow.fields().iter().filter(|spec| !spec.is_required()) {
            inputs.entry(spec.name()).or_insert(Value::Null);
        }
        if let Some(target) = &event.target {
            inputs.insert("target_srn".to_owned(), Value::from(target.srn().to_string()));
        }
        if let Some(duration) = event.duration {
            inputs.insert("duration".to_owned(), Value::from(duration.as_secs()));
        }
        let parsed = parse_inputs(flow, &self.executor.limits, &inputs);
        let (target, duration, mut fields) =
            parsed.map_err(|errors| Unreplayable::Inputs(errors.into_iter().map(|invalid| invalid.error).collect()))?;
        // As recorded: a Slack user has the name that was looked up then.
        for (name, value) in event.fields.iter() {
            fields.insert(name, value.clone());
        }
        let context = event.context.as_deref().cloned();
        let (labels, parent) = (event.labels.clone(), request.parent);
        Ok(RequestInput { target, duration, fields, labels, context, parent })
    }
}

impl RecordedRequest {
    /// Returns the action that a recorded decision was.
    fn action_of(&self, decision: &EventRecord) -> Action {
        let decision_message = decision.decision_message.clone();
        if decision.name == Step::Deny {
            return Action::Deny { decision_message, extension: None, seen: None };
        }
        // A duration that the approver has chosen.
        let shorter = decision.duration.filter(|_| decision.duration != self.shown_duration);
        let duration = shorter.filter(|_| !decision.duration_set_by_hook);
        Action::Approve { decision_message, duration, extension: None, seen: None }
    }
}

/// A Run that is replayed.
struct ReplayedRun<'a> {
    executor: &'a EffectExecutor,
    entry: &'a FlowEntry,
    run: RunId,
    state: Option<Arc<RunState>>,
    audit: Vec<AuditEntry>,
}

impl ReplayedRun<'_> {
    fn is_open(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.is_open())
    }

    /// Submits an action as it was recorded, and calls the handlers that the Run waits for until it waits for people, or is decided.
    async fn submit(&mut self, recorded: &EventRecord, action: Action) -> Result<(), EffectError> {
        let (actor, channel) = (recorded.actor.clone(), recorded.channel.clone());
        let body = InputBody::Submitted { event: recorded.id, actor, channel, action };
        let mut waiting = self.step(recorded.at, body)?;
        while let Some((effect, state)) = waiting {
            let seq = effect.key.seq;
            let outcome = self.executor.execute(effect, state, Vec::new()).await;
            waiting = self.step(recorded.at, InputBody::EffectDone { seq, outcome })?;
        }
        Ok(())
    }

    /// Applies an input, and returns the effect that the Run waits for before its decision.
    fn step(
        &mut self,
        at: Timestamp,
        body: InputBody,
    ) -> Result<Option<(machine::Effect, Arc<RunState>)>, EffectError> {
        let input = Input::new(self.run, self.entry.flow.srn().clone(), at, body);
        let transition = machine::step(&self.entry.rules(), self.state.as_deref(), &input);
        self.audit.extend(transition.audit);
        if let InputReply::Refused { error, .. } = transition.reply {
            return Err(error);
        }
        let Some(state) = transition.state else { return Ok(None) };
        let state = Arc::new(state);
        self.state = Some(state.clone());
        if state.decision.is_some() {
            return Ok(None);
        }
        let Some(seq) = state.active_event.as_ref().map(|active| active.seq) else { return Ok(None) };
        let awaited = transition.effects.into_iter().find(|effect| effect.key.seq == seq);
        Ok(awaited.map(|effect| (effect, state)))
    }
}
