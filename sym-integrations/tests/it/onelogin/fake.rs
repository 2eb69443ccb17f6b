//! A OneLogin account on a local server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::http::{Auth, BaseUrl};
use sym_integrations::onelogin::{OneLogin, OneLoginBuilder};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const DOMAIN: &str = "example.onelogin.com";
pub(crate) const CLIENT_ID: &str = "6f6a";
pub(crate) const SECRET: &str = "S3CRET-client";

pub(crate) struct State {
    pub(crate) roles: BTreeMap<u64, String>,
    pub(crate) users: BTreeMap<u64, Value>,
    /// The pairs of a role and a user, by the last part of their route.
    pub(crate) members: BTreeMap<&'static str, BTreeSet<(u64, u64)>>,
    /// The roles whose applications a user has. They follow the memberships when mappings are run.
    pub(crate) applications: BTreeSet<(u64, u64)>,
    /// Whether users show their roles.
    pub(crate) shows_roles: bool,
    pub(crate) page: usize,
    /// The access tokens that are accepted, of which the last was issued last.
    pub(crate) tokens: Vec<String>,
    pub(crate) issued: usize,
    /// The response to calls that begin so, instead of carrying them out.
    pub(crate) refusals: Vec<(String, ResponseTemplate)>,
    /// Whether changes of roles are made, and their responses lost.
    pub(crate) responses_lost: bool,
    /// The changes of roles that are still to be made, whether each adds a user; `None` if they are made immediately.
    pub(crate) late: Option<Vec<(bool, &'static str, u64, u64)>>,
    /// Whether each change of a role is undone by somebody else.
    pub(crate) put_back: bool,
    calls: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct FakeOneLogin {
    state: Arc<Mutex<State>>,
    server: Arc<MockServer>,
}

impl FakeOneLogin {
    /// Starts an account with the roles 70 and 71, and the users 1 to 3, who are Ana, Ben and Cleo.
    pub(crate) async fn start() -> Self {
        let state = State {
            roles: [(70, "Prod Admins".to_owned()), (71, "prod-audit".to_owned())].into(),
            users: BTreeMap::new(),
            members: BTreeMap::new(),
            applications: BTreeSet::new(),
            shows_roles: true,
            page: 100,
            tokens: Vec::new(),
            issued: 0,
            refusals: Vec::new(),
            responses_lost: false,
            late: None,
            put_back: false,
            calls: Vec::new(),
        };
        let (server, state) = (MockServer::start().await, Arc::new(Mutex::new(state)));
        let fake = Self { state, server: Arc::new(server) };
        for (id, email) in [(1, "ana@example.com"), (2, "ben@example.com"), (3, "cleo@example.com")] {
            fake.state().add_user(id, email, 1);
        }
        Mock::given(any()).respond_with(Api(Arc::clone(&fake.state))).mount(&fake.server).await;
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn builder(&self) -> OneLoginBuilder {
        let base_url = BaseUrl::parse(&self.server.uri()).unwrap();
        OneLogin::builder(DOMAIN).credentials(CLIENT_ID, SECRET).base_url(base_url)
    }

    /// A client with a token that is accepted for ever.
    pub(crate) fn client(&self) -> OneLogin {
        self.state().tokens.push("S3CRET-fixed".to_owned());
        self.builder().auth(Auth::bearer("S3CRET-fixed".into())).without_rate_limits().build().unwrap()
    }

    /// The number of calls so far that change something.
    pub(crate) fn writes(&self) -> usize {
        let state = self.state();
        state.calls.iter().filter(|call| !call.starts_with("GET ") && !call.contains("/auth/")).count()
    }

    /// The calls since the last time, such as `GET /api/2/roles/70`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }
}

impl State {
    pub(crate) fn add_user(&mut self, id: u64, email: &str, status: i64) {
        self.users.insert(
            id,
            json!({
                "id": id, "email": email, "username": email, "firstname": null, "lastname": "Ö", "status": status, "state": 1,
                "invalid_login_attempts": null, "custom_attributes": { "badge": "7" },
            }),
        );
    }

    pub(crate) fn join(&mut self, relation: &'static str, role: u64, user: u64) {
        self.members.entry(relation).or_default().insert((role, user));
    }

    pub(crate) fn leave(&mut self, relation: &'static str, role: u64, user: u64) {
        self.members.entry(relation).or_default().remove(&(role, user));
    }

    pub(crate) fn delete_user(&mut self, id: u64) {
        self.users.remove(&id);
        self.members.values_mut().for_each(|pairs| pairs.retain(|(_, user)| *user != id));
    }

    pub(crate) fn delete_role(&mut self, id: u64) {
        self.roles.remove(&id);
        self.members.values_mut().for_each(|pairs| pairs.retain(|(role, _)| *role != id));
    }

    pub(crate) fn land_late_changes(&mut self) {
        for (adds, relation, role, user) in self.late.take().unwrap_or_default() {
            self.apply(adds, relation, role, user);
        }
    }

    fn apply(&mut self, adds: bool, relation: &'static str, role: u64, user: u64) {
        match adds {
            true => self.join(relation, role, user),
            false => self.leave(relation, role, user),
        }
    }

    pub(crate) fn is(&self, relation: &'static str, role: u64, user: u64) -> bool {
        self.members.get(relation).is_some_and(|pairs| pairs.contains(&(role, user)))
    }

    fn user(&self, id: u64) -> Option<Value> {
        let mut user = self.users.get(&id)?.clone();
        if self.shows_roles {
            let roles = self.members.get("users").into_iter().flatten().filter(|(_, member)| *member == id);
            user["role_ids"] = roles.map(|(role, _)| *role).collect();
        }
        Some(user)
    }
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
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        if line == "POST /auth/oauth2/v2/token" {
            return state.issue(header("authorization").as_deref(), &request.body);
        }
        let token = header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        if token.is_none_or(|token| !state.tokens.contains(&token)) {
            return fault(401, "UnauthorizedError", "Unauthorized");
        }
        let path: Vec<&str> = request.url.path().split('/').skip(1).collect();
        state.answer(request, &path).unwrap_or_else(|| {
            fault(404, "NotFoundError", "The resource with the given id could not be found")
        })
    }
}

impl State {
    fn issue(&mut self, authorization: Option<&str>, body: &[u8]) -> ResponseTemplate {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
        let body: Value = serde_json::from_slice(body).unwrap();
        if authorization != Some(&format!("Basic {basic}")) || body["grant_type"] != "client_credentials" {
            let status = json!({ "error": true, "code": 401, "type": "Unauthorized", "message": "Authentication Failure" });
            return ResponseTemplate::new(401).set_body_json(json!({ "status": status }));
        }
        self.issued += 1;
        let token = format!("S3CRET-token-{}", self.issued);
        self.tokens.push(token.clone());
        ResponseTemplate::new(200).set_body_json(json!({
            "access_token": token, "refresh_token": "S3CRET-refresh", "token_type": "bearer", "expires_in": 36000,
            "created_at": "2026-12-01T10:00:00.000Z", "account_id": 555,
        }))
    }

    fn answer(&mut self, request: &Request, path: &[&str]) -> Option<ResponseTemplate> {
        let number = |text: &str| text.parse::<u64>().ok();
        let json = |body: Value| Some(ResponseTemplate::new(200).set_body_json(body));
        match (request.method.as_str(), path) {
            ("GET", ["api", "2", "roles"]) => {
                let roles = self.roles.iter().map(|(id, name)| json!({ "id": id, "name": name, "users": null }));
                Some(self.page(request, &roles.collect::<Vec<_>>()))
            }
            ("GET", ["api", "2", "roles", role]) => {
                let id = number(role)?;
                json(json!({ "id": id, "name": self.roles.get(&id)?, "apps": [] }))
            }
            ("GET", ["api", "2", "users"]) => {
                let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
                let users = self.users.values().filter(|user| {
                    let wanted = query.get("email").map(|email| email.to_lowercase().replace('*', ""));
                    wanted.is_none_or(|wanted| user["email"].as_str().unwrap().to_lowercase().contains(&wanted))
                });
                Some(self.page(request, &users.cloned().collect::<Vec<_>>()))
            }
            ("GET", ["api", "2", "users", user]) => json(self.user(number(user)?)?),
            ("PUT", ["api", "2", "users", user]) => {
                let id = number(user)?;
                let found = self.user(id)?;
                let changes: Value = serde_json::from_slice(&request.body).unwrap();
                assert_eq!(changes, json!({ "username": found["username"] }), "the update changes nothing");
                assert_eq!(request.url.query(), Some("mappings=sync"));
                self.applications.retain(|(_, holder)| *holder != id);
                let members = self.members.get("users").into_iter().flatten().filter(|(_, member)| *member == id);
                self.applications.extend(members.copied());
                json(found)
            }
            (method, ["api", "2", "roles", role, relation]) => {
                let role = number(role)?;
                self.roles.get(&role)?;
                let relation = ["users", "admins"].into_iter().find(|known| known == relation)?;
                if method == "GET" {
                    let users = self.members.get(relation).into_iter().flatten().filter(|(other, _)| *other == role);
                    let users = users.filter_map(|(_, user)| {
                        let user = self.users.get(user)?;
                        Some(json!({ "id": user["id"], "name": user["username"], "username": user["username"] }))
                    });
                    return Some(self.page(request, &users.collect::<Vec<_>>()));
                }
                let ids: Vec<u64> = serde_json::from_slice(&request.body).unwrap();
                let adds = method == "POST";
                if let Some(unknown) = ids.iter().find(|id| !self.users.contains_key(id)) {
                    let message = format!("Validation failed: user {unknown} does not exist");
                    return adds.then(|| fault(422, "UnprocessableEntityError", &message));
                }
                let lost = ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout");
                if let Some(late) = &mut self.late {
                    late.extend(ids.iter().map(|id| (adds, relation, role, *id)));
                    return Some(lost);
                }
                for id in &ids {
                    self.apply(adds, relation, role, *id);
                    if self.put_back {
                        self.apply(!adds, relation, role, *id);
                    }
                }
                match self.responses_lost {
                    true => Some(lost),
                    false if adds => json(ids.iter().map(|id| json!({ "id": id })).collect()),
                    false => Some(ResponseTemplate::new(204)),
                }
            }
            _ => None,
        }
    }

    /// A page, as OneLogin makes them: with `cursor`, no other parameter is allowed.
    fn page(&self, request: &Request, items: &[Value]) -> ResponseTemplate {
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let begin = match query.as_slice() {
            [(name, cursor)] if name == "cursor" => match cursor.strip_prefix("cGFnZT").and_then(|c| c.strip_suffix("==")) {
                Some(begin) => begin.parse().unwrap(),
                None => return bad_request("Invalid pagination cursor"),
            },
            query if query.iter().any(|(name, _)| name == "cursor") => {
                return bad_request("Cursor cannot be used with other parameters");
            }
            _ => 0,
        };
        let page: Vec<_> = items.iter().skip(begin).take(self.page).collect();
        let mut response =
            ResponseTemplate::new(200).insert_header("total-count", items.len().to_string()).set_body_json(&page);
        if begin + page.len() < items.len() {
            response = response.insert_header("after-cursor", format!("cGFnZT{}==", begin + page.len()));
        }
        response
    }
}

fn bad_request(description: &str) -> ResponseTemplate {
    ResponseTemplate::new(400)
        .set_body_json(json!({ "status": 400, "error": "BadRequestError", "description": description }))
}

pub(crate) fn fault(status: u16, name: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "message": message, "statusCode": status, "name": name }))
}
