//! The view of a request that front ends display.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::codes;
use crate::forms::FieldMap;
use crate::machine::{self, Access, ActionKind, EarlierRequest, FormRef, MessageRef, MessageStatus, RunState};
use crate::model::{AccessTarget, Event, RunStatus, Step, User, UserType};

/// A request as a front end displays it: the event that it is displayed for, and the current state.
#[derive(Clone, Debug)]
pub struct RequestView {
    event: Event,
    state: Arc<RunState>,
}

impl RequestView {
    pub(crate) fn new(event: Event, state: Arc<RunState>) -> Self {
        Self { event, state }
    }

    /// Returns the event that the request is displayed for.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the Run's current status.
    pub fn status(&self) -> RunStatus {
        self.state.run.status()
    }

    /// Returns whether the request is waiting for a decision.
    pub fn can_decide(&self) -> bool {
        self.state.is_open()
    }

    /// Returns whether the access can be revoked early.
    pub fn can_revoke(&self) -> bool {
        self.event.flow().params().allow_revoke && matches!(self.state.access, Access::Held(_))
    }

    /// Returns the actions that a user may take now: those that [`Runtime::submit`](crate::runtime::Runtime::submit) would accept
    /// from them. `now` is the time by the runtime's clock.
    pub fn allowed_actions(&self, user: &User, now: Timestamp) -> Vec<ActionKind> {
        machine::allowed_actions(self.event.flow(), &self.state, user, now)
    }

    /// Returns the number of approvals so far, and the number required.
    pub fn approvals(&self) -> (usize, usize) {
        let needed = self.state.routing.as_ref().map_or(1, |routing| routing.permission.required_approvals().into());
        (self.state.run.approvals().len(), needed)
    }

    /// Returns who decided and when. `None` before the decision.
    pub fn decided_by(&self) -> Option<(&User, Timestamp)> {
        self.state.decision.as_ref().map(|decision| (&*decision.actor, decision.at))
    }

    /// Returns whether a hook of the flow made the decision, in response to an action of [`decided_by`](Self::decided_by).
    pub fn is_decided_by_flow(&self) -> bool {
        self.state.decision.as_ref().is_some_and(|decision| decision.decided_by_hook)
    }

    /// Returns the text entered with the decision.
    pub fn decision_message(&self) -> Option<&str> {
        self.state.decision.as_ref()?.decision_message.as_deref()
    }

    /// Returns the reason to display: the hook's if there is one, else the form's.
    pub fn reason(&self) -> Option<&str> {
        let request = self.state.request.as_ref()?;
        request.reason.as_deref().or_else(|| request.fields.text("reason").ok())
    }

    /// Returns the requested target. A decision may have changed it.
    pub fn target(&self) -> Option<&AccessTarget> {
        self.state.request.as_ref()?.target.as_ref()
    }

    /// Returns the requested duration. A decision may have changed it.
    pub fn duration(&self) -> Option<Duration> {
        self.state.request.as_ref()?.duration
    }

    /// Returns the fields of the request.
    pub fn fields(&self) -> Option<&FieldMap> {
        self.state.request.as_ref().map(|request| &*request.fields)
    }

    /// Returns the earlier request of the same person for the same, if it was open or gave access when this one was made.
    pub fn earlier_request(&self) -> Option<&EarlierRequest> {
        self.state.routing.as_ref()?.earlier_request.as_ref()
    }

    /// Returns whether a hook did not let the approved access be granted.
    pub fn is_grant_stopped(&self) -> bool {
        self.state.error.as_ref().is_some_and(|error| error.code == codes::GRANT_STOPPED)
    }

    /// Returns the label under which the requester chose a value of a field, if it is not the value itself. `value` is one member if
    /// the field is a list.
    pub fn option_label(&self, field: &str, value: &str) -> Option<&str> {
        self.state.request.as_ref()?.labels.get(field, value)
    }

    /// Returns who revoked the access before it expired.
    pub fn revoked_by(&self) -> Option<&User> {
        self.state.run.actor(Step::Deescalate).filter(|user| user.user_type() != UserType::System)
    }

    /// Returns the delivered messages.
    pub fn messages(&self) -> impl Iterator<Item = &MessageRef> {
        self.state.delivered.iter().map(|delivered| &delivered.message)
    }

    /// Returns the view that shows the form, as the front end set it when it [requested the form](crate::runtime::PromptRequest::form_view).
    pub fn form(&self) -> Option<&FormRef> {
        self.state.form.as_ref()
    }

    /// Returns whether a message belongs to the current notification. Earlier ones display that the request was forwarded.
    pub fn is_current(&self, message: &MessageRef) -> bool {
        let mut delivered = self.state.delivered.iter().filter(|delivered| delivered.message == *message);
        delivered.any(|delivered| delivered.entry == self.state.current_notification)
    }

    /// Returns when the access expires, once it is granted.
    pub fn access_until(&self) -> Option<Timestamp> {
        self.state.access.grant()?.until
    }

    /// Returns whether the requester had the access before the request, and keeps it when the request ends.
    pub fn has_standing_access(&self) -> bool {
        self.state.last_grant().is_some_and(|grant| grant.is_standing)
    }

    /// Returns the time until which access that was revoked is revoked again, because a grant whose outcome is unknown may still take
    /// effect. `None` if it cannot.
    pub fn settles_at(&self) -> Option<Timestamp> {
        self.state.settles_at()
    }

    /// Returns whether this is the index, from 0, of the current notification. Earlier ones display that the request was forwarded.
    pub fn is_current_notification(&self, entry: usize) -> bool {
        self.state.current_notification == entry
    }

    /// Returns whether the request may be decided in a message of this front end.
    pub fn message_status(&self, message: &MessageRef) -> MessageStatus {
        self.state.message_status(message)
    }
}
