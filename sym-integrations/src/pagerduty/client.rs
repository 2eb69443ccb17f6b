//! The client of a PagerDuty account, and how it is built.

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::User;

use super::errors::classify;
use super::incidents::IncidentQuery;
use super::model::{EscalationPolicy, Incident, Schedule, Service};
use super::on_call::OnCallQuery;
use super::page::{EscalationPolicies, MAX_PAGE, People, Schedules, Services};
use super::schedule::UsersForSchedule;
use super::{SimulatedPagerDuty, codes};
use crate::http::{Auth, BaseUrl, Call, Page, Paginator, RateLimit, SecretString};
use crate::kit::{
    BASE_URL, Credentials, RateGroup, Resource, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
    is_same_address,
};

/// A token may make 960 calls a minute.
pub(super) const PAGERDUTY: Vendor = Vendor::new("pagerduty", "PagerDuty")
    .headers(&[
        ("accept", "application/vnd.pagerduty+json;version=2"),
        // Required even where there is no content.
        ("content-type", "application/json"),
    ])
    .rate_limits(&[RateGroup::new("", RateLimit::per_minute(960))])
    .settings(SettingsSchema::open(&[SettingSchema::required(API_TOKEN), SettingSchema::optional(BASE_URL)]))
    .classify(classify);

/// The setting that names the secret with the API key.
const API_TOKEN: &str = "api_token_secret";

/// A client of one PagerDuty account. Clones share connections and rate limits.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use serde_json::json;
/// # use sym_integrations::testing::{Replay, Reply};
/// use sym_integrations::pagerduty::PagerDuty;
/// use sym_sdk::model::User;
///
/// # let replay = Replay::new();
/// # let ana = json!({ "id": "PANA", "email": "ana@example.com" });
/// # replay.get("/users").query("query", "ana@example.com").reply(Reply::json(
/// #     json!({ "users": [ana], "more": false, "offset": 0, "limit": 100 }),
/// # ));
/// # let schedule = json!({ "id": "PI7DH85", "name": "prod" });
/// # replay.get("/schedules").query("query", "prod").reply(Reply::json(
/// #     json!({ "schedules": [schedule], "more": false, "offset": 0, "limit": 100 }),
/// # ));
/// # let entry = json!({ "user": ana, "schedule": schedule, "escalation_level": 1, "start": null, "end": null });
/// # replay.get("/oncalls").query("schedule_ids[]", "PI7DH85").reply(Reply::json(
/// #     json!({ "oncalls": [entry], "more": false, "offset": 0, "limit": 100 }),
/// # ));
/// # let connection = replay.connection();
/// let pagerduty = PagerDuty::builder("example").token("u+k3y").connection(connection).build()?;
///
/// let ana = User::from_email("ana@example.com")?;
/// assert!(pagerduty.is_on_call(&ana).schedule_name("prod").await?);
/// # replay.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PagerDuty(pub(super) ServiceClient);

/// A builder for a [`PagerDuty`] client. It needs a [`token`](Self::token) or an [`oauth_token`](Self::oauth_token).
pub type PagerDutyBuilder = VendorBuilder<PagerDuty>;

impl VendorBuilder<PagerDuty> {
    /// Sets a REST API key of the account or of a user. A read-only key is enough.
    pub fn token(self, key: impl Into<SecretString>) -> Self {
        self.secret(API_TOKEN, key)
    }

    /// Sets an OAuth token instead of a key. Depending on the calls made, it needs the scopes `oncalls.read`, `users.read`,
    /// `schedules.read`, `escalation_policies.read`, `services.read` and `incidents.read`.
    pub fn oauth_token(self, token: impl Into<SecretString>) -> Self {
        self.auth(Auth::bearer(token.into()))
    }
}

impl VendorClient for PagerDuty {
    const VENDOR: Vendor = PAGERDUTY;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::parse(Self::US)
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::token("Token token=", credentials.secret(API_TOKEN)?))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = PAGERDUTY.name();
    const SETTINGS: SettingsSchema = PAGERDUTY.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        PagerDutyBuilder::from_config(config)?.build()
    }

    /// Reads the [abilities](https://developer.pagerduty.com/api-reference/a4b9b3ddd3bd5-list-abilities) of the account.
    async fn check(&self) -> Result<Option<String>> {
        self.0.probe(self.0.get("abilities", &[])).await
    }

    /// An account where nobody is on call and there are no incidents.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedPagerDuty::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

