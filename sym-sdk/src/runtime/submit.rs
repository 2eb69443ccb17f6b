//! The path of a submission: it is validated once, its actor and its Run are each looked up once, and it becomes one input of
//! the engine.
//!
//! A repeated submission gets the receipt of the first one, even if it would be refused now. The engine recognizes repeated keys
//! when it accepts an input, so the recorded reply is looked up here only if validation fails.

use std::sync::Arc;

use tokio::sync::MutexGuard;
use uuid::Uuid;

use super::Runtime;
use super::bounded_call::call_bounded;
use super::effect_executor::EffectExecutor;
use super::field_error::FieldError;
use super::flows::FlowEntry;
use super::forms::{prompt_event, prompt_event_of};
use super::offered_options::{check_form_options, check_prefetched_options};
use super::refusals::Attempt;
use super::request_validation::{merge_field_errors, parse_request};
use super::slack_fields::resolve_slack_fields;
use super::submission::{Actor, FlowRequestBody, Receipt, RequestBody, Submission};
use crate::engine::InputKey;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldMap, OptionLabels, PromptForm};
use crate::machine::{Action, Input, InputBody, InputReply, MessageRef, MessageStatus, People, RunState};
use crate::model::{Channel, ChannelType, EventId, Run, RunId, Srn, User};

/// The source of the options of a request.
pub(super) struct Offered<'a> {
    /// The form as it was last shown.
    pub(super) form: Option<&'a PromptForm>,
    /// The Run that was begun with a form.
    pub(super) prompted: Option<&'a Run>,
}

impl Offered<'_> {
    /// Checks that the values of a request were offered, and returns the labels of the chosen options.
    pub(super) async fn check(
        self,
        executor: &EffectExecutor,
        entry: &FlowEntry,
        requester: &Arc<User>,
        fields: &FieldMap,
    ) -> Result<OptionLabels, Vec<FieldError>> {
        if let Some(form) = self.form {
            return check_form_options(&entry.flow, form, fields);
        }
        let event = match self.prompted {
            Some(run) => prompt_event_of(executor, entry, requester, run),
            None => prompt_event(executor, entry, requester),
        };
        check_prefetched_options(executor, entry, event, fields).await
    }
}

/// The namespace of ids that are derived from idempotency keys.
const KEY_NAMESPACE: Uuid = Uuid::from_u128(0x6d5f_2c1a_93b4_4d0e_8a57_c3f1_0e9b_7a24);

impl Runtime {
    /// Submits an action. Once this returns, the submission and everything that follows from it is durable.
    ///
    /// A person whom the directory does not know may make a request, and is known from then on. A decision with which somebody appears
    /// for the first time is refused with `SymSDK:FIRST_CONTACT`; repeated, it is taken.
    ///
    /// # Errors
    /// If the submission is malformed, or its actor may not take the action now. Then nothing has changed, and the refusal is
    /// recorded in the audit log, without what was entered. An approval of a request that cannot be granted any more closes the request.
    pub async fn submit(&self, submission: impl Into<Submission>) -> Result<Receipt> {
        let submission = submission.into();
        let (run, event) = self.ids_of(&submission);
        let attempt = Attempt::new(run, event, &submission);
        let Submission { actor, channel, key, body } = submission;
        let validated = match check_channel(&channel) {
            Ok(()) => self.validate(run, event, actor, channel, body).await,
            Err(error) => Err(error),
        };
        let (input, _counted) = match validated {
            Ok(validated) => validated,
            Err(error) => {
                // The store would not tell whether it has accepted the submission, either.
                if *error.code() == codes::STORE {
                    return Err(error);
                }
                // An accepted submission stays accepted, even if it would fail validation now.
                if let Some(key) = &key
                    && let Some(reply) = self.engine.recorded_reply(&submission_key(key)).await?
                {
                    return receipt(run, event, reply);
                }
                self.record_refused(attempt, &error).await;
                return Err(error);
            }
        };
        let key = key.as_ref().map_or_else(|| InputKey::new(format!("event:{event}")), submission_key);
        let limited = match &input.body {
            InputBody::Submitted { actor, action, .. }
                if !actor.is_admin() && !matches!(action, Action::Request(_) | Action::Prompt) =>
            {
                Some(actor.id())
            }
            _ => None,
        };
        match self.engine.submit(key, input).await {
            Ok(reply) => {
                if let (InputReply::Refused { .. }, Some(actor)) = (&reply, limited) {
                    self.executor.refused_action_rate.count(actor, self.clock().now());
                }
                receipt(run, event, reply)
            }
            // The machine was not asked, because the flow of the Run is no longer configured.
            Err(error) => {
                self.record_refused(attempt, &error).await;
                Err(error)
            }
        }
    }

