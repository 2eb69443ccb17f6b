//! The transport: sends one request and returns the head of its response.
//!
//! Retries, rate limits and error messages are decided above it, so a transport only reports how far an exchange got. Production
//! clients use the [`Network`]; simulations and tests use transports that answer from memory. That is the only difference between
//! a client in production and one in a test.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use sym_sdk::BoxFuture;
use sym_sdk::error::{BoxError, Error, ErrorKind, Result, codes};
use url::Url;

use super::{BaseUrl, Limits, certificate};

/// Idle time after which a pooled connection is closed. Shorter than the keep-alive timeout of servers, which would otherwise close
/// a connection just as a request is sent over it.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// A complete request.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The reason why a request has no response, or only part of one.
pub(crate) enum TransportError {
    /// No connection was established, so nothing was sent.
    Connecting(BoxError),
    /// The server's certificate was rejected, so nothing was sent. The text is a hint.
    Untrusted(BoxError, &'static str),
    /// The connection was lost, or the data received over it is not HTTP.
    Connected(BoxError),
    /// The read timeout expired. Transports that answer from memory simulate it this way.
    #[cfg(feature = "testing")]
    TimedOut,
    /// The transport has no answer for this request: a fault of the test or the simulation.
    #[cfg(feature = "testing")]
    Unexpected(String),
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match certificate::rejected(&error) {
            Some(hint) => Self::Untrusted(error.into(), hint),
            None if error.is_connect() => Self::Connecting(error.into()),
            None => Self::Connected(error.into()),
        }
    }
}

/// Sends requests.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Sends a request and returns as soon as the head of the response has arrived.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Incoming, TransportError>>;

    /// Whether responses come from outside the process, so that timeouts apply. Answers from memory take no time, and a timeout on
    /// a clock that advances by itself would fire before them.
    fn is_network(&self) -> bool {
        false
    }
}

/// A transport over TCP and TLS.
pub(super) struct Network(reqwest::Client);

impl Network {
    pub(super) fn new(base: &BaseUrl, limits: &Limits) -> Result<Self> {
        let builder = reqwest_builder(limits.connect, base.is_loopback());
        builder.build().map(Self).map_err(|error| {
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "the HTTP client could not be created")
                .with_source(error.without_url())
        })
    }
}

impl Transport for Network {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let mut outgoing = reqwest::Request::new(request.method, request.url);
            *outgoing.headers_mut() = request.headers;
            if !request.body.is_empty() {
                *outgoing.body_mut() = Some(request.body.into());
            }
            let mut response = self.0.execute(outgoing).await?;
            let headers = std::mem::take(response.headers_mut());
            Ok(Incoming { status: response.status(), headers, body: IncomingBody::Network(response) })
        })
    }

    fn is_network(&self) -> bool {
        true
    }
}

/// Configures a `reqwest` client that connects only to the host it is given, encrypted unless that is the loopback interface.
pub(super) fn reqwest_builder(connect_timeout: Duration, is_loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .https_only(!is_loopback)
        // `reqwest` would send the token along to the redirect's target; redirects are followed in `redirect.rs` instead.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    // A proxy would receive the token of a service on this machine, perhaps unencrypted.
    if is_loopback { builder.no_proxy() } else { builder }
}

/// A response whose body has not been read yet.
pub(crate) struct Incoming {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: IncomingBody,
}

enum IncomingBody {
    Network(reqwest::Response),
    Memory(Option<Bytes>),
}

impl Incoming {
    /// A response whose body is in memory.
    pub(crate) fn complete(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body: IncomingBody::Memory(Some(body)) }
    }

    /// Returns the next chunk of the body.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        match &mut self.body {
            IncomingBody::Network(response) => Ok(response.chunk().await?),
            IncomingBody::Memory(body) => Ok(body.take()),
        }
    }

    /// The length of the body in bytes, if the response declares one.
    pub(super) fn content_length(&self) -> Option<u64> {
        match &self.body {
            IncomingBody::Network(response) => response.content_length(),
            IncomingBody::Memory(body) => body.as_ref().map(|body| body.len() as u64),
        }
    }
}
