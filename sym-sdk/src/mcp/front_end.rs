//! The front end, and what its calls share.

use std::sync::Arc;

use axum::Router;
use tokio::sync::{Mutex, MutexGuard};

use super::sessions::Activity;
use super::silence;
use super::waiting::Waits;
use super::{McpLimits, NAME, http};
use crate::error::Result;
use crate::model::{RunId, UserId};
use crate::runtime::{FrontEnd, RouterContext, Runtime};
use crate::server::{CancellationToken, IpRange};

/// The number of locks that the requests of all agents share.
const REQUEST_LOCKS: usize = 64;

/// The front end for agents. See the [module](super).
#[derive(Clone, Debug, Default)]
pub struct Mcp {
    pub(super) limits: McpLimits,
    pub(super) trusted_proxies: Vec<IpRange>,
    pub(super) hosts: Vec<String>,
    pub(super) activity: Activity,
}

impl Mcp {
    /// Creates the front end, with default limits and no trusted proxies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: McpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the proxies whose header `X-Forwarded-For` is believed, beside those of the server.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpRange>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// Sets further hosts under which agents reach the server, such as `sym.internal` or `sym.internal:8080`. A call for another host than
    /// these, the [public one](crate::server::Server::public_url) and those of the loopback interface is refused: a page on the web could
    /// have made a name of its own point here.
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Takes away the access of agents that have been silent for longer than the grace period of the flow. Returns the Runs whose access
    /// is ending. A server calls it every minute.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_abandoned_access(&self, runtime: &Runtime) -> Result<Vec<RunId>> {
        silence::end_abandoned_access(runtime, &self.activity).await
    }
}

impl FrontEnd for Mcp {
    fn name(&self) -> &str {
        NAME
    }

    fn router(&self, context: RouterContext) -> Router {
        http::routes(self, context)
    }

    fn limits_requests(&self) -> bool {
        true
    }

    async fn run(&self, runtime: Runtime, stop: CancellationToken) -> Result<()> {
        silence::watch(&runtime, &self.activity, &stop).await;
        Ok(())
    }
}

/// The state that the calls of all agents share.
#[derive(Clone)]
pub(super) struct McpState(Arc<Shared>);

pub(super) struct Shared {
    pub(super) runtime: Runtime,
    pub(super) stop: CancellationToken,
    pub(super) limits: McpLimits,
    pub(super) activity: Activity,
    pub(super) waits: Waits,
    /// Requests of one agent are made one after the other, because each looks for the same one first. Agents share the locks.
    requests: [Mutex<()>; REQUEST_LOCKS],
}

impl McpState {
    pub(super) fn new(runtime: Runtime, stop: CancellationToken, limits: McpLimits, activity: Activity) -> Self {
        activity.begin(runtime.clock().now());
        let waits = Waits::new(limits.waits_per_agent);
        let requests = std::array::from_fn(|_| Mutex::default());
        Self(Arc::new(Shared { runtime, stop, limits, activity, waits, requests }))
    }

    /// Waits until no other request of the agent is being made, and holds others up.
    pub(super) async fn lock_requests(&self, agent: UserId) -> Option<MutexGuard<'_, ()>> {
        let index = usize::from(agent.as_uuid().as_bytes()[15]) % REQUEST_LOCKS;
        match self.requests.get(index) {
            Some(requests) => Some(requests.lock().await),
            None => None,
        }
    }
}

impl std::ops::Deref for McpState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
