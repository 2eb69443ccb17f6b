//! Fakes of services, which simulations and tests use in place of a service.

use std::fmt;
use std::sync::Arc;

use super::{IntegrationClient, IntegrationConfig};
use crate::error::Result;

/// A fake of a service: what the clients of a service are built from in simulations and tests.
///
/// `App::fake`, `Builder::fake` and `HarnessBuilder::fake` take one. Every [`IntegrationClient`] is a fake of its own service, so that a
/// client that was built by hand can be passed. A type of settable answers, such as the `Simulated…` types of `sym-integrations`,
/// implements it to build a client for each integration, with the user directory and the [outbox](IntegrationConfig::outbox) of the
/// simulation:
///
/// ```
/// use sym_sdk::integration::{Fake, FakeClient};
/// use sym_sdk::prelude::*;
///
/// struct Weather {
///     station: String,
///     sky: &'static str,
/// }
///
/// impl IntegrationClient for Weather {
///     const TYPE: &'static str = "weather";
///
///     fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
///         Ok(Self { station: config.external_id().to_owned(), sky: "unknown" })
///     }
/// }
///
/// /// The weather, the same at every station.
/// struct SimulatedWeather(&'static str);
///
/// impl Fake for SimulatedWeather {
///     type Client = Weather;
///
///     fn into_client(self) -> FakeClient<Weather> {
///         FakeClient::built_by(move |config| Ok(Weather { sky: self.0, ..Weather::from_config(config)? }))
///     }
/// }
///
/// let app = sym_sdk::App::new().fake(SimulatedWeather("clear"));
/// # let _ = app;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a fake of a service",
    label = "neither an `IntegrationClient` nor a type that builds one, such as `SimulatedPagerDuty`",
    note = "a builder of a client is not a fake: call its `build`"
)]
pub trait Fake {
    /// The client that handlers take.
    type Client: IntegrationClient;

    /// Returns the client, or how it is built.
    fn into_client(self) -> FakeClient<Self::Client>;
}

impl<T: IntegrationClient> Fake for T {
    type Client = T;

    fn into_client(self) -> FakeClient<T> {
        FakeClient(Source::Ready(self))
    }
}

/// The client of a [`Fake`], or how it is built.
pub struct FakeClient<C>(Source<C>);

#[cfg_attr(not(feature = "runtime"), allow(dead_code, reason = "only a runtime builds clients"))]
enum Source<C> {
    Ready(C),
    Built(Arc<BuildFake<C>>),
}

/// A function that builds the client of an integration.
pub(crate) type BuildFake<C> = dyn Fn(&IntegrationConfig<'_>) -> Result<C> + Send + Sync;

impl<C> FakeClient<C> {
    /// A client that is built for each integration of its type. The function must not call the service.
    pub fn built_by(build: impl Fn(&IntegrationConfig<'_>) -> Result<C> + Send + Sync + 'static) -> Self {
        Self(Source::Built(Arc::new(build)))
    }

    /// Returns the client, or else the function that builds it.
    #[cfg(feature = "runtime")]
    pub(crate) fn into_parts(self) -> std::result::Result<C, Arc<BuildFake<C>>> {
        match self.0 {
            Source::Ready(client) => Ok(client),
            Source::Built(build) => Err(build),
        }
    }
}

impl<C> fmt::Debug for FakeClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.0 {
            Source::Ready(_) => "ready",
            Source::Built(_) => "built for each integration",
        };
        f.debug_tuple("FakeClient").field(&source).finish()
    }
}
