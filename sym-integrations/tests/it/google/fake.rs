//! A Google Workspace organization on a local server, which keeps state.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::google::{Google, GoogleBuilder};
use sym_integrations::http::{Auth, BaseUrl, SecretString};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::support::{ANA, DOMAIN, GROUP};

/// The only group, and its members.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) group_gone: bool,
    pub(crate) token_rejected: bool,
    /// The state of Ana's account; `None` if it does not exist.
    pub(crate) account: Option<&'static str>,
    /// The roles of members, by address.
    pub(crate) members: BTreeMap<String, String>,
    /// Whether changes are made, and their responses lost.
    pub(crate) responses_lost: bool,
    /// The changes that are still to be made; `None` if they are made immediately.
    pub(crate) late: Option<Vec<Change>>,
    /// Whether each change of a member is undone by somebody else.
    pub(crate) put_back: bool,
    pub(crate) writes: usize,
}

/// The new role of a member; `None` if they are none any more.
type Change = (String, Option<String>);

#[derive(Clone)]
pub(crate) struct FakeGoogle {
    state: Arc<Mutex<State>>,
    server: Arc<MockServer>,
}

impl FakeGoogle {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State { account: Some("ACTIVE"), ..State::default() }));
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Api(Arc::clone(&state))).mount(&server).await;
        Self { state, server: Arc::new(server) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn builder(&self) -> GoogleBuilder {
        let base = BaseUrl::parse(&format!("{}/admin/directory/v1", self.server.uri())).unwrap();
        Google::builder(DOMAIN).auth(Auth::bearer(SecretString::from("ya29.S3CRET"))).base_url(base)
    }
}

struct Api(Arc<Mutex<State>>);

impl Respond for Api {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let path = request.url.path().replace("%40", "@");
        let path: Vec<&str> = path.trim_start_matches("/admin/directory/v1/").split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = request.method.as_str();
        state.writes += usize::from(method != "GET");
        if state.token_rejected {
            return fault(401, "authError", "Invalid Credentials");
        }
        if state.group_gone || !["01g", GROUP].contains(&path[1]) {
            return fault(404, "notFound", "Resource Not Found: groupKey");
        }
        let email = path.get(3).map(|key| if *key == "ana" { ANA } else { key }).unwrap_or_default();
        match (method, path.as_slice()) {
            ("GET", [_, _]) => ok(json!({ "id": "01g", "email": GROUP, "name": "Admins" })),
            ("GET", [_, _, "members"]) => {
                let members: Vec<_> = state.members.iter().map(|(email, role)| state.member(email, role)).collect();
                ok(json!({ "members": members }))
            }
            ("GET", [_, _, "members", _]) => match state.members.get(email) {
                Some(role) => ok(state.member(email, role)),
                None => no_member(),
            },
            ("POST", _) => {
                let (email, role) = (body["email"].as_str().unwrap(), body["role"].as_str().unwrap());
                match (state.account, state.members.contains_key(email)) {
                    (None, _) => no_member(),
                    (_, true) => fault(409, "duplicate", "Member already exists."),
                    _ => {
                        let member = state.member(email, role);
                        state.change(email, Some(role), ok(member))
                    }
                }
            }
            ("PATCH" | "DELETE", _) if !state.members.contains_key(email) => no_member(),
            ("PATCH", _) => {
                let role = body["role"].as_str().unwrap();
                let member = state.member(email, role);
                state.change(email, Some(role), ok(member))
            }
            ("DELETE", _) => state.change(email, None, ResponseTemplate::new(204)),
            _ => panic!("{method} {path:?}"),
        }
    }
}

impl State {
    fn member(&self, email: &str, role: &str) -> Value {
        json!({ "id": "ana", "email": email, "role": role, "type": "USER", "status": self.account })
    }

    fn change(&mut self, email: &str, role: Option<&str>, response: ResponseTemplate) -> ResponseTemplate {
        let change = (email.to_owned(), role.map(str::to_owned));
        let lost = ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout");
        if let Some(late) = &mut self.late {
            late.push(change);
            return lost;
        }
        let before = self.members.get(email).cloned();
        self.apply(change);
        if self.put_back {
            self.apply((email.to_owned(), before));
        }
        if self.responses_lost { lost } else { response }
    }

    fn apply(&mut self, (email, role): Change) {
        match role {
            Some(role) => self.members.insert(email, role),
            None => self.members.remove(&email),
        };
    }

    pub(crate) fn land_late_changes(&mut self) {
        for change in self.late.take().unwrap_or_default() {
            self.apply(change);
        }
    }
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn no_member() -> ResponseTemplate {
    fault(404, "notFound", "Resource Not Found: memberKey")
}

fn fault(status: u16, reason: &str, message: &str) -> ResponseTemplate {
    let error = json!({ "code": status, "message": message, "errors": [{ "domain": "global", "reason": reason, "message": message }] });
    ResponseTemplate::new(status).set_body_json(json!({ "error": error }))
}
