//! An Aptible organization on a local server.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::aptible::{Aptible, AptibleBuilder};
use sym_integrations::http::{Auth, BaseUrl};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const ORGANIZATION: &str = "aff8ab2c-6a3b-4d5c-8f2a-0c1d9c0f4b77";
pub(crate) const ROLE: &str = "5F3C1A52-0B6E-4D0A-9A0E-3D5C2B1F7E10";
pub(crate) const OTHER_ROLE: &str = "6a000000-0000-4000-8000-000000000002";
pub(crate) const ANA: &str = "0a000000-0000-4000-8000-00000000000a";
pub(crate) const BEN: &str = "0b000000-0000-4000-8000-00000000000b";
pub(crate) const PASSWORD: &str = "S3CRET-password";

pub(crate) struct State {
    /// Ids, and whether SCIM has created them.
    pub(crate) roles: Vec<(String, bool)>,
    pub(crate) users: Vec<(String, String)>,
    /// Id, role and user, in either case.
    pub(crate) memberships: Vec<(String, String, String)>,
    pub(crate) page: usize,
    pub(crate) tokens: Vec<String>,
    pub(crate) issued: usize,
    /// The response to calls that begin so, instead of carrying them out.
    pub(crate) refusals: Vec<(String, ResponseTemplate)>,
    /// Whether changes of memberships are made, and their responses lost.
    pub(crate) responses_lost: bool,
    /// The changes of memberships that are still to be made; `None` if they are made immediately.
    pub(crate) late: Option<Vec<Change>>,
    /// Whether each membership that is removed is made again by somebody else.
    pub(crate) put_back: bool,
    url: String,
    calls: Vec<String>,
}

/// A change of the memberships.
pub(crate) enum Change {
    Add(String, String, String),
    Remove(String),
}

#[derive(Clone)]
pub(crate) struct FakeAptible {
    state: Arc<Mutex<State>>,
    server: Arc<MockServer>,
}

impl FakeAptible {
    /// Starts an organization with two roles, and with Ana and Ben, who are in the other one.
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let users = [(ANA, "ana@example.com"), (BEN, "ben@example.com")];
        let mut state = State {
            roles: vec![(ROLE.to_owned(), false), (OTHER_ROLE.to_owned(), false)],
            users: users.map(|(id, email)| (id.to_owned(), email.to_owned())).into(),
            memberships: Vec::new(),
            page: 100,
            tokens: Vec::new(),
            issued: 0,
            refusals: Vec::new(),
            responses_lost: false,
            late: None,
            put_back: false,
            url: server.uri(),
            calls: Vec::new(),
        };
        state.join("m-ana", OTHER_ROLE, ANA);
        state.join("m-ben", OTHER_ROLE, BEN);
        let state = Arc::new(Mutex::new(state));
        Mock::given(any()).respond_with(Api(Arc::clone(&state))).mount(&server).await;
        Self { state, server: Arc::new(server) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn builder(&self) -> AptibleBuilder {
        let builder = Aptible::builder(ORGANIZATION).login("bot@example.com", PASSWORD);
        builder.base_url(BaseUrl::parse(&self.server.uri()).unwrap())
    }

    /// A client with a token that is accepted for ever.
    pub(crate) fn client(&self) -> Aptible {
        self.state().tokens.push("S3CRET-fixed".to_owned());
        self.builder().auth(Auth::bearer("S3CRET-fixed".into())).without_rate_limits().build().unwrap()
    }

    pub(crate) fn is_member(&self, role: &str, user: &str) -> bool {
        self.state().memberships.iter().any(|(_, r, u)| r.eq_ignore_ascii_case(role) && u.eq_ignore_ascii_case(user))
    }

    /// The number of calls so far that change something.
    pub(crate) fn writes(&self) -> usize {
        let state = self.state();
        state.calls.iter().filter(|call| !call.starts_with("GET ") && *call != "POST /tokens").count()
    }

    /// The calls since the last time, such as `GET /roles/…`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
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
        assert_eq!(header("accept").as_deref(), Some("application/hal+json"));
        if line == "POST /tokens" {
            assert!(header("authorization").is_none(), "a login sends no token");
            return state.issue(&request.body);
        }
        let token = header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        if token.is_none_or(|token| !state.tokens.contains(&token)) {
            return fault(401, "expired_token", "The access token is invalid.");
        }
        let path: Vec<&str> = request.url.path().split('/').skip(1).collect();
        state.answer(request, &path).unwrap_or_else(|| fault(404, "not_found", "Not found"))
    }
}

impl State {
    pub(crate) fn join(&mut self, id: &str, role: &str, user: &str) {
        self.memberships.push((id.to_owned(), role.to_owned(), user.to_owned()));
    }

    pub(crate) fn leave(&mut self, role: &str, user: &str) {
        self.memberships.retain(|(_, r, u)| !(r.eq_ignore_ascii_case(role) && u.eq_ignore_ascii_case(user)));
    }

    pub(crate) fn delete_user(&mut self, id: &str) {
        self.users.retain(|(user, _)| user != id);
        self.memberships.retain(|(_, _, user)| user != id);
    }

