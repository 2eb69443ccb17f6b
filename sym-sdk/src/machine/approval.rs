//! From the form to the decision: what a request keeps, who may decide it, and how votes are counted.

use std::sync::Arc;

use super::audit_entry::{AuditKind, HandlerResult};
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::extension::Round;
use super::fingerprint::Fingerprint;
use super::notice::Notice;
use super::outcome::Routing;
use super::permissions;
use super::state::{RequestData, Stage};
use super::stepper::{Stepper, handler_called};
use crate::model::{AccessTarget, ChannelType, HandlerRef, Hook, RunStatus, Step};
use crate::routing::Notification;

// The request.

impl Stepper<'_> {
    pub(super) fn prompt(&mut self, event: Arc<EventRecord>) {
        self.complete(&event, RunStatus::Prompted);
        self.effect(&event, EffectKind::OpenForm);
    }

    pub(super) fn request(&mut self, event: Arc<EventRecord>) {
        if event.extension.is_some() {
            return self.request_extension(event);
        }
        self.store_request(&event);
        self.wait_for(event, Stage::Route, Default::default(), EffectKind::Route);
    }

    /// Stores what was requested. Hooks that decide a request need it as much as approvers do.
    pub(super) fn store_request(&mut self, event: &Arc<EventRecord>) {
        let former = self.state.request.take().and_then(|request| request.fingerprint);
        let fingerprint = self.state.submitted_under.take().or(former);
        self.state.request = Some(RequestData {
            target: event.target.clone(),
            duration: event.duration,
            duration_set_by_hook: event.duration_set_by_hook,
            fields: event.fields.clone(),
            labels: event.labels.clone(),
            reason: event.reason.clone(),
            fingerprint: Some(fingerprint.unwrap_or_else(|| Fingerprint::of(self.rules.flow))),
        });
        self.set_actor(Step::Request, event);
        if let Some(context) = &event.context {
            self.state.run.set_context(Step::Request, context.clone());
        }
    }

    pub(super) fn routed(&mut self, event: Arc<EventRecord>, handlers: &[HandlerRef], routing: &Routing) {
        if event.extension.is_some() {
            return self.extension_routed(event, handlers, routing);
        }
        for handler in handlers {
            self.audit(&event, handler_called(handler, HandlerResult::Returned));
        }
        let notifications = routing.notifications.iter().map(Notification::label).collect();
        self.audit(&event, AuditKind::Routed { permission: routing.permission.clone(), notifications });
        self.state.routing = Some(routing.clone());
        self.state.current_notification = 0;
        self.complete(&event, RunStatus::Requested);
        self.start_lifetime();
        self.report_dead_end(&event, routing);
        if let Some(earlier) = &routing.earlier_request {
            let target = event.target.as_ref().map(AccessTarget::title);
            let (gives_access, until) = (earlier.gives_access, earlier.until);
            self.message_requester(&event, Notice::RequestedAgain { target, gives_access, until });
        }
        if routing.notifications.is_empty() {
            self.request_receipt(&event);
            self.after(&event);
        } else {
            if self.rules.hooks.has(Hook::After(Step::Request)) {
                self.state.deferred_after_request = Some(event.clone());
            }
            self.deliver_current(&event);
        }
    }
}

// The decision.

