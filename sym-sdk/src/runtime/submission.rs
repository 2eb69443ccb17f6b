//! What front ends submit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Runtime;
use super::flows::FlowEntry;
use super::request_validation::parse_request;
use super::slack_fields::resolve_slack_fields;
use crate::engine::InputKey;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{Action, FormRef, Input, InputBody, InputReply};
use crate::model::{Channel, ChannelType, EventId, RunId, Srn, User, UserId};

/// Who submits something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// A user of the directory.
    User(Arc<User>),
    /// A user by id.
    Id(UserId),
    /// A person by e-mail address. Members of the organization's domains are created on first contact.
    Email(String),
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

/// Something that a person or a bot submits.
///
/// ```
/// use sym_sdk::model::{Channel, ChannelType};
/// use sym_sdk::runtime::Submission;
///
/// let submission = Submission::request("prod", "ana@example.com")
///     .input("reason", "incident 42")
///     .input("duration", "1h")
///     .through(Channel::new(ChannelType::Api));
/// # let _ = submission;
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until the submission is given to `Runtime::submit`"]
pub struct Submission {
    actor: Actor,
    channel: Channel,
    key: Option<InputKey>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Prompt {
        flow: String,
        form: Option<FormRef>,
    },
    Request {
        flow: String,
        inputs: Map<String, Value>,
        context: Option<Map<String, Value>>,
        form: Option<RunId>,
        parent: Option<RunId>,
    },
    Decide {
        run: RunId,
        action: Action,
    },
}

/// What became of a submission that was taken. It is durable; its effects follow.
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

impl What {
    /// The Run that it is about, if it names one.
    fn run(&self) -> Option<RunId> {
        match self {
            Self::Prompt { .. } => None,
            Self::Request { form, .. } => *form,
            Self::Decide { run, .. } => Some(*run),
        }
    }

    /// Where the form is to be shown, if it asks for one.
    fn form(&self) -> Option<&FormRef> {
        match self {
            Self::Prompt { form, .. } => form.as_ref(),
            Self::Request { .. } | Self::Decide { .. } => None,
        }
    }
}

impl Submission {
    fn new(actor: impl Into<Actor>, what: What) -> Self {
        Self { actor: actor.into(), channel: Channel::new(ChannelType::Api), key: None, what }
    }

    /// Asks for the flow's form. `flow` is an SRN or a name.
    pub fn prompt(flow: impl Into<String>, actor: impl Into<Actor>) -> Self {
        Self::new(actor, What::Prompt { flow: flow.into(), form: None })
    }

    /// Where the form is to be shown, in the front end's own terms. It is kept with the Run, so that the form and what becomes
    /// of it find their way after a restart too: see [`RequestView::form`](crate::delivery::RequestView::form).
    pub fn shown_in(mut self, place: FormRef) -> Self {
        if let What::Prompt { form, .. } = &mut self.what {
            *form = Some(place);
        }
        self
    }

    /// Makes a request. `flow` is an SRN or a name.
    pub fn request(flow: impl Into<String>, actor: impl Into<Actor>) -> Self {
        let flow = flow.into();
        Self::new(actor, What::Request { flow, inputs: Map::new(), context: None, form: None, parent: None })
    }

    /// Approves a request.
    pub fn approve(run: RunId, actor: impl Into<Actor>) -> Self {
        Self::new(actor, What::Decide { run, action: Action::Approve { decision_message: None } })
    }

    /// Denies a request.
    pub fn deny(run: RunId, actor: impl Into<Actor>) -> Self {
        Self::new(actor, What::Decide { run, action: Action::Deny { decision_message: None } })
    }

    /// Revokes access before its time. While taking it away fails, this has it tried again at once.
    pub fn revoke(run: RunId, actor: impl Into<Actor>) -> Self {
        Self::new(actor, What::Decide { run, action: Action::Revoke })
    }

    /// Gives up a revocation that does not succeed. The Run fails, the strategy is asked no more, and the error destination is
    /// told. Only an administrator may, who has seen to the access by other means; `reason` goes on the record.
    pub fn write_off(run: RunId, actor: impl Into<Actor>, reason: impl Into<String>) -> Self {
        Self::new(actor, What::Decide { run, action: Action::WriteOff { reason: reason.into() } })
    }

    /// An input of a request: a field, `target_srn` or `duration` (in seconds, or such as `1h`). A field that is not given has its
    /// default; `null` says that it was left empty.
    pub fn input(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs([(name.into(), value.into())].into_iter().collect())
    }

    /// More inputs of a request.
    pub fn inputs(mut self, more: Map<String, Value>) -> Self {
        if let What::Request { inputs, .. } = &mut self.what {
            inputs.extend(more);
        }
        self
    }

