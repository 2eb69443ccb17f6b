//! Times that were set while the clock was ahead.

use jiff::Timestamp;

use super::audit_entry::AuditKind;
use super::retry::IGNORED_EXPIRY_RETRY_DELAY;
use super::state::Access;
use super::stepper::Stepper;
use super::timer::TimerKind;
use super::transition::InputReply;

impl Stepper<'_> {
    /// The clock was put right after the Run changed last. What was counted from a time that has not come yet would come late,
    /// by as much as the clock was ahead, so it counts from now.
    pub(super) fn clock_went_back(&mut self) -> InputReply {
        let forwarded = self.forward_from_now().is_some_and(|at| self.move_earlier(TimerKind::Forward, at));
        let ended = self.end_from_now().filter(|at| self.move_earlier(TimerKind::Expire, *at));
        if let Some(until) = ended {
            if let Access::Granting(grant) | Access::Held(grant) = &mut self.state.access {
                grant.until = grant.until.map(|former| former.min(until));
            }
            if let Some(decision) = self.state.decision.clone() {
                self.audit(&decision, AuditKind::ExpiryCorrected { until });
            }
        }
        if forwarded || ended.is_some() { InputReply::Accepted { event: None } } else { InputReply::Stale }
    }

    fn move_earlier(&mut self, kind: TimerKind, at: Timestamp) -> bool {
        let is_later = self.state.timers.get(&kind).is_some_and(|timer| timer.at > at);
        if is_later {
            self.set_timer(kind, at);
        }
        is_later
    }

    fn forward_from_now(&self) -> Option<Timestamp> {
        let notification = self.notification(self.state.current_notification)?;
        notification.timeout_after().map(|timeout| self.after_now(timeout))
    }

    /// When access would end that began now, or whose end were put off now.
    fn end_from_now(&self) -> Option<Timestamp> {
        let grant = self.state.access.grant()?;
        let until = grant.until?;
        let put_off = self.state.timers.get(&TimerKind::Expire).is_some_and(|timer| timer.at > until);
        let left = if put_off { Some(IGNORED_EXPIRY_RETRY_DELAY) } else { grant.duration };
        left.map(|left| self.after_now(left))
    }
}
