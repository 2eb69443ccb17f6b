//! A Boundary cluster on a local server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::boundary::{Boundary, BoundaryBuilder};
use sym_integrations::http::{Auth, BaseUrl};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const CLUSTER: &str = "https://boundary.example.com";
pub(crate) const PASSWORD: &str = "S3CRET-password";

type Interference = Box<dyn FnMut(&mut Group) + Send>;

pub(crate) struct State {
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) users: Vec<Value>,
    /// The accounts of each auth method.
    pub(crate) accounts: BTreeMap<String, Vec<Value>>,
    pub(crate) methods: Vec<Value>,
    pub(crate) page: usize,
    pub(crate) tokens: Vec<String>,
    pub(crate) issued: usize,
    /// The response to calls that begin so, instead of carrying them out.
    pub(crate) refusals: Vec<(String, ResponseTemplate)>,
    /// Somebody else, who acts right before a change of members.
    pub(crate) interference: Option<Interference>,
    /// Whether changes of members are made, and their responses lost.
    pub(crate) responses_lost: bool,
    /// The changes of members that are still to be made: a group, an action and a body; `None` if they are made immediately.
    pub(crate) late: Option<Vec<(String, String, Vec<u8>)>>,
    /// Whether each change of members is undone by somebody else.
    pub(crate) put_back: bool,
    calls: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) members: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct FakeBoundary {
    state: Arc<Mutex<State>>,
    server: Arc<MockServer>,
}

impl FakeBoundary {
    /// Starts a cluster with group `g_1`, and the users `u_1` to `u_3`, who are Ana, Ben and Cleo.
    pub(crate) async fn start() -> Self {
        let group = Group { name: "prod-admins".to_owned(), version: 7, members: Vec::new() };
        let users = [("u_1", "ana@example.com"), ("u_2", "ben@example.com"), ("u_3", "cleo@example.com")];
        let state = State {
            groups: [("g_1".to_owned(), group)].into(),
            users: users.map(|(id, email)| user(id, json!({ "email": email }))).into(),
            accounts: BTreeMap::new(),
            methods: vec![
                json!({ "id": "amoidc_1", "type": "oidc", "is_primary": true, "name": null }),
                json!({ "id": "ampw_1", "type": "password" }),
            ],
            page: 1_000,
            tokens: Vec::new(),
            issued: 0,
            refusals: Vec::new(),
            interference: None,
            responses_lost: false,
            late: None,
            put_back: false,
            calls: Vec::new(),
        };
        let (server, state) = (MockServer::start().await, Arc::new(Mutex::new(state)));
        Mock::given(any()).respond_with(Api(Arc::clone(&state))).mount(&server).await;
        Self { state, server: Arc::new(server) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn builder(&self) -> BoundaryBuilder {
        Boundary::builder(CLUSTER).login("sym", PASSWORD).base_url(BaseUrl::parse(&self.server.uri()).unwrap())
    }

    /// A client with a token that is accepted for ever.
    pub(crate) fn client(&self) -> Boundary {
        self.state().tokens.push("S3CRET-fixed".to_owned());
        self.builder().auth(Auth::bearer("S3CRET-fixed".into())).without_rate_limits().build().unwrap()
    }

    pub(crate) fn is_member(&self, user: &str) -> bool {
        self.state().groups.get("g_1").is_some_and(|group| group.members.iter().any(|member| member == user))
    }

    /// The number of calls so far that change something.
    pub(crate) fn writes(&self) -> usize {
        self.state().calls.iter().filter(|call| !call.starts_with("GET ") && !call.ends_with(":authenticate")).count()
    }

    /// The calls since the last time, such as `GET /v1/groups/g_1`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }
}

/// A user with these members besides the usual ones.
pub(crate) fn user(id: &str, members: Value) -> Value {
    let mut user = json!({ "id": id, "scope_id": "global", "version": 1, "name": null });
    user.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    user
}

struct Api(Arc<Mutex<State>>);

impl Respond for Api {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let line = format!("{} {}", request.method, request.url.path());
        state.calls.push(line.clone());
        if let Some((_, refusal)) = state.refusals.iter().find(|(start, _)| line.starts_with(start)) {
            return refusal.clone();
        }
        let token = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let path = request.url.path().trim_start_matches("/v1/").to_owned();
        if path.ends_with(":authenticate") {
            assert!(token.is_none(), "a login sends no token");
            return state.authenticate(&path, &request.body);
        }
        let token = token.and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        let is_known = token.as_ref().is_some_and(|token| state.tokens.contains(token));
        // Auth methods of the scope `global` are listed to everybody.
        if !is_known && (token.is_some() || path != "auth-methods") {
            return fault(401, "Unauthenticated", "Unauthenticated, or invalid token.");
        }
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        state.answer(request, &path, &query)
    }
}

impl State {
    pub(crate) fn delete_user(&mut self, id: &str) {
        self.users.retain(|user| user["id"] != id);
        for group in self.groups.values_mut() {
            group.members.retain(|member| member != id);
        }
    }

    pub(crate) fn land_late_changes(&mut self) {
        for (id, action, body) in self.late.take().unwrap_or_default() {
            if let Some(group) = self.groups.get_mut(&id) {
                group.change(&id, &action, &body);
            }
        }
    }