impl PagerDuty {
    /// The API of accounts outside the EU.
    pub const US: &'static str = "https://api.pagerduty.com";

    /// The API of accounts in the EU.
    pub const EU: &'static str = "https://api.eu.pagerduty.com";

    /// Creates a builder for the client of the account with this domain: the `example` of `example.pagerduty.com`. Users' accounts are
    /// stored in the directory under this name, as it is written.
    pub fn builder(domain: impl Into<String>) -> PagerDutyBuilder {
        Self::builder_for(domain)
    }

    /// Returns whether a user is on call now: at any level of any escalation policy, through any schedule or none, unless the query is
    /// narrowed down.
    ///
    /// # Errors
    /// `PagerDuty:USER_NOT_FOUND` if no PagerDuty user has the user's e-mail address.
    pub fn is_on_call(&self, user: &User) -> OnCallQuery<bool> {
        OnCallQuery::of_user(self.clone(), user.clone())
    }

    /// Returns the users who are on call now: at any level of any escalation policy, through any schedule or none, unless the query is
    /// narrowed down. Each user occurs once, in PagerDuty's order.
    ///
    /// Users who have no e-mail address in PagerDuty and whose account the directory does not know are omitted, with a warning in the
    /// log.
    pub fn users_on_call(&self) -> OnCallQuery<Vec<std::sync::Arc<User>>> {
        OnCallQuery::of_all(self.clone())
    }

    /// Returns the users who are in the layers of a schedule, on call or not.
    pub fn users_for_schedule(&self) -> UsersForSchedule {
        UsersForSchedule::new(self.clone())
    }

    /// Lists incidents, newest first: by default those of high urgency of the last 24 hours that are not resolved.
    pub fn get_incidents(&self) -> IncidentQuery<Vec<Resource<Incident>>> {
        IncidentQuery::new(self.clone())
    }

    /// Returns whether there is an incident: by default one of high urgency of the last 24 hours that is not resolved.
    pub fn has_incident(&self) -> IncidentQuery<bool> {
        IncidentQuery::new(self.clone())
    }

    /// Lists the schedules.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/846ecf84402bb-list-schedules).
    pub fn schedules(&self) -> Paginator<Resource<Schedule>> {
        self.list::<Schedules>("schedules", |call| call)
    }

    /// Lists the escalation policies.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/51b21014a4f5a-list-escalation-policies).
    pub fn escalation_policies(&self) -> Paginator<Resource<EscalationPolicy>> {
        self.list::<EscalationPolicies>("escalation_policies", |call| call)
    }

    /// Lists the services.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/e960cca205c0f-list-services).
    pub fn services(&self) -> Paginator<Resource<Service>> {
        self.list::<Services>("services", |call| call)
    }

    /// Lists the objects of a route.
    pub(super) fn list<P: Page>(&self, route: &'static str, narrow: impl FnOnce(Call) -> Call) -> Paginator<P::Item> {
        narrow(self.0.get(route, &[])).query("limit", MAX_PAGE).pages::<P>()
    }

    /// Returns the id of a user's account in PagerDuty: the one in the directory, or else that of the PagerDuty user with their e-mail
    /// address, which is then stored in the directory.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/c96e889522dd6-list-users).
    ///
    /// # Errors
    /// `PagerDuty:USER_NOT_FOUND` if no PagerDuty user has the user's e-mail address.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        self.0.account_id(user, async |email| self.find_account(email).await.map(Some)).await
    }

    /// PagerDuty searches names and addresses for similar ones, so addresses are compared here.
    async fn find_account(&self, email: &str) -> Result<String> {
        let mut people = self.list::<People>("users", |call| call.query("query", email));
        if let Some(person) = people.find(|person| is_same_address(person.email.as_deref(), email)).await? {
            return Ok(person.id);
        }
        let message = format!("no PagerDuty user has the e-mail address `{email}`");
        Err(PAGERDUTY
            .error(ErrorKind::Identity, codes::USER_NOT_FOUND, message)
            .with_hint("invite the user to PagerDuty, or store the account with `Directory::put_identity`"))
    }
}

/// The error for a query that cannot be asked. No call has been made.
pub(super) fn invalid_filter(message: impl Into<String>) -> Error {
    PAGERDUTY.error(ErrorKind::InvalidInput, codes::INVALID_FILTER, message)
}
