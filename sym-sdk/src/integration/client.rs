use super::IntegrationConfig;
use crate::config::SettingsSchema;
use crate::error::Result;

/// A client of an outside service, which handlers take as `&T`.
///
/// Anyone can implement it: there is nothing to register, a handler that takes `&T` is enough.
///
/// ```
/// use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
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
///     println!("asking {}", weather.base_url);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an integration client",
    label = "does not implement `IntegrationClient`"
)]
pub trait IntegrationClient: Sized + Send + Sync + 'static {
    /// The integration's type in the configuration, such as `pagerduty`.
    const TYPE: &'static str;

    /// The key under which an environment has the integration, where several clients share a type: a client of one service of
    /// AWS takes the role that is meant for it. Unless told otherwise, the type; then any integration of the type will do.
    const KEY: &'static str = Self::TYPE;

    /// The settings that integrations of this type have. The configuration is checked against them. Unless told otherwise, any.
    const SETTINGS: SettingsSchema = SettingsSchema::ANY;

    /// Builds the client, once at start. It must not call the service yet.
    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self>;

    /// A stand-in that calls nobody, for simulations without a fake of the user's own. What it would have sent goes to
    /// [`IntegrationConfig::outbox`].
    fn simulated(config: &IntegrationConfig<'_>) -> Option<Self> {
        let _ = config;
        None
    }
}
