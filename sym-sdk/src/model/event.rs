//! Events, the input of most handlers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::schema::{self, LoggedEvent, Parts};
use super::{
    AccessTarget, Channel, ChannelType, DeescalateType, EventId, ExtensionInfo, Flow, Payload, Run, RunId, Srn, User,
};
use crate::forms::{FieldMap, FieldValue};
use crate::model::{Step, StepOutput};

/// A step of a Run, as handlers see it.
///
/// Handlers are ordinary functions. To test one, create an event with [`Event::builder`]:
///
/// ```
/// use std::sync::Arc;
/// use sym_sdk::prelude::*;
///
/// fn on_request(event: &Event) -> Result<Option<NextEvent>> {
///     let urgent = event.fields().text("urgency")? == "Urgent";
///     Ok(urgent.then(|| ApprovalTemplate::approve().reason("it is urgent")))
/// }
///
/// let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
/// let ann = User::from_email("ann@example.com")?;
/// let event = Event::builder(flow, Step::Request, ann).field("urgency", "Urgent").build();
/// assert_eq!(on_request(&event)?, Some(ApprovalTemplate::approve().reason("it is urgent")));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub(crate) id: EventId,
    pub(crate) name: Step,
    pub(crate) payload: Payload,
    pub(crate) flow: Arc<Flow>,
    pub(crate) run: Run,
    pub(crate) channel: Channel,
    pub(crate) user: Arc<User>,
}

impl Event {
    /// Returns a builder of an event in which `user` triggers the step `name` in a Run of `flow`, from Slack.
    pub fn builder(flow: impl Into<Arc<Flow>>, name: Step, user: impl Into<Arc<User>>) -> EventBuilder {
        let flow = flow.into();
        let channel = Channel::new(ChannelType::Slack);
        let run = Run::new(RunId::from_uuid(Uuid::nil()), &flow, channel.clone());
        EventBuilder(Self {
            id: EventId::from_uuid(Uuid::nil()),
            name,
            payload: Payload::new(Timestamp::UNIX_EPOCH),
            flow,
            run,
            channel,
            user: user.into(),
        })
    }

    /// The id.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The name, which is the name of the step.
    pub fn name(&self) -> Step {
        self.name
    }

    /// The data of the event.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The fields of the request.
    pub fn fields(&self) -> &FieldMap {
        self.payload.fields()
    }

    /// The flow.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The Run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The channel that the event came from.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The user who triggered the event.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The user who made the request. `None` during `prompt`.
    pub fn requester(&self) -> Option<&User> {
        self.actor(Step::Request)
    }

    /// The user who triggered a step of the Run. `None` if the step has not happened.
    pub fn actor(&self, step: Step) -> Option<&User> {
        self.run.actor(step)
    }

    /// The context that was submitted with a step of the Run, such as `context` in a request of the HTTP API.
    pub fn context(&self, step: Step) -> Option<&Map<String, Value>> {
        self.run.context(step)
    }

    /// The target, with its bound settings filled in.
    pub fn target(&self) -> Option<&AccessTarget> {
        self.payload.target()
    }

    /// The requested duration of access.
    pub fn duration(&self) -> Option<Duration> {
        self.payload.duration()
    }

    /// Returns whether the event is about an extension of access that the Run gives already, rather than about the request for it.
    ///
    /// A hook that must not decide both alike asks for this:
    ///
    /// ```
    /// use sym_sdk::prelude::*;
    ///
    /// #[hook]
    /// fn on_request(event: &Event) -> Option<NextEvent> {
    ///     // Somebody has looked at the first request; the second one is decided by people again.
    ///     if event.is_extension() { None } else { Some(ApprovalTemplate::approve()) }
    /// }
    /// ```
    pub fn is_extension(&self) -> bool {
        self.payload.extension.is_some()
    }

    /// The extension that the event is about. `None` for events of the request itself.
    pub fn extension(&self) -> Option<ExtensionInfo> {
        self.payload.extension
    }

