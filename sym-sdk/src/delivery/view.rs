//! The view of a request that front ends display.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::{ErrorCode, codes};
use crate::forms::FieldMap;
use crate::machine::{
    self, Abilities, Access, ActionKind, DeliveredMessage, EarlierRequest, EventRecord, Extension, ExtensionStatus,
    FormRef, MessageRef, MessageStatus, RequestDigest, Routing, Rules, RunState, TimerKind,
};
use crate::model::{AccessTarget, ChannelType, DeescalateType, Event, Hooks, RunStatus, Step, User, UserType};
use crate::routing::RequestPermission;

/// A request as a front end displays it: the event that it is displayed for, and the current state.
///
/// It can also be the view of an [extension](Self::extension). Whatever is decided anew then is that of the extension: the duration, the
/// reason, the approvals, the decision and the messages. All else, such as the target and the fields, is that of the request.
#[derive(Clone, Debug)]
pub struct RequestView {
    event: Event,
    state: Arc<RunState>,
    /// Whether an extension is displayed, and not the request.
    shows_extension: bool,
}

impl RequestView {
    pub(crate) fn new(event: Event, state: Arc<RunState>) -> Self {
        let shows_extension =
            matches!((event.extension(), &state.extension), (Some(shown), Some(extension)) if shown.id == extension.id);
        Self { event, state, shows_extension }
    }

    /// Returns the view of the request.
    pub(crate) fn of_request(mut self) -> Self {
        self.shows_extension = false;
        self
    }

    /// Returns the view of the extension that is in progress, or of the last one; `None` if there was none.
    #[must_use]
    pub fn of_extension(&self) -> Option<Self> {
        self.state.extension.as_ref()?;
        Some(Self { shows_extension: true, ..self.clone() })
    }

    /// Returns the extension that is displayed; `None` if it is the request.
    pub fn extension(&self) -> Option<&Extension> {
        self.state.extension.as_deref().filter(|_| self.shows_extension)
    }

    /// Returns the extension of the access that is in progress, or the last one, whether or not this is its view.
    pub fn last_extension(&self) -> Option<&Extension> {
        self.state.extension.as_deref()
    }

    /// Returns the event that the request is displayed for.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the Run's current status.
    pub fn status(&self) -> RunStatus {
        self.state.run.status()
    }

    /// Returns whether the request, or the extension that is displayed, is waiting for a decision.
    pub fn can_decide(&self) -> bool {
        self.extension().map_or_else(|| self.state.is_open(), Extension::is_open)
    }

    /// Returns whether the access can be revoked early.
    pub fn can_revoke(&self) -> bool {
        // An extension that was not granted has given nothing that could be revoked.
        let has_given = self.extension().is_none_or(|extension| extension.status == ExtensionStatus::Granted);
        has_given && self.event.flow().params().allow_revoke && matches!(self.state.access, Access::Held(_))
    }

    /// Returns the actions that a user may take now: those that [`Runtime::submit`](crate::runtime::Runtime::submit) would accept
    /// from them. `now` is the time by the runtime's clock.
    pub fn allowed_actions(&self, user: &User, now: Timestamp) -> Vec<ActionKind> {
        machine::allowed_actions(self.event.flow(), &self.state, user, now)
    }

    /// Returns the digest of what is decided, for [`Decision::seen`](crate::runtime::Decision::seen). `None` before the request.
    pub fn digest(&self) -> Option<RequestDigest> {
        RequestDigest::of(&self.state)
    }

    /// Returns what a user can do now through a kind of channel, with the reasons for what they cannot.
    pub fn abilities(&self, user: &User, channel: ChannelType, now: Timestamp) -> Abilities {
        let rules = Rules { flow: self.event.flow(), hooks: Hooks::NONE };
        machine::abilities(&rules, &self.state, user, channel, now)
    }

    /// Returns the number of approvals so far, and the number required.
    pub fn approvals(&self) -> (usize, usize) {
        let needed = self.routing().map_or(1, |routing| routing.permission.required_approvals().into());
        let approvals = self.extension().map_or_else(|| self.state.run.approvals(), |extension| &extension.approvals);
        (approvals.len(), needed)
    }

    fn routing(&self) -> Option<&Routing> {
        self.extension().map_or(self.state.routing.as_ref(), |extension| extension.routing.as_ref())
    }

    fn decision(&self) -> Option<&EventRecord> {
        self.extension().map_or(self.state.decision.as_deref(), |extension| extension.decision.as_deref())
    }

    pub(crate) fn delivered(&self) -> &[DeliveredMessage] {
        self.extension().map_or(&self.state.delivered, |extension| &extension.delivered)
    }

    fn current_notification(&self) -> usize {
        self.extension().map_or(self.state.current_notification, |extension| extension.current_notification)
    }

    /// Returns who decided and when. `None` before the decision.
    pub fn decided_by(&self) -> Option<(&User, Timestamp)> {
        self.decision().map(|decision| (&*decision.actor, decision.at))
    }

    /// Returns whether a hook of the flow made the decision, in response to an action of [`decided_by`](Self::decided_by).
    pub fn is_decided_by_flow(&self) -> bool {
        self.decision().is_some_and(|decision| decision.decided_by_hook)
    }

    /// Returns the text entered with the decision.
    pub fn decision_message(&self) -> Option<&str> {
        self.decision()?.decision_message.as_deref()
    }

    /// Returns the reason to display: the hook's if there is one, else the form's.
    pub fn reason(&self) -> Option<&str> {
        if let Some(extension) = self.extension() {
            return extension.reason.as_deref();
        }
        let request = self.state.request.as_ref()?;
        request.reason.as_deref().or_else(|| request.fields.text("reason").ok())
    }

