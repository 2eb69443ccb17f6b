//! Submissions: the actions that front ends submit on behalf of people and bots.
//!
//! Each action has a request type of its own, with the setters that apply to it: a decision has a message, a request has inputs.
//! All of them convert into a [`Submission`], which [`Runtime::submit`](super::Runtime::submit) accepts.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::InputKey;
use crate::forms::PromptForm;
use crate::machine::{Action, ActionKind, ExtensionInput, FormRef, MessageRef, RequestDigest};
use crate::model::{Channel, ChannelType, EventId, RunId, User, UserId, UserIdentity};
use crate::normalize::normalize_text;

/// The time for which a resolved user is not read again.
const RESOLVED_USER_TTL: Duration = Duration::from_secs(1);

/// The person or bot on whose behalf something is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// A user of the directory.
    User(Arc<User>),
    /// A user by id.
    Id(UserId),
    /// A person by e-mail address. Members of the organization's domains are created on first contact, with which nobody decides.
    Email(String),
    /// The user who has an account of a service.
    Account(UserIdentity),
    /// A user whom the runtime has just read: see [`Runtime::actor_by_identity`](super::Runtime::actor_by_identity).
    Resolved(ResolvedUser),
}

/// A user whom the runtime has read from the directory for the submission that follows, so that submitting reads them only if
/// that was a while ago. Front ends cannot create one, so they cannot pass a role that the user had earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedUser {
    user: Arc<User>,
    read_at: Timestamp,
}

impl ResolvedUser {
    /// `read_at` is the time at which reading began.
    pub(super) fn new(user: Arc<User>, read_at: Timestamp) -> Self {
        Self { user, read_at }
    }

    /// Returns the user, with the role at the time of reading.
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// Returns the user if they were read at most a second ago. After the clock went back, the age is unknown.
    pub(super) fn if_recent(&self, now: Timestamp) -> Option<&Arc<User>> {
        let age = Duration::try_from(now.duration_since(self.read_at)).ok()?;
        (age <= RESOLVED_USER_TTL).then_some(&self.user)
    }
}

impl From<UserIdentity> for Actor {
    fn from(account: UserIdentity) -> Self {
        Self::Account(account)
    }
}

impl From<Arc<User>> for Actor {
    fn from(user: Arc<User>) -> Self {
        Self::User(user)
    }
}

impl From<User> for Actor {
    fn from(user: User) -> Self {
        Self::User(Arc::new(user))
    }
}

impl From<UserId> for Actor {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for Actor {
    fn from(email: &str) -> Self {
        Self::Email(email.to_owned())
    }
}

/// An action that a person or a bot submits.
///
/// The constructors return the request type of the action, which converts into a submission:
///
/// ```
/// use sym_sdk::model::{Channel, ChannelType};
/// use sym_sdk::runtime::Submission;
///
/// let request = Submission::request("prod", "ana@example.com")
///     .input("reason", "incident 42")
///     .input("duration", "1h")
///     .channel(Channel::new(ChannelType::Api));
/// let submission: Submission = request.into();
/// # let _ = submission;
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the submission is passed to `Runtime::submit`"]
pub struct Submission {
    pub(super) actor: Actor,
    pub(super) channel: Channel,
    pub(super) key: Option<InputKey>,
    pub(super) body: RequestBody,
}

#[derive(Clone, Debug)]
pub(super) enum RequestBody {
    Prompt { flow: String, form_view: Option<FormRef> },
    Request(FlowRequestBody),
    Act { run: RunId, action: Action, message: Option<MessageRef> },
}

#[derive(Clone, Debug, Default)]
pub(super) struct FlowRequestBody {
    pub(super) flow: String,
    pub(super) inputs: Map<String, Value>,
    pub(super) context: Option<Map<String, Value>>,
    pub(super) form: Option<RunId>,
    pub(super) shown: Option<Box<PromptForm>>,
    pub(super) parent: Option<RunId>,
}

impl RequestBody {
    /// Returns the Run that the submission names.
    pub(super) fn run(&self) -> Option<RunId> {
        match self {
            Self::Prompt { .. } => None,
            Self::Request(request) => request.form,
            Self::Act { run, .. } => Some(*run),
        }
    }

