//! A PagerDuty account on a local server.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, Connection};
use sym_integrations::pagerduty::PagerDuty;
use sym_integrations::testing::Replay;
use sym_sdk::clock::VirtualClock;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::error::Error;
use sym_sdk::model::User;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::vendor_api::{Answer, Call, Paging, VendorApi};
pub(super) use crate::vendor_support::person;

pub(super) const KEY: &str = "u+S3CRET_k3y";

/// The objects of the account. As in PagerDuty, unknown arguments are ignored.
#[derive(Clone, Default)]
pub(super) struct Vendor {
    pub(super) users: Vec<Value>,
    pub(super) schedules: Vec<Value>,
    /// Schedules of the kind with rotations. Those with layers are not found among them, nor they among those.
    pub(super) rotating_schedules: Vec<Value>,
    /// The users who are on call now, by schedule.
    pub(super) shifts: Vec<(&'static str, Value)>,
    pub(super) escalation_policies: Vec<Value>,
    pub(super) services: Vec<Value>,
    pub(super) oncalls: Vec<Value>,
    pub(super) incidents: Vec<Value>,
}

impl Vendor {
    pub(super) async fn start(self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(api(self)).mount(&server).await;
        server
    }

    fn with_user(&self, entry: &Value) -> Value {
        let mut entry = entry.clone();
        if let Some(user) = self.users.iter().find(|user| user["id"] == entry["user"]["id"]) {
            entry["user"] = user.clone();
        }
        entry
    }
}

fn api(vendor: Vendor) -> VendorApi<Vendor> {
    let paging =
        Paging::Offset { default: 25, max: 100, max_sum: 10_000, beyond: fault(400, 2001, "Invalid Input Provided") };
    let not_acceptable = || fault(406, 2001, "Not Acceptable");
    let denied = ResponseTemplate::new(401).set_body_string("HTTP Token: Access denied.\n");
    VendorApi::new("", Arc::new(Mutex::new(vendor)), paging, fault(404, 2100, "Not Found"))
        .served_at("Thu, 29 Feb 2024 18:00:00 GMT")
        .require("authorization", format!("Token token={KEY}"), denied)
        .require("accept", "application/vnd.pagerduty+json;version=2", not_acceptable())
        .require("content-type", "application/json", not_acceptable())
        .on("GET", "users", |vendor, call| searched(&vendor.users, call))
        .on("GET", "users/{user}", |vendor, call| found(&vendor.users, "user", call))
        .on("GET", "schedules", |vendor, call| searched(&vendor.schedules, call))
        .on("GET", "schedules/{schedule}", |vendor, call| found(&vendor.schedules, "schedule", call))
        .on("GET", "schedules/{schedule}/users", |vendor, call| {
            let id = call.values[0].as_str();
            let users = vendor.shifts.iter().filter(|(schedule, _)| *schedule == id).map(|(_, user)| user.clone());
            match vendor.schedules.iter().any(|schedule| schedule["id"] == id) {
                true => Answer::Json(json!({ "users": users.collect::<Vec<_>>() })),
                false => Answer::Response(fault(404, 2100, "Not Found")),
            }
        })
        // The list does not have the names.
        .on("GET", "v3/schedules", |vendor, call| match searched(&vendor.rotating_schedules, call) {
            Answer::List(found) => {
                Answer::Json(json!({ "schedules": found.iter().map(|item| reference(item["id"].as_str().unwrap())).collect::<Vec<_>>() }))
            }
            other => other,
        })
        .on("GET", "v3/schedules/{schedule}", |vendor, call| found(&vendor.rotating_schedules, "schedule", call))
        .on("GET", "escalation_policies", |vendor, call| searched(&vendor.escalation_policies, call))
        .on("GET", "services", |vendor, call| searched(&vendor.services, call))
        .on("GET", "oncalls", |vendor, call| {
            let entries = vendor.oncalls.iter().filter(|entry| {
                call.admits("user_ids[]", &entry["user"]["id"])
                    && call.admits("schedule_ids[]", &entry["schedule"]["id"])
                    && call.admits("escalation_policy_ids[]", &entry["escalation_policy"]["id"])
            });
            let is_whole = call.all("include[]").contains(&"users");
            Answer::List(entries.map(|entry| if is_whole { vendor.with_user(entry) } else { entry.clone() }).collect())
        })
        .on("GET", "incidents", |vendor, call| {
            let incidents = vendor.incidents.iter().filter(|incident| {
                let assigned = incident["assignments"].as_array().into_iter().flatten();
                let mut assigned = assigned.map(|assignment| &assignment["assignee"]["id"]);
                call.admits("statuses[]", &incident["status"])
                    && call.admits("urgencies[]", &incident["urgency"])
                    && call.admits("service_ids[]", &incident["service"]["id"])
                    && (call.all("user_ids[]").is_empty() || assigned.any(|id| call.admits("user_ids[]", id)))
                    && call.one("since") <= incident["created_at"].as_str()
                    && incident["created_at"].as_str() < call.one("until")
            });
            let mut incidents: Vec<Value> = incidents.cloned().collect();
            if call.one("sort_by") == Some("created_at:desc") {
                incidents.sort_by_key(|incident| std::cmp::Reverse(incident["created_at"].to_string()));
            }
            Answer::List(incidents)
        })
}

/// The objects whose name or address contains the query.
fn searched(items: &[Value], call: &Call) -> Answer {
    let query = call.one("query").unwrap_or_default().to_lowercase();
    let contains = |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase().contains(&query));
    Answer::List(items.iter().filter(|item| contains(&item["name"]) || contains(&item["email"])).cloned().collect())
}

