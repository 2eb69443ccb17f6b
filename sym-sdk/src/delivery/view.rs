//! A request as a front end shows it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::forms::FieldMap;
use crate::machine::{Access, ActionKind, FormRef, MessageRef, MessageStatus, RunState, allowed_actions};
use crate::model::{AccessTarget, Event, RunStatus, Step, User, UserType};

/// A request as a front end shows it: the event that it is shown for, and what can be done now.
#[derive(Clone, Debug)]
pub struct RequestView {
    event: Event,
    state: Arc<RunState>,
}

impl RequestView {
    pub(crate) fn new(event: Event, state: Arc<RunState>) -> Self {
        Self { event, state }
    }

    /// The event for which the request is shown.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The Run's status now.
    pub fn status(&self) -> RunStatus {
        self.state.run.status()
    }

    /// Whether the request can be approved and denied now.
    pub fn can_decide(&self) -> bool {
        self.state.is_open()
    }

    /// Whether the access can be revoked early now.
    pub fn can_revoke(&self) -> bool {
        self.event.flow().params().allow_revoke && matches!(self.state.access, Access::Held(_))
    }

    /// How many have approved, and how many must.
    pub fn approvals(&self) -> (usize, usize) {
        let needed = self.state.routing.as_ref().map_or(1, |routing| routing.permission.required_approvals().into());
        (self.state.run.approvals().len(), needed)
    }

    /// Who decided and when, once somebody has.
    pub fn decided_by(&self) -> Option<(&User, Timestamp)> {
        self.state.decision.as_ref().map(|decision| (&*decision.actor, decision.at))
    }

    /// Whether the flow decided by itself, on the occasion of what [`decided_by`](Self::decided_by) did.
    pub fn is_decided_by_flow(&self) -> bool {
        self.state.decision.as_ref().is_some_and(|decision| decision.decided_by_hook)
    }

    /// The text that was entered with the decision.
    pub fn decision_message(&self) -> Option<&str> {
        self.state.decision.as_ref()?.decision_message.as_deref()
    }

    /// The reason to show: a hook's, if it gave one, else the form's.
    pub fn reason(&self) -> Option<&str> {
        let request = self.state.request.as_ref()?;
        request.reason.as_deref().or_else(|| request.fields.text("reason").ok())
    }

    /// What access is asked for; a decision may have changed it.
    pub fn target(&self) -> Option<&AccessTarget> {
        self.state.request.as_ref()?.target.as_ref()
    }

    /// For how long access is asked for; a decision may have changed it.
    pub fn duration(&self) -> Option<Duration> {
        self.state.request.as_ref()?.duration
    }

    /// The fields of the request.
    pub fn fields(&self) -> Option<&FieldMap> {
        self.state.request.as_ref().map(|request| &*request.fields)
    }

    /// Who had the access taken away before its time.
    pub fn revoked_by(&self) -> Option<&User> {
        self.state.run.actor(Step::Deescalate).filter(|user| user.user_type() != UserType::System)
    }

    /// The messages that were delivered.
    pub fn messages(&self) -> impl Iterator<Item = &MessageRef> {
        self.state.delivered.iter().map(|delivered| &delivered.message)
    }

    /// Where the form is shown: what the front end said when it [asked for it](crate::runtime::Submission::shown_in).
    pub fn form(&self) -> Option<&FormRef> {
        self.state.form.as_ref()
    }

    /// Whether a message is one of the notification in force. Older ones show that the request was forwarded.
    pub fn is_current(&self, message: &MessageRef) -> bool {
        let mut delivered = self.state.delivered.iter().filter(|delivered| delivered.message == *message);
        delivered.any(|delivered| delivered.entry == self.state.current_notification)
    }

    /// Until when the access lasts, once it is granted.
    pub fn access_until(&self) -> Option<Timestamp> {
        self.state.access.grant()?.until
    }

    /// Whether this is the notification in force, counted from 0. Older ones show that the request was forwarded.
    pub fn is_current_notification(&self, entry: usize) -> bool {
        self.state.current_notification == entry
    }

    /// Returns whether the request may be decided in a message of this front end.
    pub fn message_status(&self, message: &MessageRef) -> MessageStatus {
        self.state.message_status(message)
    }

    /// Returns the actions that `user` may take on the request at the time `now`. They are decided by the rules that apply when the
    /// action is submitted.
    pub fn allowed_actions(&self, user: &User, now: Timestamp) -> Vec<ActionKind> {
        allowed_actions(self.event.flow(), &self.state, user, now)
    }
}
