//! The client of a Jira site, and how it is built.

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedJira;
use super::errors::classify;
use crate::http::{Auth, BaseUrl, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, RateGroup, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
};

/// Jira limits bursts of calls, by site and endpoint, without a number. Where its limit is lower than ours, its delay is kept.
pub(super) const JIRA: Vendor = Vendor::new("jira", "Jira")
    .request_id_headers(&["atl-traceid", "x-arequestid"])
    .rate_limits(&[RateGroup::new("", RateLimit::per_second(10))])
    .settings(SettingsSchema::open(&[
        SettingSchema::required(API_TOKEN),
        SettingSchema::optional(EMAIL),
        SettingSchema::optional(CLOUD_ID),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// The setting that names the secret with the token.
const API_TOKEN: &str = "api_token_secret";

/// The setting with the e-mail address of the token's owner. Without it, the token is sent as an OAuth token.
const EMAIL: &str = "email";

/// The setting with the id of the site, through which scoped tokens and OAuth tokens work.
const CLOUD_ID: &str = "cloud_id";

/// The host of all sites, by their ids.
const GATEWAY: &str = "api.atlassian.com";

/// A client of one Jira site. Clones share connections and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&Jira`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Jira(pub(super) ServiceClient);

/// A builder for a [`Jira`] client. It needs a [`token`](Self::token).
pub type JiraBuilder = VendorBuilder<Jira>;

impl Jira {
    /// Creates a builder for the client of a site such as `acme.atlassian.net`.
    pub fn builder(site: impl Into<String>) -> JiraBuilder {
        Self::builder_for(site)
    }

    /// The host name of the site.
    pub fn site(&self) -> &str {
        self.0.account()
    }
}

impl VendorBuilder<Jira> {
    /// Sets the token: an API token of the user with the [`email`](Self::email), or else an OAuth token.
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        self.secret(API_TOKEN, token)
    }

    /// Sets the e-mail address of the owner of the API token.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.setting(EMAIL, email)
    }

    /// Calls the site by its id, at `api.atlassian.com`. Scoped API tokens and OAuth tokens work only there.
    pub fn cloud_id(self, id: impl Into<String>) -> Self {
        let id = id.into();
        // An id that is none is reported when the client is built.
        match gateway(&id) {
            Ok(url) => self.base_url(url).setting(CLOUD_ID, id),
            Err(_) => self.setting(CLOUD_ID, id),
        }
    }
}

fn gateway(cloud_id: &str) -> Result<BaseUrl> {
    let is_id = !cloud_id.is_empty() && cloud_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_id {
        return BaseUrl::of_host(GATEWAY, &format!("ex/jira/{cloud_id}/rest/api/3"));
    }
    let error = Error::new(
        ErrorKind::Configuration,
        codes::CONFIGURATION,
        format!("`{cloud_id}` is not the id of a Jira site"),
    );
    Err(error.with_service(JIRA.name()).with_hint("the id is in `https://<site>/_edge/tenant_info`"))
}

impl VendorClient for Jira {
    const VENDOR: Vendor = JIRA;

    fn base_url(site: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(site, "rest/api/3")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        if let Some(id) = credentials.optional_setting(CLOUD_ID) {
            gateway(id)?;
        }
        let token = credentials.secret(API_TOKEN)?;
        Ok(match credentials.optional_setting(EMAIL) {
            Some(email) => Auth::basic(email, token),
            None => Auth::bearer(token),
        })
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for Jira {
    const TYPE: &'static str = JIRA.name();
    const SETTINGS: SettingsSchema = JIRA.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let (builder, settings) = (JiraBuilder::from_config(config)?, config.integration().settings());
        match settings.get(CLOUD_ID) {
            Some(id) if !settings.contains_key(BASE_URL) => builder.cloud_id(id).build(),
            _ => builder.build(),
        }
    }

    /// Reads the [account](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/) that the program signs in with.
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.0.get("myself", &[])).await
    }

    /// A site without issues.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedJira::new(config.external_id()).client(&SimulatedAccount::of(config)).map(Some)
    }
}