    /// The `context` of a request, which handlers read with `event.context(Step::Request)`.
    pub fn context(mut self, given: Map<String, Value>) -> Self {
        if let What::Request { context, .. } = &mut self.what {
            *context = Some(given);
        }
        self
    }

    /// The Run whose form was filled in for this request.
    pub fn form(mut self, run: RunId) -> Self {
        if let What::Request { form, .. } = &mut self.what {
            *form = Some(run);
        }
        self
    }

    /// The Run that led to this request.
    pub fn parent(mut self, run: RunId) -> Self {
        if let What::Request { parent, .. } = &mut self.what {
            *parent = Some(run);
        }
        self
    }

    /// The text that was entered with a decision.
    pub fn decision_message(mut self, text: impl Into<String>) -> Self {
        if let What::Decide {
            action: Action::Approve { decision_message } | Action::Deny { decision_message }, ..
        } = &mut self.what
        {
            *decision_message = Some(text.into());
        }
        self
    }

    /// Through what it came: Slack, the web or the API. The API if not said.
    pub fn through(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// Names the submission: the same key again is the same submission, and gets the same receipt. A front end that lets
    /// callers choose puts itself and the caller in front, or one caller's key would stand for another's submission.
    pub fn key(mut self, key: InputKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The same, unless it has a name.
    pub(crate) fn key_or(mut self, key: impl FnOnce() -> String) -> Self {
        self.key.get_or_insert_with(|| InputKey::new(key()));
        self
    }
}

/// For ids that follow from a key.
const KEYED: Uuid = Uuid::from_u128(0x6d5f_2c1a_93b4_4d0e_8a57_c3f1_0e9b_7a24);

/// A name of its own, or a caller who chooses the key could stand in for a timer or an effect.
fn submitted_as(key: &InputKey) -> InputKey {
    InputKey::new(format!("submission:{}", key.as_str()))
}

impl Runtime {
    /// Takes a submission. Once this returns, the submission and all that follows from it is durable.
    ///
    /// # Errors
    /// If the submission is not well formed, or its actor may not do this now. Nothing has changed then; the refusal of
    /// somebody who may not is on the record.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt> {
        let Submission { actor, channel, key, what } = submission;
        check_channel(&channel)?;
        let event = EventId::from_uuid(self.new_id(key.as_ref(), "event"));
        let run = what.run().unwrap_or_else(|| self.new_run(key.as_ref()));
        let (key, may_be_known) = match key {
            Some(key) => (submitted_as(&key), true),
            None => (InputKey::new(format!("event:{event}")), false),
        };
        if may_be_known && let Some(reply) = self.engine.recorded_reply(&key).await? {
            // What was taken stays taken, even if it would be refused by now.
            return receipt(run, event, reply);
        }
        let begins = matches!(what, What::Prompt { .. } | What::Request { .. });
        let form = what.form().cloned();
        let (flow, action) = self.checked(what).await?;
        let actor = self.executor.ask_directory(self.actor(actor, begins)).await?;
        if begins {
            self.check_visible(&flow, &actor).await?;
        }
        let body = InputBody::Submitted { event, actor, channel, action };
        let input = Input::new(run, flow, self.clock().now(), body).with_form(form);
        receipt(run, event, self.engine.submit(key, input).await?)
    }

    /// Whether a submission of this [name](Submission::key) was taken. One that was refused was not.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn was_taken(&self, key: &InputKey) -> Result<bool> {
        let reply = self.engine.recorded_reply(&submitted_as(key)).await?;
        Ok(reply.is_some_and(|reply| !matches!(reply, InputReply::Refused { .. })))
    }

    /// Checks what is submitted against its flow.
    async fn checked(&self, what: What) -> Result<(Srn, Action)> {
        match what {
            What::Prompt { flow, .. } => Ok((self.entry(&flow)?.flow.srn().clone(), Action::Prompt)),
            What::Request { flow, inputs, context, form, parent } => {
                let entry = self.entry(&flow)?;
                let limits = &self.executor.limits;
                let mut request = parse_request(&entry.flow, limits, &inputs, context.as_ref(), parent)?;
                let named = resolve_slack_fields(&self.executor.directory, &entry.flow, &mut request.fields);
                self.executor.ask_directory(named).await?;
                if let Some(form) = form {
                    self.form_of(form, entry).await?;
                }
                Ok((entry.flow.srn().clone(), Action::Request(Box::new(request))))
            }
            What::Decide { run, action } => {
                check_text(&action, self.executor.limits.fields_bytes)?;
                Ok((self.run(run).await?.state.flow.clone(), action))
            }
        }
    }

