//! An HTTP server for a [`Runtime`]: it mounts the routes of front ends, answers liveness and readiness probes, and shuts down
//! gracefully.
//!
//! `GET /health` reports whether the process can go on; if not, because a thread of the store is gone, it has to be restarted.
//! `GET /ready` reports whether it can do its work: the store takes writes, the workers run, and each front end's
//! [check](crate::runtime::FrontEnd::check) passes. Anybody may call them, so they return names, error codes and what is wrong with
//! the program's own parts; the messages of front ends are logged.
//!
//! The command `serve` of an [`App`](crate::App) does all of this. In a program of your own:
//!
//! ```
//! use sym_sdk::runtime::Runtime;
//! use sym_sdk::server::{CancellationToken, Server, listen};
//!
//! async fn serve(runtime: Runtime, stop: CancellationToken) -> sym_sdk::Result<()> {
//!     let listener = listen("127.0.0.1:3000".parse().unwrap()).await?;
//!     Server::new(runtime).serve(listener, stop).await
//! }
//! ```
//!
//! To use an existing axum application instead, mount [`Server::router`], start the workers with [`Runtime::start`], and run
//! [`Server::run_front_ends`] beside it.

mod accept;
#[cfg(any(feature = "api", feature = "mcp"))]
#[cfg_attr(not(all(feature = "api", feature = "mcp")), allow(dead_code, reason = "either needs a part of it"))]
pub(crate) mod caller;
mod front_end_tasks;
#[cfg(any(feature = "api", feature = "mcp"))]
#[cfg_attr(not(all(feature = "api", feature = "mcp")), allow(dead_code, reason = "either needs a part of it"))]
pub(crate) mod guard;
#[cfg(any(feature = "api", feature = "mcp"))]
pub(crate) mod peer;
#[cfg(any(feature = "api", feature = "mcp"))]
#[cfg_attr(not(all(feature = "api", feature = "mcp")), allow(dead_code, reason = "either needs a part of it"))]
pub(crate) mod problem;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(any(feature = "api", feature = "mcp"))]
#[cfg_attr(not(all(feature = "api", feature = "mcp")), allow(dead_code, reason = "either needs a part of it"))]
pub(crate) mod rate;
mod readiness;
pub(crate) mod request_id;
mod routes;
#[cfg(feature = "api")]
pub(crate) mod sign_in;
#[cfg(feature = "tls")]
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use axum;
use axum::Router;
#[cfg(any(feature = "api", feature = "mcp"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "api", feature = "mcp"))))]
pub use rate::Rate;
use tokio::net::TcpListener;
pub use tokio_util::sync::CancellationToken;

use crate::engine::WorkerLimits;
use crate::error::{Error, ErrorKind, Result, codes};
pub use crate::runtime::ServerLimits;
#[cfg(any(feature = "api", feature = "mcp"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "api", feature = "mcp"))))]
pub use crate::runtime::ip_range::IpRange;
use crate::runtime::{PublicUrl, RouterContext, Runtime};
use accept::Transport;
#[cfg(feature = "prometheus")]
pub use prometheus::PrometheusMetrics;
use readiness::Readiness;
#[cfg(feature = "tls")]
pub use tls::TlsCertificate;

/// Time for calls in flight when the engine has failed. Their outcomes cannot be stored.
const FAILURE_GRACE: Duration = Duration::from_secs(1);

/// A server of a runtime and its front ends.
#[derive(Clone, Debug)]
#[must_use = "a server does nothing until `serve` is called"]
pub struct Server {
    runtime: Runtime,
    limits: ServerLimits,
    workers: WorkerLimits,
    public_url: Option<PublicUrl>,
    #[cfg(any(feature = "api", feature = "mcp"))]
    trusted_proxies: Vec<IpRange>,
    stop: CancellationToken,
    readiness: Arc<Readiness>,
    #[cfg(feature = "tls")]
    certificate: Option<TlsCertificate>,
}

