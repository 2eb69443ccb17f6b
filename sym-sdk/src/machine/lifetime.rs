//! The lifetime of open requests: a request that nobody decides expires.
//!
//! A notification has a timeout only if its author sets one, and a request without notifications has none at all. The lifetime bounds all
//! of them, so that no request can be approved long after everybody has forgotten what it was for. It is a durable timer, set when the
//! request is routed. An `on_request_expire` hook is called as for any other expiry and may decide the request, but cannot keep it open.
//!
//! The timer fires when the workers get to it. After a long stop, an approval can arrive first, so permissions look at the time too.

use std::sync::Arc;

use jiff::Timestamp;

use super::event_record::EventRecord;
use super::extension::Round;
use super::fingerprint::Fingerprint;
use super::forwarding::CAUSE_LIFETIME;
use super::recheck::check_request;
use super::state::{QueuedInput, RunState};
use super::stepper::Stepper;
use super::timer::TimerKind;
use super::transition::InputReply;
use crate::model::{ChannelType, Step};
use crate::time::TimestampExt;

impl RunState {
    /// Returns whether the lifetime of an open request or extension is over, although it has not expired yet.
    pub(super) fn is_overdue(&self, clock: Timestamp) -> bool {
        self.awaits_decision()
            && (self.queue.contains(&QueuedInput::Timer(TimerKind::Lifetime))
                || self.timers.get(&TimerKind::Lifetime).is_some_and(|timer| timer.at <= clock))
    }

    /// Returns whether the Run has an open request of an earlier version: without a lifetime, or without a fingerprint. It gets both
    /// from [`InputBody::Resumed`](super::InputBody::Resumed).
    pub fn is_of_earlier_version(&self) -> bool {
        let has_lifetime = self.timers.contains_key(&TimerKind::Lifetime)
            || self.queue.contains(&QueuedInput::Timer(TimerKind::Lifetime))
            || self.active_event.as_ref().is_some_and(|active| active.event.name == Step::RequestExpire);
        let has_fingerprint = self.request.as_ref().is_none_or(|request| request.fingerprint.is_some());
        self.is_open() && !(has_lifetime && has_fingerprint)
    }
}

impl Stepper<'_> {
    /// Starts the lifetime of a request that is open from now on.
    pub(super) fn start_lifetime(&mut self) {
        let at = self.lifetime_from_now();
        self.set_timer(TimerKind::Lifetime, at);
    }

    /// Returns the end of a lifetime that starts now. That of an extension lasts no longer than the access.
    pub(super) fn lifetime_from_now(&self) -> Timestamp {
        let end = self.after_now(self.rules.flow.params().request_lifetime);
        let until = self.state.open_extension().and_then(|_| self.state.access.grant()?.until);
        until.map_or(end, |until| until.min(end))
    }

    /// Cancels the timers of a request that is no longer open.
    pub(super) fn cancel_request_timers(&mut self) {
        self.cancel_timer(TimerKind::Remind);
        self.cancel_timer(TimerKind::Forward);
        self.cancel_timer(TimerKind::Lifetime);
    }

    /// Expires a request whose lifetime is over.
    pub(super) fn lifetime_ended(&mut self) {
        if self.state.awaits_decision() {
            self.follow_inaction(self.state.open_round(), Step::RequestExpire, CAUSE_LIFETIME);
        }
    }

    /// Expires a request although a hook has ignored that, if its lifetime is over. Returns whether it has.
    pub(super) fn expire_in_spite_of_hook(&mut self, event: &Arc<EventRecord>) -> bool {
        let is_over = event.name == Step::RequestExpire
            && event.channel.kind() == ChannelType::Scheduler
            && self.state.is_open_in(Round::of(event))
            && !self.state.timers.contains_key(&TimerKind::Lifetime);
        if is_over {
            self.request_expire(event.clone());
        }
        is_over
    }

    /// Gives a request of an earlier version what it lacks: a lifetime that began with the Run, and a fingerprint. A request that could
    /// not be approved now gets none, so that the reason is not lost.
    pub(super) fn resumed(&mut self) -> InputReply {
        if !self.state.is_of_earlier_version() {
            return InputReply::Stale;
        }
        let mut reply = InputReply::Stale;
        if !self.state.timers.contains_key(&TimerKind::Lifetime) {
            let lifetime = self.rules.flow.params().request_lifetime;
            // The clock may have been ahead when the Run began.
            let at = self.state.created_at.plus(lifetime).min(self.lifetime_from_now());
            self.set_timer(TimerKind::Lifetime, at);
            reply = InputReply::Accepted { event: None };
        }
        let flow = self.rules.flow;
        if let Some(request) = &mut self.state.request
            && request.fingerprint.is_none()
            && check_request(flow, request, request.target.as_ref(), request.duration).is_ok()
        {
            request.fingerprint = Some(Fingerprint::of(flow));
            reply = InputReply::Accepted { event: None };
        }
        reply
    }
}
