//! A small front end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FrontEnd, RouterContext, Runtime};
use sym_sdk::server::CancellationToken;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, Bytes};
use sym_sdk::server::axum::extract::ConnectInfo;
use sym_sdk::server::axum::routing::{get, post};
use tokio::sync::watch;

use crate::support::GRACE;

/// A front end that fails and hangs as it is told.
#[derive(Clone, Debug)]
pub(super) struct Desk(pub(super) Arc<Told>);

#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: &'static str,
    /// Whether its check fails.
    pub(super) is_down: AtomicBool,
    pub(super) checks: AtomicUsize,
    /// The number of times its connections fail.
    pub(super) runs_fail: AtomicUsize,
    pub(super) runs: AtomicUsize,
    pub(super) has_run_to_its_end: AtomicBool,
    pub(super) slow_requests: AtomicUsize,
    /// Whether slow requests hang.
    pub(super) held: watch::Sender<bool>,
}

impl Desk {
    pub(super) fn named(name: &'static str) -> Self {
        Self(Arc::new(Told {
            name,
            is_down: AtomicBool::new(false),
            checks: AtomicUsize::new(0),
            runs_fail: AtomicUsize::new(0),
            runs: AtomicUsize::new(0),
            has_run_to_its_end: AtomicBool::new(false),
            slow_requests: AtomicUsize::new(0),
            held: watch::channel(true).0,
        }))
    }

    async fn slow(self) -> &'static str {
        self.0.slow_requests.fetch_add(1, Ordering::SeqCst);
        self.0.held.subscribe().wait_for(|held| !held).await.unwrap();
        "done"
    }
}

impl FrontEnd for Desk {
    fn name(&self) -> &str {
        self.0.name
    }

    fn router(&self, context: RouterContext) -> Router {
        let (desk, runtime) = (self.clone(), context.runtime.clone());
        let stream = async move || {
            let first = futures_util::stream::iter([Ok::<_, std::convert::Infallible>("begun ")]);
            let lasting = first.chain(futures_util::stream::pending());
            Body::from_stream(context.until_stopped(lasting))
        };
        Router::new()
            .route("/flows", get(async move || runtime.flows().len().to_string()))
            .route("/echo", post(async |body: Bytes| body))
            .route("/panic", get(async || -> String { panic!("a secret") }))
            .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
            .route("/stream", get(stream))
            .route("/slow", get(move || desk.slow()))
    }

    async fn run(&self, _: Runtime, stop: CancellationToken) -> Result<()> {
        self.0.runs.fetch_add(1, Ordering::SeqCst);
        if self.0.runs_fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(Error::handler("the line is dead"));
        }
        stop.cancelled().await;
        self.0.has_run_to_its_end.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        self.0.checks.fetch_add(1, Ordering::SeqCst);
        match self.0.is_down.load(Ordering::SeqCst) {
            true => Err(Error::handler("the token xoxb-1 is bad")),
            false => Ok(()),
        }
    }
}

/// Waits until it holds.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GRACE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
