//! Sessions of agents, and the time of their last calls.
//!
//! Both are kept in the values of the store: an agent that a restart or another process hides from this one has called all the same. Each
//! fact has a path of its own, so that nothing is read in order to be written, and two processes take nothing from each other:
//!
//! - `sym_mcp.agents.AGENT.last_call`
//! - `sym_mcp.agents.AGENT.sessions.SESSION.last_call`, as long as the session lasts
//! - `sym_mcp.agents.AGENT.sessions.SESSION.runs.RUN`, for each request that was made in it
//!
//! A session belongs to its agent and not to a token, so a new token goes on with it, and another agent cannot use it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::bounded_map::BoundedMap;
use crate::directory::KeyValue;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{RunId, UserId};
use crate::runtime::Runtime;
use crate::sync::lock;

/// The path below which everything is.
const ROOT: &str = "sym_mcp.agents";

/// The time for which a call is not written again.
const WRITE_INTERVAL: Duration = Duration::from_secs(60);

/// The number of agents and sessions whose last calls are in the cache.
const CALLS_CAPACITY: usize = 10_000;

/// The number of sessions that an agent may have. The one that was silent for the longest time makes room for another.
const MAX_SESSIONS: usize = 32;

/// The time after which a silent session is forgotten.
pub(super) const SESSION_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The id of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionId(Uuid);

impl SessionId {
    fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Parses an id, as this program writes it and in no other way.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok().map(Self)?;
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

/// The error for a session that there is not, or that is another agent's.
pub(super) fn unknown_session() -> Error {
    let error = Error::new(ErrorKind::NotFound, codes::UNKNOWN_SESSION, "there is no such session");
    error.with_hint("begin another one with `initialize`; the requests and the access of the agent are still there")
}

fn agent_path(agent: UserId) -> String {
    format!("{ROOT}.{}", agent.as_uuid().simple())
}

fn session_path(agent: UserId, session: SessionId) -> String {
    format!("{}.sessions.{session}", agent_path(agent))
}

fn last_call_path(agent: UserId, session: Option<SessionId>) -> String {
    match session {
        Some(session) => format!("{}.last_call", session_path(agent, session)),
        None => format!("{}.last_call", agent_path(agent)),
    }
}

async fn read_time(values: &KeyValue, path: &str) -> Result<Option<Timestamp>> {
    let value = values.fetch(path).await?;
    Ok(value.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok()))
}

/// The last calls of agents, as this process knows them. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    started_at: Arc<OnceLock<Timestamp>>,
    calls: Arc<Mutex<Calls>>,
}

/// The last calls of agents, and of their sessions.
type Calls = BoundedMap<(UserId, Option<SessionId>), Call>;

/// The last call, and the last one that was written.
#[derive(Clone, Copy, Debug)]
struct Call {
    at: Timestamp,
    written_at: Timestamp,
}

impl Default for Activity {
    fn default() -> Self {
        let calls = Arc::new(Mutex::new(BoundedMap::new(CALLS_CAPACITY)));
        Self { started_at: Arc::default(), calls }
    }
}

impl Activity {
    /// Notes that the program serves agents from now on. Before, no agent could call.
    pub(super) fn begin(&self, now: Timestamp) {
        let _ = self.started_at.set(now);
    }

    /// Notes a call of an agent.
    pub(super) async fn touch(&self, runtime: &Runtime, agent: UserId, session: Option<SessionId>) -> Result<()> {
        let now = runtime.clock().now();
        for of_session in [None, session].into_iter().take(1 + usize::from(session.is_some())) {
            if self.note(agent, of_session, now) {
                runtime.key_value().put(&last_call_path(agent, of_session), now.to_string()).await?;
                self.note_written(agent, of_session, now);
            }
        }
        Ok(())
    }

    /// Notes a call in the cache. Returns whether it has to be written.
    fn note(&self, agent: UserId, session: Option<SessionId>, now: Timestamp) -> bool {
        let mut calls = lock(&self.calls);
        match calls.get_mut(&(agent, session)) {
            Some(call) => {
                call.at = now;
                // Also if the clock went back.
                !Duration::try_from(now.duration_since(call.written_at)).is_ok_and(|age| age < WRITE_INTERVAL)
            }
            None => true,
        }
    }

    fn note_written(&self, agent: UserId, session: Option<SessionId>, now: Timestamp) {
        lock(&self.calls).insert((agent, session), Call { at: now, written_at: now });
    }

    fn forget(&self, agent: UserId, session: SessionId) {
        lock(&self.calls).remove(&(agent, Some(session)));
    }