    /// Returns the requested target. A decision may have changed it.
    pub fn target(&self) -> Option<&AccessTarget> {
        self.state.request.as_ref()?.target.as_ref()
    }

    /// Returns the requested duration. A decision may have changed it.
    pub fn duration(&self) -> Option<Duration> {
        if let Some(extension) = self.extension() {
            return Some(extension.duration);
        }
        self.state.request.as_ref()?.duration
    }

    /// Returns the durations that the flow offers, the shortest first; empty if it takes any.
    pub fn offered_durations(&self) -> Vec<Duration> {
        let mut offered = machine::offered_durations(self.event.flow());
        offered.sort_unstable();
        offered.dedup();
        offered
    }

    /// Returns whether the requester can ask for an extension in the present state: the access is there and has an end, the flow allows
    /// extensions, and none is waiting for a decision.
    pub fn can_extend(&self) -> bool {
        let is_extending = self.state.extension.as_ref().is_some_and(|extension| extension.is_open());
        let has_end = matches!(&self.state.access, Access::Held(grant) if grant.until.is_some() && !grant.is_standing);
        has_end && !is_extending && self.event.flow().params().allow_extension
    }

    /// Returns the durations for which the request, or the extension that is displayed, can be approved instead of the one that was asked
    /// for: those that the flow offers and that are shorter, the longest first.
    pub fn shorter_durations(&self) -> Vec<Duration> {
        let Some(asked) = self.duration() else { return Vec::new() };
        let offered = self.offered_durations();
        offered.into_iter().rev().filter(|duration| *duration < asked).collect()
    }

    /// Returns the fields of the request.
    pub fn fields(&self) -> Option<&FieldMap> {
        self.state.request.as_ref().map(|request| &*request.fields)
    }

    /// Returns the earlier request of the same person for the same, if it was open or gave access when this one was made.
    pub fn earlier_request(&self) -> Option<&EarlierRequest> {
        self.routing()?.earlier_request.as_ref()
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
        // The event of an expiry has the approver as its actor.
        let actor = self.state.run.actor(Step::Deescalate).filter(|_| !self.has_expired());
        actor.filter(|user| user.user_type() != UserType::System)
    }

    /// Returns whether the access has ended because its time was up.
    pub fn has_expired(&self) -> bool {
        match self.state.deescalate_type {
            Some(trigger) => trigger == DeescalateType::Scheduled,
            // Ended under an earlier version.
            None => {
                let channel = self.state.actor_channels.get(&Step::Deescalate);
                channel.is_some_and(|channel| channel.kind() == ChannelType::Scheduler)
            }
        }
    }

    /// Returns the delivered messages.
    pub fn messages(&self) -> impl Iterator<Item = &MessageRef> {
        self.delivered().iter().map(|delivered| &delivered.message)
    }

    /// Returns the delivered messages of the current notification, with the destinations.
    pub fn current_deliveries(&self) -> impl Iterator<Item = &DeliveredMessage> {
        let current = self.current_notification();
        self.delivered().iter().filter(move |delivered| delivered.entry == current)
    }

    /// Returns the destination, for people, to which a message was delivered.
    pub fn destination_of(&self, message: &MessageRef) -> Option<&str> {
        let delivered = self.delivered().iter().find(|delivered| delivered.message == *message);
        delivered.map(|delivered| delivered.destination.as_str())
    }

    /// Returns the message in which the requester follows the request, once it was sent.
    pub fn receipt(&self) -> Option<&MessageRef> {
        self.state.receipt.as_ref()
    }

    /// Returns whether the requester gets a receipt.
    pub fn sends_receipt(&self) -> bool {
        self.state.routing.as_ref().is_some_and(|routing| routing.sends_receipt)
    }

    /// Returns when the request, or the extension that is displayed, was made.
    pub fn requested_at(&self) -> Timestamp {
        if self.extension().is_some() {
            return self.event.timestamp();
        }
        self.state.created_at
    }

    /// Returns when the request expires unless it is decided, while it is open.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.state.timers.get(&TimerKind::Lifetime).map(|timer| timer.at)
    }

    /// Returns the permissions of the request: who may decide it, and how many must. `None` if it was not routed.
    pub fn permission(&self) -> Option<&RequestPermission> {
        self.routing().map(|routing| &routing.permission)
    }

    /// Returns when the access ended. `None` if there was none, or it has not ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.state.ended_at
    }

    /// Returns the code of the error with which the request failed.
    pub fn failure(&self) -> Option<&ErrorCode> {
        self.state.error.as_ref().map(|error| &error.code)
    }

    /// Returns whether the strategy is being asked to take the access away.
    pub fn is_being_revoked(&self) -> bool {
        matches!(self.state.access, Access::Revoking { .. }) && self.state.settles_at().is_none()
    }

    /// Returns the view that shows the form, as the front end set it when it [requested the form](crate::runtime::PromptRequest::form_view).
    pub fn form(&self) -> Option<&FormRef> {
        self.state.form.as_ref()
    }

    /// Returns whether a message belongs to the current notification. Earlier ones display that the request was forwarded.
    pub fn is_current(&self, message: &MessageRef) -> bool {
        let mut delivered = self.delivered().iter().filter(|delivered| delivered.message == *message);
        delivered.any(|delivered| delivered.entry == self.current_notification())
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
        self.current_notification() == entry
    }

    /// Returns whether the request may be decided in a message of this front end.
    pub fn message_status(&self, message: &MessageRef) -> MessageStatus {
        self.state.message_status(message)
    }
}
