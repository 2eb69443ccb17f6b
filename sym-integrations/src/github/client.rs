//! The client of a GitHub organization, and how it is built.

use std::time::Duration;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedGitHub;
use super::errors::classify;
use crate::http::{Auth, BaseUrl, Call, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, Endpoint, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor, VendorBuilder,
    VendorClient,
};

/// A user token may make 5,000 calls an hour, of which a fifth is kept for revocations. GitHub asks for a second between two changes.
pub(super) const GITHUB: Vendor = Vendor::new("github", "GitHub")
    .request_id_headers(&["x-github-request-id"])
    .headers(&[("accept", "application/vnd.github+json"), ("x-github-api-version", API_VERSION)])
    .rate_limits(&[
        RateGroup::new("", RateLimit::new(3_900, HOUR)),
        RateGroup::new(REVOKE, RateLimit::new(1_000, HOUR)),
        RateGroup::per_key("", RateLimit::per_second(1)),
        RateGroup::per_key(REVOKE, RateLimit::per_second(1)),
    ])
    .settings(SettingsSchema::open(&[SettingSchema::required(API_TOKEN), SettingSchema::optional(BASE_URL)]))
    .classify(classify);

/// The version of the REST API that the models describe.
const API_VERSION: &str = "2022-11-28";

const HOUR: Duration = Duration::from_secs(3_600);

/// The setting that names the secret with the token.
const API_TOKEN: &str = "api_token_secret";

/// The key of changes within their rate group, so that they count against its limit and have one of their own.
const CHANGE: &str = "change";

/// The endpoint of the GraphQL API, where it is not below the REST API.
const GRAPHQL: &str = "graphql";

/// A client of one GitHub organization. Clones share connections and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&GitHub`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct GitHub(pub(super) ServiceClient);

/// A builder for a [`GitHub`] client. It needs a [`token`](Self::token).
pub type GitHubBuilder = VendorBuilder<GitHub>;

impl GitHub {
    /// Creates a builder for the client of an organization, by its login such as `acme`.
    pub fn builder(organization: impl Into<String>) -> GitHubBuilder {
        Self::builder_for(organization)
    }

    /// The login of the organization.
    pub fn organization(&self) -> &str {
        self.0.account()
    }

    /// Returns the call of the GraphQL API.
    pub(super) fn graphql(&self) -> Call {
        match self.0.endpoint(GRAPHQL) {
            Ok(client) => client.post("graphql", &[]),
            Err(_) => self.0.post("graphql", &[]),
        }
    }
}

/// Assigns a call to the changes of its rate group.
pub(super) fn paced(call: Call) -> Call {
    call.key(CHANGE)
}

impl VendorBuilder<GitHub> {
    /// Sets the token: a personal access token, or one that expires later than the client is used.
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        self.secret(API_TOKEN, token)
    }
}

impl VendorClient for GitHub {
    const VENDOR: Vendor = GITHUB;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::of_host("api.github.com", "")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::bearer(credentials.secret(API_TOKEN)?))
    }

    /// GitHub Enterprise Server has its REST API at `/api/v3`, and GraphQL at `/api/graphql`.
    fn endpoints(credentials: &Credentials<'_>, base_url: &BaseUrl) -> Result<Vec<Endpoint>> {
        let token = credentials.optional_secret(API_TOKEN);
        let Some((url, token)) = base_url.as_str().strip_suffix("/v3").zip(token) else { return Ok(Vec::new()) };
        Ok(vec![Endpoint::new(GRAPHQL, BaseUrl::parse(url)?, Auth::bearer(token))])
    }

    fn check_account(organization: &str) -> Result<()> {
        let is_login = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !organization.is_empty() && organization.chars().all(is_login) {
            return Ok(());
        }
        let message = format!("`{organization}` is not the login of a GitHub organization");
        let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message);
        Err(error.with_service(GITHUB.name()).with_hint("use the last part of the organization's URL, such as `acme`"))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for GitHub {
    const TYPE: &'static str = GITHUB.name();
    const SETTINGS: SettingsSchema = GITHUB.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        GitHubBuilder::from_config(config)?.build()
    }

    /// Reads the [rate limits](https://docs.github.com/en/rest/rate-limit/rate-limit), which takes no permission.
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.0.get("rate_limit", &[])).await
    }

    /// An organization whose repositories have no collaborators.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedGitHub::new(config.external_id()).client(&SimulatedAccount::of(config)).map(Some)
    }
}
