//! Approval and denial.

use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::notice::Notice;
use super::state::{EventRecord, RequestData};
use super::stepper::Stepper;
use super::timer::TimerKind;
use crate::model::{ChannelType, RunStatus, Step};

impl Stepper<'_> {
    pub(super) fn approve(&mut self, event: Arc<EventRecord>) {
        // What code approves is approved: votes are for people.
        if !event.decided_by_hook {
            self.state.run.add_approval(event.actor.clone());
            let approvals = self.state.run.approvals().len();
            let routing = self.state.routing.as_ref();
            let needed = routing.map_or(1, |routing| usize::from(routing.permission.required_approvals()));
            if needed > 1 {
                self.audit(&event, AuditKind::Counted { approvals, needed });
            }
            if approvals < needed {
                self.update_messages(&event);
                return;
            }
        }
        self.cancel_timer(TimerKind::Forward);
        self.keep_decision(&event);
        self.complete(&event, RunStatus::Approved);
        self.update_messages(&event);
        let (by, reason) = by_whom(&event);
        self.message_requester(&event, Notice::Approved { by, reason });
        self.after(&event);
        if self.rules.flow.strategy().is_some() {
            let escalate = self.follow_up(&event, Step::Escalate, ChannelType::Scheduler);
            self.begin(escalate, Default::default());
        }
    }

    pub(super) fn deny(&mut self, event: Arc<EventRecord>) {
        self.cancel_timer(TimerKind::Forward);
        self.keep_decision(&event);
        self.complete(&event, RunStatus::Denied);
        self.update_messages(&event);
        let (by, reason) = by_whom(&event);
        let reason = event.decision_message.clone().or(reason);
        self.message_requester(&event, Notice::Denied { by, reason });
        self.after(&event);
    }

    /// A decision may change what is granted: hooks can approve another target or a shorter time.
    fn keep_decision(&mut self, event: &Arc<EventRecord>) {
        let request = self.state.request.get_or_insert_with(|| RequestData {
            target: None,
            duration: None,
            fields: event.fields.clone(),
            reason: None,
        });
        request.target = event.target.clone();
        request.duration = event.duration;
        if event.reason.is_some() {
            request.reason = event.reason.clone();
        }
        if self.state.run.requester().is_none() {
            self.state.run.set_actor(Step::Request, event.actor.clone());
        }
        self.state.decision = Some(event.clone());
    }
}

/// Who decided, unless code did, and the reason that a hook gave.
fn by_whom(event: &EventRecord) -> (Option<String>, Option<String>) {
    let person = (!event.decided_by_hook).then(|| event.actor.username().to_owned());
    (person, event.reason.clone())
}
