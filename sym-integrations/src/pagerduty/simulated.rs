//! A simulated PagerDuty account.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::PagerDuty;
use crate::kit::{SimulatedAccount, SimulatedRequest, SimulatedService, address, impl_fake};

/// A simulated PagerDuty account: who is on call and which incidents there are is set here, and every schedule, every escalation policy
/// and every user that is asked for exists unless [`without_user`](Self::without_user) says otherwise.
///
/// Nobody is on call and there are no incidents unless set. A schedule or policy is known by one text, which is its id and its name.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::pagerduty::SimulatedPagerDuty;
/// use sym_sdk::model::User;
///
/// let pagerduty = SimulatedPagerDuty::new().on_call_for("platform", "ana@example.com").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(pagerduty.is_on_call(&ana).schedule_name("platform").await?);
/// assert!(!pagerduty.is_on_call(&ana).schedule_name("data").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedPagerDuty {
    on_call: Vec<OnCallUser>,
    /// Members of schedules who are not on call.
    members: Vec<(String, String)>,
    incidents: Vec<Value>,
    unknown: BTreeSet<String>,
}

/// A user who is on call: for everything, or for one schedule or policy.
#[derive(Clone, Debug)]
struct OnCallUser {
    email: String,
    duty: Duty,
}

#[derive(Clone, Debug)]
enum Duty {
    Everything,
    Schedule(String),
    Policy(String),
}

impl SimulatedPagerDuty {
    /// Creates an account where nobody is on call and there are no incidents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the user with this e-mail address on call for every schedule and every escalation policy.
    pub fn on_call(self, email: impl Into<String>) -> Self {
        self.put_on_call(email.into(), Duty::Everything)
    }

    /// Puts the user with this e-mail address on call for a schedule, by its id or name.
    pub fn on_call_for(self, schedule: impl Into<String>, email: impl Into<String>) -> Self {
        self.put_on_call(email.into(), Duty::Schedule(schedule.into()))
    }

    /// Puts the user with this e-mail address on call for an escalation policy, by its id or name.
    pub fn on_call_for_policy(self, policy: impl Into<String>, email: impl Into<String>) -> Self {
        self.put_on_call(email.into(), Duty::Policy(policy.into()))
    }

    /// Adds the user with this e-mail address to a schedule, by its id or name, without being on call.
    pub fn schedule_member(mut self, schedule: impl Into<String>, email: impl Into<String>) -> Self {
        self.members.push((schedule.into(), address(email.into())));
        self
    }

    /// Adds an open incident of high urgency on a service, by the service's id.
    pub fn open_incident(self, service_id: impl Into<String>, title: impl Into<String>) -> Self {
        let (service, number) = (service_id.into(), self.incidents.len() + 1);
        self.incident(json!({
            "id": format!("PINCIDENT{number}"),
            "incident_number": number,
            "title": title.into(),
            "status": "triggered",
            "urgency": "high",
            "service": { "id": service },
        }))
    }

    /// Adds an incident, as PagerDuty describes it in JSON. Queries find it by its status, urgency and service.
    pub fn incident(mut self, incident: Value) -> Self {
        self.incidents.push(incident);
        self
    }

    /// Makes the account one that has no user with this e-mail address.
    pub fn without_user(mut self, email: impl Into<String>) -> Self {
        self.unknown.insert(address(email.into()));
        self
    }

    fn put_on_call(mut self, email: String, duty: Duty) -> Self {
        self.on_call.push(OnCallUser { email: address(email), duty });
        self
    }