impl Server {
    /// Creates a server for the runtime.
    pub fn new(runtime: Runtime) -> Self {
        let readiness = Arc::new(Readiness::new(runtime.clone()));
        Self {
            runtime,
            limits: ServerLimits::default(),
            workers: WorkerLimits::default(),
            public_url: None,
            #[cfg(any(feature = "api", feature = "mcp"))]
            trusted_proxies: Vec::new(),
            stop: CancellationToken::new(),
            readiness,
            #[cfg(feature = "tls")]
            certificate: None,
        }
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the limits of the workers.
    pub fn workers(mut self, limits: WorkerLimits) -> Self {
        self.workers = limits;
        self
    }

    /// Serves HTTPS with a certificate, instead of HTTP.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: TlsCertificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sets the address under which people reach the server, for links.
    pub fn public_url(mut self, url: PublicUrl) -> Self {
        self.public_url = Some(url);
        self
    }

    /// Sets the proxies whose header `X-Forwarded-For` is believed. Without it, limits of what is not authenticated count for the address of
    /// the proxy, and so for everybody behind it.
    #[cfg(any(feature = "api", feature = "mcp"))]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpRange>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// Sets the token that ends responses which stream, for [`router`](Self::router): cancel it when the application that mounts the routes
    /// begins to stop. [`serve`](Self::serve) uses its own.
    pub fn stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Returns the routes: those of the front ends, each below its name, `/health` and `/ready`. They enforce the limits of bodies and
    /// requests; the limits of connections are up to the application that mounts them, and so is the extension `ConnectInfo<SocketAddr>`
    /// with the address of the client.
    pub fn router(&self) -> Router {
        let context = RouterContext::new(self.runtime.clone())
            .with_stop(self.stop.clone())
            .with_limits(self.limits)
            .with_public_url(self.public_url.clone());
        #[cfg(any(feature = "api", feature = "mcp"))]
        let context = context.with_trusted_proxies(self.trusted_proxies.clone());
        routes::router(&context, self.readiness.clone())
    }

    /// Runs the front ends' own connections, until `stop` is cancelled and they have ended.
    pub async fn run_front_ends(&self, stop: CancellationToken) {
        front_end_tasks::run_all(&self.runtime, &self.readiness, stop).await;
    }

    /// Starts workers and serves until `stop` is cancelled. It then accepts no more connections, waits for requests and then for work
    /// in progress, each up to [`ServerLimits::grace`], and releases the remaining work. The store is left open.
    ///
    /// # Errors
    /// If the engine [has failed for good](Runtime::failure). Nothing is waited for then: end the program with an error, so that a
    /// supervisor restarts it.
    pub async fn serve(mut self, listener: TcpListener, stop: CancellationToken) -> Result<()> {
        let transport = self.transport()?;
        self.stop = stop.clone();
        let workers = self.runtime.start(self.workers);
        self.readiness.watch(workers.liveness());
        let accepting = accept::accept(listener, self.router(), self.limits, transport, stop.clone());
        let running = async {
            tokio::select! {
                () = self.run_front_ends(stop.clone()) => {}
                () = after(&stop, self.limits.grace) => tracing::warn!("front ends were cut off at shutdown"),
            }
        };
        #[cfg(feature = "tls")]
        let running = async {
            match &self.certificate {
                Some(certificate) => _ = tokio::join!(running, certificate.keep_fresh(&stop)),
                None => running.await,
            }
        };
        let failed = tokio::select! {
            biased;
            error = self.runtime.failure() => Err(error),
            _ = async { tokio::join!(accepting, running) } => Ok(()),
        };
        match failed {
            Ok(()) => {
                // The engine may fail now, too. What is in flight is executed again at the next start.
                tokio::select! {
                    error = self.runtime.failure() => return Err(error),
                    () = workers.shutdown(self.limits.grace) => {}
                }
                // The last word: nothing is written to the log any more.
                if let Err(error) = self.runtime.write_audit_anchor().await {
                    tracing::error!(%error, hint = error.hint(), "the anchor of the audit log at shutdown");
                }
            }
            Err(_) => workers.shutdown(FAILURE_GRACE.min(self.limits.grace)).await,
        }
        failed
    }

    #[cfg(feature = "tls")]
    fn transport(&self) -> Result<Transport> {
        Ok(match &self.certificate {
            Some(certificate) => Transport::Tls(certificate.acceptor()?),
            None => Transport::Tcp,
        })
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as with TLS")]
    fn transport(&self) -> Result<Transport> {
        Ok(Transport::Tcp)
    }
}

/// Waits until a time after `stop` is cancelled.
async fn after(stop: &CancellationToken, time: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(time).await;
}

/// Listens on an address.
///
/// # Errors
/// If the address is not available, for example because another program listens on it.
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
