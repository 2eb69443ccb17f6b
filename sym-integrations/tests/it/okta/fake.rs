//! A server that answers as Okta does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, SecretString};
use sym_integrations::okta::{Okta, OktaBuilder};
use sym_sdk::error::Error;
use sym_sdk::model::{User, UserId};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(super) const TOKEN: &str = "00S3CRET-token";
pub(super) const DOMAIN: &str = "example.okta.com";

#[derive(Default)]
pub(super) struct State {
    pub(super) groups: BTreeMap<String, Value>,
    pub(super) users: Vec<Value>,
    pub(super) members: BTreeSet<(String, String)>,
    /// What removals are answered with instead of being carried out.
    pub(super) refusal: Option<ResponseTemplate>,
    page: usize,
    pub(super) calls: Vec<String>,
}

#[derive(Clone)]
pub(super) struct FakeOkta {
    state: Arc<Mutex<State>>,
    server: Arc<MockServer>,
}

impl FakeOkta {
    /// With group `00g1`, which is Okta's own, `00g2` of an app and `00g3` for everyone, and users `00u1` to `00u3`.
    pub(super) async fn start() -> Self {
        let mut state = State { page: 2, ..State::default() };
        for (id, kind, name) in
            [("00g1", "OKTA_GROUP", "prod-admins"), ("00g2", "APP_GROUP", "prod-ad"), ("00g3", "BUILT_IN", "Everyone")]
        {
            state.add_group(id, kind, name);
        }
        for (id, email) in [("00u1", "ana@example.com"), ("00u2", "ben@example.com"), ("00u3", "cleo@example.com")] {
            state.add_user(id, email, email, "ACTIVE");
        }
        let server = MockServer::start().await;
        let fake = Self { state: Arc::new(Mutex::new(state)), server: Arc::new(server) };
        let answers = Answers { state: Arc::clone(&fake.state), base: fake.server.uri() };
        Mock::given(any()).respond_with(answers).mount(&fake.server).await;
        fake
    }

    pub(super) fn server(&self) -> &MockServer {
        &self.server
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn base_url(&self) -> String {
        format!("{}/api/v1", self.server.uri())
    }

    pub(super) fn builder(&self) -> OktaBuilder {
        Okta::builder(DOMAIN).token(SecretString::from(TOKEN)).base_url(BaseUrl::parse(&self.base_url()).unwrap())
    }

    pub(super) fn client(&self) -> Okta {
        self.builder().build().unwrap()
    }

    /// The calls so far, such as `GET /groups/00g1`.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }
}

impl State {
    pub(super) fn add_group(&mut self, id: &str, kind: &str, name: &str) {
        let group = json!({
            "id": id,
            "type": kind,
            "objectClass": ["okta:user_group"],
            "profile": { "name": name, "description": null, "costCentre": 7 },
            "_links": { "users": { "href": format!("https://{DOMAIN}/api/v1/groups/{id}/users") } },
        });
        self.groups.insert(id.to_owned(), group);
    }

    pub(super) fn add_user(&mut self, id: &str, login: &str, email: &str, status: &str) {
        self.users.push(json!({
            "id": id,
            "status": status,
            "lastLogin": null,
            "profile": { "login": login, "email": email, "firstName": id, "lastName": "Ö", "mobilePhone": null },
            "credentials": { "provider": { "type": "OKTA" } },
        }));
    }

    pub(super) fn join(&mut self, group: &str, user: &str) {
        self.members.insert((group.to_owned(), user.to_owned()));
    }

    pub(super) fn is_member(&self, group: &str, user: &str) -> bool {
        self.members.contains(&(group.to_owned(), user.to_owned()))
    }

