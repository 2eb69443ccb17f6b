//! A simulated PagerDuty account.

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::PagerDuty;
use crate::kit::{SimulatedRequest, SimulatedService};

/// A simulated PagerDuty account: who is on call and which incidents there are is set here, and every schedule and escalation policy
/// that is asked for exists.
///
/// Nobody is on call and there are no incidents unless set. Whoever is on call is so for every schedule and policy.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::pagerduty::SimulatedPagerDuty;
/// use sym_sdk::model::User;
///
/// let pagerduty = SimulatedPagerDuty::new().on_call("ana@example.com").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(pagerduty.is_on_call(&ana).schedule_name("prod").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedPagerDuty {
    on_call: Vec<String>,
    incidents: Vec<Value>,
}

impl SimulatedPagerDuty {
    /// Creates an account where nobody is on call and there are no incidents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the user with this e-mail address on call.
    pub fn on_call(mut self, email: impl Into<String>) -> Self {
        self.on_call.push(email.into());
        self
    }

    /// Adds an incident, as PagerDuty describes it in JSON. Queries find it by its status, urgency and service.
    pub fn incident(mut self, incident: Value) -> Self {
        self.incidents.push(incident);
        self
    }

    /// Builds the client of the account.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<PagerDuty> {
        PagerDuty::builder("simulated")
            .token("simulated")
            .connection(self.service().connection())
            .without_rate_limits()
            .build()
    }

    fn service(self) -> SimulatedService {
        let Self { on_call, incidents } = self;
        let members = json!({ "schedule": { "users": on_call.iter().map(|email| user(email)).collect::<Vec<_>>() } });
        // Accounts are named after their e-mail addresses, and schedules and policies after themselves.
        SimulatedService::new("")
            .on("GET", "abilities", |_| Some(json!({ "abilities": [] })))
            .on("GET", "users", |request| Some(page("users", request.query("query").map(user))))
            .on("GET", "users/{user}", |request| Some(json!({ "user": user(request.value(0)) })))
            .on("GET", "schedules", |request| Some(page("schedules", request.query("query").map(named))))
            .on("GET", "schedules/{schedule}", move |_| Some(members.clone()))
            .on("GET", "schedules/{schedule}/users", |_| Some(json!({ "users": [] })))
            .on("GET", "escalation_policies", |request| {
                Some(page("escalation_policies", request.query("query").map(named)))
            })
            .on("GET", "services", |_| Some(page("services", None)))
            .on("GET", "oncalls", move |request| {
                let on_call = on_call.iter().filter(|email| request.admits("user_ids[]", Some(email)));
                Some(page("oncalls", on_call.map(|email| entry(email, request))))
            })
            .on("GET", "incidents", move |request| {
                let matching = incidents.iter().filter(|incident| {
                    request.admits("statuses[]", incident["status"].as_str())
                        && request.admits("urgencies[]", incident["urgency"].as_str())
                        && request.admits("service_ids[]", incident["service"]["id"].as_str())
                });
                Some(page("incidents", matching.cloned()))
            })
    }
}

fn user(email: &str) -> Value {
    json!({ "id": email, "email": email })
}

fn named(name: &str) -> Value {
    json!({ "id": name, "name": name })
}

/// An on-call entry for whatever schedule and policy the request asks for.
fn entry(email: &str, request: &SimulatedRequest) -> Value {
    json!({
        "user": user(email),
        "schedule": request.query("schedule_ids[]").map(named),
        "escalation_policy": request.query("escalation_policy_ids[]").map(named),
    })
}

fn page(list: &str, items: impl IntoIterator<Item = Value>) -> Value {
    json!({ list: items.into_iter().collect::<Vec<_>>(), "more": false, "offset": 0 })
}
