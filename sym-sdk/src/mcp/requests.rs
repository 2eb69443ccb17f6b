//! Tools that request, wait, look and give back. The machine decides whether the agent may; a tool only submits.

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde_json::{Value, json};

use super::arguments::{self, GiveBackArguments, RequestArguments, WaitArguments};
use super::flows::requestable;
use super::front_end::McpState;
use super::run_view::{Phase, of_run};
use super::sessions::{self, SessionId};
use super::silence::{give_back as give_back_run, gives_access, held_by_agents};
use super::waiting::{own_run, wait_for_request};
use crate::engine::{InputKey, Relation, RunFilter, RunQuery, Viewer};
use crate::error::{Error, Result, codes};
use crate::model::{Channel, Flow, User};
use crate::runtime::{Actor, Submission};

/// The most requests in one result.
const MAX_REQUESTS: usize = 20;

/// The maximum length of a key, in characters.
const MAX_KEY_CHARS: usize = 100;

/// Makes a request, unless the same one is in progress.
pub(super) async fn request(
    state: &McpState,
    agent: &Arc<User>,
    session: Option<SessionId>,
    arguments: &RequestArguments,
) -> Result<Value> {
    let flow = requestable(state, agent, &arguments.flow).await?;
    let inputs = arguments.inputs(&flow)?;
    let key = arguments.key.as_deref().map(|key| input_key(agent, key, &flow, &inputs)).transpose()?;
    let _one_at_a_time = state.lock_requests(agent.id()).await;
    if key.is_none()
        && let Some(known) = state.runtime.same_request(agent.id(), flow.name().as_str(), &inputs).await?
    {
        // A client that has begun another session goes on with it there.
        note_run(state, agent, session, known.state.run.id()).await;
        let mut view = of_run(&state.runtime, &known);
        view.insert("already_open".to_owned(), true.into());
        return Ok(Value::Object(view));
    }
    let mut request = Submission::request(flow.name().as_str(), Actor::User(agent.clone()))
        .inputs(inputs)
        .channel(Channel::of_agent(agent));
    if let Some(key) = key {
        request = request.key(key);
    }
    let run = state.runtime.submit(request).await?.run;
    note_run(state, agent, session, run).await;
    let mut view = of_run(&state.runtime, &state.runtime.run(run).await?);
    view.insert("already_open".to_owned(), false.into());
    Ok(Value::Object(view))
}

/// Notes that the session has made a request. If that fails, the access is given back when the agent is silent, and not with the session.
async fn note_run(state: &McpState, agent: &User, session: Option<SessionId>, run: crate::model::RunId) {
    let Some(session) = session else { return };
    if let Err(error) = sessions::add_run(&state.runtime, agent.id(), session, run).await {
        tracing::warn!(%error, %run, "the session of a request could not be noted");
    }
}

fn input_key(agent: &User, key: &str, flow: &Flow, inputs: &serde_json::Map<String, Value>) -> Result<InputKey> {
    let is_plain = |c: char| c.is_ascii_graphic();
    if key.is_empty() || key.chars().count() > MAX_KEY_CHARS || !key.chars().all(is_plain) {
        let message = format!("`key` must be 1 to {MAX_KEY_CHARS} letters, digits and other visible ASCII characters");
        return Err(Error::invalid(codes::INVALID_PARAMETER, message));
    }
    let content = json!([flow.name().as_str(), inputs]).to_string();
    Ok(InputKey::new(format!("{}:{}:request:{key}", super::NAME, agent.id())).with_content(content))
}

pub(super) async fn wait(
    state: &McpState,
    agent: &User,
    arguments: &WaitArguments,
    context: &RequestContext<RoleServer>,
) -> Result<Value> {
    let run = arguments::run_id(&arguments.run_id)?;
    let asked = arguments.seconds.as_ref().filter(|seconds| !seconds.is_null()).map(arguments::seconds).transpose()?;
    let wait = asked.map_or(state.limits.wait, Duration::from_secs).min(state.limits.wait);
    let stored = wait_for_request(state, agent, run, wait, context).await?;
    let mut view = of_run(&state.runtime, &stored);
    view.insert("still_waiting".to_owned(), Phase::of(&stored.state).is_pending().into());
    Ok(Value::Object(view))
}

pub(super) async fn list(state: &McpState, agent: &Arc<User>, open_only: bool) -> Result<Value> {
    let viewer = Viewer::new(agent.clone()).related(Relation::Mine);
    let filter = RunFilter { requester: Some(agent.id()), open: open_only, ..RunFilter::default() };
    let page = state.runtime.find_runs(&RunQuery::new(filter, Some(viewer)).with_limit(MAX_REQUESTS)).await?;
    let requests: Vec<_> = page.runs.iter().map(|stored| Value::Object(of_run(&state.runtime, stored))).collect();
    Ok(json!({ "requests": requests, "there_are_older_ones": page.next.is_some() }))
}

pub(super) async fn list_access(state: &McpState, agent: &User) -> Result<Value> {
    let held = held_by_agents(&state.runtime, Some(agent.id())).await?;
    let access: Vec<_> = held.iter().map(|stored| Value::Object(of_run(&state.runtime, stored))).collect();
    Ok(json!({ "access": access }))
}

/// Gives back access, or withdraws an open request.
pub(super) async fn give_back(state: &McpState, agent: &Arc<User>, arguments: &GiveBackArguments) -> Result<Value> {
    match (&arguments.run_id, arguments.everything.unwrap_or_default()) {
        (Some(run), false) => {
            let run = arguments::run_id(run)?;
            let stored = own_run(state, agent, run).await?;
            let (channel, agent_id) = (Channel::of_agent(agent), agent.id());
            match Phase::of(&stored.state) {
                Phase::WaitingForDecision => {
                    state.runtime.submit(Submission::deny(run, agent_id).channel(channel)).await?;
                }
                _ if gives_access(&stored.state) => {
                    state.runtime.submit(Submission::revoke(run, agent_id).channel(channel)).await?;
                }
                // Given back before, or never there: that is what was wanted.
                _ => {}
            }
            let stored = own_run(state, agent, run).await?;
            Ok(Value::Object(of_run(&state.runtime, &stored)))
        }
        (None, true) => {
            let mut ending = Vec::new();
            for stored in held_by_agents(&state.runtime, Some(agent.id())).await? {
                if give_back_run(&state.runtime, agent, &stored.state).await? {
                    ending.push(stored.state.run.id().to_string());
                }
            }
            Ok(json!({ "given_back": ending }))
        }
        _ => {
            let message = "give back one request by its `run_id`, or all access with `everything`";
            Err(Error::invalid(codes::INVALID_PARAMETER, message))
        }
    }
}
