//! The client of a OneLogin account, and how it is built.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::Result;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedOneLogin;
use super::errors::classify;
use super::list_roles::RoleCache;
use crate::http::{Auth, BaseUrl, Client, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, Login, LoginToken, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor,
    VendorBuilder, VendorClient, login_auth,
};

/// OneLogin allows 5,000 calls an hour, of which revocations have a half of their own.
pub(super) const ONELOGIN: Vendor = Vendor::new("onelogin", "OneLogin")
    .request_id_headers(&["x-request-id", "x-correlation-id"])
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(40)), RateGroup::new(REVOKE, RateLimit::per_minute(40))])
    .settings(SettingsSchema::open(&[
        SettingSchema::required(CLIENT_ID),
        SettingSchema::required(CLIENT_SECRET),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// The setting with the id of the API credentials.
const CLIENT_ID: &str = "client_id";

/// The setting that names the secret of the API credentials.
const CLIENT_SECRET: &str = "client_secret";

/// A client of one OneLogin account. Clones share connections, the access token and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&OneLogin`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct OneLogin {
    pub(super) service: ServiceClient,
    pub(super) roles: RoleCache,
}

/// A builder for a [`OneLogin`] client. It needs [`credentials`](Self::credentials).
pub type OneLoginBuilder = VendorBuilder<OneLogin>;

impl OneLogin {
    /// Creates a builder for the client of a domain such as `example.onelogin.com`.
    pub fn builder(domain: impl Into<String>) -> OneLoginBuilder {
        Self::builder_for(domain)
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.service.account()
    }
}

impl VendorBuilder<OneLogin> {
    /// Sets the id and the secret of the API credentials.
    pub fn credentials(self, client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        self.setting(CLIENT_ID, client_id).secret(CLIENT_SECRET, client_secret)
    }
}

impl VendorClient for OneLogin {
    const VENDOR: Vendor = ONELOGIN;

    fn base_url(domain: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(domain, "")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        let connection = credentials.connection();
        let client = Client::builder(ONELOGIN, credentials.base_url().clone())
            .auth(Auth::basic(credentials.setting(CLIENT_ID)?, credentials.secret(CLIENT_SECRET)?))
            .connection(connection.clone())
            .build()?;
        Ok(login_auth(ClientCredentials(client), connection.clock()))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self { service, roles: RoleCache::default() }
    }

    fn service(&self) -> &ServiceClient {
        &self.service
    }
}

impl IntegrationClient for OneLogin {
    const TYPE: &'static str = ONELOGIN.name();
    const SETTINGS: SettingsSchema = ONELOGIN.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        OneLoginBuilder::from_config(config)?.build()
    }

    /// Reads one [role](https://developers.onelogin.com/api-docs/2/roles/list-roles).
    async fn check(&self) -> Result<Option<String>> {
        self.service.probe(self.service.get("api/2/roles", &[]).query("limit", 1)).await
    }

    /// An account whose roles have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedOneLogin::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

/// The exchange of API credentials, which the client sends as basic authentication, for an access token.
struct ClientCredentials(Client);

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    /// The lifetime in seconds.
    expires_in: Option<f64>,
}

impl Login for ClientCredentials {
    /// API credentials are not locked, so this only spares the service.
    const REFUSAL_TTL: Duration = Duration::from_secs(60);

    /// [`POST /auth/oauth2/v2/token`](https://developers.onelogin.com/api-docs/2/oauth20-tokens/generate-tokens-2)
    async fn log_in(&self) -> Result<LoginToken> {
        let call = self.0.post("auth/oauth2/v2/token", &[]).json(&json!({ "grant_type": "client_credentials" }));
        // Another token does no harm.
        let response = call.idempotent(true).confidential().await?;
        let token: TokenResponse = response.json()?;
        let lifetime = token.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(LoginToken::new(
            token.access_token,
            lifetime.and_then(|lifetime| response.received().checked_add(lifetime).ok()),
        ))
    }
}
