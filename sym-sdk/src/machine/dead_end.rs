//! Requests that cannot be approved. They are noticed when they are made, and not when somebody asks what became of them.

use std::sync::Arc;

use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::notice::Notice;
use super::outcome::Routing;
use super::stepper::Stepper;
use crate::error::{ErrorKind, codes};

impl Stepper<'_> {
    /// Tells the requester and the error destination if a request needs more approvals than there are people who can approve it.
    /// The request stays open: an administrator can be added.
    pub(super) fn report_dead_end(&mut self, event: &Arc<EventRecord>, routing: &Routing) {
        let needed = usize::from(routing.permission.required_approvals());
        let Some(possible) = routing.possible_approvers.filter(|possible| *possible < needed) else { return };
        let message = match possible {
            0 => "nobody can approve the request".to_owned(),
            1 => format!("the request needs {needed} approvals, and only 1 person can give one"),
            _ => format!("the request needs {needed} approvals, and only {possible} people can give one"),
        };
        let error = EffectError::new(ErrorKind::Configuration, codes::TOO_FEW_APPROVERS, message).with_hint(
            "name more people in `get_permissions`, or make somebody an administrator: administrators can approve every request",
        );
        self.report(event, error);
        self.message_requester(event, Notice::TooFewApprovers { possible, needed });
    }
}
