//! The end of access that agents have left behind: sessions that their clients end, and agents that are silent for too long.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::sessions::{self, Activity, SESSION_TTL, SessionId};
use crate::engine::{RunFilter, StoredRun};
use crate::error::Result;
use crate::machine::{Access, RunState};
use crate::model::{Channel, ChannelType, RunId, RunStatus, User, UserId};
use crate::runtime::{Runtime, Submission};
use crate::server::CancellationToken;
use crate::time::TimestampExt as _;

/// Interval of the look at agents.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Takes access away from agents that are silent for too long, until `stop` is cancelled.
pub(super) async fn watch(runtime: &Runtime, activity: &Activity, stop: &CancellationToken) {
    activity.begin(runtime.clock().now());
    loop {
        let stopped = std::pin::pin!(stop.cancelled());
        if let Either::Left(_) = select(stopped, runtime.clock().sleep(CHECK_INTERVAL)).await {
            return;
        }
        if let Err(error) = end_abandoned_access(runtime, activity).await {
            tracing::warn!(%error, "the access of silent agents could not be looked at; it is done again in a minute");
        }
    }
}

/// See [`Mcp::end_abandoned_access`](super::Mcp::end_abandoned_access).
pub(super) async fn end_abandoned_access(runtime: &Runtime, activity: &Activity) -> Result<Vec<RunId>> {
    let now = runtime.clock().now();
    let (mut ended, mut silent_since) = (Vec::new(), HashMap::<UserId, Timestamp>::new());
    // One Run keeps the access of no other from ending.
    let mut failure = None;
    for stored in held_by_agents(runtime, None).await? {
        let state = &stored.state;
        let Some(agent) = state.requester_id() else { continue };
        let since = match silent_since.get(&agent) {
            Some(since) => *since,
            None => match activity.silent_since(runtime, agent, None).await {
                Ok(since) => {
                    silent_since.insert(agent, since);
                    since
                }
                Err(error) => {
                    failure.get_or_insert(error);
                    continue;
                }
            },
        };
        // Access that was given to a silent agent is there for it to come back to.
        let since = since.max(granted_at(state));
        if since.plus(grace_period(runtime, state)) > now {
            continue;
        }
        let run = state.run.id();
        match runtime.end_abandoned_access(state).await {
            Ok(Ok(())) => {
                tracing::info!(%run, %agent, "ending the access of an agent that is silent");
                ended.push(run);
            }
            Ok(Err(error)) => tracing::debug!(%run, %agent, %error, "access of a silent agent is not ended"),
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    forget_old_sessions(runtime, activity, now).await?;
    failure.map_or(Ok(ended), Err)
}

/// Ends a session because its client has said so: what was requested in it is given back, and so is what was requested in sessions of the
/// agent that have been silent for longer than the grace period. What another session has requested too is kept for that. Open requests
/// stay open. Returns the Runs whose access is ending.
pub(super) async fn end_session(
    runtime: &Runtime,
    activity: &Activity,
    agent: &User,
    session: SessionId,
) -> Result<Vec<RunId>> {
    let now = runtime.clock().now();
    let made_in = sessions::runs_of_agent(runtime, agent.id()).await?;
    let (mut ended, mut failure) = (Vec::new(), None);
    for stored in held_by_agents(runtime, Some(agent.id())).await? {
        let state = &stored.state;
        // Without a session, it is given back by a call or after the grace period.
        let Some(sessions) = made_in.get(&state.run.id()) else { continue };
        let mut is_abandoned = true;
        for other in sessions.iter().filter(|other| **other != session) {
            let since = activity.silent_since(runtime, agent.id(), Some(*other)).await?;
            is_abandoned &= since.plus(grace_period(runtime, state)) <= now;
        }
        if !is_abandoned {
            continue;
        }
        match give_back(runtime, agent, state).await {
            Ok(true) => ended.push(state.run.id()),
            Ok(false) => {}
            // One Run keeps the access of no other from ending.
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    if let Some(error) = failure {
        // The session stays, so that it can be ended again.
        return Err(error);
    }
    sessions::forget(runtime, activity, agent.id(), session).await?;
    Ok(ended)
}

/// Gives back the access of a Run for its agent. Returns whether it begins to end now.
pub(super) async fn give_back(runtime: &Runtime, agent: &User, state: &RunState) -> Result<bool> {
    let revoke = Submission::revoke(state.run.id(), agent.id()).channel(Channel::of_agent(agent));
    match runtime.submit(revoke).await {
        Ok(_) => Ok(true),
        // It may have begun to end, and the machine knows better.
        Err(error) if !error.is_retryable() && *error.code() != crate::error::codes::STORE => {
            tracing::debug!(run = %state.run.id(), %error, "access is not given back");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Returns the Runs in which agents, or one of them, have access that has not begun to end, or are about to be given it.
pub(super) async fn held_by_agents(runtime: &Runtime, agent: Option<UserId>) -> Result<Vec<StoredRun>> {
    let filter = RunFilter { active: true, requester: agent, source: Some(ChannelType::Mcp), ..RunFilter::default() };
    let mut runs = runtime.runs(filter, usize::MAX).await?;
    runs.retain(|stored| gives_access(&stored.state));
    Ok(runs)
}

/// Returns whether a Run gives access that has not begun to end, or is about to.
pub(super) fn gives_access(state: &RunState) -> bool {
    let is_about_to = state.run.status() == RunStatus::Approved && state.is_busy();
    match state.access {
        Access::Granting(_) | Access::Held(_) => true,
        Access::None => is_about_to,
        _ => false,
    }
}

fn granted_at(state: &RunState) -> Timestamp {
    state.decision.as_ref().map_or(state.created_at, |decision| decision.at)
}

fn grace_period(runtime: &Runtime, state: &RunState) -> Duration {
    match runtime.flow(state.flow.slug()) {
        Ok(flow) => flow.params().agent_grace_period,
        // The flow is gone, and what it said with it.
        Err(_) => crate::model::FlowParams::default().agent_grace_period,
    }
}

async fn forget_old_sessions(runtime: &Runtime, activity: &Activity, now: Timestamp) -> Result<()> {
    for agent in sessions::agents(runtime).await? {
        for session in sessions::of_agent(runtime, agent).await? {
            if activity.silent_since(runtime, agent, Some(session)).await?.plus(SESSION_TTL) <= now {
                sessions::forget(runtime, activity, agent, session).await?;
            }
        }
    }
    Ok(())
}
