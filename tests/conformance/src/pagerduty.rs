use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::pagerduty::{IncidentQuery, IncidentStatus, PagerDuty, Urgency};

use crate::request::{Fault, Person, Request, emails};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case")]
enum Function {
    IsOnCall {
        user: Person,
        #[serde(flatten)]
        place: Place,
    },
    UsersOnCall(Place),
    UsersForSchedule {
        schedule_name: Option<String>,
        schedule_id: Option<String>,
    },
    GetIncidents(Which),
    HasIncident(Which),
}

#[derive(Deserialize)]
struct Place {
    schedule_name: Option<String>,
    schedule_id: Option<String>,
    escalation_policy_name: Option<String>,
    escalation_policy_id: Option<String>,
}

#[derive(Deserialize)]
struct Which {
    since: Timestamp,
    until: Timestamp,
    assignees: Option<Vec<Person>>,
    service_ids: Option<Vec<String>>,
    statuses: Option<Vec<IncidentStatus>>,
    urgencies: Option<Vec<Urgency>>,
}

/// Passes each argument that is present to the builder method of the same name.
macro_rules! with {
    ($builder:ident, $given:expr, $($name:ident)*) => {{
        let given = $given;
        $(if let Some(value) = given.$name {
            $builder = $builder.$name(value);
        })*
    }};
}

impl Which {
    fn of<T: 'static>(self, mut query: IncidentQuery<T>) -> IncidentQuery<T> {
        query = query.since(self.since).until(self.until);
        if let Some(assignees) = &self.assignees {
            query = query.assignees(assignees.iter().map(|person| &person.0));
        }
        with!(query, self, service_ids statuses urgencies);
        query
    }
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let token = request.setting("api_token")?;
    let pagerduty = PagerDuty::builder("example").token(token).base_url(BaseUrl::parse(&request.base_url)?).build()?;
    Ok(match request.call()? {
        Function::IsOnCall { user, place } => {
            let mut query = pagerduty.is_on_call(&user.0);
            with!(query, place, schedule_name schedule_id escalation_policy_name escalation_policy_id);
            json!(query.await?)
        }
        Function::UsersOnCall(place) => {
            let mut query = pagerduty.users_on_call();
            with!(query, place, schedule_name schedule_id escalation_policy_name escalation_policy_id);
            emails(&query.await?)
        }
        Function::UsersForSchedule { schedule_name, schedule_id } => {
            let mut query = pagerduty.users_for_schedule();
            if let Some(name) = schedule_name {
                query = query.schedule_name(name);
            }
            if let Some(id) = schedule_id {
                query = query.schedule_id(id);
            }
            emails(&query.await?)
        }
        Function::GetIncidents(which) => {
            which.of(pagerduty.get_incidents()).await?.iter().map(|incident| incident.id.clone()).collect()
        }
        Function::HasIncident(which) => json!(which.of(pagerduty.has_incident()).await?),
    })
}