fn found(items: &[Value], noun: &str, call: &Call) -> Answer {
    match items.iter().find(|item| item["id"] == call.values[0].as_str()) {
        Some(item) => Answer::Json(json!({ noun: item })),
        None => Answer::Response(fault(404, 2100, "Not Found")),
    }
}

fn fault(status: u16, code: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": { "message": message, "code": code } }))
}

pub(super) fn user(id: &str, email: &str) -> Value {
    json!({ "id": id, "type": "user", "name": email.split('@').next(), "email": email, "summary": "a person" })
}

pub(super) fn reference(id: &str) -> Value {
    json!({ "id": id, "type": "some_reference", "summary": "something" })
}

pub(super) fn named(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "summary": name, "html_url": format!("https://example.pagerduty.com/{id}") })
}

/// An on-call entry for one level of a policy, through a schedule or none.
pub(super) fn entry(user: &str, policy: &str, level: u32, schedule: Option<&str>) -> Value {
    json!({
        "user": reference(user),
        "escalation_policy": reference(policy),
        "escalation_level": level,
        "schedule": schedule.map(reference),
        "start": schedule.map(|_| "2024-02-29T08:00:00-05:00"),
        "end": schedule.map(|_| "2024-03-01T08:00:00-05:00"),
    })
}

pub(super) fn emails(users: &[Arc<User>]) -> Vec<&str> {
    users.iter().map(|user| user.email().unwrap()).collect()
}

pub(super) fn directory() -> Directory {
    Directory::new(MemoryDirectory::new(), ["example.com"])
}

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::at("2024-02-29T18:00:00Z".parse().unwrap()))
}

/// A client of the account on a server.
pub(super) fn client(server: &MockServer) -> PagerDuty {
    client_of(server, &directory())
}

pub(super) fn client_of(server: &MockServer, directory: &Directory) -> PagerDuty {
    let builder = PagerDuty::builder("example").token(KEY).base_url(BaseUrl::parse(&server.uri()).unwrap());
    builder.connection(Connection::default().with_clock(clock())).directory(directory.clone()).build().unwrap()
}

/// A client with canned responses.
pub(super) fn replayed(replay: &Replay) -> PagerDuty {
    PagerDuty::builder("example").token(KEY).connection(replay.connection()).build().unwrap()
}

/// Returns the calls so far, without what is the same in all of them.
pub(super) async fn calls(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let show = |request: &Request| {
        let pairs: Vec<String> = request.url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", request.url.path(), pairs.join(" "))
    };
    requests.iter().map(show).collect()
}

/// Returns the code of an error, after a check that no form of the error contains the key.
pub(super) fn code(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{}\n{}\n{}", error.report(), error.to_json(), error.slack_markdown());
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("\n{error}\n{error:?}"));
        source = error.source();
    }
    assert!(!text.contains("S3CRET"), "{text}");
    error.code().to_string()
}
