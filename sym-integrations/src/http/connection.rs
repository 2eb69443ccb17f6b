//! Connections: the transport, the clock and the limits of a client.

use std::fmt;
use std::sync::Arc;

use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::Result;

use super::transport::{Network, Simulated, Transport};
use super::{BaseUrl, Limits};

/// The connection of a client to its service: the clock it waits by, its limits, and the transport that carries its requests.
///
/// Every client takes one, so a test or a simulation replaces the network without any other change.
#[derive(Clone)]
pub struct Connection {
    clock: Arc<dyn Clock>,
    limits: Limits,
    transport: Route,
}

#[derive(Clone)]
enum Route {
    /// The network. The transport depends on the base URL, so it is created with the client.
    Network,
    Transport(Arc<dyn Transport>),
}

impl Default for Connection {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), limits: Limits::default(), transport: Route::Network }
    }
}

impl Connection {
    /// Sets the limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the clock that the client waits by.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the clock that the client waits by, for signers and other code that needs the time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the limits.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A connection without a network: every call is answered with status 200 and the JSON that `answer` makes of the call's path and
    /// body. A client's [simulated](sym_sdk::integration::IntegrationClient::simulated) counterpart is built on it.
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
    /// let connection = Connection::simulated(|path, _| json!({ "path": path, "sky": "clear" }));
    /// let client = Client::builder(Weather, BaseUrl::of_host("api.example.com", "v1")?).connection(connection).build()?;
    /// let station: Value = client.get("stations/{station}", &["s1"]).await?.json()?;
    /// assert_eq!(station["path"], "/v1/stations/s1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn simulated(answer: impl Fn(&str, &[u8]) -> serde_json::Value + Send + Sync + 'static) -> Self {
        Self::over(Arc::new(Simulated(answer)))
    }

    /// A connection over a transport.
    pub(crate) fn over(transport: Arc<dyn Transport>) -> Self {
        Self { transport: Route::Transport(transport), ..Self::default() }
    }

    /// Returns the transport of a client with this base URL.
    pub(super) fn transport(&self, base: &BaseUrl) -> Result<Arc<dyn Transport>> {
        match &self.transport {
            Route::Network => Ok(Arc::new(Network::new(base, &self.limits)?)),
            Route::Transport(transport) => Ok(Arc::clone(transport)),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("clock", &self.clock).field("limits", &self.limits).finish_non_exhaustive()
    }
}
