//! The end of access, and what keeps it from being lost.
//!
//! Access ends through a timer or through an effect that the Run waits for. [`RunState::pending_expiry`] names them, so that
//! the engine can check that the store still has them; if it does not, [`InputBody::Rearm`](super::InputBody::Rearm) requests
//! them again. [`InputBody::ClockWentBack`](super::InputBody::ClockWentBack) shortens timers that were computed from a clock that
//! was ahead.

use std::sync::Arc;

use jiff::Timestamp;

use super::access::{Access, Grant};
use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::retry::{IGNORED_EXPIRY_RETRY_DELAY, MAX_DEFERRALS};
use super::state::{ActiveEvent, QueuedInput, RunState, Stage};
use super::stepper::Stepper;
use super::timer::{LiveTimer, TimerKind};
use super::transition::InputReply;
use crate::error::{ErrorKind, codes};
use crate::model::{ChannelType, DeescalateType, EventId, HandlerRef, Step, User};

/// The timer and the effect that end the access of a Run. If one of them is lost, the access outlives its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingExpiry {
    /// The expiry timer.
    pub timer: Option<LiveTimer>,
    /// The number of the effect that the end waits for: a revocation, or the effect of the active event.
    pub effect: Option<u64>,
}

impl RunState {
    /// Returns the end of the access that the Run may hold, or `None` for one without access and for access that lasts until
    /// it is revoked.
    pub fn access_until(&self) -> Option<Timestamp> {
        // Access that was revoked has no end to be late for, unless it came back and cannot be revoked.
        if self.settles_at().is_some() && !self.is_stuck() {
            return None;
        }
        self.access.grant().filter(|_| self.may_hold_access())?.until
    }

    /// Returns what ends the access that the Run may hold, or `None` if nothing would. A Run without access needs nothing,
    /// and neither does access that lasts until it is revoked.
    ///
    /// The store must contain whatever this names; see
    /// [`Store::runs_missing_expiry`](crate::engine::Store::runs_missing_expiry).
    pub fn pending_expiry(&self) -> Option<PendingExpiry> {
        let effect = self.active_event.as_ref().map(|active| active.seq);
        let grant = match &self.access {
            Access::None | Access::Ended | Access::WrittenOff(_) => return Some(PendingExpiry::default()),
            Access::Revoking { .. } => {
                let (seq, _) = self.pending_revocation()?;
                return Some(PendingExpiry { timer: None, effect: Some(seq) });
            }
            // Access that is being granted ends after the outcome of the grant.
            Access::Granting(_) if effect.is_none() => return None,
            Access::Granting(grant) | Access::Held(grant) => grant,
        };
        if effect.is_some_and(|seq| !self.pending.contains_key(&seq)) {
            return None;
        }
        let timer = self.timers.get(&TimerKind::Expire).copied();
        (timer.is_some() || self.is_expiring() || grant.until.is_none()).then_some(PendingExpiry { timer, effect })
    }

    /// Whether the expiry timer has fired and its event is active or queued.
    fn is_expiring(&self) -> bool {
        self.active_event.as_ref().is_some_and(|active| active.event.name == Step::Deescalate)
            || self.queue.contains(&QueuedInput::Timer(TimerKind::Expire))
    }
}

// Expiry.

impl Stepper<'_> {
    /// Ends access whose time is up.
    pub(super) fn access_expired(&mut self) {
        if !matches!(self.state.access, Access::Held(_)) {
            return;
        }
        // A Run that holds access was approved.
        let Some(cause) = self.state.decision.clone() else { return };
        let mut event = self.follow_up(&cause, Step::Deescalate, ChannelType::Scheduler);
        event.deescalate_type = Some(DeescalateType::Scheduled);
        self.begin(event, Default::default());
    }

    /// Sets the expiry timer again if a hook has ignored the end of access, and returns whether it has. The error destination is
    /// alerted of the first time, and again once the hook is [overruled](Self::overrules_hook).
    pub(super) fn defer_ignored_expiry(&mut self, event: &Arc<EventRecord>, handler: &HandlerRef) -> bool {
        let scheduled = event.deescalate_type == Some(DeescalateType::Scheduled);
        if !scheduled || !matches!(self.state.access, Access::Held(_)) {
            return false;
        }
        let at = self.after_now(IGNORED_EXPIRY_RETRY_DELAY);
        self.set_timer(TimerKind::Expire, at);
        self.state.deferrals = self.state.deferrals.saturating_add(1);
        let (count, max) = (self.state.deferrals, MAX_DEFERRALS);
        let message =
            format!("a hook deferred the end of access until {at:.0}, for the {count}. of at most {max} times");
        let error = EffectError::new(ErrorKind::Handler, codes::DEESCALATE_PUT_OFF, message)
            .in_handler(handler.clone())
            .with_hint("an administrator can revoke the access now");
        if count == 1 {
            self.report(event, error);
        } else {
            self.audit(event, AuditKind::Reported { error });
        }
        true
    }
}

// Lost timers and effects.

