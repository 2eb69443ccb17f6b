//! The client of an Okta organization, and how it is built.

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::Result;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedOkta;
use super::errors::classify;
use crate::http::{Auth, BaseUrl, RateLimit, SecretString};
use crate::kit::{BASE_URL, Credentials, REVOKE, RateGroup, ServiceClient, Vendor, VendorBuilder, VendorClient};

/// Okta's rate limits differ by endpoint and by contract. Where one is lower than ours, Okta throttles, and its delay is kept.
pub(super) const OKTA: Vendor = Vendor::new("okta", "Okta")
    .request_id_headers(&["x-okta-request-id"])
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(300)), RateGroup::new(REVOKE, RateLimit::per_minute(200))])
    .settings(SettingsSchema::open(&[SettingSchema::required(API_TOKEN), SettingSchema::optional(BASE_URL)]))
    .classify(classify);

/// The setting that names the secret with the API token.
const API_TOKEN: &str = "api_token_secret";

/// A client of one Okta organization. Clones share connections and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&Okta`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Okta(pub(super) ServiceClient);

/// A builder for an [`Okta`] client. It needs a [`token`](Self::token).
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
}

impl VendorClient for Okta {
    const VENDOR: Vendor = OKTA;

    fn base_url(domain: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(domain, "api/v1")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::token("SSWS ", credentials.secret(API_TOKEN)?))
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

    /// An organization whose groups have no members.
    fn simulated(_: &IntegrationConfig<'_>) -> Option<Self> {
        SimulatedOkta::new().build().ok()
    }
}
