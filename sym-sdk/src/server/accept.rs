//! The accept loop: connection limits, timeouts of request heads, the addresses of clients, and graceful shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{BoxError, Router};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ServerLimits;

/// Delay after a failure to accept, such as a lack of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// The smallest buffer that hyper accepts.
const MIN_HEAD_BYTES: usize = 8 * 1024;

/// Accepts connections until `stop` is cancelled, and then waits for their requests.
///
/// `axum::serve` has no timeout for request heads, nor for requests in flight at shutdown.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    transport: Transport,
    stop: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(limits.head_bytes.max(MIN_HEAD_BYTES));
    let permits = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer, permit) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Without this, the results of finished connections would accumulate.
            Some(_) = connections.join_next() => continue,
            accepted = next(&listener, &permits) => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_connection_error(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(ACCEPT_RETRY_DELAY) => continue,
                    }
                }
            },
        };
        let (http, router, transport, watcher) = (http.clone(), router.clone(), transport.clone(), graceful.watcher());
        connections.spawn(async move {
            let _permit = permit;
            // Clients disconnect, or send something other than HTTP. Neither concerns the operator.
            if let Err(error) = transport.serve(stream, peer, limits.head, &http, router, watcher).await {
                tracing::debug!(error, "a connection has ended with an error");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(grace = ?limits.grace, "requests in flight were aborted at shutdown");
    }
    connections.shutdown().await;
}

/// The carrier of HTTP.
#[derive(Clone)]
pub(super) enum Transport {
    Tcp,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

impl Transport {
    /// Serves a connection until it ends. Clients have `handshake` for what comes before HTTP.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "TCP needs no handshake of ours"))]
    async fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        handshake: Duration,
        http: &http1::Builder,
        router: Router,
        watcher: Watcher,
    ) -> Result<(), BoxError> {
        match self {
            Self::Tcp => serve(stream, peer, http, router, watcher).await,
            #[cfg(feature = "tls")]
            Self::Tls(acceptor) => {
                let stream = tokio::time::timeout(handshake, acceptor.accept(stream)).await??;
                serve(stream, peer, http, router, watcher).await
            }
        }
    }
}

async fn serve<S>(
    stream: S,
    peer: SocketAddr,
    http: &http1::Builder,
    router: Router,
    watcher: Watcher,
) -> Result<(), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let connection = http.serve_connection(TokioIo::new(stream), service);
    Ok(watcher.watch(connection).await?)
}

async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Returns whether an error concerns a single connection, so that the next one can be accepted immediately.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
