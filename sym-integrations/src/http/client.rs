use std::fmt;
use std::sync::Arc;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result, codes};

use super::auth::{Credentials, header_name};
use super::rate::Rates;
use super::redact::Redactor;
#[cfg(feature = "testing")]
use super::replay::Script;
use super::transport::{StandIn, Transport};
use super::{Auth, BaseUrl, Call, Limits, RateLimit, Service};

/// Calls one service. Clones share its connections and rate limits.
///
/// A client of a service keeps one, and gives each of its calls a method:
///
/// ```
/// use serde::Deserialize;
/// use sym_integrations::http::{Auth, BaseUrl, Client, Connection, Listing, SecretString, Service};
/// use sym_sdk::error::Result;
///
/// #[derive(Debug, Deserialize)]
/// struct Station {
///     name: String,
/// }
///
/// struct WeatherService;
///
/// impl Service for WeatherService {
///     fn name(&self) -> &'static str {
///         "weather"
///     }
///
///     fn error_type(&self) -> &'static str {
///         "Weather"
///     }
/// }
///
/// struct Weather(Client);
///
/// impl Weather {
///     fn new(host: &str, key: SecretString, connection: Connection) -> Result<Self> {
///         let base = BaseUrl::of_host(host, "v1")?;
///         let client = Client::builder(WeatherService, base).auth(Auth::bearer(key)).connection(connection).build()?;
///         Ok(Self(client))
///     }
///
///     async fn station(&self, id: &str) -> Result<Station> {
///         self.0.get("stations/{station}", &[id]).await?.json()
///     }
///
///     fn stations(&self) -> Listing<Station> {
///         self.0.get("stations", &[]).query("limit", 100).pages::<Vec<Station>>()
///     }
/// }
///
/// let weather = Weather::new("api.example.com", SecretString::from("k3y"), Connection::default())?;
/// # let _ = (weather.station("s1"), weather.stations());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(super) struct Inner {
    pub(super) service: Box<dyn Service>,
    pub(super) base: BaseUrl,
    pub(super) credentials: Credentials,
    pub(super) headers: HeaderMap,
    pub(super) redactor: Redactor,
    pub(super) limits: Limits,
    pub(super) rates: Rates,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) transport: Transport,
}

impl Client {
    /// Builds a client.
    pub fn builder(service: impl Service, base: BaseUrl) -> ClientBuilder {
        ClientBuilder {
            service: Box::new(service),
            base,
            auth: Auth::none(),
            headers: Vec::new(),
            rates: Vec::new(),
            keyed_rates: Vec::new(),
            connection: Connection::default(),
        }
    }