    fn user(&self, id_or_login: &str) -> Option<&Value> {
        self.users.iter().find(|user| {
            let login = user["profile"]["login"].as_str().unwrap();
            let short = login.split('@').next().unwrap();
            user["id"] == id_or_login || login.eq_ignore_ascii_case(id_or_login) || short == id_or_login
        })
    }
}

struct Answers {
    state: Arc<Mutex<State>>,
    base: String,
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.state.lock().unwrap();
        let path = request.url.path().strip_prefix("/api/v1").unwrap_or("?").replace("%40", "@");
        state.calls.push(format!("{} {path}", request.method));
        if request.headers.get("authorization").is_none_or(|value| value != &format!("SSWS {TOKEN}")) {
            return fault(401, "E0000011", "Invalid token provided");
        }
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["groups"]) => {
                let groups = state.groups.values().cloned().collect();
                self.page(&state, request, groups)
            }
            ("GET", ["groups", group]) => match state.groups.get(*group) {
                Some(group) => ResponseTemplate::new(200).set_body_json(group),
                None => unknown(group, "UserGroup"),
            },
            ("GET", ["groups", group, "users"]) => {
                if !state.groups.contains_key(*group) {
                    return unknown(group, "UserGroup");
                }
                let members = state.users.iter().filter(|user| state.is_member(group, user["id"].as_str().unwrap()));
                let members = members.cloned().collect();
                self.page(&state, request, members)
            }
            ("GET", ["users"]) => {
                let search = query.get("search").map(String::as_str).unwrap_or_default();
                let users = state.users.iter().filter(|user| {
                    let email = user["profile"]["email"].as_str().unwrap().to_lowercase();
                    search.to_lowercase() == format!("profile.email eq \"{email}\"")
                });
                let users = users.cloned().collect();
                self.page(&state, request, users)
            }
            ("GET", ["users", user]) => match state.user(user) {
                Some(user) => ResponseTemplate::new(200).set_body_json(user),
                None => unknown(user, "User"),
            },
            ("GET", ["users", user, "groups"]) => {
                let Some(id) = state.user(user).map(|user| user["id"].as_str().unwrap().to_owned()) else {
                    return unknown(user, "User");
                };
                let groups = state.groups.iter().filter(|(group, _)| state.is_member(group, &id));
                let groups = groups.map(|(_, group)| group.clone()).collect();
                self.page(&state, request, groups)
            }
            ("DELETE", _) if state.refusal.is_some() => state.refusal.clone().unwrap(),
            ("PUT" | "DELETE", ["groups", group, "users", user]) => {
                let Some(known) = state.groups.get(*group) else { return unknown(group, "UserGroup") };
                if known["type"] != "OKTA_GROUP" {
                    return fault(403, "E0000006", "You do not have permission to perform the requested action");
                }
                if state.users.iter().all(|known| known["id"] != *user) {
                    return unknown(user, "User");
                }
                let pair = ((*group).to_owned(), (*user).to_owned());
                if request.method.as_str() == "PUT" {
                    state.members.insert(pair);
                } else {
                    state.members.remove(&pair);
                }
                ResponseTemplate::new(204)
            }
            _ => fault(405, "E0000022", "The endpoint does not support the provided HTTP method"),
        }
    }
}

impl Answers {
    /// A page, with links to itself and to the next one on lines of their own.
    fn page(&self, state: &State, request: &Request, items: Vec<Value>) -> ResponseTemplate {
        let after = request.url.query_pairs().find(|(name, _)| name == "after").map(|(_, after)| after.into_owned());
        let begin = after.map_or(0, |after| items.iter().position(|item| item["id"] == after).unwrap() + 1);
        let page: Vec<_> = items[begin..].iter().take(state.page).cloned().collect();
        let link = |rel: &str, after: Option<&str>| {
            let mut url = request.url.clone();
            let kept: Vec<_> = request.url.query_pairs().into_owned().filter(|(name, _)| name != "after").collect();
            url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(after.map(|after| ("after", after)));
            let query = url.query().unwrap();
            format!("<{}{}?{query}>; rel=\"{rel}\"", self.base, url.path())
        };
        let mut answer = ResponseTemplate::new(200).append_header("link", link("self", None).as_str());
        if begin + page.len() < items.len() {
            answer = answer.append_header("link", link("next", page[page.len() - 1]["id"].as_str()).as_str());
        }
        answer.set_body_json(page)
    }
}

pub(super) fn fault(status: u16, code: &str, summary: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("x-okta-request-id", "Zab1").set_body_json(json!({
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": "oaeXYZ",
        "errorCauses": [],
    }))
}

fn unknown(id: &str, what: &str) -> ResponseTemplate {
    fault(404, "E0000007", &format!("Not found: Resource not found: {id} ({what})"))
}

pub(super) fn person(email: &str) -> User {
    User::person(UserId::from_email(email), email).unwrap()
}

/// What went wrong, as a code, after a look whether it tells the token.
pub(super) fn code(error: &Error) -> String {
    let faces = format!("{error}\n{error:?}\n{error:#?}\n{}\n{}", error.report(), error.to_json());
    assert!(!faces.contains("S3CRET"), "{faces}");
    assert!(!error.message().contains('\n') && !error.message().ends_with('.'), "{}", error.message());
    error.code().to_string()
}
