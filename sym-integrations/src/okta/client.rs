use std::fmt;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::directory::Directory;
use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::service::{OktaService, error};
use crate::account_resolver::AccountResolver;
use crate::http::{Auth, BaseUrl, Client, Connection, RateLimit, SecretString};

/// The class of the calls that take access away.
pub(super) const REVOKE: &str = "revoke";

/// Okta's limits differ by endpoint and by contract. Where one is lower than ours, Okta says so, and the wait is kept.
const CALLS: RateLimit = RateLimit::per_minute(300);
const REVOCATIONS: RateLimit = RateLimit::per_minute(200);

/// A client of one Okta organization. Clones share connections and rate limits.
///
/// A runtime builds it from the configuration, for handlers to take as `&Okta`; elsewhere there is a
/// [`builder`](Self::builder).
#[derive(Clone)]
pub struct Okta {
    pub(super) client: Client,
    pub(super) accounts: AccountResolver,
    domain: String,
}

impl Okta {
    /// Begins a client for a domain such as `example.okta.com`.
    pub fn builder(domain: impl Into<String>) -> OktaBuilder {
        OktaBuilder {
            domain: domain.into(),
            token: None,
            base_url: None,
            connection: Connection::default(),
            directory: None,
            rate_limit: CALLS,
        }
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl IntegrationClient for Okta {
    const TYPE: &'static str = "okta";

    const SETTINGS: SettingsSchema =
        SettingsSchema::open(&[SettingSchema::required("api_token_secret"), SettingSchema::optional("base_url")]);

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let mut builder = Self::builder(config.external_id()).token(config.secret("api_token_secret")?.clone());
        if let Some(url) = config.integration().settings().get("base_url") {
            builder = builder.base_url(BaseUrl::parse(url)?);
        }
        if let Some(directory) = config.directory() {
            builder = builder.directory(directory.clone());
        }
        builder.build()
    }
}

impl fmt::Debug for Okta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Okta")
            .field("domain", &self.domain)
            .field("base_url", &self.client.base_url().as_str())
            .finish_non_exhaustive()
    }
}

/// Builds an [`Okta`].
#[derive(Clone)]
#[must_use]
pub struct OktaBuilder {
    domain: String,
    token: Option<SecretString>,
    base_url: Option<BaseUrl>,
    connection: Connection,
    directory: Option<Directory>,
    rate_limit: RateLimit,
}

impl OktaBuilder {
    /// Sets the API token. There is no client without one.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets where the API is, path included. Unless told, it is `https://<domain>/api/v1`.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = Some(base_url);
        self
    }

    /// Sets how Okta is reached. Unless told, over the network and by the machine's clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets the directory in which it is looked up, and kept, whose an Okta user is. Without one, users are told by their e-mail
    /// addresses.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Sets the limit for all calls but those that take access away, which have their own. Default: 300 a minute.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = limit;
        self
    }

    /// The client. It calls nobody yet.
    pub fn build(self) -> Result<Okta> {
        let Self { domain, token, base_url, connection, directory, rate_limit } = self;
        let token = token.ok_or_else(|| {
            let message = format!("there is no API token for Okta's domain `{domain}`");
            error(ErrorKind::Configuration, codes::CONFIGURATION, message)
        })?;
        let base_url = match base_url {
            Some(base_url) => base_url,
            None => BaseUrl::of_host(&domain, "api/v1")?,
        };
        let client = Client::builder(OktaService, base_url)
            .auth(Auth::token("SSWS ", token))
            .rate_limit("", rate_limit)
            .rate_limit(REVOKE, REVOCATIONS)
            .connection(connection)
            .build()?;
        Ok(Okta { client, accounts: AccountResolver::new("okta", &domain, directory), domain })
    }
}

impl fmt::Debug for OktaBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaBuilder")
            .field("domain", &self.domain)
            .field("base_url", &self.base_url)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