    /// Builds the client of the account.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<PagerDuty> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<PagerDuty> {
        account.client(PagerDuty::builder("simulated").token("simulated"), self.service())
    }

    fn service(&self) -> SimulatedService {
        let Self { on_call, incidents, unknown, .. } = self.clone();
        let of_schedule = self.clone();
        let schedules: BTreeSet<_> = self.schedules().map(str::to_owned).collect();
        let policies: BTreeSet<_> = self.policies().map(str::to_owned).collect();
        // Accounts are named after their e-mail addresses, and schedules and policies after themselves.
        SimulatedService::new("")
            .on("GET", "abilities", |_| Some(json!({ "abilities": [] })))
            .on("GET", "users", move |request| {
                let known = request.query("query").filter(|email| !unknown.contains(*email));
                Some(page("users", known.map(user)))
            })
            .on("GET", "users/{user}", |request| Some(json!({ "user": user(request.value(0)) })))
            .on("GET", "schedules", move |request| Some(page("schedules", searched(request, &schedules))))
            .on("GET", "schedules/{schedule}", move |request| {
                let users: Vec<_> = of_schedule.members_of(request.value(0)).map(user).collect();
                Some(json!({ "schedule": { "users": users } }))
            })
            .on("GET", "schedules/{schedule}/users", |_| Some(json!({ "users": [] })))
            .on("GET", "escalation_policies", move |request| {
                Some(page("escalation_policies", searched(request, &policies)))
            })
            .on("GET", "services", |_| Some(page("services", None)))
            .on("GET", "oncalls", move |request| {
                let on_call = on_call.iter().filter(|user| request.admits("user_ids[]", Some(&user.email)));
                Some(page("oncalls", on_call.filter_map(|user| entry(user, request))))
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

    /// The users in a schedule, on call or not, once each.
    fn members_of<'a>(&'a self, schedule: &'a str) -> impl Iterator<Item = &'a str> {
        let on_call = self.on_call.iter().filter(move |user| match &user.duty {
            Duty::Everything => true,
            Duty::Schedule(of) => of == schedule,
            Duty::Policy(_) => false,
        });
        let members = self.members.iter().filter(move |(of, _)| of == schedule);
        let mut seen = BTreeSet::new();
        let emails = on_call.map(|user| user.email.as_str()).chain(members.map(|(_, email)| email.as_str()));
        emails.filter(move |email| seen.insert(*email))
    }

    fn schedules(&self) -> impl Iterator<Item = &str> {
        let duties = self.on_call.iter().filter_map(|user| match &user.duty {
            Duty::Schedule(schedule) => Some(schedule.as_str()),
            _ => None,
        });
        duties.chain(self.members.iter().map(|(schedule, _)| schedule.as_str()))
    }

    fn policies(&self) -> impl Iterator<Item = &str> {
        self.on_call.iter().filter_map(|user| match &user.duty {
            Duty::Policy(policy) => Some(policy.as_str()),
            _ => None,
        })
    }
}

impl_fake!(SimulatedPagerDuty => PagerDuty);

/// Returns the result of a search: what is searched for, whatever it is, or without a search everything that is set.
fn searched(request: &SimulatedRequest, set: &BTreeSet<String>) -> Vec<Value> {
    match request.query("query") {
        Some(name) => vec![named(name)],
        None => set.iter().map(|name| named(name)).collect(),
    }
}

fn user(email: &str) -> Value {
    json!({ "id": email, "email": email })
}

fn named(name: &str) -> Value {
    json!({ "id": name, "name": name })
}

/// The on-call entry of a user, if it is of the schedule and the policy that the request asks for.
fn entry(on_call: &OnCallUser, request: &SimulatedRequest) -> Option<Value> {
    let (schedule, policy) = (request.query("schedule_ids[]"), request.query("escalation_policy_ids[]"));
    let (schedule, policy) = match &on_call.duty {
        Duty::Everything => (schedule, policy),
        Duty::Schedule(of) if policy.is_none() && schedule.is_none_or(|wanted| wanted == of) => {
            (Some(of.as_str()), None)
        }
        Duty::Policy(of) if schedule.is_none() && policy.is_none_or(|wanted| wanted == of) => (None, Some(of.as_str())),
        Duty::Schedule(_) | Duty::Policy(_) => return None,
    };
    Some(json!({
        "user": user(&on_call.email),
        "schedule": schedule.map(named),
        "escalation_policy": policy.map(named),
    }))
}

fn page(list: &str, items: impl IntoIterator<Item = Value>) -> Value {
    json!({ list: items.into_iter().collect::<Vec<_>>(), "more": false, "offset": 0 })
}