    /// Returns the time since which an agent, or one of its sessions, is silent: its last call, or the time at which this program started.
    /// Until then, a restart may have kept it from calling.
    pub(super) async fn silent_since(
        &self,
        runtime: &Runtime,
        agent: UserId,
        session: Option<SessionId>,
    ) -> Result<Timestamp> {
        let known = lock(&self.calls).get(&(agent, session)).map(|call| call.at);
        // Another process may have served it.
        let stored = read_time(runtime.key_value(), &last_call_path(agent, session)).await?;
        let started_at = *self.started_at.get_or_init(|| runtime.clock().now());
        Ok([known, stored].into_iter().flatten().fold(started_at, Timestamp::max))
    }
}

/// Begins a session of an agent.
pub(super) async fn begin(runtime: &Runtime, activity: &Activity, agent: UserId) -> Result<SessionId> {
    let sessions = of_agent(runtime, agent).await?;
    // Sessions that begin at the same time can exceed the maximum, so more than one may have to go.
    let surplus = (sessions.len() + 1).saturating_sub(MAX_SESSIONS);
    if surplus > 0 {
        let mut by_silence = Vec::with_capacity(sessions.len());
        for session in sessions {
            by_silence.push((activity.silent_since(runtime, agent, Some(session)).await?, session));
        }
        by_silence.sort_by_key(|(since, _)| *since);
        for (_, session) in by_silence.into_iter().take(surplus) {
            forget(runtime, activity, agent, session).await?;
        }
    }
    let session = SessionId::random();
    activity.touch(runtime, agent, Some(session)).await?;
    Ok(session)
}

/// Checks that an agent has a session.
pub(super) async fn check(runtime: &Runtime, agent: UserId, session: SessionId) -> Result<()> {
    let known = runtime.key_value().fetch(&last_call_path(agent, Some(session))).await?;
    known.map(drop).ok_or_else(unknown_session)
}

/// Notes that a request was made in a session.
pub(super) async fn add_run(runtime: &Runtime, agent: UserId, session: SessionId, run: RunId) -> Result<()> {
    let path = format!("{}.runs.{}", session_path(agent, session), run.as_uuid().simple());
    runtime.key_value().put(&path, true).await
}

/// Returns the sessions of an agent.
pub(super) async fn of_agent(runtime: &Runtime, agent: UserId) -> Result<Vec<SessionId>> {
    let below = format!("{}.sessions", agent_path(agent));
    let mut sessions = Vec::new();
    for path in runtime.key_value().paths_in(&below).await? {
        let id = path.as_str().strip_prefix(&below).and_then(|rest| rest.split('.').nth(1));
        if let Some(session) = id.and_then(SessionId::parse).filter(|session| sessions.last() != Some(session)) {
            sessions.push(session);
        }
    }
    Ok(sessions)
}

/// Returns the sessions in which each request of an agent was made. Those that were made in none are left out.
pub(super) async fn runs_of_agent(runtime: &Runtime, agent: UserId) -> Result<HashMap<RunId, Vec<SessionId>>> {
    let below = format!("{}.sessions", agent_path(agent));
    let mut runs = HashMap::<_, Vec<_>>::new();
    for path in runtime.key_value().paths_in(&below).await? {
        let Some(rest) = path.as_str().strip_prefix(&below).and_then(|rest| rest.strip_prefix('.')) else { continue };
        let mut names = rest.split('.');
        let (session, kind, run) = (names.next(), names.next(), names.next());
        let run = run.filter(|_| kind == Some("runs")).and_then(|run| Uuid::try_parse(run).ok());
        if let (Some(session), Some(run)) = (session.and_then(SessionId::parse), run) {
            runs.entry(RunId::from_uuid(run)).or_default().push(session);
        }
    }
    Ok(runs)
}

/// Removes a session, and what was noted about it.
pub(super) async fn forget(runtime: &Runtime, activity: &Activity, agent: UserId, session: SessionId) -> Result<()> {
    let values = runtime.key_value();
    // Its last call comes last: until then, the session is there, and can be ended again.
    let mut paths = values.paths_in(&session_path(agent, session)).await?;
    paths.sort_by_key(|path| path.as_str().ends_with(".last_call"));
    for path in paths {
        values.delete(path.as_str()).await?;
    }
    activity.forget(agent, session);
    Ok(())
}

/// Returns all agents that have sessions or have called.
pub(super) async fn agents(runtime: &Runtime) -> Result<Vec<UserId>> {
    let mut agents: Vec<UserId> = Vec::new();
    for path in runtime.key_value().paths_in(ROOT).await? {
        let id = path.as_str().strip_prefix(ROOT).and_then(|rest| rest.split('.').nth(1));
        let id = id.and_then(|id| Uuid::try_parse(id).ok()).map(UserId::from_uuid);
        agents.extend(id.filter(|id| agents.last() != Some(id)));
    }
    Ok(agents)
}
