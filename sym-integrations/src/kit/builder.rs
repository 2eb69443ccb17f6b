//! The builder of all vendors' clients: from code, or from an integration of the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sym_sdk::directory::Directory;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationConfig;

use super::account_resolver::AccountResolver;
use super::{Endpoint, ServiceClient, Vendor, VendorClient};
use crate::http::{Auth, BaseUrl, Client, Connection, RateLimit, SecretString};

/// The optional setting of every integration that replaces the URL of the service.
pub const BASE_URL: &str = "base_url";

/// A builder for the client of a vendor.
///
/// A vendor adds setters with names of their own, which store [secrets](Self::secret).
#[must_use = "call `build` to get the client"]
pub struct VendorBuilder<C> {
    account: String,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretString>,
    auth: Option<Auth>,
    base_url: Option<BaseUrl>,
    endpoints: Vec<Endpoint>,
    connection: Connection,
    directory: Option<Directory>,
    rate_limit: Option<RateLimit>,
    has_rate_limits: bool,
    accounts_by_email: bool,
    client: PhantomData<fn() -> C>,
}

impl<C: VendorClient> VendorBuilder<C> {
    pub(super) fn new(account: String) -> Self {
        Self {
            account,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            auth: None,
            base_url: None,
            endpoints: Vec::new(),
            connection: Connection::default(),
            directory: None,
            rate_limit: None,
            has_rate_limits: true,
            accounts_by_email: false,
            client: PhantomData,
        }
    }

    /// Creates a builder from an integration: its `external_id` is the account, the secrets that its settings name are the credentials,
    /// its setting `base_url` replaces the URL of the service, and users are resolved through the runtime's directory. The vendor reads
    /// its other settings with [`Credentials::setting`].
    ///
    /// # Errors
    /// If a secret that the vendor needs is missing, or `base_url` is not a URL that a token may be sent to.
    pub fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let mut builder = Self::new(config.external_id().to_owned());
        for setting in C::VENDOR.settings_schema().settings().iter().filter(|setting| setting.is_secret()) {
            let name = setting.name();
            match config.secret(name) {
                Ok(secret) => builder = builder.secret(name, secret.clone()),
                Err(error) if setting.is_required() || config.integration().secrets().contains_key(name) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        builder.settings = config.integration().settings().clone();
        if let Some(url) = config.integration().settings().get(BASE_URL) {
            builder = builder.base_url(BaseUrl::parse(url)?);
        }
        builder.directory = config.directory().cloned();
        Ok(builder)
    }

    /// Sets a setting of the vendor that is not secret, such as `client_id`.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Sets a secret by the name of its setting, such as `api_token_secret`.
    pub fn secret(mut self, setting: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.secrets.insert(setting.into(), secret.into());
        self
    }

    /// Sets how calls are authenticated, in place of the vendor's usual way.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Sets the URL of the service, including the path. The default depends on the account.
    pub fn base_url(mut self, url: BaseUrl) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Adds an endpoint, for a vendor whose [endpoints](VendorClient::endpoints) do not follow from secrets.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Sets the connection. The default is the network and the system clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets the directory that users and accounts are resolved through. Without one, they are matched by e-mail address alone.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Matches users and accounts by e-mail address alone, whatever accounts the directory knows. For simulated services.
    pub(crate) fn accounts_by_email(mut self) -> Self {
        self.accounts_by_email = true;
        self
    }

    /// Sets the rate limit of all calls that belong to no group. Revocations usually have a limit of their own.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Removes all client-side rate limits, for simulated services that have none.
    pub fn without_rate_limits(mut self) -> Self {
        self.has_rate_limits = false;
        self
    }

    /// Builds the client, without calling the service.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if a secret is missing or cannot be sent in a header, or if the account does not yield a URL.
    pub fn build(self) -> Result<C> {
        let vendor = C::VENDOR;
        C::check_account(&self.account)?;
        let base_url = match self.base_url {
            Some(url) => url,
            None => C::base_url(&self.account)?,
        };
        let credentials = Credentials {
            vendor,
            account: &self.account,
            settings: &self.settings,
            secrets: &self.secrets,
            base_url: &base_url,
            connection: &self.connection,
        };
        let auth = match self.auth {
            Some(auth) => auth,
            None => C::auth(&credentials)?,
        };
        let client_of = |base_url, auth| {
            let client = Client::builder(vendor, base_url).auth(auth).connection(self.connection.clone());
            vendor.default_headers().iter().fold(client, |client, (name, value)| client.header(name, *value))
        };
        let endpoints = C::endpoints(&credentials, &base_url)?.into_iter().chain(self.endpoints);
        let endpoints =
            endpoints.map(|endpoint| Ok((endpoint.name, client_of(endpoint.base_url, endpoint.auth).build()?)));
        let endpoints = endpoints.collect::<Result<_>>()?;
        let mut client = client_of(base_url.clone(), auth);
        for group in vendor.rate_groups().iter().filter(|_| self.has_rate_limits) {
            let is_main = group.name.is_empty() && !group.per_key;
            let limit = self.rate_limit.filter(|_| is_main).unwrap_or(group.limit);
            client = match group.per_key {
                true => client.keyed_rate_limit(group.name, limit),
                false => client.rate_limit(group.name, limit),
            };
        }
        let account: Arc<str> = self.account.into();
        let accounts = AccountResolver::new(vendor.name(), Arc::clone(&account), self.directory);
        let accounts = if self.accounts_by_email { accounts.by_email() } else { accounts };
        let service = ServiceClient::new(vendor, client.build()?, endpoints, account, accounts);
        Ok(C::from_service(service.with_settings(self.settings)))
    }
}

impl<C> Clone for VendorBuilder<C> {
    fn clone(&self) -> Self {
        Self {
            account: self.account.clone(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            auth: self.auth.clone(),
            base_url: self.base_url.clone(),
            endpoints: self.endpoints.clone(),
            connection: self.connection.clone(),
            directory: self.directory.clone(),
            rate_limit: self.rate_limit,
            has_rate_limits: self.has_rate_limits,
            accounts_by_email: self.accounts_by_email,
            client: PhantomData,
        }
    }
}

impl<C> fmt::Debug for VendorBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorBuilder")
            .field("account", &self.account)
            .field("base_url", &self.base_url)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// The credentials that a client is built with. See [`VendorClient::auth`].
pub struct Credentials<'a> {
    vendor: Vendor,
    account: &'a str,
    settings: &'a BTreeMap<String, String>,
    secrets: &'a BTreeMap<String, SecretString>,
    base_url: &'a BaseUrl,
    connection: &'a Connection,
}

impl Credentials<'_> {
    /// Returns a secret by the name of its setting, such as `api_token_secret`.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if it is not set.
    pub fn secret(&self, setting: &str) -> Result<SecretString> {
        self.secrets.get(setting).cloned().ok_or_else(|| {
            self.missing(setting)
                .with_hint("set it on the builder, or as a setting of the integration that names a secret")
        })
    }

