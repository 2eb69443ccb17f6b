//! Access that cannot be revoked as things are, because the strategy is gone or cannot be built.
//!
//! This is known before the access is to end, so people are told while there is time. The access stays as it is, and is revoked at its
//! end like any other: whether that succeeds is up to the attempts.

use std::sync::Arc;

use jiff::Timestamp;

use super::access::Access;
use super::effect_error::EffectError;
use super::retry::REVOCATION_ALERT_INTERVAL;
use super::state::RunState;
use super::stepper::Stepper;
use super::transition::InputReply;
use crate::model::{ChannelType, EventId, Step, User};

impl RunState {
    /// Returns whether people are to be told now that the access cannot be revoked. While a revocation is being tried, the failed
    /// attempts tell them.
    pub(crate) fn is_blocked_alert_due(&self, now: Timestamp) -> bool {
        let is_due = |last| now.duration_since(last).unsigned_abs() >= REVOCATION_ALERT_INTERVAL;
        matches!(self.access, Access::Held(_)) && self.revocation_blocked.is_none_or(is_due)
    }
}

impl Stepper<'_> {
    /// Records whether the access of the Run can be revoked. People are told that it cannot, and again once a day.
    pub(super) fn revocation_blocked(&mut self, error: Option<&EffectError>) -> InputReply {
        let Some(error) = error else {
            let was_blocked = self.state.revocation_blocked.take().is_some();
            return if was_blocked { InputReply::Accepted { event: None } } else { InputReply::Stale };
        };
        if !self.state.is_blocked_alert_due(self.clock) {
            return InputReply::Stale;
        }
        self.state.revocation_blocked = Some(self.clock);
        // This is no event of its own: the entry belongs to the one that led to the access.
        let event = self.state.decision.clone().unwrap_or_else(|| {
            let (cause, system) = (EventId::from_uuid(*self.state.run.id().as_uuid()), Arc::new(User::system()));
            Arc::new(self.follow_up_of(cause, &system, Step::Deescalate, ChannelType::Scheduler))
        });
        self.report(&event, error.clone());
        InputReply::Accepted { event: None }
    }
}