    fn authenticate(&mut self, path: &str, body: &[u8]) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((&body["command"], &body["type"]), (&json!("login"), &json!("token")));
        if path != "auth-methods/ampw_1:authenticate" {
            return fault(404, "NotFound", "Resource not found.");
        }
        if body["attributes"] != json!({ "login_name": "sym", "password": PASSWORD }) {
            return fault(401, "Unauthenticated", "Unable to authenticate.");
        }
        self.issued += 1;
        let token = format!("at_S3CRET_{}", self.issued);
        self.tokens.push(token.clone());
        let attributes = json!({ "id": "at_1", "token": token, "user_id": "u_9", "expiration_time": "2026-12-08T10:00:00.5Z" });
        ResponseTemplate::new(200).set_body_json(json!({ "attributes": attributes, "command": "login", "type": "token" }))
    }

    fn answer(&mut self, request: &Request, path: &str, query: &BTreeMap<String, String>) -> ResponseTemplate {
        let not_found = || fault(404, "NotFound", "Resource not found.");
        let json = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        match (request.method.as_str(), path.split_once('/').unwrap_or((path, ""))) {
            ("GET", ("groups", "")) => {
                let groups: Vec<_> = self.groups.iter().map(|(id, group)| group.json(id, false)).collect();
                self.page(&groups, query)
            }
            ("GET", ("groups", id)) => self.groups.get(id).map_or_else(not_found, |group| json(group.json(id, true))),
            ("GET", ("users", "")) => self.page(&self.users, query),
            ("GET", ("users", id)) => {
                self.users.iter().find(|user| user["id"] == id).map_or_else(not_found, |user| json(user.clone()))
            }
            ("GET", ("auth-methods", "")) => self.page(&self.methods, query),
            ("GET", ("accounts", "")) => {
                self.page(self.accounts.get(&query["auth_method_id"]).map_or(&[][..], Vec::as_slice), query)
            }
            ("POST", ("groups", action)) => {
                let (id, action) = action.split_once(':').unwrap();
                let Some(mut group) = self.groups.get(id).cloned() else { return not_found() };
                let lost = ResponseTemplate::new(504);
                if let Some(late) = &mut self.late {
                    late.push((id.to_owned(), action.to_owned(), request.body.clone()));
                    return lost;
                }
                let before = group.members.clone();
                if let Some(interference) = &mut self.interference {
                    interference(&mut group);
                }
                let response = group.change(id, action, &request.body);
                if self.put_back {
                    (group.members, group.version) = (before, group.version + 1);
                }
                self.groups.insert(id.to_owned(), group);
                if self.responses_lost { lost } else { response }
            }
            _ => fault(405, "Unknown", "Method not allowed."),
        }
    }

    fn page(&self, items: &[Value], query: &BTreeMap<String, String>) -> ResponseTemplate {
        let items: Vec<_> = items.iter().filter(|item| matches(item, query.get("filter"))).collect();
        let begin = query.get("list_token").map_or(0, |token| token.parse().unwrap());
        let page: Vec<_> = items.iter().skip(begin).take(self.page).collect();
        let end = begin + page.len();
        let kind = if end < items.len() { "delta" } else { "complete" };
        let mut body = json!({ "response_type": kind, "list_token": end.to_string(), "est_item_count": items.len() });
        if !page.is_empty() {
            body["items"] = json!(page);
        }
        ResponseTemplate::new(200).set_body_json(body)
    }
}

impl Group {
    fn json(&self, id: &str, with_members: bool) -> Value {
        let mut group = json!({ "id": id, "name": self.name, "scope_id": "global", "version": self.version });
        if with_members && !self.members.is_empty() {
            group["member_ids"] = json!(self.members);
        }
        group
    }

    /// Changes the members as Boundary does: whatever does not apply is an internal error.
    fn change(&mut self, id: &str, action: &str, body: &[u8]) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(body).unwrap();
        let ids: Vec<String> = serde_json::from_value(body["member_ids"].clone()).unwrap();
        let verb = if action == "add-members" { "add" } else { "remove" };
        let all = |wanted: bool| ids.iter().all(|id| self.members.contains(id) == wanted);
        if body["version"] != self.version || !all(verb == "remove") {
            return fault(500, "Internal", &format!("Unable to {verb} members to group: version mismatch or no rows."));
        }
        match verb {
            "add" => self.members.extend(ids),
            _ => self.members.retain(|member| !ids.contains(member)),
        }
        self.version += 1;
        ResponseTemplate::new(200).set_body_json(self.json(id, true))
    }
}

/// Evaluates a filter such as `"/item/email" == "a" or "/item/email" == "b"`.
fn matches(item: &Value, filter: Option<&String>) -> bool {
    let Some(filter) = filter else { return true };
    let (mut rest, mut strings, mut operators) = (filter.as_str(), Vec::new(), Vec::new());
    while let Some((operator, quoted)) = rest.split_once('"') {
        operators.push(operator);
        let mut escaped = false;
        let end = quoted.find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let (string, after) = quoted.split_at(end.unwrap());
        strings.push(serde_json::from_str::<String>(&format!("\"{string}\"")).unwrap());
        rest = &after[1..];
    }
    assert!(operators.iter().enumerate().all(|(i, operator)| *operator == ["", " == ", " or "][if i == 0 { 0 } else { 2 - i % 2 }]));
    strings.chunks(2).any(|term| item.pointer(term[0].strip_prefix("/item").unwrap()) == Some(&json!(term[1])))
}

pub(crate) fn fault(status: u16, kind: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "kind": kind, "message": message, "op": "x", "details": null }))
}
