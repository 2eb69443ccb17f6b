//! The interface of front ends: the ways by which people reach the runtime, and it reaches them.
//!
//! A front end belongs to the runtime and not to the HTTP server: it is built from the configuration like a strategy, its
//! [delivery](FrontEnd::delivery) works whether or not anything is served, and a program may mount its routes in a server of its
//! own. The server only mounts what it finds here.

mod erased;
mod fake;
mod front_end_type;
mod router_context;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

pub(crate) use erased::DynFrontEnd;
pub use fake::{FakeConfig, FakeService};
pub(super) use front_end_type::IntegrationSecrets;
pub use front_end_type::{FrontEndConfig, FrontEndType, ManifestConfig};
#[cfg(feature = "console")]
pub(crate) use router_context::RUN_PAGES_NAME;
pub use router_context::{PublicUrl, RouterContext, RunLinks, ServerLimits};

use super::Runtime;
use crate::delivery::{Delivery, SimulatedDelivery};
use crate::error::Result;

/// Names that a front end cannot have, because the server has routes of its own below them.
const RESERVED_NAMES: [&str; 2] = ["health", "ready"];

/// A way by which people reach the runtime, such as a chat or an API.
///
/// Requests come in through [`router`](FrontEnd::router) or [`run`](FrontEnd::run); notifications go out through
/// [`delivery`](FrontEnd::delivery). Everything but the name has a default.
///
/// Implement `run` and `check` as `async fn`.
pub trait FrontEnd: Send + Sync + 'static {
    /// Returns the name, such as `slack`: lower-case letters, digits and dashes. The routes are mounted below `/slack`.
    fn name(&self) -> &str;

    /// Returns the delivery by which the runtime reaches people. Called once, when the runtime is built.
    fn delivery(self: Arc<Self>) -> Option<impl Delivery> {
        None::<SimulatedDelivery>
    }

    /// Returns the routes, relative to where they are mounted.
    ///
    /// Callers are not authenticated yet: the handlers have to do that. A request is dropped when it times out or its client
    /// disconnects, so spawn a task for work that has to be completed. The head of a response has to be sent within the time limit of a
    /// request; a body that streams may take longer, and has to end when [`RouterContext::stop`] is cancelled.
    fn router(&self, context: RouterContext) -> Router {
        let _ = context;
        Router::new()
    }

    /// Returns whether the routes limit the bodies and the time of requests themselves. Otherwise the server does, by its
    /// [limits](crate::server::ServerLimits), alike for all routes.
    fn limits_requests(&self) -> bool {
        false
    }

    /// Maintains the front end's own connections until `stop` is cancelled. A front end without connections returns
    /// immediately.
    ///
    /// # Errors
    /// If the connections fail. The front end is run again after a pause, as it is after a panic.
    fn run(&self, runtime: Runtime, stop: CancellationToken) -> impl Future<Output = Result<()>> + Send {
        let _ = (runtime, stop);
        std::future::ready(Ok(()))
    }

    /// Checks whether the front end is ready: that its token is valid and its service responds. Called every few seconds at
    /// most.
    ///
    /// # Errors
    /// If the front end is not ready.
    fn check(&self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

/// The front ends of a runtime.
#[derive(Clone, Default)]
pub(crate) struct FrontEnds(Arc<[Arc<dyn DynFrontEnd>]>);

impl FrontEnds {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<dyn DynFrontEnd>> {
        self.0.iter()
    }
}

impl FromIterator<Arc<dyn DynFrontEnd>> for FrontEnds {
    fn from_iter<I: IntoIterator<Item = Arc<dyn DynFrontEnd>>>(front_ends: I) -> Self {
        Self(front_ends.into_iter().collect())
    }
}

impl fmt::Debug for FrontEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|front_end| front_end.name())).finish()
    }
}

/// Returns the rule that a front end's name violates. The name becomes a path segment.
pub(super) fn name_violation(name: &str) -> Option<&'static str> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(is_allowed) {
        return Some("has lower-case letters, digits and dashes only");
    }
    RESERVED_NAMES.contains(&name).then_some("is not a route of the server")
}
