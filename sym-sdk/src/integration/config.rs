//! The configuration that an integration client is built from.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Outbox;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::Integration;
use crate::suggest;

/// The configuration of an integration, from which its client is built.
#[derive(Clone, Copy, Debug)]
pub struct IntegrationConfig<'a> {
    integration: &'a Integration,
    secrets: &'a BTreeMap<String, SecretString>,
    directory: Option<&'a Directory>,
    outbox: Option<&'a Outbox>,
}

impl<'a> IntegrationConfig<'a> {
    /// Creates a configuration from an integration and the values of its secrets, by setting.
    pub const fn new(integration: &'a Integration, secrets: &'a BTreeMap<String, SecretString>) -> Self {
        Self { integration, secrets, directory: None, outbox: None }
    }

    /// Sets the user directory. A runtime sets its own.
    #[must_use]
    pub const fn with_directory(mut self, directory: &'a Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The user directory, for clients that map accounts to users. `None` without a runtime.
    pub const fn directory(&self) -> Option<&'a Directory> {
        self.directory
    }

    /// Sets the outbox of simulated clients. A runtime sets its own.
    #[must_use]
    pub const fn with_outbox(mut self, outbox: &'a Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// The outbox, in which a simulated client records what it would have sent. Simulations show it in their timeline.
    pub fn outbox(&self) -> Outbox {
        self.outbox.cloned().unwrap_or_default()
    }

    /// The integration.
    pub const fn integration(&self) -> &'a Integration {
        self.integration
    }

    /// The id of the account, as the service names it: a workspace, a domain, an organization.
    pub fn external_id(&self) -> &'a str {
        self.integration.external_id()
    }

    /// Returns a setting. Fails with a list of the existing settings if there is none with this name.
    pub fn setting(&self, name: &str) -> Result<&'a str> {
        self.integration.setting(name)
    }

    /// The values of the secrets that a custom integration lists in `secret_ids_json`, in that order. Each of them is also
    /// available by its name, through [`secret`](Self::secret).
    pub fn listed_secrets(&self) -> Vec<&'a SecretString> {
        let listed = self.integration.secret_list().iter();
        listed.filter_map(|secret| self.secrets.get(secret.name().as_str())).collect()
    }

    /// Returns the value of a secret by its setting, such as `api_token_secret`. Fails if there is none with this name.
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