    /// Returns the flow that the submission names.
    pub(super) fn flow(&self) -> Option<&str> {
        match self {
            Self::Prompt { flow, .. } | Self::Request(FlowRequestBody { flow, .. }) => Some(flow),
            Self::Act { .. } => None,
        }
    }

    /// Returns the kind of action.
    pub(super) fn action_kind(&self) -> ActionKind {
        match self {
            Self::Prompt { .. } => ActionKind::Prompt,
            Self::Request(_) => ActionKind::Request,
            Self::Act { action, .. } => action.kind(),
        }
    }

    /// Returns whether the submission begins a Run or continues its form, rather than acting on an existing request.
    pub(super) fn is_request(&self) -> bool {
        matches!(self, Self::Prompt { .. } | Self::Request(_))
    }
}

impl Submission {
    /// Asks for the form of a flow, by SRN or name.
    pub fn prompt(flow: impl Into<String>, actor: impl Into<Actor>) -> PromptRequest {
        let (actor, channel) = (actor.into(), Channel::new(ChannelType::Api));
        PromptRequest { actor, channel, key: None, flow: flow.into(), form_view: None }
    }

    /// Makes a request to a flow, by SRN or name.
    pub fn request(flow: impl Into<String>, actor: impl Into<Actor>) -> FlowRequest {
        let body = FlowRequestBody { flow: flow.into(), ..FlowRequestBody::default() };
        FlowRequest { actor: actor.into(), channel: Channel::new(ChannelType::Api), key: None, body }
    }

    /// Approves a request.
    pub fn approve(run: RunId, actor: impl Into<Actor>) -> Decision {
        Decision::new(run, actor.into(), Action::approve())
    }

    /// Denies a request. The requester cancels it with the same action.
    pub fn deny(run: RunId, actor: impl Into<Actor>) -> Decision {
        Decision::new(run, actor.into(), Action::deny())
    }

    /// Asks for more time, for access that has not ended yet: `duration` is one of those that the flow offers.
    ///
    /// The extension is decided as the request was, under the rules of the flow, and the access lasts on if it is approved: until
    /// `duration` after its present end, and never longer than the longest duration that the flow offers from the decision on. Only the
    /// requester of the access can ask for it. The [receipt](Receipt) has the id of the extension, for [`Decision::of_extension`].
    ///
    /// ```
    /// # async fn extend(runtime: &sym_sdk::runtime::Runtime, run: sym_sdk::model::RunId) -> sym_sdk::Result<()> {
    /// use std::time::Duration;
    /// use sym_sdk::runtime::Submission;
    ///
    /// let hour = Duration::from_secs(60 * 60);
    /// let extend = Submission::extend(run, "ana@example.com", hour).reason("the migration takes longer");
    /// let extension = runtime.submit(extend).await?.event;
    ///
    /// runtime.submit(Submission::approve(run, "ben@example.com").of_extension(extension)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn extend(run: RunId, actor: impl Into<Actor>, duration: Duration) -> Extend {
        let (actor, channel) = (actor.into(), Channel::new(ChannelType::Api));
        Extend { actor, channel, key: None, run, input: ExtensionInput::new(duration) }
    }

    /// Reminds those who can decide the request, or the extension, that is open. Only the requester can ask for that, and only
    /// [now and then](crate::machine::MIN_REMINDER_INTERVAL).
    pub fn remind(run: RunId, actor: impl Into<Actor>) -> Remind {
        Remind { actor: actor.into(), channel: Channel::new(ChannelType::Api), key: None, run }
    }

    /// Revokes access before it expires. If a revocation is failing, it is retried immediately.
    pub fn revoke(run: RunId, actor: impl Into<Actor>) -> Revoke {
        Revoke { actor: actor.into(), channel: Channel::new(ChannelType::Api), key: None, run }
    }

    /// Gives up a revocation that keeps failing: the Run fails, the strategy is not called again, and the error destination is
    /// notified.
    ///
    /// Only administrators may write off a revocation; they are responsible for removing the access by other means. `reason`
    /// is recorded in the audit log.
    pub fn write_off(run: RunId, actor: impl Into<Actor>, reason: impl Into<String>) -> WriteOff {
        let (actor, channel) = (actor.into(), Channel::new(ChannelType::Api));
        WriteOff { actor, channel, key: None, run, reason: reason.into() }
    }

