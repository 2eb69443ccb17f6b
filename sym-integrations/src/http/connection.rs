//! Connections: the transport, the clock and the limits of a client.

use std::fmt;
use std::sync::Arc;

use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::Result;

use super::transport::{Network, Transport};
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

    /// A connection over another transport than the network, such as a [simulated service](crate::kit::SimulatedService).
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
