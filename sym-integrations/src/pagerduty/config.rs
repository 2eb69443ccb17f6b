//! How the client is made.

use std::fmt;

use secrecy::SecretString;
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::directory::Directory;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::PagerDuty;
use super::error::{PagerDutyService, SERVICE};
use crate::account_resolver::AccountResolver;
use crate::http::{Auth, BaseUrl, Client, Connection, RateLimit};

/// What an account is allowed, per token.
const RATE: RateLimit = RateLimit::per_minute(960);

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = SERVICE;

    const SETTINGS: SettingsSchema =
        SettingsSchema::open(&[SettingSchema::required("api_token_secret"), SettingSchema::optional("base_url")]);

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let mut builder = Self::builder(config.external_id()).token(config.secret("api_token_secret")?.clone());
        builder.directory = config.directory().cloned();
        if let Some(url) = config.integration().settings().get("base_url") {
            builder = builder.base_url(BaseUrl::parse(url)?);
        }
        builder.build()
    }

    /// One for whom nobody is on call, and for whom there are no incidents.
    fn simulated(_: &IntegrationConfig<'_>) -> Option<Self> {
        Some(Self::new(None))
    }
}

/// Builds a [`PagerDuty`].
#[must_use]
pub struct PagerDutyBuilder {
    domain: String,
    auth: Option<Auth>,
    base_url: Option<BaseUrl>,
    connection: Connection,
    directory: Option<Directory>,
}

impl PagerDutyBuilder {
    pub(super) fn new(domain: String) -> Self {
        Self { domain, auth: None, base_url: None, connection: Connection::default(), directory: None }
    }

    /// Sets a REST API key, of the account or of a user. One that may only read is enough.
    pub fn token(mut self, key: impl Into<SecretString>) -> Self {
        self.auth = Some(Auth::token("Token token=", key.into()));
        self
    }

    /// Sets an OAuth token instead. It needs the scopes `oncalls.read`, `users.read`, `schedules.read`, `escalation_policies.read`,
    /// `services.read` and `incidents.read`, as far as they are used.
    pub fn oauth_token(mut self, token: impl Into<SecretString>) -> Self {
        self.auth = Some(Auth::bearer(token.into()));
        self
    }

    /// Sets the address of the API. Unless told, [`PagerDuty::US`].
    pub fn base_url(mut self, url: BaseUrl) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Sets how PagerDuty is reached.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets the directory, where users' accounts are looked up and kept. Without one, users are told by e-mail addresses alone.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The client. It calls nobody yet.
    pub fn build(self) -> Result<PagerDuty> {
        let auth = self.auth.ok_or_else(|| {
            let message = format!("the client of PagerDuty account `{}` has no token", self.domain);
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_service(SERVICE)
                .with_hint("set a REST API key with `token`, or as secret `api_token_secret`")
        })?;
        let base_url = self.base_url.map_or_else(|| BaseUrl::parse(PagerDuty::US), Ok)?;
        let client = Client::builder(PagerDutyService, base_url)
            .auth(auth)
            .header("accept", "application/vnd.pagerduty+json;version=2")
            // Wanted even where there is no content.
            .header("content-type", "application/json")
            .rate_limit("", RATE)
            .connection(self.connection)
            .build()?;
        Ok(PagerDuty::new(Some((client, AccountResolver::new(SERVICE, self.domain, self.directory)))))
    }
}

impl fmt::Debug for PagerDutyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagerDutyBuilder")
            .field("domain", &self.domain)
            .field("auth", &self.auth)
            .field("base_url", &self.base_url)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
