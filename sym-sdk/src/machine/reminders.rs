//! Reminders of requests that wait for a decision.
//!
//! A notification can have reminders: so many, at an interval, for as long as it is the current one. The requester can also have those who
//! were notified reminded, now and then. Both stop with the decision. The timer is durable, and is set anew when it has fired: after a stop
//! there is one reminder, and not one for each that was missed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::extension::Round;
use super::outcome::DeliveryResult;
use super::permissions;
use super::state::{PendingEffect, RunState};
use super::stepper::Stepper;
use super::timer::TimerKind;
use crate::error::{ErrorKind, codes};
use crate::forms::format_duration;
use crate::model::{ChannelType, EventId, Step};

/// The minimum time between a notification, or a reminder of it, and a reminder that the requester asks for.
pub const MIN_REMINDER_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// The maximum number of reminders of one request, or of one extension, that the requester can ask for.
pub const MAX_REQUESTED_REMINDERS: u32 = 10;

/// The reminders of a request or an extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reminders {
    /// The number of reminders of the current notification that were sent by themselves.
    pub automatic: u32,
    /// The number of reminders that the requester has asked for.
    pub requested: u32,
    /// The time of the last notification or reminder.
    pub last_at: Option<Timestamp>,
}

impl Reminders {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Checks that the requester can have those who decide reminded now.
pub(super) fn check_remindable(state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    let round = permissions::awaits_decision(state, clock)?;
    let current = state.current_in(round);
    if !state.delivered_in(round).iter().any(|delivered| delivered.entry == current) {
        return Err(EffectError::new(ErrorKind::Conflict, codes::INVALID_EVENT, "nobody was notified of this yet"));
    }
    let reminders = state.reminders_in(round);
    let refused = |message: String| Err(EffectError::new(ErrorKind::RateLimited, codes::TOO_MANY_REQUESTS, message));
    if reminders.requested >= MAX_REQUESTED_REMINDERS {
        return refused(format!(
            "those who can decide were reminded {MAX_REQUESTED_REMINDERS} times, which is the limit"
        ));
    }
    // Of times in the future, which were recorded before the clock went back, nothing is known.
    let since = |last: Timestamp| Duration::try_from(clock.duration_since(last)).unwrap_or(MIN_REMINDER_INTERVAL);
    match reminders.last_at.map(since) {
        Some(since) if since < MIN_REMINDER_INTERVAL => {
            // Rounded up to minutes: nobody counts the seconds.
            let wait = Duration::from_secs((MIN_REMINDER_INTERVAL - since).as_secs().div_ceil(60).max(1) * 60);
            refused(format!(
                "those who can decide were notified a short while ago; try again in {}",
                format_duration(wait)
            ))
        }
        _ => Ok(()),
    }
}

impl Stepper<'_> {
    /// Begins the reminders of the current notification, from now on.
    pub(super) fn start_reminders(&mut self, round: Round) {
        self.state.update_reminders_in(round, |reminders| reminders.automatic = 0);
        match self.reminder_from_now() {
            Some(at) => self.set_timer(TimerKind::Remind, at),
            None => self.cancel_timer(TimerKind::Remind),
        }
    }

    /// Returns the time of the next reminder, if it is counted from now.
    pub(super) fn reminder_from_now(&self) -> Option<Timestamp> {
        let round = self.state.open_round();
        let notification = self.notification(round, self.state.current_in(round))?;
        let (interval, count) = notification.reminders()?;
        (self.state.reminders_in(round).automatic < count).then(|| self.after_now(interval))
    }

    /// Reminds those who were notified, because nobody has acted for a while.
    pub(super) fn reminder_due(&mut self) {
        let round = self.state.open_round();
        let Some(requester) = self.state.run.requester_arc().filter(|_| self.state.is_open_in(round)) else { return };
        let run = EventId::from_uuid(*self.state.run.id().as_uuid());
        let event = self.follow_up_of(run, &requester, Step::Request, ChannelType::Scheduler);
        let event = Arc::new(self.in_round(event, round));
        self.state.update_reminders_in(round, |reminders| reminders.automatic = reminders.automatic.saturating_add(1));
        self.request_reminder(&event);
        if let Some(at) = self.reminder_from_now() {
            self.set_timer(TimerKind::Remind, at);
        }
    }

    /// Reminds those who were notified, because the requester asks for it.
    pub(super) fn remind(&mut self, event: EventRecord) {
        let round = self.state.open_round();
        let event = Arc::new(self.in_round(event, round));
        self.state.update_reminders_in(round, |reminders| reminders.requested = reminders.requested.saturating_add(1));
        self.request_reminder(&event);
    }

    fn request_reminder(&mut self, event: &Arc<EventRecord>) {
        let (round, now) = (Round::of(event), self.clock);
        let entry = self.state.current_in(round);
        self.state.update_reminders_in(round, |reminders| reminders.last_at = Some(now));
        self.withdraw_late_reminders();
        self.audit(event, AuditKind::ReminderBegun { entry });
        self.effect(event, EffectKind::Remind { entry });
    }

    /// Records which destinations were reminded. A reminder that reached none of them is sent again later. Where the message of the request
    /// is gone, it is delivered again, which reminds as well.
    pub(super) fn reminded(&mut self, pending: &PendingEffect, entry: usize, results: &[DeliveryResult]) {
        let event = &pending.event;
        let gone: BTreeSet<_> = results.iter().filter_map(DeliveryResult::gone).map(str::to_owned).collect();
        let is_failure = |result: &&DeliveryResult| matches!(result, DeliveryResult::Failed { .. });
        if !results.is_empty() && gone.is_empty() && results.iter().filter(is_failure).count() == results.len() {
            let errors = results.iter().filter_map(|result| match result {
                DeliveryResult::Failed { error, .. } => Some(error),
                _ => None,
            });
            if let Some(error) = errors.max_by_key(|error| error.retryable) {
                self.message_failed(pending, error);
            }
            return;
        }
        for result in results.iter().filter(|result| result.gone().is_none()).cloned() {
            match result {
                DeliveryResult::Delivered { destination, .. } => {
                    self.audit(event, AuditKind::Reminded { entry, destination });
                }
                DeliveryResult::Failed { error, .. } => self.audit(event, AuditKind::Reported { error }),
                DeliveryResult::OptedOut { .. } => {}
            }
        }
        self.deliver_again(event, &gone);
    }
}