    /// Reads something. The route's places, such as `groups/{group}/users`, take the values one after the other, encoded: a value
    /// cannot lead to another path. It is the route, never the path, that errors and logs show.
    pub fn get(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::GET, route, values)
    }

    /// Asks whether something is there. See [`get`](Self::get).
    pub fn head(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::HEAD, route, values)
    }

    /// Creates something or starts an action: not to be repeated, unless told otherwise. See [`get`](Self::get).
    pub fn post(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::POST, route, values)
    }

    /// Puts something in its place. See [`get`](Self::get).
    pub fn put(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::PUT, route, values)
    }

    /// Changes something: not to be repeated, unless told otherwise. See [`get`](Self::get).
    pub fn patch(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::PATCH, route, values)
    }

    /// Removes something. See [`get`](Self::get).
    pub fn delete(&self, route: &'static str, values: &[&str]) -> Call {
        Call::new(self, Method::DELETE, route, values)
    }

    /// An error of the service's that no answer reports, such as a name that is not in a list: it has the service's name and a
    /// code of its type.
    pub fn error(&self, kind: ErrorKind, name: &'static str, message: impl Into<String>) -> Error {
        let code = ErrorCode::new(self.0.service.error_type(), name);
        Error::new(kind, code, message).with_service(self.0.service.name())
    }

    /// The address that the paths of the calls are added to.
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The clock by which the client waits, for what waits between calls.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("service", &self.0.service.name())
            .field("base_url", &self.0.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Builds a [`Client`].
#[must_use]
pub struct ClientBuilder {
    service: Box<dyn Service>,
    base: BaseUrl,
    auth: Auth,
    headers: Vec<(&'static str, String)>,
    rates: Vec<(&'static str, RateLimit)>,
    keyed_rates: Vec<(&'static str, RateLimit)>,
    connection: Connection,
}

impl ClientBuilder {
    /// How the client shows who it is. Unless told, it does not.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Adds a header to each call. `Accept: application/json` is there unless this says otherwise.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Keeps the calls of a class below a limit, on this side. Calls that name none are of class `""`. A class may have several
    /// limits, or none. If the service asks one call to wait, the others of its class wait too, for a minute at most. What must not be held up by other calls, such as the end of an access, has a class of its own.
    pub fn rate_limit(mut self, class: &'static str, limit: RateLimit) -> Self {
        self.rates.push((class, limit));
        self
    }

    /// Keeps the calls of a class below a limit for each [key](Call::key) that they give, such as a channel. Calls without one are
    /// not held up.
    pub fn rate_limit_per_key(mut self, class: &'static str, limit: RateLimit) -> Self {
        self.keyed_rates.push((class, limit));
        self
    }

    /// How the service is reached. Unless told, over the network and by the machine's clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// The client. It calls nobody yet.
    pub fn build(self) -> Result<Client> {
        let Self { service, base, auth, headers: extra, rates, keyed_rates, connection } = self;
        let mut redactor = Redactor::default();
        let credentials = auth.prepare(&mut redactor).map_err(|error| error.with_service(service.name()))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in extra {
            let value = HeaderValue::try_from(value).map_err(|_| {
                let message = format!("the value of header `{name}` is not one line");
                Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
            })?;
            headers.insert(header_name(name)?, value);
        }
        let transport = match connection.route {
            Route::Network => Transport::network(&base, &connection.limits)?,
            Route::StandIn(answer) => Transport::StandIn(answer),
            #[cfg(feature = "testing")]
            Route::Replay(script) => Transport::Replay(script),
        };
        let rates = Rates::new(&rates, &connection.clock).with_keyed(&keyed_rates);
        let Connection { clock, limits, .. } = connection;
        let inner = Inner { service, base, credentials, headers, redactor, limits, rates, clock, transport };
        Ok(Client(Arc::new(inner)))
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

/// How a client reaches its service: by which clock, within which limits, and over the network or by canned answers.
///
/// Every client takes one, which is all that a test needs.
#[derive(Clone)]
pub struct Connection {
    clock: Arc<dyn Clock>,
    limits: Limits,
    route: Route,
}

#[derive(Clone)]
enum Route {
    Network,
    StandIn(Arc<StandIn>),
    #[cfg(feature = "testing")]
    Replay(Arc<Script>),
}

impl Default for Connection {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), limits: Limits::default(), route: Route::Network }
    }
}

impl Connection {
    /// Sets the limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the clock by which the client waits.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The clock by which the client waits: for signers and whatever else needs the time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// To nowhere: each call is answered at once with status 200 and JSON, which `answer` makes from the call's path and body. This is
    /// what a client's [stand-in](sym_sdk::integration::IntegrationClient::simulated) for simulations is made of.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sym_sdk::Result<()> {
    /// use serde_json::{Value, json};
    /// use sym_integrations::http::{BaseUrl, Client, Connection};
    /// # struct Weather;
    /// # impl sym_integrations::http::Service for Weather {
    /// #     fn name(&self) -> &'static str {
    /// #         "weather"
    /// #     }
    /// #     fn error_type(&self) -> &'static str {
    /// #         "Weather"
    /// #     }
    /// # }
    ///
    /// let nowhere = Connection::stand_in(|path, _| json!({ "asked": path, "sky": "clear" }));
    /// let client = Client::builder(Weather, BaseUrl::of_host("api.example.com", "v1")?).connection(nowhere).build()?;
    /// let station: Value = client.get("stations/{station}", &["s1"]).await?.json()?;
    /// assert_eq!(station["asked"], "/v1/stations/s1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stand_in(answer: impl Fn(&str, &[u8]) -> serde_json::Value + Send + Sync + 'static) -> Self {
        Self { route: Route::StandIn(Arc::new(answer)), ..Self::default() }
    }

    #[cfg(feature = "testing")]
    pub(super) fn replay(script: Arc<Script>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, limits: Limits::default(), route: Route::Replay(script) }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("clock", &self.clock).field("limits", &self.limits).finish_non_exhaustive()
    }
}
