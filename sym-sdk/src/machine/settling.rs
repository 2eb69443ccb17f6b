//! Grants whose outcome is unknown, and the settle window that follows them.
//!
//! A service can go on with a call after its caller has given up: it then grants access to a Run that has failed, or whose access was
//! revoked already. So a revocation that succeeds within the settle window does not end the Run. The access is revoked again, until a
//! revocation succeeds after the window: no call of the Run can take effect any more then.
//!
//! The first revocation is not delayed. Access that may exist must not stand while the Run waits.
//!
//! The window is measured by a clock that can be set. The time since which the clock is known to be steady comes with each outcome
//! (see [`Input::steady_since`](super::Input::steady_since)); a window that began before that time begins again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::audit_entry::AuditKind;
use super::event_record::EventRecord;
use super::notice::Notice;
use super::outcome::{Outcome, Revocation, RevocationCheck};
use super::retry::MAX_REVOKE_DELAY;
use super::state::{PendingEffect, RunState};
use super::stepper::Stepper;
use crate::model::Step;
use crate::time::TimestampExt;

/// The minimum [settle time](crate::strategy::AccessStrategy::settle_time) of a strategy.
pub const MIN_SETTLE_TIME: Duration = Duration::from_secs(15 * 60);

/// The time until which a grant whose outcome is unknown may still take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SettleWindow {
    /// The length of the window: the strategy's [settle time](crate::strategy::AccessStrategy::settle_time) when access was requested.
    pub length: Duration,
    /// The end of the window. `None` while the outcome of each call is known.
    pub settles_at: Option<Timestamp>,
}

impl SettleWindow {
    pub(super) fn new(settle_time: Duration) -> Self {
        Self { length: settle_time.max(MIN_SETTLE_TIME), settles_at: None }
    }

    /// Begins the window, or extends it.
    fn begin(&mut self, now: Timestamp) {
        self.settles_at = self.settles_at.max(Some(now.plus(self.length)));
    }

    /// Begins the window again if it began before the clock was steady.
    fn restart_if_unsteady(&mut self, steady_since: Option<Timestamp>) {
        let Some(end) = self.settles_at else { return };
        let began = end.minus(self.length);
        if let Some(since) = steady_since.filter(|since| *since > began) {
            self.settles_at = Some(end.max(since.plus(self.length)));
        }
    }

    /// Returns the end of the window unless a call that began no earlier than `began` began after it. A call that began within the
    /// window may have taken effect before a grant did, however late its own outcome is.
    fn end_unless_over(&self, began: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        // What lies ahead was recorded before the clock went back.
        let began = began.filter(|began| *began <= now);
        self.settles_at.filter(|end| began.is_none_or(|began| began < *end))
    }

    /// Shortens a window that ends later than one that begins now, and returns whether it was.
    fn shorten(&mut self, now: Timestamp) -> bool {
        let latest = now.plus(self.length);
        let is_later = self.settles_at.is_some_and(|end| end > latest);
        if is_later {
            self.settles_at = Some(latest);
        }
        is_later
    }
}

/// Records of earlier versions have no window.
impl Default for SettleWindow {
    fn default() -> Self {
        Self::new(MIN_SETTLE_TIME)
    }
}

impl RunState {
    /// Returns the time until which access that was revoked is revoked again, because a grant whose outcome is unknown may still
    /// take effect. `None` for a Run whose access is not revoked yet, or has ended.
    pub fn settles_at(&self) -> Option<Timestamp> {
        match &self.access {
            Access::Revoking { grant, revoked_at: Some(_), .. } => grant.settle_window.settles_at,
            _ => None,
        }
    }
}

// Outcomes of grants.

impl Stepper<'_> {
    /// Begins the settle window of the Run's access if a call may still take effect.
    pub(super) fn note_unknown_outcome(&mut self, outcome: &Outcome) {
        if self.interrupted || is_unknown(outcome) {
            self.begin_settle_window();
        }
    }

    /// Begins the settle window of the Run's access.
    pub(super) fn begin_settle_window(&mut self) {
        let now = self.clock;
        if let Access::Granting(grant) | Access::Held(grant) = &mut self.state.access {
            grant.settle_window.begin(now);
        }
    }

    /// Shortens a window that was computed while the clock was ahead, and returns whether there was one.
    pub(super) fn shorten_settle_window(&mut self) -> bool {
        let now = self.clock;
        match &mut self.state.access {
            Access::Granting(grant) | Access::Held(grant) | Access::Revoking { grant, .. } => {
                grant.settle_window.shorten(now)
            }
            _ => false,
        }
    }
}

/// Whether a grant with this outcome may still take effect. A grant that the service has confirmed or refused is over.
fn is_unknown(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Granted { .. } | Outcome::Rejected { .. } => false,
        // The strategy was not called.
        Outcome::NoLongerValid(_) | Outcome::PeopleUnknown(_) => false,
        Outcome::Failed(error) => error.is_outcome_unknown(),
        _ => true,
    }
}

