//! An Okta organization on a local server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, SecretString};
use sym_integrations::okta::{Okta, OktaBuilder};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::vendor_api::{Answer, Paging, VendorApi};

pub(crate) const TOKEN: &str = "00S3CRET-token";
pub(crate) const DOMAIN: &str = "example.okta.com";

#[derive(Default)]
pub(crate) struct State {
    pub(crate) groups: BTreeMap<String, Value>,
    pub(crate) users: Vec<Value>,
    pub(crate) members: BTreeSet<(String, String)>,
    /// The response to removals, instead of carrying them out.
    pub(crate) refusal: Option<ResponseTemplate>,
    /// Whether changes of members are made, and their responses lost.
    pub(crate) responses_lost: bool,
    /// The changes of members that are still to be made, whether each adds one; `None` if they are made immediately.
    pub(crate) late: Option<Vec<(bool, (String, String))>>,
    /// Whether each change of members is undone by somebody else.
    pub(crate) put_back: bool,
}

#[derive(Clone)]
pub(crate) struct FakeOkta {
    state: Arc<Mutex<State>>,
    calls: Arc<Mutex<Vec<String>>>,
    server: Arc<MockServer>,
}

impl FakeOkta {
    /// Starts an organization with group `00g1`, which is native, `00g2` of an app and `00g3` for everyone, and users `00u1` to `00u3`.
    pub(crate) async fn start() -> Self {
        let mut state = State::default();
        for (id, kind, name) in
            [("00g1", "OKTA_GROUP", "prod-admins"), ("00g2", "APP_GROUP", "prod-ad"), ("00g3", "BUILT_IN", "Everyone")]
        {
            state.add_group(id, kind, name);
        }
        for (id, email) in [("00u1", "ana@example.com"), ("00u2", "ben@example.com"), ("00u3", "cleo@example.com")] {
            state.add_user(id, email, email, "ACTIVE");
        }
        let (server, state) = (MockServer::start().await, Arc::new(Mutex::new(state)));
        let api = api(Arc::clone(&state));
        let calls = api.calls();
        Mock::given(any()).respond_with(api).mount(&server).await;
        Self { state, calls, server: Arc::new(server) }
    }

    pub(crate) fn server(&self) -> &MockServer {
        &self.server
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/api/v1", self.server.uri())
    }

    pub(crate) fn builder(&self) -> OktaBuilder {
        Okta::builder(DOMAIN).token(SecretString::from(TOKEN)).base_url(BaseUrl::parse(&self.base_url()).unwrap())
    }

    pub(crate) fn client(&self) -> Okta {
        self.builder().build().unwrap()
    }

