//! The trait of integration clients.

use super::IntegrationConfig;
use crate::config::SettingsSchema;
use crate::error::Result;

/// A client of an external service, which handlers take as `&T`.
///
/// Any type can implement it. There is nothing to register: a handler that takes `&T` is enough.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// struct Weather {
///     base_url: String,
/// }
///
/// impl IntegrationClient for Weather {
///     const TYPE: &'static str = "weather";
///
///     fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
///         Ok(Self { base_url: config.setting("base_url")?.to_owned() })
///     }
/// }
///
/// #[hook]
/// async fn after_approve(weather: &Weather) {
///     println!("using {}", weather.base_url);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an integration client",
    label = "does not implement `IntegrationClient`"
)]
pub trait IntegrationClient: Sized + Send + Sync + 'static {
    /// The type of the integration in the configuration, such as `pagerduty`.
    const TYPE: &'static str;

    /// The key of the integration in an environment. Defaults to the type, in which case any integration of the type matches.
    ///
    /// Clients that share a type set a key of their own: the client of an AWS service then takes the role meant for that
    /// service.
    const KEY: &'static str = Self::TYPE;

    /// The settings of integrations of this type, which the configuration is checked against. Defaults to any settings.
    const SETTINGS: SettingsSchema = SettingsSchema::ANY;

    /// Builds the client, once at startup. Must not call the service.
    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self>;

    /// Checks with a read-only call that the service can be reached and accepts the credentials. Returns who it takes the program for,
    /// such as `bot sym in Acme`, or else the configured account; `None` if the client has no check, which is the default.
    ///
    /// `check --live` and `serve` call it, with the time limit of a strategy. It can be written as an `async fn`.
    ///
    /// # Errors
    /// If the service cannot be reached, or refuses the credentials. The error says what to do.
    fn check(&self) -> impl Future<Output = Result<Option<String>>> + Send {
        std::future::ready(Ok(None))
    }

    /// Builds a simulated client, which does not call the service and records what it would have sent in
    /// [`IntegrationConfig::outbox`]. Simulations use it unless the program registers a [fake](super::Fake) of its own. The default is
    /// `None`: simulations then need a fake.
    ///
    /// # Errors
    /// If the configuration is not one that a client can be built from, as a missing setting or a malformed id. A simulation reports it.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        let _ = config;
        Ok(None)
    }
}
