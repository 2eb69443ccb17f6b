//! Serves a [`Runtime`] over HTTP: mounts the routes of its front ends, says how it is, and stops without losing anything.
//!
//! `GET /health` says that the process is alive, `GET /ready` that it can do its work: its store answers, its workers run, and
//! each front end's [check](crate::runtime::FrontEnd::check) passes. Neither tells more than names and error codes; the rest is logged.
//!
//! The command `serve` of an [`App`](crate::App) does all of it. In a program of one's own:
//!
//! ```
//! use sym_sdk::runtime::Runtime;
//! use sym_sdk::server::{CancellationToken, Server, listen};
//!
//! async fn serve(runtime: Runtime, stop: CancellationToken) -> sym_sdk::Result<()> {
//!     let listener = listen("127.0.0.1:3000".parse().unwrap()).await?;
//!     Server::new(runtime).serve(listener, stop).await;
//!     Ok(())
//! }
//! ```
//!
//! In an axum application that is there already, mount [`Server::router`], start the workers with
//! [`Runtime::start`], and have [`Server::run_front_ends`] run beside it.

mod accept;
mod front_end_tasks;
mod readiness;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use axum;
use axum::Router;
use tokio::net::TcpListener;
pub use tokio_util::sync::CancellationToken;

use crate::engine::WorkerLimits;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::runtime::Runtime;
use readiness::Readiness;

/// How much a server takes, and for how long it waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Bytes of a request's body. More is answered with 413.
    pub body_bytes: usize,
    /// Bytes of a request's head. More is answered with 431. At least 8 KiB.
    pub head_bytes: usize,
    /// How long the head of a request may take to arrive, and a connection may be idle.
    pub head: Duration,
    /// How long a request may take, its body included. Later it is dropped and answered with 503.
    pub request: Duration,
    /// Connections at a time. Others wait to be accepted.
    pub connections: usize,
    /// How long requests that are under way may take when the server is told to stop, and then how long work may.
    pub grace: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            head_bytes: 64 * 1024,
            head: Duration::from_secs(15),
            request: Duration::from_secs(30),
            connections: 1024,
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves a runtime and its front ends.
#[derive(Clone, Debug)]
#[must_use = "a server does nothing until `serve` is called"]
pub struct Server {
    runtime: Runtime,
    limits: ServerLimits,
    workers: WorkerLimits,
    readiness: Arc<Readiness>,
}

impl Server {
    /// A server for the runtime.
    pub fn new(runtime: Runtime) -> Self {
        let readiness = Arc::new(Readiness::new(runtime.clone()));
        Self { runtime, limits: ServerLimits::default(), workers: WorkerLimits::default(), readiness }
    }

    /// How much it takes.
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How many effects may be under way at once.
    pub fn workers(mut self, limits: WorkerLimits) -> Self {
        self.workers = limits;
        self
    }

    /// Its routes: those of the front ends, each below its name, `/health` and `/ready`. Limits of bodies and of the time of
    /// requests hold for them; those of connections do not, which whoever mounts them accepts.
    pub fn router(&self) -> Router {
        routes::router(&self.runtime, self.limits, self.readiness.clone())
    }

    /// Runs the front ends' own connections, until `stop` is cancelled and they have ended.
    pub async fn run_front_ends(&self, stop: CancellationToken) {
        front_end_tasks::run_all(&self.runtime, &self.readiness, stop).await;
    }

    /// Starts workers and serves until `stop` is cancelled. Then it accepts no more connections, lets requests and work that are
    /// under way finish, each within [`ServerLimits::grace`], and hands the rest of the work back. The store is left open.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let workers = self.runtime.start(self.workers);
        self.readiness.watch(workers.liveness());
        let accepting = accept::accept(listener, self.router(), self.limits, stop.clone());
        let running = async {
            tokio::select! {
                () = self.run_front_ends(stop.clone()) => {}
                () = after(&stop, self.limits.grace) => tracing::warn!("front ends were cut off at shutdown"),
            }
        };
        tokio::join!(accepting, running);
        workers.shutdown(self.limits.grace).await;
    }
}

/// Returns so long after `stop` is cancelled.
async fn after(stop: &CancellationToken, time: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(time).await;
}

/// Listens on the address.
///
/// # Errors
/// If it cannot be had, for example because somebody else listens on it.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there, perhaps this one: stop it, or choose another port, where 0 is any free one"
            }
            std::io::ErrorKind::PermissionDenied => "choose a port from 1024 on, and have a proxy listen on the other",
            std::io::ErrorKind::AddrNotAvailable => "choose an address that this machine has, such as 127.0.0.1",
            _ => "choose another address",
        };
        let message = format!("cannot listen on {address}: {error}");
        Error::new(ErrorKind::Unavailable, codes::LISTEN, message).with_hint(hint).with_source(error)
    })
}