    /// The number of calls so far that change something.
    pub(crate) fn writes(&self) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| !call.starts_with("GET ")).count()
    }

    /// Has the token be rejected from now on.
    pub(crate) async fn reject_token(&self) {
        let rejected = fault(401, "E0000011", "Invalid token provided");
        Mock::given(any()).respond_with(rejected).with_priority(1).mount(&self.server).await;
    }

    /// The calls since the last time, such as `GET /groups/00g1`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl State {
    pub(crate) fn add_group(&mut self, id: &str, kind: &str, name: &str) {
        let group = json!({
            "id": id,
            "type": kind,
            "objectClass": ["okta:user_group"],
            "profile": { "name": name, "description": null, "costCentre": 7 },
            "_links": { "users": { "href": format!("https://{DOMAIN}/api/v1/groups/{id}/users") } },
        });
        self.groups.insert(id.to_owned(), group);
    }

    pub(crate) fn add_user(&mut self, id: &str, login: &str, email: &str, status: &str) {
        self.users.push(json!({
            "id": id,
            "status": status,
            "lastLogin": null,
            "profile": { "login": login, "email": email, "firstName": id, "lastName": "Ö", "mobilePhone": null, "department": "Engineering", "badge": 7 },
            "credentials": { "provider": { "type": "OKTA" } },
        }));
    }

    pub(crate) fn delete_user(&mut self, id: &str) {
        self.users.retain(|user| user["id"] != id);
        self.members.retain(|(_, user)| user != id);
    }

    pub(crate) fn delete_group(&mut self, id: &str) {
        self.groups.remove(id);
        self.members.retain(|(group, _)| group != id);
    }

    pub(crate) fn set_status(&mut self, id: &str, status: &str) {
        for user in self.users.iter_mut().filter(|user| user["id"] == id) {
            user["status"] = status.into();
        }
    }

    pub(crate) fn land_late_changes(&mut self) {
        for (adds, pair) in self.late.take().unwrap_or_default() {
            self.apply(adds, pair);
        }
    }

    fn apply(&mut self, adds: bool, pair: (String, String)) {
        if adds {
            self.members.insert(pair);
        } else {
            self.members.remove(&pair);
        }
    }

    pub(crate) fn join(&mut self, group: &str, user: &str) {
        self.members.insert((group.to_owned(), user.to_owned()));
    }

    pub(crate) fn leave(&mut self, group: &str, user: &str) {
        self.members.remove(&(group.to_owned(), user.to_owned()));
    }

    pub(crate) fn is_member(&self, group: &str, user: &str) -> bool {
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

fn api(state: Arc<Mutex<State>>) -> VendorApi<State> {
    let unknown_route = fault(405, "E0000022", "The endpoint does not support the provided HTTP method");
    VendorApi::new("/api/v1", state, Paging::Link { size: 2 }, unknown_route)
        .require("authorization", format!("SSWS {TOKEN}"), fault(401, "E0000011", "Invalid token provided"))
        .on("GET", "groups", |state, _| Answer::List(state.groups.values().cloned().collect()))
        .on("GET", "groups/{group}", |state, call| {
            found(state.groups.get(&call.values[0]), &call.values[0], "UserGroup")
        })
        .on("GET", "groups/{group}/users", |state, call| {
            let group = &call.values[0];
            if !state.groups.contains_key(group) {
                return unknown(group, "UserGroup");
            }
            let members = state.users.iter().filter(|user| state.is_member(group, user["id"].as_str().unwrap()));
            Answer::List(members.cloned().collect())
        })
        .on("GET", "users", |state, call| {
            let search = call.one("search").unwrap_or_default().to_lowercase();
            let users = state.users.iter().filter(|user| {
                search == format!("profile.email eq \"{}\"", user["profile"]["email"].as_str().unwrap().to_lowercase())
            });
            Answer::List(users.cloned().collect())
        })
        .on("GET", "users/{user}", |state, call| found(state.user(&call.values[0]), &call.values[0], "User"))
        .on("GET", "users/{user}/groups", |state, call| {
            let Some(user) = state.user(&call.values[0]) else { return unknown(&call.values[0], "User") };
            let id = user["id"].as_str().unwrap();
            let groups = state.groups.iter().filter(|(group, _)| state.is_member(group, id));
            Answer::List(groups.map(|(_, group)| group.clone()).collect())
        })
        .on("PUT", "groups/{group}/users/{user}", |state, call| {
            state.change(&call.values[0], &call.values[1], true)
        })
        .on("DELETE", "groups/{group}/users/{user}", |state, call| match state.refusal.clone() {
            Some(refusal) => Answer::Response(refusal),
            None => state.change(&call.values[0], &call.values[1], false),
        })
}

impl State {
    /// Changes a membership, if the group is native and both exist.
    fn change(&mut self, group: &str, user: &str, adds: bool) -> Answer {
        let Some(known) = self.groups.get(group) else { return unknown(group, "UserGroup") };
        if known["type"] != "OKTA_GROUP" {
            let denied = fault(403, "E0000006", "You do not have permission to perform the requested action");
            return Answer::Response(denied);
        }
        if self.users.iter().all(|known| known["id"] != user) {
            return unknown(user, "User");
        }
        let pair = (group.to_owned(), user.to_owned());
        let lost = Answer::Response(ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout"));
        if let Some(late) = &mut self.late {
            late.push((adds, pair));
            return lost;
        }
        self.apply(adds, pair.clone());
        if self.put_back {
            self.apply(!adds, pair);
        }
        if self.responses_lost { lost } else { Answer::Response(ResponseTemplate::new(204)) }
    }
}

fn found(object: Option<&Value>, id: &str, noun: &str) -> Answer {
    object.map_or_else(|| unknown(id, noun), |object| Answer::Json(object.clone()))
}

pub(crate) fn fault(status: u16, code: &str, summary: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("x-okta-request-id", "Zab1").set_body_json(json!({
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": "oaeXYZ",
        "errorCauses": [],
    }))
}

fn unknown(id: &str, noun: &str) -> Answer {
    Answer::Response(fault(404, "E0000007", &format!("Not found: Resource not found: {id} ({noun})")))
}
