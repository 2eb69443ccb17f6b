//! A request as a front end shows it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::machine::{Access, RunState};
use crate::model::{Event, RunStatus, User};

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

    /// The text that was entered with the decision.
    pub fn decision_message(&self) -> Option<&str> {
        self.state.decision.as_ref()?.decision_message.as_deref()
    }

    /// The reason to show: a hook's, if it gave one, else the form's.
    pub fn reason(&self) -> Option<&str> {
        let request = self.state.request.as_ref()?;
        request.reason.as_deref().or_else(|| request.fields.text("reason").ok())
    }

    /// Until when the access lasts, once it is granted.
    pub fn access_until(&self) -> Option<Timestamp> {
        self.state.access.grant()?.until
    }

    /// Whether this is the notification in force, counted from 0. Older ones show that the request was forwarded.
    pub fn is_current_notification(&self, entry: usize) -> bool {
        self.state.current_notification == entry
    }
}
