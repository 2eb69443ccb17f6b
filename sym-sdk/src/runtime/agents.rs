//! Requests and access of agents: a repeated request is not made again, and access ends when its agent is gone.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Runtime;
use super::request_validation::parse_inputs;
use super::slack_fields::resolve_slack_fields;
use crate::engine::{RunFilter, StoredRun};
use crate::error::Result;
use crate::machine::{Access, Action, EffectError, InputReply, RunState};
use crate::model::{Channel, ChannelType, User, UserId};

impl Runtime {
    /// Returns the Run in which a user has asked for the same, if the request is still open, or the access was given and has not begun to
    /// end. `None` if the inputs are invalid: then the request will be refused.
    pub(crate) async fn same_request(
        &self,
        user: UserId,
        flow: &str,
        inputs: &Map<String, Value>,
    ) -> Result<Option<StoredRun>> {
        let entry = self.executor.flows.named(flow)?;
        let Ok((target, duration, mut fields)) = parse_inputs(&entry.flow, &self.executor.limits, inputs) else {
            return Ok(None);
        };
        let resolved = resolve_slack_fields(&self.executor.directory, &entry.flow, &mut fields);
        self.executor.ask_directory(resolved).await?;
        let target = target.map(|target| target.id());
        let is_same = |state: &RunState| {
            // While its `on_request` hook is called, the request is that of the event.
            let event = state.active_event.as_ref().map(|active| &active.event);
            let (asked, asked_duration, asked_fields) = match (&state.request, event) {
                (Some(request), _) => (&request.target, request.duration, &request.fields),
                (None, Some(event)) => (&event.target, event.duration, &event.fields),
                (None, None) => return false,
            };
            asked.as_ref().map(|target| target.id()) == target && asked_duration == duration && **asked_fields == fields
        };
        let filter = RunFilter {
            flow: Some(entry.flow.name().to_string()),
            requester: Some(user),
            active: true,
            ..RunFilter::default()
        };
        let runs = self.engine.runs(filter, usize::MAX).await?;
        Ok(runs.into_iter().find(|stored| is_in_progress(&stored.state) && is_same(&stored.state)))
    }

    /// Takes away the access of an agent that is gone. The platform does it: nobody is there who could.
    ///
    /// # Errors
    /// If the store fails. The inner error is the refusal of the machine.
    pub(crate) async fn end_abandoned_access(&self, state: &RunState) -> Result<Result<(), EffectError>> {
        let (system, channel) = (Arc::new(User::system()), Channel::new(ChannelType::Scheduler));
        match self.act(&system, &channel, state, Action::Revoke).await? {
            InputReply::Refused { error, .. } => Ok(Err(error)),
            _ => Ok(Ok(())),
        }
    }
}

/// Returns whether a request is open or about to be, or gives access that has not begun to end.
fn is_in_progress(state: &RunState) -> bool {
    let gives_access = matches!(state.access, Access::Granting(_) | Access::Held(_));
    let has_ended = matches!(state.access, Access::Revoking { .. } | Access::Ended | Access::WrittenOff(_));
    !has_ended && (gives_access || state.is_open() || state.is_busy())
}
