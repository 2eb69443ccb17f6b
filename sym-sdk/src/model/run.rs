//! Runs, the life of one request.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(feature = "runtime")]
use super::UserId;
use super::{Channel, Flow, RunId, Srn, User};
use crate::error::{Error, Result, codes};
use crate::model::{Step, StepOutput};
use crate::suggest;

/// The status of a Run: its last successful event, or `Errored`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// No event has succeeded yet.
    Pending,
    /// The form was shown.
    Prompted,
    /// The request was submitted.
    Requested,
    /// The request was forwarded to the next notification.
    Forwarded,
    /// The request expired without a decision.
    Expired,
    /// The request was approved.
    Approved,
    /// The request was denied.
    Denied,
    /// Access was granted.
    Escalated,
    /// Access was removed.
    Deescalated,
    /// An event failed.
    Errored,
}

impl RunStatus {
    /// Every status, roughly in the order in which a Run goes through them.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Prompted,
        Self::Requested,
        Self::Forwarded,
        Self::Expired,
        Self::Approved,
        Self::Denied,
        Self::Escalated,
        Self::Deescalated,
        Self::Errored,
    ];

    /// The name in the API and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Prompted => "prompted",
            Self::Requested => "requested",
            Self::Forwarded => "forwarded",
            Self::Expired => "expired",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Escalated => "escalated",
            Self::Deescalated => "deescalated",
            Self::Errored => "errored",
        }
    }

    /// Whether the status is final in every flow. In a flow without a strategy, `Approved` is final too.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Expired | Self::Denied | Self::Deescalated | Self::Errored)
    }
}

impl From<Step> for RunStatus {
    fn from(step: Step) -> Self {
        match step {
            Step::Prompt => Self::Prompted,
            Step::Request => Self::Requested,
            Step::RequestForward => Self::Forwarded,
            Step::RequestExpire => Self::Expired,
            Step::Approve => Self::Approved,
            Step::Deny => Self::Denied,
            Step::Escalate => Self::Escalated,
            Step::Deescalate => Self::Deescalated,
        }
    }
}

impl FromStr for RunStatus {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let error = Error::invalid(codes::INVALID_EVENT, format!("`{name}` is not a Run status"));
            error.with_hint(suggest::hint(name, "statuses", names))
        })
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A request, from the form to the end of access.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub(crate) id: RunId,
    pub(crate) flow: Srn,
    #[serde(default)]
    pub(crate) parent: Option<RunId>,
    pub(crate) status: RunStatus,
    #[serde(default)]
    pub(crate) actors: BTreeMap<Step, Arc<User>>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<Step, Arc<Map<String, Value>>>,
    pub(crate) source_channel: Channel,
    #[serde(default)]
    pub(crate) outputs: BTreeMap<Step, StepOutput>,
    #[serde(default)]
    pub(crate) approvals: Vec<Arc<User>>,
}

impl Run {
    /// Creates a Run of a flow without any event.
    pub fn new(id: RunId, flow: &Flow, source_channel: Channel) -> Self {
        Self {
            id,
            flow: flow.srn().clone(),
            parent: None,
            status: RunStatus::Pending,
            actors: BTreeMap::new(),
            contexts: BTreeMap::new(),
            source_channel,
            outputs: BTreeMap::new(),
            approvals: Vec::new(),
        }
    }

    /// Sets the user who triggered a step.
    pub fn with_actor(mut self, step: Step, user: impl Into<Arc<User>>) -> Self {
        self.actors.insert(step, user.into());
        self
    }

    /// Sets the context submitted with a step.
    pub fn with_context(mut self, step: Step, context: Map<String, Value>) -> Self {
        self.contexts.insert(step, Arc::new(context));
        self
    }

    /// Sets the output of a step.
    pub fn with_step_output(mut self, step: Step, output: StepOutput) -> Self {
        self.outputs.insert(step, output);
        self
    }

    /// Sets the status.
    pub fn with_status(mut self, status: RunStatus) -> Self {
        self.status = status;
        self
    }

    /// The id.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// The SRN: `org:run:<flow>:<flow version>:<id>`.
    pub fn srn(&self) -> Srn {
        Self::srn_of(&self.flow, self.id)
    }

    pub(super) fn srn_of(flow: &Srn, id: RunId) -> Srn {
        let version = *flow.version();
        Srn::from_slugs_with(flow.organization(), "run", None, flow.slug(), version, Some(id.as_uuid()))
    }

    /// The SRN of the flow.
    pub fn flow(&self) -> &Srn {
        &self.flow
    }

    /// The Run that started this one, in which the user chose the flow from a list.
    pub fn parent(&self) -> Option<RunId> {
        self.parent
    }

    /// The status.
    pub fn status(&self) -> RunStatus {
        self.status
    }

    /// The user who triggered a step. `None` if the step has not happened.
    pub fn actor(&self, step: Step) -> Option<&User> {
        self.actors.get(&step).map(|user| &**user)
    }

    /// The users who triggered each step so far.
    pub fn actors(&self) -> &BTreeMap<Step, Arc<User>> {
        &self.actors
    }

    /// The context submitted with a step.
    pub fn context(&self, step: Step) -> Option<&Map<String, Value>> {
        self.contexts.get(&step).map(|context| &**context)
    }

    /// The channel of the first event.
    pub fn source_channel(&self) -> &Channel {
        &self.source_channel
    }

    /// The output of a step.
    pub fn step_output(&self, step: Step) -> Option<&StepOutput> {
        self.outputs.get(&step)
    }

    /// The users who have approved so far.
    pub fn approvals(&self) -> &[Arc<User>] {
        &self.approvals
    }

    /// The user who made the request.
    pub fn requester(&self) -> Option<&User> {
        self.actor(Step::Request)
    }
}

/// Changes that only the machine makes.
#[cfg(feature = "runtime")]
impl Run {
    pub(crate) fn begin(id: RunId, flow: &Flow, parent: Option<RunId>, source_channel: Channel) -> Self {
        Self { parent, ..Self::new(id, flow, source_channel) }
    }

    pub(crate) fn set_status(&mut self, status: RunStatus) {
        self.status = status;
    }

    pub(crate) fn set_actor(&mut self, step: Step, user: Arc<User>) {
        self.actors.insert(step, user);
    }

    pub(crate) fn set_context(&mut self, step: Step, context: Arc<Map<String, Value>>) {
        self.contexts.insert(step, context);
    }

    pub(crate) fn set_output(&mut self, step: Step, output: StepOutput) {
        self.outputs.insert(step, output);
    }

    pub(crate) fn add_approval(&mut self, user: Arc<User>) {
        self.approvals.push(user);
    }

    /// Sets the approvals to those of an extension, for the handlers of its events.
    pub(crate) fn set_approvals(&mut self, approvals: Vec<Arc<User>>) {
        self.approvals = approvals;
    }

    pub(crate) fn remove_approval(&mut self, user: UserId) {
        self.approvals.retain(|approver| approver.id() != user);
    }

    pub(crate) fn requester_arc(&self) -> Option<Arc<User>> {
        self.actors.get(&Step::Request).cloned()
    }
}
