//! A Run in a line: what is asked for, by whom, and where it stands.

use std::time::Duration;

use jiff::Timestamp;

use super::parts::{Role, between, name_of, span};
use super::state::ConsoleState;
use crate::delivery::reveal_hidden;
use crate::machine::{Access, RunState};
use crate::model::{RunStatus, Step, User};

/// A Run, as lists show it.
pub(super) struct RunSummary<'a> {
    pub(super) state: &'a RunState,
    pub(super) flow: String,
}

impl<'a> RunSummary<'a> {
    pub(super) fn new(console: &ConsoleState, state: &'a RunState) -> Self {
        Self { state, flow: console.flow_label(state.flow.slug()) }
    }

    /// The address of its page.
    pub(super) fn address(&self) -> String {
        format!("/r/{}", self.state.run.id())
    }

    /// Names what is asked for: the target, or the flow if it has none.
    pub(super) fn title(&self) -> String {
        let target = self.state.request.as_ref().and_then(|request| request.target.as_ref());
        target.map_or_else(|| self.flow.clone(), |target| target.title())
    }

    pub(super) fn requester(&self) -> Option<&User> {
        self.state.run.requester()
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        self.state.request.as_ref().and_then(|request| request.duration)
    }

    /// The duration in words, such as `1 h`.
    pub(super) fn length(&self) -> Option<String> {
        self.duration().map(span)
    }

    /// The reason: that of a hook if it gave one, or else that of the form.
    pub(super) fn reason(&self) -> Option<&str> {
        let request = self.state.request.as_ref()?;
        let reason = request.reason.as_deref().or_else(|| request.fields.text("reason").ok());
        reason.filter(|reason| !reason.trim().is_empty())
    }

    pub(super) fn requested_at(&self) -> Timestamp {
        self.state.created_at
    }

    /// The end of the access.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.state.access.grant().and_then(|grant| grant.until)
    }

    /// The time from which the bar of the remaining time counts.
    pub(super) fn since(&self) -> Timestamp {
        let duration = self.state.access.grant().and_then(|grant| grant.duration);
        match (self.until(), duration) {
            (Some(until), Some(duration)) => crate::time::TimestampExt::minus(until, duration),
            _ => self.state.decision.as_ref().map_or(self.state.created_at, |decision| decision.at),
        }
    }

    /// Whether somebody said no who was not the requester.
    fn is_withdrawn(&self) -> bool {
        let decision = self.state.decision.as_deref();
        decision.is_some_and(|decision| self.requester().is_some_and(|requester| requester.is_same(&decision.actor)))
    }

    /// Says who decided, with what they wrote. `None` if nobody has but the requester.
    pub(super) fn outcome(&self) -> Option<String> {
        let decision = self.state.decision.as_deref().filter(|_| !self.is_withdrawn())?;
        let decider = if decision.decided_by_hook { "the flow".to_owned() } else { name_of(&decision.actor) };
        let done = if decision.name == Step::Deny { "denied" } else { "approved" };
        let message = decision.decision_message.as_deref().map(str::trim).filter(|message| !message.is_empty());
        Some(match message {
            Some(message) => format!("{done} by {decider}: “{}”", reveal_hidden(message)),
            None => format!("{done} by {decider}"),
        })
    }

    /// The approvals so far, and those needed.
    pub(super) fn approvals(&self) -> (usize, usize) {
        let needed = self.state.routing.as_ref().map_or(1, |routing| routing.permission.required_approvals().into());
        (self.state.run.approvals().len(), needed)
    }

    /// Describes the state of the Run, with the colour of its tag.
    pub(super) fn standing(&self, now: Timestamp) -> (Role, String) {
        if self.state.is_stuck() || self.until().is_some_and(|until| now > until && self.state.may_hold_access()) {
            let late = self.until().filter(|until| now > *until);
            return (
                Role::Failed,
                late.map_or_else(
                    || "cannot end".to_owned(),
                    |until| format!("still there, {} late", span(between(until, now))),
                ),
            );
        }
        if matches!(self.state.access, Access::WrittenOff(_)) {
            return (Role::Failed, "written off".to_owned());
        }
        if self.state.open_extension().is_some() {
            return (Role::Waiting, "held, more time asked for".to_owned());
        }
        match (&self.state.access, self.state.run.status()) {
            (Access::Revoking { .. }, _) => (Role::Waiting, "ending".to_owned()),
            (Access::Granting(_), _) => (Role::Waiting, "being given".to_owned()),
            (Access::Held(_), _) => (Role::Active, "held".to_owned()),
            (_, RunStatus::Pending) => (Role::Waiting, "beginning".to_owned()),
            (_, RunStatus::Prompted) => (Role::Waiting, "form open".to_owned()),
            (_, RunStatus::Requested | RunStatus::Forwarded) => {
                let (given, needed) = self.approvals();
                (Role::Waiting, format!("waiting, {given} of {needed}"))
            }
            (_, RunStatus::Approved | RunStatus::Escalated) => (Role::Ok, "approved".to_owned()),
            (_, RunStatus::Denied) if self.is_withdrawn() => (Role::Ended, "withdrawn".to_owned()),
            (_, RunStatus::Denied) => (Role::Denied, "denied".to_owned()),
            (_, RunStatus::Expired) => (Role::Ended, "expired".to_owned()),
            (_, RunStatus::Deescalated) => (Role::Ended, "ended".to_owned()),
            (_, RunStatus::Errored) => (Role::Failed, "failed".to_owned()),
        }
    }
}
