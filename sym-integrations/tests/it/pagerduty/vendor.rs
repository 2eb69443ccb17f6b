//! An account at PagerDuty.

use std::error::Error as _;
use std::sync::Arc;

use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, Connection};
use sym_integrations::pagerduty::PagerDuty;
use sym_integrations::testing::Replay;
use sym_sdk::clock::VirtualClock;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::error::Error;
use sym_sdk::model::{User, UserId};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(super) const KEY: &str = "u+S3CRET_k3y";

/// What is there. It answers as the real one: arguments that it does not know, it ignores.
#[derive(Clone, Default)]
pub(super) struct Vendor {
    pub(super) users: Vec<Value>,
    pub(super) schedules: Vec<Value>,
    pub(super) escalation_policies: Vec<Value>,
    pub(super) services: Vec<Value>,
    pub(super) oncalls: Vec<Value>,
    pub(super) incidents: Vec<Value>,
}

impl Vendor {
    pub(super) async fn start(self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(self).mount(&server).await;
        server
    }

    fn list(&self, list: &str, arguments: &Arguments) -> Option<Vec<Value>> {
        let searched = |items: &[Value]| -> Vec<Value> {
            let query = arguments.one("query").unwrap_or_default().to_lowercase();
            let is_like = |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase().contains(&query));
            items.iter().filter(|item| is_like(&item["name"]) || is_like(&item["email"])).cloned().collect()
        };
        Some(match list {
            "users" => searched(&self.users),
            "schedules" => searched(&self.schedules),
            "escalation_policies" => searched(&self.escalation_policies),
            "services" => searched(&self.services),
            "oncalls" => {
                let entries = self.oncalls.iter().filter(|entry| {
                    arguments.allow("user_ids[]", &entry["user"]["id"])
                        && arguments.allow("schedule_ids[]", &entry["schedule"]["id"])
                        && arguments.allow("escalation_policy_ids[]", &entry["escalation_policy"]["id"])
                });
                let is_whole = arguments.all("include[]").contains(&"users");
                entries.map(|entry| if is_whole { self.with_user(entry) } else { entry.clone() }).collect()
            }
            "incidents" => {
                let incidents = self.incidents.iter().filter(|incident| {
                    let assigned = incident["assignments"].as_array().into_iter().flatten();
                    let mut assigned = assigned.map(|assignment| &assignment["assignee"]["id"]);
                    arguments.allow("statuses[]", &incident["status"])
                        && arguments.allow("urgencies[]", &incident["urgency"])
                        && arguments.allow("service_ids[]", &incident["service"]["id"])
                        && (arguments.all("user_ids[]").is_empty()
                            || assigned.any(|id| arguments.allow("user_ids[]", id)))
                        && arguments.one("since") <= incident["created_at"].as_str()
                        && incident["created_at"].as_str() < arguments.one("until")
                });
                let mut incidents: Vec<Value> = incidents.cloned().collect();
                if arguments.one("sort_by") == Some("created_at:desc") {
                    incidents.sort_by_key(|incident| std::cmp::Reverse(incident["created_at"].to_string()));
                }
                incidents
            }
            _ => return None,
        })
    }

    fn with_user(&self, entry: &Value) -> Value {
        let mut entry = entry.clone();
        if let Some(user) = self.users.iter().find(|user| user["id"] == entry["user"]["id"]) {
            entry["user"] = user.clone();
        }
        entry
    }

    fn one(&self, list: &str, id: &str) -> Option<Value> {
        let items = match list {
            "users" => &self.users,
            "schedules" => &self.schedules,
            _ => return None,
        };
        items.iter().find(|item| item["id"] == id).cloned()
    }
}

impl Respond for Vendor {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
        if header("authorization") != Some(&format!("Token token={KEY}")) {
            return ResponseTemplate::new(401).set_body_string("HTTP Token: Access denied.\n");
        }
        let kinds = (header("accept"), header("content-type"));
        if kinds != (Some("application/vnd.pagerduty+json;version=2"), Some("application/json")) {
            return fault(406, 2001, "Not Acceptable");
        }
        let arguments = Arguments(request.url.query_pairs().into_owned().collect());
        let path: Vec<&str> = request.url.path().trim_start_matches('/').split('/').collect();
        match path[..] {
            [list] => {
                let Some(items) = self.list(list, &arguments) else { return fault(404, 2100, "Not Found") };
                let number = |name, default| arguments.one(name).map_or(default, |text| text.parse::<usize>().unwrap());
                let (offset, limit) = (number("offset", 0), number("limit", 25).min(100));
                if offset + limit > 10_000 {
                    return fault(400, 2001, "Invalid Input Provided");
                }
                let page: Vec<&Value> = items.iter().skip(offset).take(limit).collect();
                let more = offset + page.len() < items.len();
                ResponseTemplate::new(200)
                    .set_body_json(json!({ list: page, "more": more, "offset": offset, "limit": limit, "total": null }))
            }
            [list, id] => match self.one(list, id) {
                Some(item) => ResponseTemplate::new(200).set_body_json(json!({ list.trim_end_matches('s'): item })),
                None => fault(404, 2100, "Not Found"),
            },
            _ => fault(404, 2100, "Not Found"),
        }
    }
}

fn fault(status: u16, code: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": { "message": message, "code": code } }))
}

struct Arguments(Vec<(String, String)>);

impl Arguments {
    fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// An array that is not given allows everything.
    fn allow(&self, name: &str, value: &Value) -> bool {
        let allowed = self.all(name);
        allowed.is_empty() || allowed.contains(&value.as_str().unwrap_or("null"))
    }
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

/// An entry for one level of a policy, through a schedule or none.
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

pub(super) fn person(email: &str) -> User {
    User::person(UserId::from_email(email), email).unwrap()
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

/// The client of an account on a server.
pub(super) fn client(server: &MockServer) -> PagerDuty {
    client_of(server, &directory())
}

pub(super) fn client_of(server: &MockServer, directory: &Directory) -> PagerDuty {
    let builder = PagerDuty::builder("example").token(KEY).base_url(BaseUrl::parse(&server.uri()).unwrap());
    builder.connection(Connection::default().with_clock(clock())).directory(directory.clone()).build().unwrap()
}

/// The client of canned answers.
pub(super) fn replayed(replay: &Replay) -> PagerDuty {
    PagerDuty::builder("example").token(KEY).connection(replay.connection()).build().unwrap()
}

/// What calls came in, without what is the same for all.
pub(super) async fn calls(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let show = |request: &Request| {
        let pairs: Vec<String> = request.url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", request.url.path(), pairs.join(" "))
    };
    requests.iter().map(show).collect()
}

/// The code of an error that tells no secret in any form.
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
