//! The surroundings of a front end's routes: the runtime behind them and the server around them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;
use futures_util::stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result, codes};
use crate::model::RunId;
use crate::runtime::Runtime;
#[cfg(any(feature = "api", feature = "mcp"))]
use crate::runtime::ip_range::IpRange;

/// The name of the front end that serves the page of each Run.
pub(crate) const RUN_PAGES_NAME: &str = "r";

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Maximum size of a request's body in bytes. Larger ones are answered with 413.
    pub body_bytes: usize,
    /// Maximum size of a request's head in bytes, of at least 8 KiB. Larger ones are answered with 431.
    pub head_bytes: usize,
    /// Timeout of the head of a request, and of idle connections.
    pub head: Duration,
    /// Timeout of a request, including its body. After that it is dropped and answered with 503.
    pub request: Duration,
    /// Maximum number of concurrent connections. Others wait to be accepted.
    pub connections: usize,
    /// Timeout of requests in flight at shutdown, and then of work in progress.
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

/// The surroundings of a front end's routes, passed to [`FrontEnd::router`](super::FrontEnd::router).
///
/// The address of the client is an extension of each request: axum's `ConnectInfo<SocketAddr>`. Behind a proxy it is that of the proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterContext {
    /// The runtime.
    pub runtime: Runtime,
    /// Cancelled when the server begins to stop. Responses that stream have to end then, or they are cut off after the grace period:
    /// see [`until_stopped`](Self::until_stopped).
    pub stop: CancellationToken,
    /// The limits of the server.
    pub limits: ServerLimits,
    /// The address under which people reach the server, if it is known.
    pub public_url: Option<PublicUrl>,
    /// The proxies whose header `X-Forwarded-For` is believed.
    #[cfg(any(feature = "api", feature = "mcp"))]
    pub trusted_proxies: Vec<IpRange>,
}

impl RouterContext {
    /// Creates a context with default limits and without a public address, as for tests of a front end. Nothing stops it.
    pub fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            stop: CancellationToken::new(),
            limits: ServerLimits::default(),
            public_url: None,
            #[cfg(any(feature = "api", feature = "mcp"))]
            trusted_proxies: Vec::new(),
        }
    }

    /// Sets the token that is cancelled when the server begins to stop.
    #[must_use]
    pub fn with_stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Sets the limits of the server.
    #[must_use]
    pub fn with_limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the address under which people reach the server.
    #[must_use]
    pub fn with_public_url(mut self, url: Option<PublicUrl>) -> Self {
        self.public_url = url;
        self
    }

    /// Sets the proxies whose header `X-Forwarded-For` is believed.
    #[cfg(any(feature = "api", feature = "mcp"))]
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: Vec<IpRange>) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Returns the addresses of the pages of Runs, if the server has such pages and its public address is known.
    pub fn run_links(&self) -> Option<RunLinks> {
        let has_pages = self.runtime.front_ends().iter().any(|front_end| front_end.name() == RUN_PAGES_NAME);
        self.public_url.clone().filter(|_| has_pages).map(RunLinks)
    }

    /// Returns a stream that ends when the server begins to stop.
    pub fn until_stopped<S: Stream>(&self, stream: S) -> impl Stream<Item = S::Item> + use<S> {
        stream.take_until(self.stop.clone().cancelled_owned())
    }
}

/// The addresses of the pages of Runs. See [`RouterContext::run_links`].
#[derive(Clone, Debug)]
pub struct RunLinks(PublicUrl);

impl RunLinks {
    /// Returns the address of the page of a Run.
    pub fn link(&self, run: RunId) -> String {
        self.0.join(&format!("/{RUN_PAGES_NAME}/{run}"))
    }
}

/// The address under which people reach the server, such as `https://sym.example.com`: a scheme and an authority, without a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Returns the address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the address of a path, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns whether the address is one of HTTPS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.trim().parse::<Uri>().ok().filter(|uri| {
            let has_host = uri.host().is_some_and(|host| !host.is_empty());
            let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
            has_host && !has_user && uri.path() == "/" && uri.query().is_none()
        });
        let scheme = parsed.as_ref().and_then(|uri| uri.scheme_str().map(str::to_ascii_lowercase));
        match (parsed, scheme.as_deref()) {
            (Some(uri), Some(scheme @ ("http" | "https"))) => {
                let authority = uri.authority().map_or("", |authority| authority.as_str()).to_ascii_lowercase();
                Ok(Self(format!("{scheme}://{authority}")))
            }
            _ => {
                let message =
                    "the public URL needs the form `https://sym.example.com`: a scheme and a host, without a path";
                Err(Error::invalid(codes::CONFIGURATION, message))
            }
        }
    }
}
