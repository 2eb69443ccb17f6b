//! Waiting for a request, for less time than clients wait for a tool.
//!
//! People are slower than tools: a client gives up after a minute, with or without progress. So a wait ends before that and says that it
//! may be made again. It also ends with its connection, and when the server stops. It never withdraws the request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use rmcp::RoleServer;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;

use super::front_end::McpState;
use super::run_view::Phase;
use crate::engine::StoredRun;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{RunId, User, UserId};
use crate::sync::lock;

/// Interval at which the request is read again although no commit was announced, and progress is reported.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Timeout of a report of progress to a client that does not read.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The waits of each agent.
#[derive(Debug)]
pub(super) struct Waits {
    max: usize,
    waiting: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Waits {
    pub(super) fn new(max: usize) -> Self {
        Self { max, waiting: Arc::default() }
    }

    fn admit(&self, agent: UserId) -> Result<Waiting> {
        let mut waiting = lock(&self.waiting);
        let count = waiting.entry(agent).or_default();
        if *count >= self.max {
            let message = format!("the agent waits for {} requests already", self.max);
            let error = Error::new(ErrorKind::RateLimited, codes::TOO_MANY_CALLS, message);
            return Err(error.with_hint("wait for one request at a time, or look with `list_requests`"));
        }
        *count += 1;
        Ok(Waiting { agent, waiting: self.waiting.clone() })
    }
}

/// A wait, which is counted until it is dropped.
struct Waiting {
    agent: UserId,
    waiting: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting);
        if let Some(count) = waiting.get_mut(&self.agent) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(&self.agent);
            }
        }
    }
}

/// Waits until a request of the agent is decided and its access is there, or the time is over. Returns the request as it is then.
pub(super) async fn wait_for_request(
    state: &McpState,
    agent: &User,
    run: RunId,
    wait: Duration,
    context: &RequestContext<RoleServer>,
) -> Result<StoredRun> {
    let _waiting = state.waits.admit(agent.id())?;
    let clock = state.runtime.clock().clone();
    let mut deadline = std::pin::pin!(clock.sleep(wait));
    let mut waited = Duration::ZERO;
    loop {
        // Subscribe before reading, so that a commit in between is not missed.
        let changed = state.runtime.engine().next_commit();
        let stored = own_run(state, agent, run).await?;
        if !Phase::of(&stored.state).is_pending() || wait.is_zero() {
            return Ok(stored);
        }
        let (stopped, gone) = (std::pin::pin!(state.stop.cancelled()), std::pin::pin!(context.ct.cancelled()));
        let ended = select(stopped, gone);
        let again = select(changed, clock.sleep(POLL_INTERVAL));
        match select(select(again, ended), &mut deadline).await {
            Either::Left((Either::Left((Either::Right(_), _)), _)) => {
                waited = waited.saturating_add(POLL_INTERVAL);
                report_progress(&stored, waited, wait, context).await;
            }
            Either::Left((Either::Left(_), _)) => {}
            Either::Left((Either::Right(_), _)) | Either::Right(_) => return own_run(state, agent, run).await,
        }
    }
}

/// Returns a Run that the agent has requested. All others do not exist for it.
pub(super) async fn own_run(state: &McpState, agent: &User, run: RunId) -> Result<StoredRun> {
    let stored = state.runtime.run_for(run, agent).await?;
    if stored.state.requester_id() == Some(agent.id()) {
        return Ok(stored);
    }
    Err(Error::new(ErrorKind::NotFound, codes::UNKNOWN_RUN, format!("there is no Run {run}")))
}

/// Reports progress if the client has asked for it.
async fn report_progress(stored: &StoredRun, waited: Duration, wait: Duration, context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    let what = match Phase::of(&stored.state) {
        Phase::Granting => "the access is being given",
        _ => "waiting for a decision",
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of a wait of at most a minute")]
    let progress = ProgressNotificationParam::new(token, waited.as_secs() as f64)
        .with_total(wait.as_secs() as f64)
        .with_message(format!("{what}, {} s", waited.as_secs()));
    // A client that is gone ends the wait in another way.
    let _ = tokio::time::timeout(PROGRESS_TIMEOUT, context.peer.notify_progress(progress)).await;
}
