//! The client of a Boundary cluster, and how it is built.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedBoundary;
use super::errors::classify;
use super::model::AuthMethod;
use super::paging::list;
use crate::http::{Auth, BaseUrl, Client, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, Login, LoginToken, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor,
    VendorBuilder, VendorClient, login_auth,
};

/// Boundary's rate limits are set by its operators. Where one is lower than ours, Boundary throttles, and its delay is kept.
pub(super) const BOUNDARY: Vendor = Vendor::new("boundary", "Boundary")
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(300)), RateGroup::new(REVOKE, RateLimit::per_minute(200))])
    .settings(SettingsSchema::open(&[
        SettingSchema::optional(AUTH_METHOD_ID),
        SettingSchema::required(LOGIN_NAME),
        SettingSchema::required(PASSWORD),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// The setting with the id of the auth method that the account belongs to.
const AUTH_METHOD_ID: &str = "auth_method_id";

/// The setting with the name that the account signs in with.
const LOGIN_NAME: &str = "login_name";

/// The setting that names the secret with the password of the account.
const PASSWORD: &str = "password_secret";

/// A client of one Boundary cluster. Clones share connections, the auth token and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&Boundary`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Boundary {
    pub(super) service: ServiceClient,
}

/// A builder for a [`Boundary`] client. It needs a [`login`](Self::login).
pub type BoundaryBuilder = VendorBuilder<Boundary>;

impl Boundary {
    /// Creates a builder for the client of a cluster at a URL such as `https://boundary.example.com`.
    pub fn builder(cluster_url: impl Into<String>) -> BoundaryBuilder {
        Self::builder_for(cluster_url)
    }

    /// The URL of the cluster.
    pub fn cluster_url(&self) -> &str {
        self.service.account()
    }
}

impl VendorBuilder<Boundary> {
    /// Sets the login name and the password of an account of type `password`.
    pub fn login(self, login_name: impl Into<String>, password: impl Into<SecretString>) -> Self {
        self.setting(LOGIN_NAME, login_name).secret(PASSWORD, password)
    }

    /// Sets the id of the auth method that the account belongs to. The default is the primary one of the scope `global`.
    pub fn auth_method_id(self, id: impl Into<String>) -> Self {
        self.setting(AUTH_METHOD_ID, id)
    }
}

impl VendorClient for Boundary {
    const VENDOR: Vendor = BOUNDARY;

    fn base_url(cluster_url: &str) -> Result<BaseUrl> {
        BaseUrl::parse(cluster_url)
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        let connection = credentials.connection();
        let login = PasswordLogin {
            client: Client::builder(BOUNDARY, credentials.base_url().clone()).connection(connection.clone()).build()?,
            auth_method_id: credentials.optional_setting(AUTH_METHOD_ID).map(str::to_owned),
            login_name: credentials.setting(LOGIN_NAME)?.to_owned(),
            password: credentials.secret(PASSWORD)?,
        };
        Ok(login_auth(login, connection.clock()))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self { service }
    }

    fn service(&self) -> &ServiceClient {
        &self.service
    }
}

impl IntegrationClient for Boundary {
    const TYPE: &'static str = BOUNDARY.name();
    const SETTINGS: SettingsSchema = BOUNDARY.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        BoundaryBuilder::from_config(config)?.build()
    }

    /// Reads the [groups](https://developer.hashicorp.com/boundary/api-docs/group-service) of the global scope.
    async fn check(&self) -> Result<Option<String>> {
        self.service.probe(self.service.get("v1/groups", &[]).query("scope_id", "global")).await
    }

    /// A cluster whose groups have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedBoundary::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

/// The login of an account of type `password`.
struct PasswordLogin {
    client: Client,
    auth_method_id: Option<String>,
    login_name: String,
    password: SecretString,
}

#[derive(Deserialize)]
struct LoginResponse {
    attributes: TokenAttributes,
}

#[derive(Deserialize)]
struct TokenAttributes {
    token: String,
    expiration_time: Option<Timestamp>,
}

impl PasswordLogin {
    /// Finds the primary auth method of the scope `global`, which Boundary lists to everybody.
    async fn primary_auth_method(&self) -> Result<String> {
        let call = self.client.get("v1/auth-methods", &[]).query("scope_id", "global");
        let methods = list(call, |method: &AuthMethod| &method.id).await?;
        let mut with_passwords = methods.iter().filter(|method| method.kind.as_deref() == Some("password"));
        let found = match with_passwords.clone().find(|method| method.is_primary) {
            None if with_passwords.clone().count() == 1 => with_passwords.next(),
            primary => primary,
        };
        found.map(|method| method.id.clone()).ok_or_else(|| {
            let message = "Boundary's scope `global` has no primary auth method of type `password`, nor only one";
            BOUNDARY.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message).with_hint(format!(
                "set `{AUTH_METHOD_ID}` to the auth method of the account, which begins with `ampw_`"
            ))
        })
    }
}

impl Login for PasswordLogin {
    /// [`POST /v1/auth-methods/{id}:authenticate`](https://developer.hashicorp.com/boundary/api-docs/auth-method-service)
    async fn log_in(&self) -> Result<LoginToken> {
        let id = match &self.auth_method_id {
            Some(id) => id.clone(),
            None => self.primary_auth_method().await?,
        };
        let attributes = json!({ "login_name": self.login_name, "password": self.password.expose_secret() });
        let call = self.client.post("v1/auth-methods/{method}:authenticate", &[&id]).redact(&self.password);
        let call = call.json(&json!({ "command": "login", "type": "token", "attributes": attributes }));
        let call = call.hint(&[ErrorKind::NotFound], "check the id of the auth method");
        let response: LoginResponse = call.confidential().await?.json()?;
        Ok(LoginToken::new(response.attributes.token, response.attributes.expiration_time))
    }
}
