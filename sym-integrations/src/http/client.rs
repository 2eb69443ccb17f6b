//! The client of one service, and its builder.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result, codes};

use super::auth::{Credentials, header_name};
use super::rate_limit::RateLimits;
use super::redact::Redactor;
use super::transport::Transport;
use super::{Auth, BaseUrl, Call, Connection, Limits, RateLimit, Service};

/// An HTTP client for one service. Clones share its connections and rate limits.
///
/// A typed client wraps one and turns each of its operations into a method. A [`Vendor`](crate::kit::Vendor) describes the service; one that
/// reports failures in a way of its own implements [`Service`].
///
/// ```
/// use serde::Deserialize;
/// use sym_integrations::http::{Auth, BaseUrl, Client, Connection, Paginator, SecretString};
/// use sym_integrations::kit::Vendor;
/// use sym_sdk::error::Result;
///
/// #[derive(Debug, Deserialize)]
/// struct Station {
///     name: String,
/// }
///
/// const WEATHER: Vendor = Vendor::new("weather", "Weather");
///
/// struct Weather(Client);
///
/// impl Weather {
///     fn new(host: &str, key: SecretString, connection: Connection) -> Result<Self> {
///         let base = BaseUrl::of_host(host, "v1")?;
///         let client = Client::builder(WEATHER, base).auth(Auth::bearer(key)).connection(connection).build()?;
///         Ok(Self(client))
///     }
///
///     async fn station(&self, id: &str) -> Result<Station> {
///         self.0.get("stations/{station}", &[id]).await?.json()
///     }
///
///     fn stations(&self) -> Paginator<Station> {
///         self.0.get("stations", &[]).query("limit", 100).pages::<Vec<Station>>()
///     }
/// }
///
/// let weather = Weather::new("api.example.com", SecretString::from("k3y"), Connection::default())?;
/// # let _ = (weather.station("s1"), weather.stations());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// The rate group of calls that name none.
    rate_group: &'static str,
    /// The timeout of calls that set none, if it is not the connection's.
    timeout: Option<Duration>,
}

pub(super) struct Inner {
    pub(super) service: Box<dyn Service>,
    pub(super) base: BaseUrl,
    pub(super) credentials: Credentials,
    pub(super) headers: HeaderMap,
    pub(super) redactor: Redactor,
    pub(super) limits: Limits,
    pub(super) rate_limits: RateLimits,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) transport: Arc<dyn Transport>,
}

impl Client {
    /// Creates a builder for a client of this service.
    pub fn builder(service: impl Service, base: BaseUrl) -> ClientBuilder {
        ClientBuilder {
            service: Box::new(service),
            base,
            auth: Auth::none(),
            headers: Vec::new(),
            rate_limits: Vec::new(),
            keyed_rate_limits: Vec::new(),
            connection: Connection::default(),
        }
    }

    /// Creates a GET call.
    ///
    /// The placeholders of the route, such as `groups/{group}/users`, are replaced by the values in order. Values are
    /// percent-encoded, so a value cannot change the path. Errors and logs show the route, never the values.
    pub fn get(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::GET, route, values)
    }

    /// Creates a HEAD call. See [`get`](Self::get).
    pub fn head(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::HEAD, route, values)
    }

    /// Creates a POST call, which is not idempotent unless the [call says so](Call::idempotent). See [`get`](Self::get).
    pub fn post(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::POST, route, values)
    }

    /// Creates a PUT call. See [`get`](Self::get).
    pub fn put(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::PUT, route, values)
    }

    /// Creates a PATCH call, which is not idempotent unless the [call says so](Call::idempotent). See [`get`](Self::get).
    pub fn patch(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::PATCH, route, values)
    }

    /// Creates a DELETE call. See [`get`](Self::get).
    pub fn delete(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::DELETE, route, values)
    }

    /// Creates an error of this service that no response reports, such as a name that a list does not contain. Its code consists of
    /// the service's error type and `name`.
    pub fn error(&self, kind: ErrorKind, name: &'static str, message: impl Into<String>) -> Error {
        let code = ErrorCode::new(self.inner.service.error_type(), name);
        Error::new(kind, code, message).with_service(self.inner.service.name())
    }

    /// Returns the URL that the paths of calls are relative to.
    pub fn base_url(&self) -> &BaseUrl {
        &self.inner.base
    }

    /// Returns the clock that the client waits by, for code that waits between calls.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The same client, with another rate group for calls that name none.
    pub(crate) fn with_rate_group(&self, group: &'static str) -> Self {
        Self { rate_group: group, ..self.clone() }
    }

    /// The same client, with another timeout for calls that set none.
    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self.clone() }
    }

    /// The rate group of calls that name none.
    pub(crate) fn rate_group(&self) -> &'static str {
        self.rate_group
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("service", &self.inner.service.name())
            .field("base_url", &self.inner.base.as_str())
            .finish_non_exhaustive()
    }
}

/// A builder for a [`Client`].
#[must_use]
pub struct ClientBuilder {
    service: Box<dyn Service>,
    base: BaseUrl,
    auth: Auth,
    headers: Vec<(&'static str, String)>,
    rate_limits: Vec<(&'static str, RateLimit)>,
    keyed_rate_limits: Vec<(&'static str, RateLimit)>,
    connection: Connection,
}

impl ClientBuilder {
    /// Sets how calls are authenticated. The default is not at all.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Adds a header to every call. `Accept: application/json` is the default for `Accept`.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a client-side rate limit to a group of calls. Calls that name no group belong to group `""`; a group may have several
    /// limits, or none.
    ///
    /// When the service throttles one call, the other calls of its group with the same key wait too, for at most a minute. Calls that must not be
    /// delayed by others, such as revocations, belong in a group of their own.
    pub fn rate_limit(mut self, group: &'static str, limit: RateLimit) -> Self {
        self.rate_limits.push((group, limit));
        self
    }

    /// Adds a client-side rate limit per [key](Call::key), such as a channel, to a group of calls. Calls without a key are not
    /// limited by it.
    pub fn keyed_rate_limit(mut self, group: &'static str, limit: RateLimit) -> Self {
        self.keyed_rate_limits.push((group, limit));
        self
    }

    /// Sets the connection. The default is the network and the system clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Builds the client, without calling the service.
    ///
    /// # Errors
    /// If the credentials or a header cannot be sent, or the system's certificates cannot be read.
    pub fn build(self) -> Result<Client> {
        let Self { service, base, auth, headers: extra, rate_limits, keyed_rate_limits, connection } = self;
        let mut redactor = Redactor::default();
        let credentials = auth.prepare(&mut redactor).map_err(|error| error.with_service(service.name()))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in extra {
            let value = HeaderValue::try_from(value).map_err(|_| {
                let message = format!("the value of header `{name}` must be a single line");
                Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
            })?;
            headers.insert(header_name(name)?, value);
        }
        let clock = Arc::clone(connection.clock());
        let inner = Inner {
            transport: connection.transport(&base)?,
            rate_limits: RateLimits::new(&rate_limits, &clock).with_keyed(&keyed_rate_limits),
            limits: connection.limits().clone(),
            service,
            base,
            credentials,
            headers,
            redactor,
            clock,
        };
        Ok(Client { inner: Arc::new(inner), rate_group: "", timeout: None })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("service", &self.service.name())
            .field("base_url", &self.base.as_str())
            .field("auth", &self.auth)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