    pub(crate) fn delete_role(&mut self, id: &str) {
        self.roles.retain(|(role, _)| role != id);
        self.memberships.retain(|(_, role, _)| role != id);
    }

    pub(crate) fn land_late_changes(&mut self) {
        for change in self.late.take().unwrap_or_default() {
            match change {
                Change::Add(id, role, user) => self.memberships.push((id, role, user)),
                Change::Remove(removed) => self.memberships.retain(|(id, _, _)| *id != removed),
            }
        }
    }

    fn issue(&mut self, body: &[u8]) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(body).unwrap();
        let expected = json!({
            "username": "bot@example.com", "password": PASSWORD, "grant_type": "password", "scope": "manage", "expires_in": 43200,
        });
        if body != expected {
            return fault(401, "invalid_credentials", "Invalid credentials");
        }
        self.issued += 1;
        let token = format!("S3CRET-token-{}", self.issued);
        self.tokens.push(token.clone());
        let body = json!({ "id": "t1", "access_token": token, "token_type": "bearer", "expires_at": 4_000_000_000_i64 });
        ResponseTemplate::new(201).set_body_json(body)
    }

    fn answer(&mut self, request: &Request, path: &[&str]) -> Option<ResponseTemplate> {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let json = |body: Value| Some(ResponseTemplate::new(200).set_body_json(body));
        match (request.method.as_str(), path) {
            ("GET", ["organizations", id]) if same(id, ORGANIZATION) => json(json!({ "id": ORGANIZATION })),
            ("GET", ["organizations", id, "users"]) if same(id, ORGANIZATION) => {
                let users = self.users.iter().map(|(id, email)| json!({ "id": id, "email": email, "name": null }));
                Some(self.page(request, "users", &users.collect::<Vec<_>>()))
            }
            ("GET", ["roles", role]) => json(self.role(role)?),
            ("GET", ["roles", role, "memberships"]) => {
                self.role(role)?;
                let listed = self.memberships.iter().filter(|(_, other, _)| same(other, role));
                let listed = listed.map(|(id, _, user)| self.membership(id, user)).collect::<Vec<_>>();
                Some(self.page(request, "memberships", &listed))
            }
            ("POST", ["roles", role, "memberships"]) => {
                self.role(role)?;
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let user = body["user_url"].as_str()?.strip_prefix(&format!("{}/users/", self.url))?.to_owned();
                if self.users.iter().all(|(id, _)| !same(id, &user)) {
                    return Some(fault(422, "unprocessable_entity", "User is invalid."));
                }
                let id = format!("m-{}-{}", self.memberships.len(), self.calls.len());
                if let Some(late) = &mut self.late {
                    late.push(Change::Add(id, (*role).to_owned(), user));
                    return Some(ResponseTemplate::new(504));
                }
                self.join(&id, role, &user);
                Some(match self.responses_lost {
                    true => ResponseTemplate::new(504),
                    false => ResponseTemplate::new(201).set_body_json(self.membership(&id, &user)),
                })
            }
            ("DELETE", ["memberships", id]) => {
                let position = self.memberships.iter().position(|(other, _, _)| other == id)?;
                if let Some(late) = &mut self.late {
                    late.push(Change::Remove((*id).to_owned()));
                    return Some(ResponseTemplate::new(504));
                }
                let (id, role, user) = self.memberships.remove(position);
                if self.put_back {
                    self.join(&format!("{id}-again"), &role, &user);
                }
                Some(ResponseTemplate::new(if self.responses_lost { 504 } else { 204 }))
            }
            ("GET", ["users", user, "roles"]) => {
                let roles = self.memberships.iter().filter(|(_, _, other)| same(other, user));
                let roles = roles.filter_map(|(_, role, _)| self.role(role)).collect::<Vec<_>>();
                Some(self.page(request, "roles", &roles))
            }
            _ => None,
        }
    }

    fn role(&self, role: &str) -> Option<Value> {
        let (id, scim) = self.roles.iter().find(|(id, _)| id.eq_ignore_ascii_case(role))?;
        let organization = format!("{}/organizations/{}", self.url, ORGANIZATION.to_uppercase());
        let links = json!({ "organization": { "href": organization }, "self": null });
        Some(json!({ "id": id, "name": "prod-admins", "type": "platform_user", "scim_created": scim, "_links": links }))
    }

    fn membership(&self, id: &str, user: &str) -> Value {
        json!({ "id": id, "privileged": false, "_links": { "user": { "href": format!("{}/users/{user}", self.url) } } })
    }

    fn page(&self, request: &Request, name: &str, items: &[Value]) -> ResponseTemplate {
        let page = request.url.query_pairs().find(|(name, _)| name == "page").map_or(0, |(_, page)| page.parse().unwrap());
        let listed: Vec<_> = items.iter().skip(page * self.page).take(self.page).collect();
        let mut links = json!({ "self": { "href": "x" } });
        if (page + 1) * self.page < items.len() {
            links["next"] = json!({ "href": format!("{}{}?page={}", self.url, request.url.path(), page + 1) });
        }
        ResponseTemplate::new(200).set_body_json(json!({ "_embedded": { name: listed }, "_links": links }))
    }
}

pub(crate) fn fault(status: u16, error: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "code": status, "error": error, "message": message }))
}