impl Stepper<'_> {
    /// Begins the approval of a person. A request that nobody can approve any more is closed before the hook is called for it.
    pub(super) fn begin_approval(&mut self, event: EventRecord) {
        match self.recheck(&event) {
            Ok(()) => self.begin(event, Default::default()),
            Err(error) => {
                let event = Arc::new(event);
                self.audit(&event, AuditKind::Received);
                self.close(&event, error);
            }
        }
    }

    pub(super) fn approve(&mut self, event: Arc<EventRecord>) {
        if event.extension.is_some() {
            return self.approve_extension(event);
        }
        // Checked again, because a hook can take its time and decide by itself.
        if self.state.is_overdue(self.clock) {
            return self.refuse_decision(&event, permissions::expired());
        }
        if !self.admits_approval(&event) {
            return;
        }
        let event = self.with_shortest_duration(event);
        let asked = self.state.asked_duration_in(Round::Request);
        self.cancel_request_timers();
        self.store_decision(&event);
        self.complete(&event, RunStatus::Approved);
        self.update_messages(&event);
        let (by, reason) = decided_by(&event);
        let notice = match (asked, event.duration, &by) {
            (Some(asked), Some(duration), Some(by)) if duration < asked && !event.duration_set_by_hook => {
                Notice::ApprovedForLess { by: by.clone(), asked, duration }
            }
            _ => Notice::Approved { by, reason },
        };
        self.message_requester(&event, notice);
        self.after(&event);
        if self.rules.flow.strategy().is_some() {
            let escalate = self.follow_up(&event, Step::Escalate, ChannelType::Scheduler);
            self.begin(escalate, Default::default());
        }
    }

    /// Checks an approval again after its hook, and counts it. Returns whether it takes effect now.
    pub(super) fn admits_approval(&mut self, event: &Arc<EventRecord>) -> bool {
        if let Err(error) = self.recheck(event) {
            self.close(event, error);
            return false;
        }
        if let Err(error) = self.recheck_approver(event) {
            self.refuse_decision(event, error);
            return false;
        }
        // An approval by a hook needs no votes: votes are for people.
        if !event.decided_by_hook && !self.count_vote(event) {
            self.update_messages(event);
            return false;
        }
        true
    }

    /// Checks that the approver may still approve, after the hook.
    fn recheck_approver(&self, event: &EventRecord) -> Result<(), EffectError> {
        if event.decided_by_hook {
            return Ok(());
        }
        let (round, current) = (Round::of(event), self.people.current(&event.actor));
        permissions::may_still_approve(self.rules.flow, &self.state, round, &event.actor, current)
    }

    /// Counts one person's approval, and returns whether there are enough. Earlier approvals of people who may not approve any more
    /// are withdrawn.
    fn count_vote(&mut self, event: &Arc<EventRecord>) -> bool {
        let withdrawn = self.withdraw_approvals(event);
        let round = Round::of(event);
        if let (Some(duration), Some(asked)) = (event.duration, self.state.asked_duration_in(round))
            && duration < asked
        {
            self.state.add_approved_duration_in(round, duration);
        }
        self.state.add_approval_in(round, event.actor.clone());
        let approvals = self.state.approvals_in(round).len();
        let routing = self.state.routing_in(round);
        let needed = routing.map_or(1, |routing| usize::from(routing.permission.required_approvals()));
        if needed > 1 {
            self.audit(event, AuditKind::Counted { approvals, needed });
        }
        let missing = needed.saturating_sub(approvals);
        if missing > 0 && !withdrawn.is_empty() {
            self.message(event, &event.actor.clone(), Notice::ApprovalsMissing { missing, withdrawn });
        }
        missing == 0
    }

    /// Returns the decision with the shortest duration that somebody has approved: nobody approves for another what is longer.
    pub(super) fn with_shortest_duration(&self, event: Arc<EventRecord>) -> Arc<EventRecord> {
        let shortest = self.state.approved_duration_in(Round::of(&event)).filter(|_| !event.decided_by_hook);
        match (shortest, event.duration) {
            (Some(shortest), Some(duration)) if shortest < duration => {
                Arc::new(EventRecord { duration: Some(shortest), ..EventRecord::clone(&event) })
            }
            _ => event,
        }
    }

    /// Withdraws the approvals of people who may not approve any more, and returns their names.
    fn withdraw_approvals(&mut self, event: &Arc<EventRecord>) -> Vec<String> {
        let mut withdrawn = Vec::new();
        let round = Round::of(event);
        for approver in self.state.approvals_in(round).to_vec() {
            let current = self.people.current(&approver);
            if let Err(error) = permissions::may_still_approve(self.rules.flow, &self.state, round, &approver, current)
            {
                withdrawn.push(approver.username().to_owned());
                self.state.remove_approval_in(round, &approver);
                self.audit(event, AuditKind::ApprovalWithdrawn { approver: approver.username().to_owned(), error });
            }
        }
        withdrawn
    }

    pub(super) fn deny(&mut self, event: Arc<EventRecord>) {
        if event.extension.is_some() {
            return self.deny_extension(event);
        }
        self.cancel_request_timers();
        self.store_decision(&event);
        self.complete(&event, RunStatus::Denied);
        self.update_messages(&event);
        let (by, reason) = decided_by(&event);
        let reason = event.decision_message.clone().or(reason);
        let is_requester = self.state.run.requester().is_some_and(|requester| requester.is_same(&event.actor));
        let is_withdrawn = by.is_some() && is_requester;
        let notice = if is_withdrawn { Notice::Withdrawn } else { Notice::Denied { by, reason } };
        self.message_requester(&event, notice);
        self.after(&event);
    }

    /// Stores the decision. It may change what is granted: a hook can approve another target or a shorter duration.
    fn store_decision(&mut self, event: &Arc<EventRecord>) {
        let request = self.state.request.get_or_insert_with(|| RequestData {
            target: None,
            duration: None,
            duration_set_by_hook: false,
            fields: event.fields.clone(),
            labels: event.labels.clone(),
            reason: None,
            fingerprint: None,
        });
        request.target = event.target.clone();
        request.duration_set_by_hook |= event.duration_set_by_hook;
        request.duration = event.duration;
        if event.reason.is_some() {
            request.reason = event.reason.clone();
        }
        if self.state.run.requester().is_none() {
            self.set_actor(Step::Request, event);
        }
        self.state.decision = Some(event.clone());
    }
}

/// Returns the person who decided, if it was a person, and the reason that a hook gave.
fn decided_by(event: &EventRecord) -> (Option<String>, Option<String>) {
    let person = (!event.decided_by_hook).then(|| event.actor.username().to_owned());
    (person, event.reason.clone())
}