    /// The reason, as set by a hook. Defaults to the field `reason` of the request.
    pub fn reason(&self) -> Option<&str> {
        self.payload.reason()
    }

    /// The time at which the event was created.
    pub fn timestamp(&self) -> Timestamp {
        self.payload.timestamp()
    }

    /// The output of a step of the Run.
    pub fn step_output(&self, step: Step) -> Option<&StepOutput> {
        self.run.step_output(step)
    }

    /// The SRN of the kind of event: `sym:event-spec:approval:1.0.0:<name>`.
    pub fn srn(&self) -> Srn {
        schema::event_srn(self.name)
    }

    /// Returns the JSON form of the event while it is being processed: state, Run, event, actor and fields, in version 6 of
    /// Sym's schema. Strategies and destinations of the audit log receive the same form.
    pub fn to_json(&self) -> Value {
        let organization = self.flow.organization();
        let actors = self.run.actors().iter();
        let actors = actors.map(|(step, user)| (*step, schema::actor(user, &self.channel, organization))).collect();
        let timestamp = self.timestamp();
        let event = LoggedEvent::new(Parts {
            id: Some(self.id),
            run: self.run.id(),
            flow: self.flow.srn(),
            parent: self.run.parent(),
            actors: &actors,
            event: self.id,
            name: self.name,
            at: &timestamp,
            channel: &self.channel,
            actor: &self.user,
            fields: self.payload.to_json(),
            state: schema::State::new("processing", Vec::new()),
        });
        json!(event)
    }
}

/// Serializes as [`Event::to_json`], so that an event can be the payload of a function call.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// Builds an [`Event`]. Created by [`Event::builder`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the event"]
pub struct EventBuilder(Event);

impl EventBuilder {
    /// Sets a field of the request.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<FieldValue>) -> Self {
        Arc::make_mut(&mut self.0.payload.fields).insert(name, value);
        self
    }

    /// Sets the target.
    pub fn target(mut self, target: AccessTarget) -> Self {
        self.0.payload.target = Some(target);
        self
    }

    /// Sets the duration of access.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.0.payload.duration = Some(duration);
        self
    }

    /// Sets the message of the approver.
    pub fn decision_message(mut self, message: impl Into<String>) -> Self {
        self.0.payload.decision_message = Some(message.into());
        self
    }

    /// Sets the trigger of a `deescalate` event.
    pub fn deescalate_type(mut self, kind: DeescalateType) -> Self {
        self.0.payload.deescalate_type = Some(kind);
        self
    }

    /// Makes the event one of an extension.
    pub fn extension(mut self, extension: ExtensionInfo) -> Self {
        self.0.payload.extension = Some(extension);
        self
    }

    /// Sets the Run. Replaces actors, contexts and outputs set before.
    pub fn run(mut self, run: Run) -> Self {
        self.0.run = run;
        self
    }

    /// Sets the channel.
    pub fn channel(mut self, channel: Channel) -> Self {
        self.0.channel = channel;
        self
    }

    /// Sets the user who triggered an earlier step.
    pub fn actor(mut self, step: Step, user: impl Into<Arc<User>>) -> Self {
        self.0.run.actors.insert(step, user.into());
        self
    }

    /// Sets the context submitted with a step.
    pub fn context(mut self, step: Step, context: Map<String, Value>) -> Self {
        self.0.run.contexts.insert(step, Arc::new(context));
        self
    }

    /// Sets the output of a step.
    pub fn step_output(mut self, step: Step, output: impl Into<Value>) -> Self {
        self.0.run.outputs.insert(step, StepOutput(output.into()));
        self
    }

    /// Sets the time at which the event was created. Defaults to the Unix epoch.
    pub fn at(mut self, timestamp: Timestamp) -> Self {
        self.0.payload.timestamp = timestamp;
        self
    }

    /// Builds the event. Its user becomes the actor of its step.
    pub fn build(mut self) -> Event {
        self.0.run.actors.insert(self.0.name, Arc::clone(&self.0.user));
        self.0
    }
}
