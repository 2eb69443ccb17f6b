//! The client of an Okta organization, and how it is built.

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::Result;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedOkta;
use super::credentials::{API_TOKEN, CLIENT_ID, PRIVATE_KEY, PRIVATE_KEY_ID, auth, check_domain};
use super::errors::classify;
use crate::http::{Auth, BaseUrl, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
};

/// Okta's rate limits differ by endpoint and by contract. Where one is lower than ours, Okta throttles, and its delay is kept.
pub(super) const OKTA: Vendor = Vendor::new("okta", "Okta")
    .request_id_headers(&["x-okta-request-id"])
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(300)), RateGroup::new(REVOKE, RateLimit::per_minute(200))])
    .settings(SettingsSchema::open(&[
        SettingSchema::optional(API_TOKEN),
        SettingSchema::optional(CLIENT_ID),
        SettingSchema::optional(PRIVATE_KEY),
        SettingSchema::optional(PRIVATE_KEY_ID),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// A client of one Okta organization. Clones share connections and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&Okta`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Okta(pub(super) ServiceClient);

/// A builder for an [`Okta`] client. It needs a [`token`](Self::token) or a [`service_app`](Self::service_app).
pub type OktaBuilder = VendorBuilder<Okta>;

impl Okta {
    /// Creates a builder for the client of a domain such as `example.okta.com`.
    pub fn builder(domain: impl Into<String>) -> OktaBuilder {
        Self::builder_for(domain)
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.0.account()
    }
}

impl VendorBuilder<Okta> {
    /// Sets the API token.
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        self.secret(API_TOKEN, token)
    }

    /// Sets the client id and the private key, in PEM format, of a service app that is used instead of an API token.
    pub fn service_app(self, client_id: impl Into<String>, private_key: impl Into<SecretString>) -> Self {
        self.setting(CLIENT_ID, client_id).secret(PRIVATE_KEY, private_key)
    }

    /// Sets the id of the private key. Okta needs it if the service app has several keys.
    pub fn private_key_id(self, id: impl Into<String>) -> Self {
        self.setting(PRIVATE_KEY_ID, id)
    }
}

impl VendorClient for Okta {
    const VENDOR: Vendor = OKTA;

    fn base_url(domain: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(domain, "api/v1")
    }

    fn check_account(domain: &str) -> Result<()> {
        check_domain(domain)
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        auth(credentials)
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for Okta {
    const TYPE: &'static str = OKTA.name();
    const SETTINGS: SettingsSchema = OKTA.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        OktaBuilder::from_config(config)?.build()
    }

    /// Reads one [user](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/).
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.0.get("users", &[]).query("limit", 1)).await
    }

    /// An organization whose groups have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedOkta::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}