    fn entry(&self, flow: &str) -> Result<&FlowEntry> {
        self.executor.flows.named(flow)
    }

    /// A flow that the flows filter hides from a person is closed to them, by whatever way they name it.
    pub(super) async fn check_visible(&self, flow: &Srn, actor: &Arc<User>) -> Result<()> {
        if self.flows_for(actor).await?.get(flow.slug()).is_some() {
            return Ok(());
        }
        let message = format!("flow `{}` is not open to {}", flow.slug(), actor.username());
        Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message))
    }

    /// A form belongs to the flow that it was opened for.
    async fn form_of(&self, form: RunId, entry: &FlowEntry) -> Result<()> {
        let flow: Srn = self.run(form).await?.state.flow.clone();
        if flow.slug() == entry.flow.srn().slug() {
            return Ok(());
        }
        let message = format!("the form of Run {form} is of flow `{}`, not of `{}`", flow.slug(), entry.flow.name());
        Err(Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_RUN, message))
    }

    /// Who this is. People whom nobody vouches for cannot begin anything, and are not stored for trying; those who decide are
    /// stored as guests.
    pub(super) async fn actor(&self, actor: Actor, begins: bool) -> Result<Arc<User>> {
        let directory = &self.executor.directory;
        match actor {
            // Read anew: roles may have changed since the front end read them.
            Actor::User(user) => {
                let known = directory.user(user.id()).await?;
                known.ok_or_else(|| unknown_user(user.username(), "add them to the directory first"))
            }
            Actor::Id(id) => {
                let user = directory.user(id).await?;
                user.ok_or_else(|| unknown_user(&format!("user {id}"), "name the person by e-mail address"))
            }
            Actor::Email(email) => match directory.user_by_email(&email).await? {
                Some(user) => Ok(user),
                None => self.resolve_unknown_user(&email, begins).await,
            },
        }
    }

    /// Somebody who is not in the directory.
    async fn resolve_unknown_user(&self, email: &str, begins: bool) -> Result<Arc<User>> {
        let directory = &self.executor.directory;
        let person = User::person(UserId::from_email(email), email)?;
        if begins && !directory.is_internal_email(person.username()) {
            return Err(unknown_user(
                person.username(),
                "their e-mail domain is none of the organization's; an administrator can add them",
            ));
        }
        directory.get_or_create_user_by_email(email).await
    }

    pub(super) fn new_run(&self, key: Option<&InputKey>) -> RunId {
        RunId::from_uuid(self.new_id(key, "run"))
    }

    /// The same key gives the same id, so that a submission sent again is about the same Run. Without a key the id is new.
    pub(super) fn new_id(&self, key: Option<&InputKey>, what: &str) -> Uuid {
        match key {
            Some(key) => Uuid::new_v5(&KEYED, format!("{what}:{}", key.as_str()).as_bytes()),
            None => {
                let now = self.clock().now();
                let seconds = u64::try_from(now.as_second()).unwrap_or_default();
                let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
                Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds))
            }
        }
    }
}

/// Handlers let pass what code has fired.
fn check_channel(channel: &Channel) -> Result<()> {
    let kind = channel.kind();
    if !matches!(kind, ChannelType::Sdk | ChannelType::Scheduler) {
        return Ok(());
    }
    let message = format!("nothing is submitted through `{kind}`: that is for what code fires");
    Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_EVENT, message))
}

fn unknown_user(who: &str, hint: &str) -> Error {
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("{who} is not a known user")).with_hint(hint)
}

fn check_text(action: &Action, limit: usize) -> Result<()> {
    let (what, text) = match action {
        Action::Approve { decision_message } | Action::Deny { decision_message } => {
            ("decision message", decision_message.as_deref().unwrap_or_default())
        }
        Action::WriteOff { reason } => ("reason", reason.as_str()),
        _ => return Ok(()),
    };
    let size = text.len();
    if size <= limit {
        return Ok(());
    }
    let message = format!("the {what} takes {size} bytes; at most {limit} are taken");
    Err(Error::new(ErrorKind::InvalidInput, codes::TOO_LARGE, message))
}

fn receipt(run: RunId, event: EventId, reply: InputReply) -> Result<Receipt> {
    match reply {
        InputReply::Accepted { event: accepted } => Ok(Receipt { run, event: accepted.unwrap_or(event) }),
        InputReply::Refused { error, .. } => Err(error.into()),
        InputReply::Stale => {
            Err(Error::new(ErrorKind::Internal, codes::INVALID_EVENT, "the submission came to nothing"))
        }
    }
}
