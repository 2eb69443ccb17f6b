//! A client of a status page: the integration that this program has and `sym-integrations` has not.
//!
//! It is made of the kit that all clients of `sym-integrations` are made of, which implements time limits, retries, rate limits and error
//! messages without secrets.

use sym_integrations::http::{Auth, BaseUrl, RateLimit};
use sym_integrations::kit::{
    Credentials, RateGroup, ServiceClient, SimulatedAccount, SimulatedService, Vendor, VendorBuilder, VendorClient,
};
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::integration::{Fake, FakeClient};
use sym_sdk::prelude::*;

/// The type of the integration, the first part of its error codes, its limits and its settings.
const STATUS_PAGE: Vendor = Vendor::new("status_page", "StatusPage")
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(60))])
    .settings(SettingsSchema::closed(&[SettingSchema::required("token_secret")]));

/// A client of the status page. Handlers take it as `&StatusPage`.
#[derive(Clone, Debug)]
pub(crate) struct StatusPage(ServiceClient);

/// An incident or a maintenance on the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) title: String,
}

impl StatusPage {
    /// Returns the incidents that are not resolved.
    pub(crate) async fn open_incidents(&self) -> Result<Vec<Entry>> {
        self.0.get("incidents", &[]).query("status", "open").await?.json()
    }

    /// Announces a maintenance. Repeated with the same key, it announces nothing: see `after_escalate`.
    pub(crate) async fn begin_maintenance(&self, title: &str, key: &str) -> Result<Entry> {
        let body = serde_json::json!({ "title": title });
        self.0.post("maintenances", &[]).header("idempotency-key", key).idempotent(true).json(&body).await?.json()
    }

    /// Ends a maintenance.
    pub(crate) async fn end_maintenance(&self, id: &str) -> Result<()> {
        self.0.delete("maintenances/{maintenance}", &[id]).await.map(drop)
    }
}

impl VendorClient for StatusPage {
    const VENDOR: Vendor = STATUS_PAGE;

    fn base_url(host: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(host, "api/v1")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::bearer(credentials.secret("token_secret")?))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for StatusPage {
    const TYPE: &'static str = STATUS_PAGE.name();
    const SETTINGS: SettingsSchema = STATUS_PAGE.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        VendorBuilder::from_config(config)?.build()
    }

    /// The client of `simulate` and of tests that set no other.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedStatusPage::default().client(&SimulatedAccount::of(config)).map(Some)
    }
}

/// A fake of the service, which answers the real client in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimulatedStatusPage {
    incidents: Vec<&'static str>,
}

impl SimulatedStatusPage {
    /// Adds an incident that is not resolved.
    #[cfg(test)]
    pub(crate) fn incident(mut self, title: &'static str) -> Self {
        self.incidents.push(title);
        self
    }

    fn client(self, account: &SimulatedAccount) -> Result<StatusPage> {
        let incidents: Vec<_> =
            self.incidents.iter().map(|title| serde_json::json!({ "id": "1", "title": title })).collect();
        let service = SimulatedService::new("api/v1")
            .on("GET", "incidents", move |_| Some(incidents.clone().into()))
            .on("POST", "maintenances", |request| {
                // What is recorded is in the timeline of a simulation, and in `Harness::outbox`.
                request.record("m-1", format!("begins: {}", request.text("title")));
                Some(serde_json::json!({ "id": "m-1", "title": request.text("title") }))
            })
            .on("DELETE", "maintenances/{maintenance}", |request| {
                request.record(request.value(0), "ends");
                Some(serde_json::json!({}))
            });
        account.client(StatusPage::builder_for("status.example.com").secret("token_secret", "simulated"), service)
    }
}

impl Fake for SimulatedStatusPage {
    type Client = StatusPage;

    fn into_client(self) -> FakeClient<StatusPage> {
        FakeClient::built_by(move |config| self.clone().client(&SimulatedAccount::of(config)))
    }
}