    /// Returns whether a submission with this [key](super::FlowRequest::key) was accepted.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn is_accepted(&self, key: &InputKey) -> Result<bool> {
        let reply = self.engine.recorded_reply(&submission_key(key)).await?;
        Ok(reply.is_some_and(|reply| !matches!(reply, InputReply::Refused { .. })))
    }

    /// Checks a submission against its flow, looks up its actor, and returns the input that it becomes. Until the guard is dropped, other
    /// requests of the user wait, because they have to count this one.
    async fn validate(
        &self,
        run: RunId,
        event: EventId,
        actor: Actor,
        channel: Channel,
        body: RequestBody,
    ) -> Result<(Input, Option<MutexGuard<'_, ()>>)> {
        let is_request = body.is_request();
        let (mut form, mut shown, mut prompted, mut acted_on) = (None, None, None, None);
        let (flow, mut action) = match body {
            RequestBody::Prompt { flow, form_view } => {
                form = form_view;
                (self.executor.flows.accepting(&flow)?.flow.srn().clone(), Action::Prompt)
            }
            RequestBody::Request(mut request) => {
                shown = request.shown.take();
                if let Some(run) = request.form {
                    prompted = Some(self.check_form_flow(run, &request.flow).await?);
                }
                self.parse_request(request).await?
            }
            RequestBody::Act { run, action, message } => {
                let (state, action) = self.check_action(run, action, message.as_ref()).await?;
                let flow = state.flow.clone();
                acted_on = Some(state);
                (flow, action)
            }
        };
        let actor = self.executor.ask_directory(self.resolve_actor(actor, is_request)).await?;
        if is_request || matches!(action, Action::Extend(_)) {
            self.check_visible(&flow, &actor).await?;
            self.executor.request_rate.admit(&actor, &self.executor.limits, self.clock().now())?;
        } else if !actor.is_admin() && !matches!(action, Action::Revoke) {
            // The end of access does not wait.
            self.executor.refused_action_rate.check(&actor, &self.executor.limits, self.clock().now())?;
        }
        if let Action::Request(request) = &mut action {
            let offered = Offered { form: shown.as_deref(), prompted: prompted.as_deref().map(|state| &state.run) };
            request.labels = self.check_options(&flow, &actor, &request.fields, offered).await?;
        }
        // Read after the Run: an approval that is not among its approvals was given later, by somebody who was looked up then.
        let people = match acted_on {
            Some(state) if matches!(action, Action::Approve { .. }) => self.executor.people(state.people()).await?,
            _ => People::default(),
        };
        // Last, so that no handler is waited for in between.
        let counted = match is_request {
            true => {
                let (limit, engine) = (&self.executor.open_request_limit, &*self.engine);
                let admitted = limit.admit(&self.executor, engine, &actor);
                let timeout = self.executor.limits.store;
                let admitted = call_bounded(&**self.clock(), timeout, || "the store".to_owned(), admitted).await;
                admitted.map_err(|error| match error.kind() {
                    ErrorKind::Timeout => {
                        let message = format!("the store did not respond within {timeout:?}");
                        Error::new(ErrorKind::Timeout, codes::STORE, message).with_source(error)
                    }
                    _ => error,
                })??
            }
            false => None,
        };
        let body = InputBody::Submitted { event, actor, channel, action };
        Ok((Input::new(run, flow, self.clock().now(), body).with_form(form).with_people(people), counted))
    }

    /// Parses a request into its flow and the machine's action.
    async fn parse_request(&self, request: FlowRequestBody) -> Result<(Srn, Action)> {
        let FlowRequestBody { flow, inputs, context, parent, .. } = request;
        let entry = self.executor.flows.accepting(&flow)?;
        let mut request = parse_request(&entry.flow, &self.executor.limits, &inputs, context.as_ref(), parent)?;
        let resolved = resolve_slack_fields(&self.executor.directory, &entry.flow, &mut request.fields);
        self.executor.ask_directory(resolved).await?;
        Ok((entry.flow.srn().clone(), Action::Request(Box::new(request))))
    }

    /// Checks an action on an existing request, and returns the request's Run. A decision in a message of an extension is about that.
    async fn check_action(
        &self,
        run: RunId,
        mut action: Action,
        message: Option<&MessageRef>,
    ) -> Result<(Arc<RunState>, Action)> {
        check_text_size(&action, self.executor.limits.fields_bytes)?;
        let state = self.run(run).await?.state;
        if let Some(message) = message {
            let message = self.delivered_as(&state, message);
            check_message(&state, message)?;
            if let Action::Approve { extension, .. } | Action::Deny { extension, .. } = &mut action {
                let shown = state.extension_in(message);
                if extension.is_some() && *extension != shown {
                    let text = "this message does not belong to the extension";
                    return Err(Error::new(ErrorKind::Conflict, codes::UNKNOWN_MESSAGE, text));
                }
                *extension = shown;
            }
        }
        if matches!(action, Action::Approve { .. } | Action::Extend(_))
            && let Ok(entry) = self.executor.flows.by_srn(&state.flow)
        {
            self.executor.flows.check_accepts(entry)?;
        }
        Ok((state, action))
    }

    /// Returns the reference under which a message was delivered, which it may not have any more.
    fn delivered_as<'a>(&self, state: &'a RunState, message: &'a MessageRef) -> &'a MessageRef {
        let mut front_ends = self.executor.deliveries.iter();
        let Some(front_end) = front_ends.find(|front_end| front_end.name() == message.front_end) else {
            return message;
        };
        let of_extension = state.extension.iter().flat_map(|extension| &extension.delivered);
        let delivered = state.delivered.iter().chain(of_extension).map(|delivered| &delivered.message);
        let mut delivered = delivered.filter(|delivered| delivered.front_end == message.front_end);
        // Another message could look like it.
        if delivered.clone().any(|delivered| delivered == message) {
            return message;
        }
        delivered.find(|delivered| front_end.is_same_message(delivered, message)).unwrap_or(message)
    }

    /// Checks that the values of a request were offered, and returns the labels of the chosen options.
    async fn check_options(
        &self,
        flow: &Srn,
        requester: &Arc<User>,
        fields: &FieldMap,
        offered: Offered<'_>,
    ) -> Result<OptionLabels> {
        let entry = self.executor.flows.by_srn(flow)?;
        let checked = offered.check(&self.executor, entry, requester, fields).await;
        checked.map_err(|errors| merge_field_errors(&entry.flow, errors))
    }

    /// Checks that a form belongs to the flow that it is submitted for, and returns the form's Run.
    pub(super) async fn check_form_flow(&self, form: RunId, flow: &str) -> Result<Arc<RunState>> {
        let entry = self.executor.flows.named(flow)?;
        let state = self.run(form).await?.state;
        let flow = &state.flow;
        if flow.slug() == entry.flow.srn().slug() {
            return Ok(state);
        }
        let message =
            format!("the form of Run {form} belongs to flow `{}`, not to `{}`", flow.slug(), entry.flow.name());
        Err(Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_RUN, message))
    }

    /// Returns the Run that a submission names or would begin, and its event.
    pub(super) fn ids_of(&self, submission: &Submission) -> (RunId, EventId) {
        let key = submission.key.as_ref();
        let run = submission.body.run().unwrap_or_else(|| self.new_run(key));
        (run, EventId::from_uuid(self.new_id(key, "event")))
    }

    pub(super) fn new_run(&self, key: Option<&InputKey>) -> RunId {
        RunId::from_uuid(self.new_id(key, "run"))
    }

    /// Returns an id that is derived from the key, so that a repeated submission is about the same Run. Without a key it is new.
    pub(super) fn new_id(&self, key: Option<&InputKey>, kind: &str) -> Uuid {
        match key {
            Some(key) => Uuid::new_v5(&KEY_NAMESPACE, format!("{kind}:{}", key.as_str()).as_bytes()),
            None => {
                let now = self.clock().now();
                let seconds = u64::try_from(now.as_second()).unwrap_or_default();
                let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
                Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds))
            }
        }
    }
}

