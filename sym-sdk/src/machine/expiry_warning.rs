//! Warnings before the end of access: the requester is told while there is time to save work, or to ask for more.
//!
//! A flow lists how long before the end people are warned. Each warning is given once for an end, and only for access that lasts longer
//! than it. It is a durable timer, set when access is granted and again when its end moves. Several that are due at once, after a stop or a
//! jump of the clock, are one message; and nobody is warned of an end that has passed.

use super::access::Access;
use super::extension::check_extendable;
use super::notice::Notice;
use super::stepper::Stepper;
use super::timer::TimerKind;
use crate::time::TimestampExt;

impl Stepper<'_> {
    /// Sets the timer of the next warning before the end of the access, if there is one left.
    pub(super) fn schedule_warning(&mut self) {
        let next = match &self.state.access {
            // Standing access stays.
            Access::Held(grant) if !grant.is_standing => grant.until.and_then(|until| {
                let warnings = &self.rules.flow.params().expiry_warnings;
                let left = warnings.iter().filter(|warning| grant.warned.is_none_or(|given| **warning < given));
                left.map(|warning| until.minus(*warning)).filter(|at| *at > self.clock).min()
            }),
            _ => None,
        };
        match next {
            Some(at) => self.set_timer(TimerKind::Warn, at),
            None => self.cancel_timer(TimerKind::Warn),
        }
    }

    /// Warns the requester that the access ends soon.
    pub(super) fn warning_due(&mut self) {
        let (clock, flow) = (self.clock, self.rules.flow);
        let can_extend = check_extendable(flow, &self.state, clock).is_ok();
        let Access::Held(grant) = &mut self.state.access else { return };
        let Some(until) = grant.until.filter(|until| clock < *until) else { return };
        let warnings = flow.params().expiry_warnings.iter();
        // The shortest one that is due stands for all of them.
        let reached = warnings.copied().filter(|warning| until.minus(*warning) <= clock).min();
        if let (Some(reached), Some(decision)) = (reached, self.state.decision.clone()) {
            grant.warned = Some(reached);
            let target = grant.target.title();
            // This is no event of its own: the entry belongs to the one that led to the access.
            self.message_requester(&decision, Notice::EndsSoon { target, until, can_extend });
        }
        self.schedule_warning();
    }
}