impl Stepper<'_> {
    /// Requests again whatever ends the access. What the store may still have of the former request is stale from now on.
    pub(super) fn rearm(&mut self) -> InputReply {
        match self.state.access.clone() {
            Access::None | Access::Ended | Access::WrittenOff(_) => return InputReply::Stale,
            Access::Revoking { grant, .. } => self.rearm_revocation(&grant),
            Access::Granting(grant) | Access::Held(grant) => {
                self.rearm_active_event(&grant);
                self.rearm_expiry();
            }
        }
        InputReply::Accepted { event: None }
    }

    fn rearm_revocation(&mut self, grant: &Grant) {
        let (event, attempt) = match self.cancel_pending_revocation() {
            Some(pending) => (pending.event, pending.attempt),
            None => (self.system_deescalation(), 1),
        };
        self.audit(&event, AuditKind::Rearmed);
        self.request_revocation(&event, grant, attempt, None);
    }

    /// Requests again the effect that the active event waits for. The event holds up everything after it, the end of access
    /// included.
    fn rearm_active_event(&mut self, grant: &Grant) {
        let granting = matches!(self.state.access, Access::Granting(_));
        let Some(active) = self.state.active_event.take() else {
            if granting {
                self.begin_settle_window();
                let event = self.system_deescalation();
                self.fail(&event, lost());
            }
            return;
        };
        if matches!(active.stage, Stage::Grant | Stage::Regrant | Stage::Extend) {
            // Whether the lost effect was executed is unknown.
            self.begin_settle_window();
        }
        match self.state.pending.remove(&active.seq) {
            Some(pending) => {
                self.audit(&active.event, AuditKind::Rearmed);
                let exclusive = matches!(pending.kind, EffectKind::Grant { .. }).then(|| grant.entitlement.clone());
                let seq = self.effect_at(&active.event, pending.kind, pending.attempt, None, exclusive);
                self.state.active_event = Some(ActiveEvent { seq, ..active });
            }
            // The effect itself is unknown.
            None => self.fail(&active.event, lost()),
        }
    }

    fn rearm_expiry(&mut self) {
        let (Access::Granting(grant) | Access::Held(grant)) = &self.state.access else { return };
        let at = match (self.state.timers.get(&TimerKind::Expire), grant.until) {
            (Some(timer), _) => timer.at,
            (None, Some(until)) if !self.state.is_expiring() => until,
            (None, _) => return,
        };
        if let Some(decision) = self.state.decision.clone() {
            self.audit(&decision, AuditKind::Rearmed);
        }
        self.set_timer(TimerKind::Expire, at);
    }

    /// Returns a new de-escalation whose actor is the platform itself.
    fn system_deescalation(&mut self) -> Arc<EventRecord> {
        let cause = EventId::from_uuid(*self.state.run.id().as_uuid());
        let system = Arc::new(User::system());
        let mut event = self.follow_up_of(cause, &system, Step::Deescalate, ChannelType::Scheduler);
        event.deescalate_type = Some(DeescalateType::Scheduled);
        let event = Arc::new(event);
        self.audit(&event, AuditKind::Received);
        event
    }
}

fn lost() -> EffectError {
    EffectError::new(ErrorKind::Internal, codes::STORE, "the store has lost an effect that the request waited for")
}

// Clock changes.

impl Stepper<'_> {
    /// Corrects timers after the clock went back. They were computed from a time that now lies ahead, so they would fire late by
    /// as much as the clock was ahead. Each is set to the time that it would have if it were set now, if that is earlier.
    pub(super) fn clock_went_back(&mut self) -> InputReply {
        let lifetime = self.lifetime_from_now();
        let lifetime = self.move_earlier(TimerKind::Lifetime, lifetime);
        let forwarded = self.forward_from_now().is_some_and(|at| self.move_earlier(TimerKind::Forward, at));
        let expires = self.expiry_from_now().filter(|at| self.move_earlier(TimerKind::Expire, *at));
        if let Some(until) = expires {
            if let Access::Granting(grant) | Access::Held(grant) = &mut self.state.access {
                grant.until = grant.until.map(|former| former.min(until));
            }
            self.schedule_warning();
            if let Some(decision) = self.state.decision.clone() {
                self.audit(&decision, AuditKind::ExpiryCorrected { until });
            }
        }
        let reminded = self.reminder_from_now().is_some_and(|at| self.move_earlier(TimerKind::Remind, at));
        let settles = self.shorten_settle_window();
        if lifetime || forwarded || reminded || expires.is_some() || settles {
            InputReply::Accepted { event: None }
        } else {
            InputReply::Stale
        }
    }

    fn move_earlier(&mut self, kind: TimerKind, at: Timestamp) -> bool {
        let is_earlier = self.state.timers.get(&kind).is_some_and(|timer| timer.at > at);
        if is_earlier {
            self.set_timer(kind, at);
        }
        is_earlier
    }

    fn forward_from_now(&self) -> Option<Timestamp> {
        let round = self.state.open_round();
        let notification = self.notification(round, self.state.current_in(round))?;
        notification.timeout_after().map(|timeout| self.after_now(timeout))
    }

    /// Returns the expiry of access that began now, or whose end was deferred now.
    fn expiry_from_now(&self) -> Option<Timestamp> {
        let grant = self.state.access.grant()?;
        let until = grant.until?;
        let is_deferred = self.state.timers.get(&TimerKind::Expire).is_some_and(|timer| timer.at > until);
        let delay = if is_deferred { Some(IGNORED_EXPIRY_RETRY_DELAY) } else { grant.duration };
        delay.map(|delay| self.after_now(delay))
    }
}
