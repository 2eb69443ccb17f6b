//! A view of what is decided in a Run: its request, or an extension of the access that it gives.
//!
//! Both are routed, delivered, forwarded and voted on in the same way, so those rules are written once, for a [`Round`]. They find in
//! the event to which round it belongs. What happens by itself, such as a timeout, concerns the round that is open: a request is decided
//! before there is access to extend, so there is never more than one.

use std::sync::Arc;
use std::time::Duration;

use crate::machine::event_record::EventRecord;
use crate::machine::message_status::DeliveredMessage;
use crate::machine::outcome::Routing;
use crate::machine::reminders::Reminders;
use crate::machine::state::RunState;
use crate::model::{EventId, User};

use super::Extension;

/// The request of a Run, or one of its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) enum Round {
    Request,
    Extension(EventId),
}

impl Round {
    /// Returns the round that an event belongs to.
    pub(in crate::machine) fn of(event: &EventRecord) -> Self {
        match event.extension {
            Some(extension) => Self::Extension(extension.id),
            None => Self::Request,
        }
    }
}

impl RunState {
    /// Returns the round that waits for a decision; the request if none does.
    pub(in crate::machine) fn open_round(&self) -> Round {
        self.open_extension().map_or(Round::Request, |extension| Round::Extension(extension.id))
    }

    /// Returns whether the request or an extension waits for a decision.
    pub(in crate::machine) fn awaits_decision(&self) -> bool {
        self.is_open() || self.open_extension().is_some()
    }

    /// Returns an extension, unless another one has begun since.
    fn extension_with(&self, id: EventId) -> Option<&Extension> {
        self.extension.as_deref().filter(|extension| extension.id == id)
    }

    pub(in crate::machine) fn is_open_in(&self, round: Round) -> bool {
        match round {
            Round::Request => self.is_open(),
            Round::Extension(id) => self.extension_with(id).is_some_and(Extension::is_open),
        }
    }

    pub(in crate::machine) fn routing_in(&self, round: Round) -> Option<&Routing> {
        match round {
            Round::Request => self.routing.as_ref(),
            Round::Extension(id) => self.extension_with(id)?.routing.as_ref(),
        }
    }

    /// Returns the people who have approved.
    pub(in crate::machine) fn approvals_in(&self, round: Round) -> &[Arc<User>] {
        match round {
            Round::Request => self.run.approvals(),
            Round::Extension(id) => self.extension_with(id).map_or(&[], |extension| &extension.approvals),
        }
    }

    /// Returns the shortest duration for which people have approved.
    pub(in crate::machine) fn approved_duration_in(&self, round: Round) -> Option<Duration> {
        match round {
            Round::Request => self.approved_duration,
            Round::Extension(id) => self.extension_with(id)?.approved_duration,
        }
    }

    /// Keeps the duration of an approval if it is the shortest so far.
    pub(in crate::machine) fn add_approved_duration_in(&mut self, round: Round, duration: Duration) {
        let shortest = match round {
            Round::Request => Some(&mut self.approved_duration),
            Round::Extension(id) => self.extension_with_mut(id).map(|extension| &mut extension.approved_duration),
        };
        if let Some(shortest) = shortest {
            *shortest = Some(shortest.map_or(duration, |shortest| shortest.min(duration)));
        }
    }

    /// Returns the duration that was asked for.
    pub(in crate::machine) fn asked_duration_in(&self, round: Round) -> Option<Duration> {
        match round {
            Round::Request => self.request.as_ref()?.duration,
            Round::Extension(id) => Some(self.extension_with(id)?.duration),
        }
    }

    /// Returns the index of the current notification.
    pub(in crate::machine) fn current_in(&self, round: Round) -> usize {
        match round {
            Round::Request => self.current_notification,
            Round::Extension(id) => self.extension_with(id).map_or(0, |extension| extension.current_notification),
        }
    }

    pub(in crate::machine) fn delivered_in(&self, round: Round) -> &[DeliveredMessage] {
        match round {
            Round::Request => &self.delivered,
            Round::Extension(id) => self.extension_with(id).map_or(&[], |extension| &extension.delivered),
        }
    }

    pub(in crate::machine) fn reminders_in(&self, round: Round) -> Reminders {
        match round {
            Round::Request => self.reminders,
            Round::Extension(id) => self.extension_with(id).map_or_else(Reminders::default, |ext| ext.reminders),
        }
    }

    pub(in crate::machine) fn update_reminders_in(&mut self, round: Round, update: impl FnOnce(&mut Reminders)) {
        let reminders = match round {
            Round::Request => Some(&mut self.reminders),
            Round::Extension(id) => self.extension_with_mut(id).map(|extension| &mut extension.reminders),
        };
        if let Some(reminders) = reminders {
            update(reminders);
        }
    }

    /// Returns the number of times in a row that hooks have ignored what was to follow.
    pub(in crate::machine) fn deferrals_in(&self, round: Round) -> u32 {
        match round {
            Round::Request => self.deferrals,
            Round::Extension(id) => self.extension_with(id).map_or(0, |extension| extension.deferrals),
        }
    }

    fn extension_with_mut(&mut self, id: EventId) -> Option<&mut Extension> {
        self.extension.as_deref_mut().filter(|extension| extension.id == id)
    }

    /// Makes the next notification the current one.
    pub(in crate::machine) fn forward_in(&mut self, round: Round) {
        let current = match round {
            Round::Request => Some(&mut self.current_notification),
            Round::Extension(id) => self.extension_with_mut(id).map(|extension| &mut extension.current_notification),
        };
        if let Some(current) = current {
            *current = current.saturating_add(1);
        }
    }

    pub(in crate::machine) fn count_deferral_in(&mut self, round: Round) {
        let deferrals = match round {
            Round::Request => Some(&mut self.deferrals),
            Round::Extension(id) => self.extension_with_mut(id).map(|extension| &mut extension.deferrals),
        };
        if let Some(deferrals) = deferrals {
            *deferrals = deferrals.saturating_add(1);
        }
    }

    /// Keeps a delivered message, in place of an earlier one of the same notification at the same destination. That of an extension which
    /// was followed by another one is forgotten.
    pub(in crate::machine) fn add_delivered_in(&mut self, round: Round, message: DeliveredMessage) {
        let delivered = match round {
            Round::Request => Some(&mut self.delivered),
            Round::Extension(id) => self.extension_with_mut(id).map(|extension| &mut extension.delivered),
        };
        if let Some(delivered) = delivered {
            delivered.retain(|other| other.entry != message.entry || other.destination != message.destination);
            delivered.push(message);
        }
    }

    pub(in crate::machine) fn take_deferred_after_request_in(&mut self, round: Round) -> Option<Arc<EventRecord>> {
        match round {
            Round::Request => self.deferred_after_request.take(),
            Round::Extension(id) => self.extension_with_mut(id)?.deferred_after_request.take(),
        }
    }

    pub(in crate::machine) fn add_approval_in(&mut self, round: Round, approver: Arc<User>) {
        match round {
            Round::Request => self.run.add_approval(approver),
            Round::Extension(id) => {
                if let Some(extension) = self.extension_with_mut(id)
                    && !extension.approvals.iter().any(|other| other.id() == approver.id())
                {
                    extension.approvals.push(approver);
                }
            }
        }
    }

    pub(in crate::machine) fn remove_approval_in(&mut self, round: Round, approver: &User) {
        match round {
            Round::Request => self.run.remove_approval(approver.id()),
            Round::Extension(id) => {
                if let Some(extension) = self.extension_with_mut(id) {
                    extension.approvals.retain(|other| other.id() != approver.id());
                }
            }
        }
    }
}
