use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Outbox;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::Integration;
use crate::suggest;

/// What an integration's client is built from.
#[derive(Clone, Copy, Debug)]
pub struct IntegrationConfig<'a> {
    integration: &'a Integration,
    secrets: &'a BTreeMap<String, SecretString>,
    directory: Option<&'a Directory>,
    outbox: Option<&'a Outbox>,
}

impl<'a> IntegrationConfig<'a> {
    /// The integration, and the values of its secrets by setting.
    pub const fn new(integration: &'a Integration, secrets: &'a BTreeMap<String, SecretString>) -> Self {
        Self { integration, secrets, directory: None, outbox: None }
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
    #[must_use]
    pub const fn with_outbox(mut self, outbox: &'a Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Where a stand-in notes what it would have sent: what stands there becomes part of the timeline of a simulation.
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