/// Returns the key of the input that a submission with this key becomes. The prefix keeps callers from choosing the keys of
/// timers and effects.
fn submission_key(key: &InputKey) -> InputKey {
    key.within("submission")
}

/// Refuses the channels of events that code fires: handlers and rules trust them.
pub(super) fn check_channel(channel: &Channel) -> Result<()> {
    let kind = channel.kind();
    if !matches!(kind, ChannelType::Sdk | ChannelType::Scheduler) {
        return Ok(());
    }
    let message = format!("channel `{kind}` is reserved for events that code fires");
    Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_EVENT, message))
}

/// Checks that the request may be decided in a message. The machine knows which message that is.
fn check_message(state: &RunState, message: &MessageRef) -> Result<()> {
    let (code, text) = match state.message_status(message) {
        MessageStatus::Current => return Ok(()),
        MessageStatus::Superseded => {
            (codes::NOT_PERMITTED, "nobody responded here in time, and the request was forwarded")
        }
        MessageStatus::Settled => {
            (codes::ALREADY_DECIDED, "this was decided before; the extension that is open now has a message of its own")
        }
        MessageStatus::Unknown => (codes::UNKNOWN_MESSAGE, "this message does not belong to the request"),
    };
    Err(Error::new(ErrorKind::Conflict, code, text))
}

fn check_text_size(action: &Action, limit: usize) -> Result<()> {
    let (name, text) = match action {
        Action::Approve { decision_message, .. } | Action::Deny { decision_message, .. } => {
            ("decision message", decision_message.as_deref().unwrap_or_default())
        }
        Action::WriteOff { reason } => ("reason", reason.as_str()),
        Action::Extend(extension) => ("reason", extension.reason.as_deref().unwrap_or_default()),
        _ => return Ok(()),
    };
    let size = text.len();
    if size <= limit {
        return Ok(());
    }
    let message = format!("the {name} has {size} bytes; the limit is {limit}");
    Err(Error::new(ErrorKind::InvalidInput, codes::TOO_LARGE, message))
}

fn receipt(run: RunId, event: EventId, reply: InputReply) -> Result<Receipt> {
    match reply {
        InputReply::Accepted { event: accepted } => Ok(Receipt { run, event: accepted.unwrap_or(event) }),
        InputReply::Refused { error, .. } => Err(error.into()),
        InputReply::Stale => Err(Error::new(ErrorKind::Internal, codes::INVALID_EVENT, "the submission had no effect")),
    }
}
