//! The client of an Aptible organization, and how it is built.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedAptible;
use super::errors::classify;
use crate::http::{Auth, BaseUrl, Client, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, Login, LoginToken, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor,
    VendorBuilder, VendorClient, login_auth,
};

/// Aptible documents no rate limits. These are low enough for a service that many share.
pub(super) const APTIBLE: Vendor = Vendor::new("aptible", "Aptible")
    .headers(&[("accept", "application/hal+json")])
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(120)), RateGroup::new(REVOKE, RateLimit::per_minute(60))])
    .settings(SettingsSchema::open(&[
        SettingSchema::required(USERNAME),
        SettingSchema::required(PASSWORD),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

const USERNAME: &str = "username_secret";
const PASSWORD: &str = "password_secret";

/// The lifetime that tokens are asked for, in seconds: 12 hours.
const TOKEN_LIFETIME: u32 = 43_200;

/// A client of one Aptible organization, for the strategy. Clones share connections, the access token and rate limits.
#[derive(Clone, Debug)]
pub struct Aptible(pub(super) ServiceClient);

/// A builder for an [`Aptible`] client. It needs a [`login`](Self::login).
pub type AptibleBuilder = VendorBuilder<Aptible>;

impl Aptible {
    /// Creates a builder for the client of an organization, by its id.
    pub fn builder(organization_id: impl Into<String>) -> AptibleBuilder {
        Self::builder_for(organization_id)
    }

    /// The id of the organization.
    pub fn organization_id(&self) -> &str {
        self.0.account()
    }
}

impl VendorBuilder<Aptible> {
    /// Sets the username, which is an e-mail address, and the password of an account.
    pub fn login(self, username: impl Into<SecretString>, password: impl Into<SecretString>) -> Self {
        self.secret(USERNAME, username).secret(PASSWORD, password)
    }
}

impl VendorClient for Aptible {
    const VENDOR: Vendor = APTIBLE;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::of_host("auth.aptible.com", "")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        let connection = credentials.connection();
        let client = Client::builder(APTIBLE, credentials.base_url().clone())
            .header("accept", "application/hal+json")
            .connection(connection.clone())
            .build()?;
        let login =
            PasswordLogin { client, username: credentials.secret(USERNAME)?, password: credentials.secret(PASSWORD)? };
        Ok(login_auth(login, connection.clock()))
    }

    fn check_account(organization_id: &str) -> Result<()> {
        if !organization_id.is_empty() && organization_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Ok(());
        }
        let message = format!("expected the id of an Aptible organization, a UUID, got `{organization_id}`");
        Err(APTIBLE.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for Aptible {
    const TYPE: &'static str = APTIBLE.name();
    const SETTINGS: SettingsSchema = APTIBLE.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        AptibleBuilder::from_config(config)?.build()
    }

    /// Reads the organization.
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.0.get("organizations/{organization}", &[self.organization_id()])).await
    }

    /// An organization whose roles have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedAptible::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

struct PasswordLogin {
    client: Client,
    username: SecretString,
    password: SecretString,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    /// Unix seconds, or a time as text.
    expires_at: Option<Value>,
}

impl Login for PasswordLogin {
    /// `POST /tokens`
    async fn log_in(&self) -> Result<LoginToken> {
        use secrecy::ExposeSecret as _;
        let body = json!({
            "username": self.username.expose_secret(),
            "password": self.password.expose_secret(),
            "grant_type": "password",
            "scope": "manage",
            "expires_in": TOKEN_LIFETIME,
        });
        let call = self.client.post("tokens", &[]).json(&body).redact(&self.username).redact(&self.password);
        let response = call.confidential().await?;
        let token: TokenResponse = response.json()?;
        let expires_at = match token.expires_at {
            Some(Value::Number(seconds)) => seconds.as_i64().and_then(|second| Timestamp::from_second(second).ok()),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        Ok(LoginToken::new(token.access_token, expires_at))
    }
}
