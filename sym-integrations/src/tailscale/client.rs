//! The client of a tailnet, and how it is built.

use std::time::Duration;

use serde::Deserialize;
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedTailscale;
use super::errors::classify;
use crate::http::{Auth, BaseUrl, Client, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, Login, LoginToken, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor,
    VendorBuilder, VendorClient, login_auth,
};

/// Tailscale documents no rate limits. These are low enough for a service that many share.
pub(super) const TAILSCALE: Vendor = Vendor::new("tailscale", "Tailscale")
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(120)), RateGroup::new(REVOKE, RateLimit::per_minute(60))])
    .settings(SettingsSchema::open(&[
        SettingSchema::optional(API_TOKEN),
        SettingSchema::optional(CLIENT_ID),
        SettingSchema::optional(CLIENT_SECRET),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

const API_TOKEN: &str = "api_token_secret";
const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";

/// The name of the tailnet that the credentials belong to.
const OWN_TAILNET: &str = "-";

/// A client of one tailnet. Clones share connections, the access token and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&Tailscale`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Tailscale(pub(super) ServiceClient);

/// A builder for a [`Tailscale`] client. It needs an [`api_key`](Self::api_key) or an [`oauth_client`](Self::oauth_client).
pub type TailscaleBuilder = VendorBuilder<Tailscale>;

impl Tailscale {
    /// Creates a builder for the client of a tailnet, such as `example.com`. `-`, or an empty name, is the tailnet that the credentials
    /// belong to.
    pub fn builder(tailnet: impl Into<String>) -> TailscaleBuilder {
        Self::builder_for(tailnet)
    }

    /// The name of the tailnet, `-` for the one that the credentials belong to.
    pub fn tailnet(&self) -> &str {
        match self.0.account().trim() {
            "" => OWN_TAILNET,
            tailnet => tailnet,
        }
    }
}

impl VendorBuilder<Tailscale> {
    /// Sets an API key, which ends after 90 days at most.
    pub fn api_key(self, key: impl Into<SecretString>) -> Self {
        self.secret(API_TOKEN, key)
    }

    /// Sets an OAuth client, whose access tokens are renewed.
    pub fn oauth_client(self, id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.setting(CLIENT_ID, id).secret(CLIENT_SECRET, secret)
    }
}

impl VendorClient for Tailscale {
    const VENDOR: Vendor = TAILSCALE;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::of_host("api.tailscale.com", "api/v2")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        use secrecy::ExposeSecret as _;
        // A secret that is empty counts as absent.
        let secret =
            |name| credentials.optional_secret(name).filter(|secret| !secret.expose_secret().trim().is_empty());
        let fault = |problem: &str| {
            let message = format!("the Tailscale client for `{}` has {problem}", credentials.account());
            TAILSCALE
                .error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message)
                .with_hint(format!("set either `{API_TOKEN}`, or `{CLIENT_ID}` and `{CLIENT_SECRET}`"))
        };
        let client = credentials.optional_setting(CLIENT_ID);
        match (secret(API_TOKEN), client, secret(CLIENT_SECRET)) {
            (Some(key), None, None) => Ok(Auth::bearer(key)),
            (None, Some(id), Some(secret)) => {
                let connection = credentials.connection().clone();
                let clock = connection.clock().clone();
                let client =
                    Client::builder(TAILSCALE, credentials.base_url().clone()).connection(connection).build()?;
                Ok(login_auth(ClientLogin { client, id: id.to_owned(), secret }, &clock))
            }
            (None, None, None) => Err(fault("no credentials")),
            (None, _, _) => Err(fault("only a part of an OAuth client")),
            (Some(_), _, _) => Err(fault("both an API key and an OAuth client")),
        }
    }

    fn check_account(tailnet: &str) -> Result<()> {
        if tailnet.trim().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+')) {
            return Ok(());
        }
        let message = format!("expected the name of a tailnet, such as `example.com`, got `{tailnet}`");
        Err(TAILSCALE.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for Tailscale {
    const TYPE: &'static str = TAILSCALE.name();
    const SETTINGS: SettingsSchema = TAILSCALE.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        TailscaleBuilder::from_config(config)?.build()
    }

    /// Reads the [policy file](https://tailscale.com/api#tag/policyfile).
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.policy_file()).await
    }

    /// A tailnet whose groups have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedTailscale::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

/// The exchange of an OAuth client's credentials for an access token.
struct ClientLogin {
    client: Client,
    id: String,
    secret: SecretString,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    /// In seconds.
    expires_in: Option<u64>,
}

impl Login for ClientLogin {
    /// [`POST /oauth/token`](https://tailscale.com/kb/1215/oauth-clients)
    async fn log_in(&self) -> Result<LoginToken> {
        let call = self.client.post("oauth/token", &[]).form("grant_type", "client_credentials");
        let call = call.form("client_id", &self.id).secret_form("client_secret", &self.secret);
        let response = call.confidential().await?;
        let token: TokenResponse = response.json()?;
        let lifetime = token.expires_in.map(Duration::from_secs);
        let expires_at = lifetime.and_then(|lifetime| self.client.clock().now().checked_add(lifetime).ok());
        Ok(LoginToken::new(token.access_token, expires_at))
    }
}
