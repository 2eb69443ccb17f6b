//! The events of a Run, as they are stored.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::input::Action;
use super::state::RunState;
use crate::forms::{FieldMap, OptionLabels};
use crate::model::{AccessTarget, Channel, DeescalateType, EventId, ExtensionInfo, Payload, PayloadJson, Step, User};

/// One event of a Run, with what its handlers see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventRecord {
    /// The id.
    pub id: EventId,
    /// The name.
    pub name: Step,
    /// The user who triggered it.
    pub actor: Arc<User>,
    /// The channel through which it came.
    pub channel: Channel,
    /// The time of the event.
    pub at: Timestamp,
    /// The target of the requested access.
    pub target: Option<AccessTarget>,
    /// The duration of the requested access.
    pub duration: Option<Duration>,
    /// The fields of the request.
    pub fields: Arc<FieldMap>,
    /// The labels of the chosen options.
    #[serde(default, skip_serializing_if = "OptionLabels::is_empty")]
    pub labels: OptionLabels,
    /// The reason that a hook gave.
    pub reason: Option<String>,
    /// The text that was entered with a decision.
    pub decision_message: Option<String>,
    /// The trigger of a `deescalate` event.
    pub deescalate_type: Option<DeescalateType>,
    /// Values that a hook added to the event it fired.
    pub extra: Map<String, Value>,
    /// The `context` object of a request.
    pub context: Option<Arc<Map<String, Value>>>,
    /// Whether a hook fired the event in place of another one: nobody has voted then, code has decided.
    #[serde(alias = "by_code")]
    pub decided_by_hook: bool,
    /// Whether a hook has chosen the duration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duration_set_by_hook: bool,
    /// The extension that the event is about. `None` for events of the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<ExtensionInfo>,
}

impl EventRecord {
    /// Creates an event with the target, duration and fields of the Run's request.
    pub(super) fn new(
        state: &RunState,
        at: Timestamp,
        id: EventId,
        name: Step,
        actor: &Arc<User>,
        channel: Channel,
    ) -> Self {
        let request = state.request.as_ref();
        Self {
            id,
            name,
            actor: actor.clone(),
            channel,
            at,
            target: request.and_then(|request| request.target.clone()),
            duration: request.and_then(|request| request.duration),
            fields: request.map(|request| request.fields.clone()).unwrap_or_default(),
            labels: OptionLabels::default(),
            reason: None,
            decision_message: None,
            deescalate_type: None,
            extra: Map::new(),
            context: None,
            decided_by_hook: false,
            duration_set_by_hook: request.is_some_and(|request| request.duration_set_by_hook),
            extension: None,
        }
    }

    /// Returns the request of a Run as an event. `None` before the request.
    pub(crate) fn request_of(state: &RunState) -> Option<Self> {
        state.request.as_ref()?;
        let requester = state.run.actors().get(&Step::Request)?;
        let id = EventId::from_uuid(*state.run.id().as_uuid());
        Some(Self::new(state, state.created_at, id, Step::Request, requester, state.run.source_channel().clone()))
    }

    /// Creates the record of an event that belongs to no Run: an action on a user, or an event of an account.
    pub(super) fn outside_of_runs(
        at: Timestamp,
        id: EventId,
        name: Step,
        actor: &Arc<User>,
        channel: Channel,
        reason: Option<String>,
    ) -> Self {
        Self {
            id,
            name,
            actor: actor.clone(),
            channel,
            at,
            target: None,
            duration: None,
            fields: Arc::default(),
            labels: OptionLabels::default(),
            reason,
            decision_message: None,
            deescalate_type: None,
            extra: Map::new(),
            context: None,
            decided_by_hook: false,
            duration_set_by_hook: false,
            extension: None,
        }
    }

    /// Adds the content of the action that the event results from.
    pub(super) fn with_action(mut self, action: &Action) -> Self {
        match action {
            Action::Prompt | Action::Remind | Action::Regrant => {}
            Action::Request(request) => {
                self.target = request.target.clone();
                self.duration = request.duration;
                self.duration_set_by_hook = false;
                self.fields = Arc::new(request.fields.clone());
                self.labels = request.labels.clone();
                self.context = request.context.clone().map(Arc::new);
            }
            Action::Approve { decision_message, .. } | Action::Deny { decision_message, .. } => {
                self.decision_message = decision_message.clone();
            }
            Action::Extend(extension) => {
                self.duration = Some(extension.duration);
                self.duration_set_by_hook = false;
                self.reason = extension.reason.clone();
            }
            Action::Revoke => self.deescalate_type = Some(DeescalateType::Revoked),
            Action::WriteOff { reason } => {
                self.deescalate_type = Some(DeescalateType::Revoked);
                self.reason = Some(reason.clone());
            }
            Action::Remove(removal) => {
                self.deescalate_type = Some(DeescalateType::Revoked);
                self.target = Some(removal.target.clone());
            }
        }
        self
    }

    /// Returns the payload that handlers see.
    pub(crate) fn payload(&self) -> Payload {
        Payload {
            timestamp: self.at,
            fields: self.fields.clone(),
            target: self.target.clone(),
            duration: self.duration,
            reason: self.reason.clone(),
            decision_message: self.decision_message.clone(),
            deescalate_type: self.deescalate_type,
            extra: self.extra.clone(),
            extension: self.extension,
        }
    }

    /// Returns the JSON form of the payload.
    pub(crate) fn payload_json(&self) -> PayloadJson<'_> {
        PayloadJson {
            fields: &self.fields,
            extra: &self.extra,
            target: self.target.as_ref(),
            duration: self.duration,
            reason: self.reason.as_deref(),
            decision_message: self.decision_message.as_deref(),
            deescalate_type: self.deescalate_type,
            extension: self.extension,
        }
    }
}
