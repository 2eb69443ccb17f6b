//! The client of the CI service, with the two calls that this program needs.

use sym_integrations::http::{Auth, BaseUrl};
use sym_integrations::kit::{
    Credentials, ServiceClient, SimulatedAccount, SimulatedService, Vendor, VendorBuilder, VendorClient,
};
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::prelude::*;

const CI: Vendor = Vendor::new("ci", "CI").settings(SettingsSchema::closed(&[SettingSchema::required("token_secret")]));

/// A client of the CI service.
#[derive(Clone, Debug)]
pub(crate) struct Ci(ServiceClient);

impl Ci {
    /// Resumes a job that waits. Resuming it again changes nothing.
    pub(crate) async fn resume(&self, job: &str) -> Result<()> {
        self.0.put("jobs/{job}/resume", &[job]).await.map(drop)
    }

    /// Cancels a job that waits.
    pub(crate) async fn cancel(&self, job: &str, reason: &str) -> Result<()> {
        self.0.put("jobs/{job}/cancel", &[job]).json(&serde_json::json!({ "reason": reason })).await.map(drop)
    }
}

impl VendorClient for Ci {
    const VENDOR: Vendor = CI;

    fn base_url(host: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(host, "api")
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

impl IntegrationClient for Ci {
    const TYPE: &'static str = CI.name();
    const SETTINGS: SettingsSchema = CI.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        VendorBuilder::from_config(config)?.build()
    }

    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        let service = SimulatedService::new("api")
            .on("PUT", "jobs/{job}/resume", |request| {
                request.record(request.value(0), "resumed");
                Some(serde_json::json!({}))
            })
            .on("PUT", "jobs/{job}/cancel", |request| {
                request.record(request.value(0), format!("cancelled: {}", request.text("reason")));
                Some(serde_json::json!({}))
            });
        let builder = Self::builder_for("ci.example.com").secret("token_secret", "simulated");
        SimulatedAccount::of(config).client(builder, service).map(Some)
    }
}
