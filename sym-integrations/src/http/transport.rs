//! What carries requests: the network, or canned answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use sym_sdk::error::{BoxError, Error, ErrorKind, Result, codes};
use url::Url;

#[cfg(feature = "testing")]
use super::replay::{Canned, Script};
use super::{BaseUrl, Limits, certificate};

/// How long a connection is kept for the next call: for less long than services keep theirs, so that they do not hang up on a call
/// that was just sent.
const IDLE: Duration = Duration::from_secs(15);

/// A request, ready to be sent.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why a request has no answer, or only a part of one.
pub(super) enum Broken {
    /// No connection was made: nothing was sent.
    Connecting(BoxError),
    /// The service's certificate was not accepted: nothing was sent. With what to do about it.
    Untrusted(BoxError, &'static str),
    /// The connection broke, or what came over it cannot be taken apart.
    Connected(BoxError),
    /// The canned answers hold none for this request.
    #[cfg(feature = "testing")]
    Unexpected(String),
    /// The canned answer is that time runs out.
    #[cfg(feature = "testing")]
    TimedOut,
}

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match certificate::refused(&error) {
            Some(hint) => Self::Untrusted(error.into(), hint),
            None if error.is_connect() => Self::Connecting(error.into()),
            None => Self::Connected(error.into()),
        }
    }
}

/// What makes connections: to no other host than it is told, encrypted unless that is this machine.
pub(super) fn connector(limit: Duration, is_loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .connect_timeout(limit)
        .pool_idle_timeout(IDLE)
        .https_only(!is_loopback)
        // One that is followed would take the token along.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    // A proxy would be sent the token, perhaps in clear, of a service that is on this machine.
    if is_loopback { builder.no_proxy() } else { builder }
}

/// What answers in the place of a service, given the path and the body of a call.
pub(super) type StandIn = dyn Fn(&str, &[u8]) -> serde_json::Value + Send + Sync;

#[derive(Clone)]
pub(super) enum Transport {
    Network(reqwest::Client),
    StandIn(Arc<StandIn>),
    #[cfg(feature = "testing")]
    Replay(Arc<Script>),
}

impl Transport {
    pub(super) fn network(base: &BaseUrl, limits: &Limits) -> Result<Self> {
        let builder = connector(limits.connect, base.is_loopback());
        builder.build().map(Self::Network).map_err(|error| {
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "the HTTP client could not be made")
                .with_source(error.without_url())
        })
    }

    /// Sends a request, and returns when the head of its answer is there.
    pub(super) async fn send(&self, request: Request) -> Result<Incoming, Broken> {
        match self {
            Self::Network(client) => {
                let mut outgoing = reqwest::Request::new(request.method, request.url);
                *outgoing.headers_mut() = request.headers;
                if !request.body.is_empty() {
                    *outgoing.body_mut() = Some(request.body.into());
                }
                let mut response = client.execute(outgoing).await?;
                let headers = std::mem::take(response.headers_mut());
                Ok(Incoming { status: response.status(), headers, rest: Rest::Network(response) })
            }
            Self::StandIn(answer) => {
                let body = answer(request.url.path(), &request.body).to_string();
                let rest = Rest::Canned(Some(body.into()));
                Ok(Incoming { status: StatusCode::OK, headers: HeaderMap::new(), rest })
            }
            #[cfg(feature = "testing")]
            Self::Replay(script) => {
                let Canned { status, headers, body } = script.answer(&request)?;
                Ok(Incoming { status, headers, rest: Rest::Canned(Some(body)) })
            }
        }
    }

    /// Whether time passes while it works.
    pub(super) fn takes_time(&self) -> bool {
        matches!(self, Self::Network(_))
    }
}

/// An answer whose body is still to come.
pub(super) struct Incoming {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    rest: Rest,
}

enum Rest {
    Network(reqwest::Response),
    Canned(Option<Bytes>),
}

impl Incoming {
    /// The next part of the body.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        match &mut self.rest {
            Rest::Network(response) => Ok(response.chunk().await?),
            Rest::Canned(body) => Ok(body.take()),
        }
    }

    /// How many bytes are to come, if that is known.
    pub(super) fn announced(&self) -> Option<u64> {
        match &self.rest {
            Rest::Network(response) => response.content_length(),
            Rest::Canned(body) => body.as_ref().map(|body| body.len() as u64),
        }
    }
}