    /// Returns a secret that the client can do without, if it is set.
    pub fn optional_secret(&self, setting: &str) -> Option<SecretString> {
        self.secrets.get(setting).cloned()
    }

    /// Returns a setting that is not secret, such as `client_id`.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if it is absent or blank.
    pub fn setting(&self, name: &str) -> Result<&str> {
        self.optional_setting(name)
            .ok_or_else(|| self.missing(name).with_hint("set it on the builder, or as a setting of the integration"))
    }

    /// Returns a setting that the client can do without. One that is blank counts as absent.
    pub fn optional_setting(&self, name: &str) -> Option<&str> {
        present(self.settings, name)
    }

    fn missing(&self, setting: &str) -> Error {
        let message = format!("the {} client for `{}` has no `{setting}`", self.vendor.error_type(), self.account);
        self.vendor.error(ErrorKind::Configuration, codes::CONFIGURATION, message)
    }

    /// The vendor's own name of the account.
    pub fn account(&self) -> &str {
        self.account
    }

    /// The URL of the service.
    pub fn base_url(&self) -> &BaseUrl {
        self.base_url
    }

    /// The connection of the client, for calls that get credentials.
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    pub(super) fn vendor(&self) -> Vendor {
        self.vendor
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("vendor", &self.vendor.name())
            .field("account", &self.account)
            .field("settings", &self.settings)
            .field("secrets", &self.secrets.keys())
            .finish()
    }
}

/// Returns a setting that is neither absent nor blank.
pub(super) fn present<'a>(settings: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    settings.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}
