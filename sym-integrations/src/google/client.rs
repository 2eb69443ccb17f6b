//! The client of a Google Workspace domain, and how it is built.

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedGoogle;
use super::errors::classify;
use super::service_account;
use crate::http::{Auth, BaseUrl, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
};

/// Google allows 2,400 queries a minute for each user and project:
/// <https://developers.google.com/workspace/admin/directory/v1/limits>.
pub(super) const GOOGLE: Vendor = Vendor::new("google", "Google")
    .rate_limits(&[
        RateGroup::new("", RateLimit::per_minute(1_200)),
        RateGroup::new(REVOKE, RateLimit::per_minute(600)),
    ])
    .settings(SettingsSchema::open(&[
        SettingSchema::required(KEY),
        SettingSchema::optional(SUBJECT),
        SettingSchema::optional(CUSTOMER_ID),
        SettingSchema::optional(DOMAINS),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// The setting that names the secret with the key of the service account, as JSON.
pub(super) const KEY: &str = "service_account_key_secret";
/// The administrator that the service account acts as.
pub(super) const SUBJECT: &str = "subject";
/// The id of the customer, such as `C01234567`.
pub(super) const CUSTOMER_ID: &str = "customer_id";
/// The domains of the organization beside the first, separated by commas.
const DOMAINS: &str = "domains";

/// A client of one Google Workspace organization. Clones share connections, tokens and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&Google`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Google(pub(super) ServiceClient);

/// A builder for a [`Google`] client. It needs a [`service_account_key`](Self::service_account_key).
pub type GoogleBuilder = VendorBuilder<Google>;

impl Google {
    /// Creates a builder for the client of an organization, by its primary domain.
    pub fn builder(domain: impl Into<String>) -> GoogleBuilder {
        Self::builder_for(domain)
    }

    /// Returns the primary domain.
    pub fn domain(&self) -> &str {
        self.0.account()
    }

    /// Returns whether an e-mail address belongs to one of the organization's domains. Those beside the primary one are configured.
    pub fn is_internal(&self, email: &str) -> bool {
        let Some((_, domain)) = email.trim().rsplit_once('@') else { return false };
        let others = self.0.setting(DOMAINS).unwrap_or_default().split([',', ' ']);
        let own = std::iter::once(self.domain()).chain(others.map(str::trim).filter(|other| !other.is_empty()));
        own.into_iter().any(|own| own.eq_ignore_ascii_case(domain))
    }

    /// The customer of list calls: the configured one, or that of the administrator whom the service account acts as.
    pub(super) fn customer(&self) -> &str {
        self.0.setting(CUSTOMER_ID).unwrap_or("my_customer")
    }
}

impl VendorBuilder<Google> {
    /// Sets the key of the service account: the JSON file that Google's console offers when the key is made.
    pub fn service_account_key(self, json: impl Into<SecretString>) -> Self {
        self.secret(KEY, json)
    }

    /// Sets the administrator that the service account acts as, by domain-wide delegation. Without one, it acts as itself, and needs a role
    /// of its own.
    pub fn subject(self, email: impl Into<String>) -> Self {
        self.setting(SUBJECT, email)
    }

    /// Sets the id of the customer, such as `C01234567`, which a service account without a [`subject`](Self::subject) needs to list groups.
    pub fn customer_id(self, id: impl Into<String>) -> Self {
        self.setting(CUSTOMER_ID, id)
    }

    /// Sets the domains of the organization beside the primary one: secondary domains and aliases.
    pub fn domains<D: AsRef<str>>(self, domains: impl IntoIterator<Item = D>) -> Self {
        let domains: Vec<_> = domains.into_iter().map(|domain| domain.as_ref().to_owned()).collect();
        self.setting(DOMAINS, domains.join(","))
    }
}

impl VendorClient for Google {
    const VENDOR: Vendor = GOOGLE;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::of_host("admin.googleapis.com", "admin/directory/v1")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        service_account::auth(credentials)
    }

    fn check_account(domain: &str) -> Result<()> {
        let is_domain = domain.contains('.') && !domain.contains(|c: char| "@/:,".contains(c) || c.is_whitespace());
        if is_domain {
            return Ok(());
        }
        let message = format!("`{}` is not the domain of a Google Workspace organization", domain.escape_debug());
        Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
            .with_service(GOOGLE.name())
            .with_hint("set `external_id` to the primary domain, such as `example.com`"))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for Google {
    const TYPE: &'static str = GOOGLE.name();
    const SETTINGS: SettingsSchema = GOOGLE.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        GoogleBuilder::from_config(config)?.build()
    }

    /// Reads one [group](https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/list) of the domain.
    async fn check(&self) -> Result<Option<String>> {
        let call = self.0.get("groups", &[]).query("maxResults", 1).query("domain", self.domain());
        self.0.probe(call).await
    }

    /// An organization whose groups have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedGoogle::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}
