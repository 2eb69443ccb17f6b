use std::fmt;
use std::sync::Arc;

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::User;

use super::error::SERVICE;
use super::incidents::IncidentQuery;
use super::model::{EscalationPolicy, Incident, Schedule, Service};
use super::on_call::{IsOnCall, UsersOnCall};
use super::page::{EscalationPolicies, PAGE, People, Schedules, Services};
use super::schedule::UsersForSchedule;
use super::{PagerDutyBuilder, error};
use crate::account_resolver::AccountResolver;
use crate::http::{Call, Client, Page, Paginator};

/// PagerDuty's REST API. Clones share connections and rate limits.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use serde_json::json;
/// # use sym_integrations::testing::{Replay, Reply};
/// use sym_integrations::pagerduty::PagerDuty;
/// use sym_sdk::model::{User, UserId};
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
/// let ana = User::person(UserId::from_email("ana@example.com"), "ana@example.com")?;
/// assert!(pagerduty.is_on_call(&ana).schedule_name("prod").await?);
/// # replay.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PagerDuty(Option<Arc<ApiClient>>);

impl PagerDuty {
    /// The API of accounts that are not in the EU.
    pub const US: &'static str = "https://api.pagerduty.com";

    /// The API of accounts that are in the EU.
    pub const EU: &'static str = "https://api.eu.pagerduty.com";

    /// Builds a client for the account with this domain, the `example` of `example.pagerduty.com`. Users' accounts are kept under
    /// it, as it is written.
    pub fn builder(domain: impl Into<String>) -> PagerDutyBuilder {
        PagerDutyBuilder::new(domain.into())
    }

    pub(super) fn new(live: Option<(Client, AccountResolver)>) -> Self {
        Self(live.map(|(client, accounts)| Arc::new(ApiClient { client, accounts })))
    }

    /// Whether a user is on call now, at any level of any escalation policy, through any schedule or none; or only where the
    /// builder says.
    ///
    /// # Errors
    /// `PagerDuty:USER_NOT_FOUND` if nobody in PagerDuty has the user's e-mail address.
    pub fn is_on_call(&self, user: &User) -> IsOnCall {
        IsOnCall::new(self.clone(), user.clone())
    }

    /// The users who are on call now, at any level of any escalation policy; or only where the builder says.
    pub fn users_on_call(&self) -> UsersOnCall {
        UsersOnCall::new(self.clone())
    }

    /// The users who are in the layers of a schedule, on call or not.
    pub fn users_for_schedule(&self) -> UsersForSchedule {
        UsersForSchedule::new(self.clone())
    }

    /// Lists incidents, the newest first. Unless told, those of high urgency of the last 24 hours that are not resolved.
    pub fn get_incidents(&self) -> IncidentQuery<Vec<Incident>> {
        IncidentQuery::new(self.clone())
    }

    /// Whether there is an incident. Unless told, of high urgency, of the last 24 hours, and not resolved.
    pub fn has_incident(&self) -> IncidentQuery<bool> {
        IncidentQuery::new(self.clone())
    }

    /// Lists the schedules.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/846ecf84402bb-list-schedules).
    pub fn schedules(&self) -> Paginator<Schedule> {
        self.list::<Schedules>("schedules")
    }

    /// Lists the escalation policies.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/51b21014a4f5a-list-escalation-policies).
    pub fn escalation_policies(&self) -> Paginator<EscalationPolicy> {
        self.list::<EscalationPolicies>("escalation_policies")
    }

    /// Lists the services.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/e960cca205c0f-list-services).
    pub fn services(&self) -> Paginator<Service> {
        self.list::<Services>("services")
    }

    fn list<P: Page>(&self, route: &'static str) -> Paginator<P::Item> {
        self.live().map_or_else(Paginator::empty, |live| live.list::<P>(route, |call| call))
    }

    /// What calls PagerDuty. `None` for the stand-in of simulations.
    pub(super) fn live(&self) -> Option<&ApiClient> {
        self.0.as_deref()
    }
}

impl fmt::Debug for PagerDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(live) => f.debug_tuple("PagerDuty").field(&live.client).finish(),
            None => f.write_str("PagerDuty(dry)"),
        }
    }
}

/// What the calls have in common.
pub(super) struct ApiClient {
    pub(super) client: Client,
    pub(super) accounts: AccountResolver,
}

impl ApiClient {
    /// Lists what is at a route.
    pub(super) fn list<P: Page>(&self, route: &'static str, with: impl FnOnce(Call) -> Call) -> Paginator<P::Item> {
        with(self.client.get(route, &[])).query("limit", PAGE).pages::<P>()
    }

    /// The id of a user's account.
    /// See <https://developer.pagerduty.com/api-reference/c96e889522dd6-list-users>.
    pub(super) async fn account_of(&self, user: &User) -> Result<String> {
        self.accounts.account_id(user, async |email| self.look_up(email).await.map(Some)).await
    }

    /// PagerDuty searches in names and addresses, and finds what is alike. Only ASCII has its case ignored: some other letters
    /// would turn into ASCII ones, and make two addresses the same.
    async fn look_up(&self, email: &str) -> Result<String> {
        let mut people = self.list::<People>("users", |call| call.query("query", email));
        while let Some(person) = people.next_item().await? {
            if person.email.is_some_and(|other| other.trim().eq_ignore_ascii_case(email)) {
                return Ok(person.id);
            }
        }
        let message = format!("nobody in PagerDuty has the e-mail address `{email}`");
        Err(Error::new(ErrorKind::Identity, codes::PAGERDUTY_USER_NOT_FOUND, message)
            .with_service(SERVICE)
            .with_hint("invite the user to PagerDuty, or store the account with `Directory::put_identity`"))
    }
}

/// An error about what is asked for: nobody has been called.
pub(super) fn invalid_filter(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, error::INVALID_FILTER, message).with_service(SERVICE)
}