    /// Returns the Run and the e-mail address of the person, if the submission acts on an existing request.
    pub(super) fn decider(&self) -> Option<(RunId, &str)> {
        match (&self.actor, &self.body) {
            (Actor::Email(email), RequestBody::Act { run, .. }) => Some((*run, email)),
            _ => None,
        }
    }

    /// Sets the idempotency key, unless the submission has one.
    pub(crate) fn key_or(mut self, key: impl FnOnce() -> String) -> Self {
        self.key.get_or_insert_with(|| InputKey::new(key()));
        self
    }
}

/// Adds the setters that apply to every submission.
macro_rules! common_setters {
    ($($request:ty),+) => {$(
        impl $request {
            /// Sets the channel through which this was submitted: Slack, the web or the API. The default is the API.
            pub fn channel(mut self, channel: Channel) -> Self {
                self.channel = channel;
                self
            }

            /// Sets the idempotency key: a repeated submission with the same key has no effect, and returns the same receipt.
            ///
            /// A front end that lets callers choose keys must prefix them with its own name and the caller's, so that no
            /// caller can use the key of another one's submission, and add [what was sent](InputKey::with_content), so that a key
            /// which is used again for something else is refused.
            pub fn key(mut self, key: InputKey) -> Self {
                self.key = Some(key);
                self
            }
        }
    )+};
}

common_setters!(Submission, PromptRequest, FlowRequest, Decision, Extend, Remind, Revoke, WriteOff);

/// A request for the form of a flow. Returned by [`Submission::prompt`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the request is passed to `Runtime::submit`"]
pub struct PromptRequest {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    flow: String,
    form_view: Option<FormRef>,
}

impl PromptRequest {
    /// Sets the view that will show the form, in the front end's own terms.
    ///
    /// It is stored with the Run, so that the form and notices about it can be shown there even after a restart: see
    /// [`RequestView::form`](crate::delivery::RequestView::form).
    pub fn form_view(mut self, view: FormRef) -> Self {
        self.form_view = Some(view);
        self
    }
}

impl From<PromptRequest> for Submission {
    fn from(PromptRequest { actor, channel, key, flow, form_view }: PromptRequest) -> Self {
        Self { actor, channel, key, body: RequestBody::Prompt { flow, form_view } }
    }
}

/// A request to a flow. Returned by [`Submission::request`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the request is passed to `Runtime::submit`"]
pub struct FlowRequest {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    body: FlowRequestBody,
}

impl FlowRequest {
    /// Sets an input: a field, `target_srn` or `duration` (in seconds, or as text such as `1h`).
    ///
    /// A field without an input gets its default value; `null` leaves it empty.
    pub fn input(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.inputs.insert(name.into(), value.into());
        self
    }

    /// Sets several inputs.
    pub fn inputs(mut self, inputs: Map<String, Value>) -> Self {
        self.body.inputs.extend(inputs);
        self
    }

    /// Sets the `context`, which handlers read with `event.context(Step::Request)`.
    pub fn context(mut self, context: Map<String, Value>) -> Self {
        self.body.context = Some(context);
        self
    }

    /// Sets the Run whose form was filled in for this request.
    pub fn form(mut self, run: RunId) -> Self {
        self.body.form = Some(run);
        self
    }

    /// Sets the form as it was last shown to the requester. The request may contain only options that this form offers; without it,
    /// prefetch reducers are called again for the options of the fields that have a value.
    pub fn shown_form(mut self, form: PromptForm) -> Self {
        self.body.shown = Some(Box::new(form));
        self
    }

    /// Sets the Run that led to this request.
    pub fn parent(mut self, run: RunId) -> Self {
        self.body.parent = Some(run);
        self
    }
}

impl From<FlowRequest> for Submission {
    fn from(FlowRequest { actor, channel, key, body }: FlowRequest) -> Self {
        Self { actor, channel, key, body: RequestBody::Request(body) }
    }
}

/// An approval or denial of a request, or of an extension. Returned by [`Submission::approve`] and [`Submission::deny`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the decision is passed to `Runtime::submit`"]
pub struct Decision {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    run: RunId,
    /// An approval or a denial.
    action: Action,
    message: Option<MessageRef>,
}

impl Decision {
    fn new(run: RunId, actor: Actor, action: Action) -> Self {
        Self { actor, channel: Channel::new(ChannelType::Api), key: None, run, action, message: None }
    }

