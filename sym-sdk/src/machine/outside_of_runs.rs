//! Inputs that belong to no Run and change none: the machine only turns them into audit entries.

use std::sync::Arc;

use super::account_events::record_account_event;
use super::audit_entry::{AuditEntry, AuditKind};
use super::event_record::EventRecord;
use super::input::Input;
use super::transition::{InputReply, Transition};
use super::user_actions::record_user_action;
use crate::model::{Channel, EventId, RunStatus, Step, User, logged_actor};

/// Returns the transition of an input that belongs to no Run. `None` if it belongs to one.
pub(crate) fn record_outside_of_runs(input: &Input) -> Option<Transition> {
    record_user_action(input).or_else(|| record_account_event(input))
}

/// An event that belongs to no Run, for its audit entry.
pub(super) struct OutsideEvent<'a> {
    pub(super) id: EventId,
    pub(super) step: Step,
    pub(super) actor: &'a Arc<User>,
    pub(super) channel: &'a Channel,
    pub(super) reason: Option<String>,
    /// Whether the line of the entry names the actor as the one who has done the step.
    pub(super) names_actor: bool,
    pub(super) kind: AuditKind,
}

impl OutsideEvent<'_> {
    /// Returns the transition that records the event of an input, and answers it with this reply.
    pub(super) fn record(self, input: &Input, reply: InputReply) -> Transition {
        let Self { id, step, actor, channel, reason, names_actor, kind } = self;
        let record = EventRecord::outside_of_runs(input.at, id, step, actor, channel.clone(), reason);
        let logged = logged_actor(actor, channel, input.flow.organization());
        let actors = names_actor.then_some((step, logged)).into_iter();
        let entry = AuditEntry {
            run: input.run,
            flow: input.flow.clone(),
            parent: None,
            at: input.at,
            event: Arc::new(record),
            actors: Arc::new(actors.collect()),
            status: RunStatus::Pending,
            kind,
        };
        let (effects, timers, holds) = Default::default();
        Transition { state: None, effects, timers, holds, audit: vec![entry], reply }
    }
}
