use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::directory::Directory;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::Integration;
#[cfg(feature = "runtime")]
use crate::simulation::Outbox;
use crate::suggest;

/// A client of an outside service, which handlers take as `&T`.
///
/// Anyone can implement it: there is nothing to register, a handler that takes `&T` is enough.
///
/// ```
/// use sym_sdk::handler::{IntegrationClient, IntegrationConfig};
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

    /// Builds the client, once at start. It must not call the service yet.
    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self>;

    /// A stand-in that calls nobody, for simulations without a fake of the user's own. What it would have sent goes to
    /// [`IntegrationConfig::outbox`].
    fn dry(config: &IntegrationConfig<'_>) -> Option<Self> {
        let _ = config;
        None
    }
}

/// What an integration's client is built from.
#[derive(Clone, Copy, Debug)]
pub struct IntegrationConfig<'a> {
    integration: &'a Integration,
    secrets: &'a BTreeMap<String, SecretString>,
    directory: Option<&'a Directory>,
    #[cfg(feature = "runtime")]
    outbox: Option<&'a Outbox>,
}

impl<'a> IntegrationConfig<'a> {
    /// The integration, and the values of its secrets by setting.
    pub const fn new(integration: &'a Integration, secrets: &'a BTreeMap<String, SecretString>) -> Self {
        Self {
            integration,
            secrets,
            directory: None,
            #[cfg(feature = "runtime")]
            outbox: None,
        }
    }

    /// Sets the users' directory. A runtime sets its own.
    #[must_use]
    pub const fn with_directory(mut self, directory: &'a Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The users' directory, for clients that tell whose an account is. `None` if there is no runtime.
    pub const fn directory(&self) -> Option<&'a Directory> {
        self.directory
    }

    /// Sets where stand-ins note what they would have sent. A runtime sets its own.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    #[must_use]
    pub const fn with_outbox(mut self, outbox: &'a Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Where a stand-in notes what it would have sent: what stands there becomes part of the timeline of a simulation.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub fn outbox(&self) -> Outbox {
        self.outbox.cloned().unwrap_or_default()
    }

    /// The integration.
    pub const fn integration(&self) -> &'a Integration {
        self.integration
    }

    /// The service's own id of the account: a workspace, a domain, an organization.
    pub fn external_id(&self) -> &'a str {
        self.integration.external_id()
    }

    /// A setting.
    pub fn setting(&self, name: &str) -> Result<&'a str> {
        self.integration.setting(name)
    }

    /// The values of the secrets that a custom integration lists, in its order: what `secret_ids_json` names. Each of them can
    /// be had by its name too, with [`secret`](Self::secret).
    pub fn listed_secrets(&self) -> Vec<&'a SecretString> {
        let listed = self.integration.secret_list().iter();
        listed.filter_map(|secret| self.secrets.get(secret.name().as_str())).collect()
    }

    /// The value of a secret, by its setting, such as `api_token_secret`.
    pub fn secret(&self, setting: &str) -> Result<&'a SecretString> {
        self.secrets.get(setting).ok_or_else(|| {
            let message = format!("integration `{}` has no secret `{setting}`", self.integration.name());
            Error::new(ErrorKind::Configuration, codes::UNKNOWN_SECRET, message).with_hint(suggest::hint(
                setting,
                "integration's secrets",
                self.secrets.keys().map(String::as_str),
            ))
        })
    }
}