    /// Sets the text entered with the decision.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        if let Action::Approve { decision_message, .. } | Action::Deny { decision_message, .. } = &mut self.action {
            *decision_message = Some(normalize_text(&text.into())).filter(|text| !text.is_empty());
        }
        self
    }

    /// Approves for a shorter time than was asked for: one of the durations that the flow offers, as in
    /// [`RequestView::shorter_durations`](crate::delivery::RequestView::shorter_durations). If a request needs several approvals, the
    /// shortest of their durations counts. Without effect on a denial.
    pub fn for_duration(mut self, shorter: Duration) -> Self {
        if let Action::Approve { duration, .. } = &mut self.action {
            *duration = Some(shorter);
        }
        self
    }

    /// Decides an extension, rather than the request: `id` is that of the [`Extension`](crate::machine::Extension), which is the event in the
    /// [receipt](Receipt::event) of its request. A decision that names no extension is never about one, so that nobody approves by mistake
    /// what they have not seen.
    pub fn of_extension(mut self, id: EventId) -> Self {
        if let Action::Approve { extension, .. } | Action::Deny { extension, .. } = &mut self.action {
            *extension = Some(id);
        }
        self
    }

    /// Sets what the author of the decision has seen: the [digest](RequestDigest::of) of the request when it was shown. The decision is
    /// refused with `SymSDK:REQUEST_CHANGED` if the request, or the extension that is decided, is another one by now.
    pub fn seen(mut self, digest: RequestDigest) -> Self {
        if let Action::Approve { seen, .. } | Action::Deny { seen, .. } = &mut self.action {
            *seen = Some(digest);
        }
        self
    }

    /// Sets the delivered message in which the decision was made. It says whether the request or an extension is decided. The decision is
    /// refused unless that may be decided there: see [`RunState::message_status`](crate::machine::RunState::message_status). The default
    /// is a decision made outside of any message, as through the API.
    pub fn in_message(mut self, message: MessageRef) -> Self {
        self.message = Some(message);
        self
    }
}

impl From<Decision> for Submission {
    fn from(Decision { actor, channel, key, run, action, message }: Decision) -> Self {
        Self { actor, channel, key, body: RequestBody::Act { run, action, message } }
    }
}

/// A request for more time. Returned by [`Submission::extend`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the request is passed to `Runtime::submit`"]
pub struct Extend {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    run: RunId,
    input: ExtensionInput,
}

impl Extend {
    /// Sets the reason, which those who decide see.
    pub fn reason(mut self, text: impl Into<String>) -> Self {
        self.input.reason = Some(normalize_text(&text.into())).filter(|text| !text.is_empty());
        self
    }
}

impl From<Extend> for Submission {
    fn from(Extend { actor, channel, key, run, input }: Extend) -> Self {
        Self { actor, channel, key, body: RequestBody::Act { run, action: Action::Extend(input), message: None } }
    }
}

/// A reminder of those who can decide. Returned by [`Submission::remind`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the reminder is passed to `Runtime::submit`"]
pub struct Remind {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    run: RunId,
}

impl From<Remind> for Submission {
    fn from(Remind { actor, channel, key, run }: Remind) -> Self {
        Self { actor, channel, key, body: RequestBody::Act { run, action: Action::Remind, message: None } }
    }
}

/// A revocation of access before it expires. Returned by [`Submission::revoke`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the revocation is passed to `Runtime::submit`"]
pub struct Revoke {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    run: RunId,
}

impl From<Revoke> for Submission {
    fn from(Revoke { actor, channel, key, run }: Revoke) -> Self {
        Self { actor, channel, key, body: RequestBody::Act { run, action: Action::Revoke, message: None } }
    }
}

/// The write-off of a revocation that keeps failing. Returned by [`Submission::write_off`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the write-off is passed to `Runtime::submit`"]
pub struct WriteOff {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    run: RunId,
    reason: String,
}

impl From<WriteOff> for Submission {
    fn from(WriteOff { actor, channel, key, run, reason }: WriteOff) -> Self {
        let action = Action::WriteOff { reason: normalize_text(&reason) };
        Self { actor, channel, key, body: RequestBody::Act { run, action, message: None } }
    }
}

/// The receipt of an accepted submission. The submission is durable; its effects follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The Run.
    #[serde(rename = "run_id")]
    pub run: RunId,
    /// The event.
    #[serde(rename = "event_id")]
    pub event: EventId,
}