// Revocations within the window.

impl Stepper<'_> {
    /// Requests another revocation if a grant may still take effect, and returns whether one may. None may for standing
    /// access, which no grant was asked for.
    pub(super) fn revoked_within_window(&mut self, pending: &PendingEffect, revocation: &Revocation) -> bool {
        let (now, steady_since, event) = (self.clock, self.steady_since, &pending.event);
        let Access::Revoking { grant, revoked_at, .. } = &mut self.state.access else { return false };
        if grant.is_standing {
            return false;
        }
        grant.settle_window.restart_if_unsteady(steady_since);
        let Some(settles_at) = grant.settle_window.end_unless_over(pending.earliest(), now) else { return false };
        let is_first = revoked_at.is_none();
        revoked_at.get_or_insert(now);
        let grant = grant.clone();
        let target = grant.target.title();
        // Deferring it for longer would outlast the corrections that follow a change of the clock.
        let again_at = settles_at.clamp(now, now.plus(MAX_REVOKE_DELAY));
        self.audit(
            event,
            AuditKind::RevokedProvisionally {
                target: target.clone(),
                identity: grant.identity.clone(),
                still_needed_by: revocation.still_needed_by,
                confirmed: revocation.check == RevocationCheck::Gone,
                settles_at,
                restored_prior: grant.is_restored_by(revocation),
            },
        );
        self.store_output(Step::Deescalate, revocation.output.clone());
        self.request_revocation(event, &grant, 1, Some(again_at));
        if is_first {
            self.update_messages(event);
            self.notify_ended(event, target, revocation);
            if let RevocationCheck::Failed(error) = &revocation.check {
                self.report(event, error.clone());
            }
        }
        true
    }

    /// Tells the requester that the access has ended, if it was granted.
    pub(super) fn notify_ended(&mut self, event: &Arc<EventRecord>, target: String, revocation: &Revocation) {
        self.state.ended_at = Some(self.now);
        self.withdraw_late_notices();
        if self.state.was_escalated() {
            let held_by_other_run = revocation.still_needed_by > 0;
            let notice = match self.state.last_grant() {
                Some(grant) if grant.is_standing => Notice::StandingAccessKept { target },
                Some(grant) if grant.is_restored_by(revocation) => Notice::Restored { target },
                _ => Notice::Ended { target, held_by_other_run },
            };
            self.message_requester(event, notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.plus(Duration::from_secs(60 * minutes))
    }

    fn begun_at(minutes: u64) -> SettleWindow {
        let mut window = SettleWindow::default();
        window.begin(at(minutes));
        window
    }

    /// Returns the end of the window for a revocation that is called, and succeeds, at this time.
    fn end_at(window: &SettleWindow, minutes: u64) -> Option<Timestamp> {
        window.end_unless_over(Some(at(minutes)), at(minutes))
    }

    #[test]
    fn a_window_has_at_least_the_minimum_length() {
        assert_eq!(SettleWindow::new(Duration::from_secs(5)).length, MIN_SETTLE_TIME);
        assert_eq!(SettleWindow::new(2 * MIN_SETTLE_TIME).length, 2 * MIN_SETTLE_TIME);
    }

    #[test]
    fn a_window_begins_again_with_each_call_whose_outcome_is_unknown() {
        assert_eq!(end_at(&SettleWindow::default(), 0), None);
        let mut window = begun_at(0);
        window.begin(at(5));
        assert_eq!(end_at(&window, 19), Some(at(20)));
        assert_eq!(end_at(&window, 20), None);
    }

    /// The grant may take effect between such a revocation and its outcome.
    #[test]
    fn a_revocation_that_began_within_the_window_is_not_the_last() {
        let window = begun_at(0);
        assert_eq!(window.end_unless_over(Some(at(14)), at(16)), Some(at(15)));
        assert_eq!(window.end_unless_over(None, at(16)), Some(at(15)), "it is unknown when it began");
        assert_eq!(window.end_unless_over(Some(at(15)), at(16)), None);
    }

    /// A process that has just started does not know what happened to the clock before.
    #[test]
    fn a_window_begins_again_once_the_clock_is_steady() {
        let mut window = begun_at(0);
        for _ in 0..2 {
            window.restart_if_unsteady(Some(at(599)));
            assert_eq!(end_at(&window, 600), Some(at(614)), "once for each change of the clock");
        }
        assert_eq!(end_at(&window, 614), None);
    }

    #[test]
    fn a_clock_that_was_ahead_neither_prolongs_nor_ends_a_window() {
        let mut window = begun_at(600);
        assert!(window.shorten(at(60)));
        assert_eq!(window.end_unless_over(Some(at(600)), at(61)), Some(at(75)));
        assert!(!window.shorten(at(61)));
        assert_eq!(end_at(&window, 75), None);
    }
}
