//! The client of a KnowBe4 account, and how it is built.

use std::time::Duration;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedKnowBe4;
use super::errors::classify;
use crate::http::{Auth, BaseUrl, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, RateGroup, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
};

/// KnowBe4 does not publish its burst limit. This is what its other clients keep to.
pub(super) const KNOWBE4: Vendor = Vendor::new("knowbe4", "KnowBe4")
    .request_id_headers(&["x-request-id"])
    .rate_limits(&[
        RateGroup::new("", RateLimit::per_second(4)),
        RateGroup::new("", RateLimit::new(50, Duration::from_secs(60))),
    ])
    .settings(SettingsSchema::open(&[
        SettingSchema::required(API_TOKEN),
        SettingSchema::required(REGION),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// The setting that names the secret with the API token.
const API_TOKEN: &str = "api_token_secret";
/// The setting with the region.
const REGION: &str = "region";

/// A client of one KnowBe4 account. Clones share connections and rate limits.
///
/// A runtime builds it from the configuration, and handlers take it as `&KnowBe4`; elsewhere there is a [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct KnowBe4(pub(super) ServiceClient);

/// A builder for a [`KnowBe4`] client. It needs a [`token`](Self::token).
pub type KnowBe4Builder = VendorBuilder<KnowBe4>;

/// The region of an account, which is part of the address of its console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// `training.knowbe4.com`.
    Us,
    /// `eu.knowbe4.com`.
    Eu,
    /// `ca.knowbe4.com`.
    Ca,
    /// `uk.knowbe4.com`.
    Uk,
    /// `de.knowbe4.com`.
    De,
}

impl Region {
    const ALL: [Self; 5] = [Self::Us, Self::Eu, Self::Ca, Self::Uk, Self::De];

    /// Returns the name in settings and in the address of the API, such as `us`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Ca => "ca",
            Self::Uk => "uk",
            Self::De => "de",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|region| region.as_str() == text.trim().to_ascii_lowercase());
        found.ok_or_else(|| {
            let message = format!("`{}` is not a region of KnowBe4", text.escape_debug());
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_service(KNOWBE4.name())
                .with_hint(format!("set `{REGION}` to one of {known}"))
        })
    }

    fn base_url(self) -> Result<BaseUrl> {
        BaseUrl::of_host(&format!("{}.api.knowbe4.com", self.as_str()), "v1")
    }
}

impl KnowBe4 {
    /// Creates a builder for the client of an account, by its primary domain, in a region.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn builder(domain: impl Into<String>, region: Region) -> Result<KnowBe4Builder> {
        Ok(Self::builder_for(domain).base_url(region.base_url()?))
    }

    /// Returns the primary domain.
    pub fn domain(&self) -> &str {
        self.0.account()
    }
}

impl VendorBuilder<KnowBe4> {
    /// Sets the API token.
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        self.secret(API_TOKEN, token)
    }
}

impl VendorClient for KnowBe4 {
    const VENDOR: Vendor = KNOWBE4;

    /// The URL in the region of most accounts. The builder and the configuration set that of the account.
    fn base_url(_: &str) -> Result<BaseUrl> {
        Region::Us.base_url()
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::bearer(credentials.secret(API_TOKEN)?))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for KnowBe4 {
    const TYPE: &'static str = KNOWBE4.name();
    const SETTINGS: SettingsSchema = KNOWBE4.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let region = Region::parse(config.integration().setting(REGION)?)?;
        let builder = KnowBe4Builder::from_config(config)?;
        match config.integration().settings().contains_key(BASE_URL) {
            true => builder.build(),
            false => builder.base_url(region.base_url()?).build(),
        }
    }

    /// Reads the [account](https://developer.knowbe4.com/rest/reporting#tag/Account).
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.0.get("account", &[])).await
    }

    /// An account without users.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedKnowBe4::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}
