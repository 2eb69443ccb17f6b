use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Channel, Flow, RunId, Slug, Srn, User};
use crate::error::{Error, Result, codes};
use crate::model::{Step, StepOutput};
use crate::suggest;

/// How far a Run has come: its last event that succeeded, or that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// Nothing has succeeded yet.
    Pending,
    /// The form was shown.
    Prompted,
    /// The request was made.
    Requested,
    /// The request went to the next notification.
    Forwarded,
    /// Nobody answered.
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
    /// All of them, roughly in the order in which a Run has them.
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

    /// The name in the API and in logs.
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

    /// Whether nothing can follow, in any flow. `Approved` is the end too in a flow without a strategy.
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
            let error = Error::invalid(codes::INVALID_EVENT, format!("`{name}` is not the status of a Run"));
            error.with_hint(suggest::hint(name, "statuses", names))
        })
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One request through its life.
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
    /// A Run of a flow in which nothing has happened yet.
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

    /// Sets who did a step.
    pub fn with_actor(mut self, step: Step, user: impl Into<Arc<User>>) -> Self {
        self.actors.insert(step, user.into());
        self
    }

    /// Sets the context that came with a step.
    pub fn with_context(mut self, step: Step, context: Map<String, Value>) -> Self {
        self.contexts.insert(step, Arc::new(context));
        self
    }

    /// Sets what a step left behind.
    pub fn with_step_output(mut self, step: Step, output: StepOutput) -> Self {
        self.outputs.insert(step, output);
        self
    }

    /// Sets how far it has come.
    pub fn with_status(mut self, status: RunStatus) -> Self {
        self.status = status;
        self
    }

    /// The id.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// The SRN: `org:run:<flow>:<version of the flow>:<id>`.
    pub fn srn(&self) -> Srn {
        Self::srn_of(&self.flow, self.id)
    }

    pub(super) fn srn_of(flow: &Srn, id: RunId) -> Srn {
        let organization = Slug::lossy(flow.organization());
        let srn = Srn::from_slugs(&organization, "run", None, flow.slug());
        srn.with_version(*flow.version()).identified_by(id.as_uuid())
    }

    /// The SRN of the flow.
    pub fn flow(&self) -> &Srn {
        &self.flow
    }

    /// The Run that set this one off: the choice of the flow from a list.
    pub fn parent(&self) -> Option<RunId> {
        self.parent
    }

    /// How far it has come.
    pub fn status(&self) -> RunStatus {
        self.status
    }

    /// Who did a step; none if it has not happened.
    pub fn actor(&self, step: Step) -> Option<&User> {
        self.actors.get(&step).map(|user| &**user)
    }

    /// Who did each step so far.
    pub fn actors(&self) -> &BTreeMap<Step, Arc<User>> {
        &self.actors
    }

    /// The context that came with a step.
    pub fn context(&self, step: Step) -> Option<&Map<String, Value>> {
        self.contexts.get(&step).map(|context| &**context)
    }

    /// The channel of the first event.
    pub fn source_channel(&self) -> &Channel {
        &self.source_channel
    }

    /// What a step left behind.
    pub fn step_output(&self, step: Step) -> Option<&StepOutput> {
        self.outputs.get(&step)
    }

    /// Who has approved so far.
    pub fn approvals(&self) -> &[Arc<User>] {
        &self.approvals
    }

    /// Who made the request.
    pub fn requester(&self) -> Option<&User> {
        self.actor(Step::Request)
    }
}

/// How the machine changes a Run.
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

    pub(crate) fn requester_arc(&self) -> Option<Arc<User>> {
        self.actors.get(&Step::Request).cloned()
    }
}
