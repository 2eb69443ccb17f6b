//! A GitHub organization on a local server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::github::{GitHub, GitHubBuilder};
use sym_integrations::http::{BaseUrl, SecretString};
use sym_sdk::model::{User, UserIdentity};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const TOKEN: &str = "ghp_S3CRETtoken";
pub(crate) const ORG: &str = "acme";

/// The repository `acme/api`.
pub(crate) const API: u64 = 1267;

/// Ana, a member of the organization.
pub(crate) const ANA: u64 = 501;

/// Bob, a member too.
pub(crate) const BOB: u64 = 502;

/// Eve, who is not a member.
pub(crate) const EVE: u64 = 666;

const ROLES: [&str; 5] = ["read", "triage", "write", "maintain", "admin"];

#[derive(Default)]
pub(crate) struct State {
    pub(crate) users: BTreeMap<u64, FakeUser>,
    pub(crate) repos: BTreeMap<u64, FakeRepo>,
    pub(crate) teams: Vec<&'static str>,
    /// Names that repositories had, which lead to them by redirects.
    pub(crate) old_names: BTreeMap<String, u64>,
    /// Whether the owner of the token is not a member of the organization.
    pub(crate) token_is_outside: bool,
    /// Whether GraphQL is refused.
    pub(crate) without_graphql: bool,
    pub(crate) has_no_seat: bool,
    /// The value of `X-GitHub-SSO` in successful responses.
    pub(crate) sso: Option<&'static str>,
    /// The largest page, if it is not that of GitHub.
    pub(crate) page_size: Option<usize>,
    /// Whether the token is not accepted.
    pub(crate) rejects_token: bool,
    /// Changes whose answer is lost after they are carried out.
    pub(crate) lost_answers: usize,
    /// Whether somebody else puts back each change.
    pub(crate) puts_back: bool,
    /// Whether collaborators cannot be removed.
    pub(crate) refuses_removals: bool,
    /// A change of the state right before the next change is carried out.
    pub(crate) meanwhile: Option<fn(&mut State)>,
    /// Changes that are answered and not carried out yet.
    pub(crate) late: Option<Vec<(String, String, Value)>>,
}

#[derive(Clone, Default)]
pub(crate) struct FakeUser {
    pub(crate) login: String,
    pub(crate) is_member: bool,
    pub(crate) is_suspended: bool,
}

#[derive(Clone, Default)]
pub(crate) struct FakeRepo {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) direct: BTreeMap<u64, String>,
    pub(crate) by_team: BTreeMap<u64, String>,
    pub(crate) invitations: Vec<Value>,
    /// Custom roles, and the one that each is based on.
    pub(crate) custom: BTreeMap<&'static str, &'static str>,
}

#[derive(Clone)]
pub(crate) struct FakeGitHub {
    state: Arc<Mutex<State>>,
    calls: Arc<Mutex<Vec<String>>>,
    server: Arc<MockServer>,
}

impl FakeGitHub {
    /// Starts an organization with the repository `api`, the members Ana and Bob, and Eve outside.
    pub(crate) async fn start() -> Self {
        let mut state = State::default();
        for (id, login, is_member) in [(ANA, "AnaB", true), (BOB, "bob", true), (EVE, "eve", false)] {
            state.users.insert(id, FakeUser { login: login.to_owned(), is_member, is_suspended: false });
        }
        state.add_repo(API, "api");
        let (server, state) = (MockServer::start().await, Arc::new(Mutex::new(state)));
        let calls = Arc::default();
        let responder = Responder { state: Arc::clone(&state), calls: Arc::clone(&calls) };
        Mock::given(any()).respond_with(responder).mount(&server).await;
        Self { state, calls, server: Arc::new(server) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes the repository `api`.
    pub(crate) fn api(&self, change: impl FnOnce(&mut FakeRepo)) {
        change(self.state().repos.get_mut(&API).unwrap());
    }

    /// The direct role of a user in the repository `api`.
    pub(crate) fn direct(&self, user: u64) -> Option<String> {
        self.state().repos[&API].direct.get(&user).cloned()
    }

    pub(crate) fn builder(&self) -> GitHubBuilder {
        GitHub::builder(ORG)
            .token(SecretString::from(TOKEN))
            .base_url(BaseUrl::parse(&self.server.uri()).unwrap())
            .without_rate_limits()
    }

    pub(crate) fn client(&self) -> GitHub {
        self.builder().build().unwrap()
    }

    /// The calls since the last time, such as `GET /repos/acme/api`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// The calls since the last time that change something.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut calls = self.calls();
        calls.retain(|call| !call.starts_with("GET") && !call.ends_with("/graphql"));
        calls
    }
}

impl State {
    pub(crate) fn add_repo(&mut self, id: u64, name: &str) {
        let repo = FakeRepo { owner: ORG.to_owned(), name: name.to_owned(), ..FakeRepo::default() };
        self.repos.insert(id, repo);
    }

    pub(crate) fn rename_repo(&mut self, id: u64, name: &str) {
        let repo = self.repos.get_mut(&id).unwrap();
        self.old_names.insert(repo.name.to_lowercase(), id);
        repo.name = name.to_owned();
    }

    /// Carries out the changes that were answered before.
    pub(crate) fn land(&mut self) {
        for (method, path, body) in self.late.take().unwrap_or_default() {
            let path: Vec<&str> = path.split('/').collect();
            let _ = self.change(&method, &path, &body);
        }
    }

    fn repo_named(&self, name: &str) -> Option<u64> {
        self.repos.iter().find(|(_, repo)| repo.name.eq_ignore_ascii_case(name)).map(|(id, _)| *id)
    }

    fn user_named(&self, login: &str) -> Option<u64> {
        self.users.iter().find(|(_, user)| user.login.eq_ignore_ascii_case(login)).map(|(id, _)| *id)
    }

    fn user(&self, id: u64) -> Option<Value> {
        let user = self.users.get(&id)?;
        let suspended_at = user.is_suspended.then_some("2026-01-01T00:00:00Z");
        Some(json!({ "id": id, "login": user.login, "type": "User", "name": null, "suspended_at": suspended_at }))
    }

    fn repo(&self, id: u64) -> Value {
        let repo = &self.repos[&id];
        let full_name = format!("{}/{}", repo.owner, repo.name);
        json!({ "id": id, "name": repo.name, "full_name": full_name, "private": true, "archived": null, "description": null })
    }

    fn collaborator(&self, repo: &FakeRepo, id: u64) -> Option<Value> {
        let role = repo.effective(id)?;
        let rank = repo.rank(&role);
        let permissions: Value = [("pull", 0), ("triage", 1), ("push", 2), ("maintain", 3), ("admin", 4)]
            .into_iter()
            .map(|(name, needed)| (name.to_owned(), Value::Bool(rank >= needed)))
            .collect();
        let mut user = self.user(id)?;
        user["role_name"] = json!(role);
        user["permissions"] = permissions;
        // Lists do not always spell a login as users do.
        user["login"] = json!(user["login"].as_str()?.to_lowercase());
        Some(user)
    }

    fn read(&self, path: &[&str], affiliation: Option<&str>) -> Answer {
        let found = |value: Option<Value>| value.map_or(Answer::NotFound, Answer::Json);
        match path {
            ["orgs", ORG, "repos"] => Answer::List(self.repos.keys().map(|id| self.repo(*id)).collect()),
            ["orgs", ORG, "custom-repository-roles"] => {
                let names: BTreeSet<_> = self.repos.values().flat_map(|repo| repo.custom.keys()).collect();
                let roles: Vec<_> = names.into_iter().map(|name| json!({ "name": name, "base_role": "read" })).collect();
                if roles.is_empty() { Answer::NotFound } else { Answer::Json(json!({ "custom_roles": roles })) }
            }
            ["orgs", ORG, "teams"] => {
                let teams = self.teams.iter().zip(1..);
                Answer::List(teams.map(|(name, id)| json!({ "id": id, "slug": name.to_lowercase(), "name": name })).collect())
            }
            ["orgs", ORG, "members", login] => match self.user_named(login) {
                _ if self.token_is_outside => {
                    Answer::Redirect(302, format!("/orgs/{ORG}/public_members/{login}"))
                }
                Some(id) if self.users[&id].is_member => Answer::Empty,
                _ => Answer::NotFound,
            },
            ["orgs", ORG, "public_members", _] => Answer::Empty,
            ["user", id] => found(self.user(id.parse().unwrap())),
            ["users", login] => found(self.user_named(login).and_then(|id| self.user(id))),
            ["repositories", id, rest @ ..] => match id.parse().ok().filter(|id| self.repos.contains_key(id)) {
                Some(id) => self.read_repo(id, rest, affiliation),
                None => Answer::NotFound,
            },
            ["repos", owner, name, rest @ ..] => match self.repo_named(name) {
                Some(id) if self.repos[&id].owner.eq_ignore_ascii_case(owner) => self.read_repo(id, rest, affiliation),
                _ => match self.old_names.get(&name.to_lowercase()) {
                    Some(id) => Answer::Redirect(301, format!("/repositories/{id}{}", suffix(rest))),
                    None => Answer::NotFound,
                },
            },
            _ => Answer::NotFound,
        }
    }

    fn read_repo(&self, id: u64, rest: &[&str], affiliation: Option<&str>) -> Answer {
        let repo = &self.repos[&id];
        match rest {
            [] => Answer::Json(self.repo(id)),
            ["collaborators"] => {
                let mut ids: BTreeSet<u64> = repo.direct.keys().copied().collect();
                if affiliation != Some("direct") {
                    ids.extend(repo.by_team.keys());
                }
                Answer::List(ids.into_iter().filter_map(|user| self.collaborator(repo, user)).collect())
            }
            ["collaborators", login, "permission"] => {
                let Some(user) = self.user_named(login) else { return Answer::NotFound };
                match self.collaborator(repo, user) {
                    Some(found) => Answer::Json(
                        json!({ "permission": "write", "role_name": found["role_name"], "user": found }),
                    ),
                    None => Answer::Json(json!({ "permission": "none", "role_name": "", "user": self.user(user) })),
                }
            }
            ["invitations"] => Answer::List(repo.invitations.clone()),
            _ => Answer::NotFound,
        }
    }

    fn change(&mut self, method: &str, path: &[&str], body: &Value) -> Answer {
        let ["repos" | "repositories", rest @ ..] = path else { return Answer::NotFound };
        let (id, rest) = match (path[0], rest) {
            ("repositories", [id, rest @ ..]) => (id.parse().ok(), rest),
            (_, [_, name, rest @ ..]) => match (self.repo_named(name), self.old_names.get(&name.to_lowercase())) {
                (None, Some(id)) => return Answer::Redirect(307, format!("/repositories/{id}{}", suffix(rest))),
                (id, _) => (id, rest),
            },
            _ => return Answer::NotFound,
        };
        let Some(id) = id else { return Answer::NotFound };
        match (method, rest) {
            ("PUT", ["collaborators", login]) => {
                let Some(user) = self.user_named(login) else { return Answer::NotFound };
                if self.has_no_seat {
                    return Answer::Problem(
                        422,
                        json!({ "message": "Validation Failed", "errors": [{ "code": "no_seat", "field": "user" }] }),
                    );
                }
                self.put(id, user, body["permission"].as_str().unwrap())
            }
            ("DELETE", ["collaborators", _]) if self.refuses_removals => {
                Answer::Problem(403, json!({ "message": "Must have admin rights to Repository." }))
            }
            ("DELETE", ["collaborators", login]) => {
                // GitHub cancels the invitation of somebody who is only invited.
                let user = self.user_named(login);
                let repo = self.repos.get_mut(&id).unwrap();
                repo.direct.retain(|direct, _| Some(*direct) != user);
                repo.invitations.retain(|known| user.is_none() || known["invitee"]["id"].as_u64() != user);
                Answer::Empty
            }
            ("PATCH", ["invitations", invitation]) => {
                let invitations = &mut self.repos.get_mut(&id).unwrap().invitations;
                match invitations.iter_mut().find(|known| known["id"].as_u64() == invitation.parse().ok()) {
                    Some(known) => {
                        known["permissions"] = body["permissions"].clone();
                        Answer::Json(known.clone())
                    }
                    None => Answer::NotFound,
                }
            }
            ("DELETE", ["invitations", invitation]) => {
                let invitations = &mut self.repos.get_mut(&id).unwrap().invitations;
                invitations.retain(|known| known["id"].as_u64() != invitation.parse().ok());
                Answer::Empty
            }
            _ => Answer::NotFound,
        }
    }

    fn put(&mut self, repo: u64, user: u64, permission: &str) -> Answer {
        let role = match permission {
            "pull" => "read",
            "push" => "write",
            other => other,
        };
        let invitee = self.user(user);
        let is_member = self.users[&user].is_member;
        let repo = self.repos.get_mut(&repo).unwrap();
        if !ROLES.contains(&role) && !repo.custom.contains_key(role) {
            return Answer::Problem(422, json!({ "message": "Validation Failed", "errors": ["Invalid permission"] }));
        }
        if is_member || repo.direct.contains_key(&user) {
            repo.direct.insert(user, role.to_owned());
            return Answer::Empty;
        }
        repo.invitations.retain(|known| known["invitee"]["id"] != user);
        let id = 9_000 + repo.invitations.len();
        let invitation = json!({ "id": id, "invitee": invitee, "permissions": role, "expired": null });
        repo.invitations.push(invitation.clone());
        Answer::Created(invitation)
    }

    fn permission_sources(&self, body: &Value) -> Answer {
        let (variables, direct) = (&body["variables"], body["query"].as_str().unwrap().contains("affiliation: DIRECT"));
        assert!(direct && variables["owner"] == ORG);
        if self.without_graphql {
            return Answer::Json(json!({ "data": { "repository": null }, "errors": [{ "type": "FORBIDDEN" }] }));
        }
        let repo = &self.repos[&self.repo_named(variables["name"].as_str().unwrap()).unwrap()];
        let source = |kind: &str, role: &str| {
            let permission = if repo.rank(role) >= 2 { "WRITE" } else { "READ" };
            json!({ "roleName": role, "permission": permission, "source": { "__typename": kind } })
        };
        let edges = repo.direct.iter().map(|(id, role)| {
            let by_team = repo.by_team.get(id).map(|role| source("Team", role));
            let sources: Vec<_> = by_team.into_iter().chain([source("Repository", role)]).collect();
            json!({ "node": { "databaseId": id }, "permissionSources": sources })
        });
        Answer::Json(json!({ "data": { "repository": { "collaborators": { "edges": edges.collect::<Vec<_>>() } } } }))
    }
}

impl FakeRepo {
    pub(crate) fn invite(&mut self, id: u64, user: u64, login: &str, role: &str) {
        let invitee = json!({ "id": user, "login": login });
        self.invitations.push(json!({ "id": id, "invitee": invitee, "permissions": role, "expired": false }));
    }

    /// Whether the effective role of a user includes another one.
    pub(crate) fn has(&self, user: u64, role: &str) -> bool {
        self.effective(user).is_some_and(|effective| self.rank(&effective) >= self.rank(role))
    }

    fn rank(&self, role: &str) -> usize {
        let role = self.custom.get(role).copied().unwrap_or(role);
        ROLES.iter().position(|known| *known == role).unwrap()
    }

    fn effective(&self, user: u64) -> Option<String> {
        let sources = [self.direct.get(&user), self.by_team.get(&user)].into_iter().flatten();
        sources.max_by_key(|role| self.rank(role)).cloned()
    }
}

fn suffix(rest: &[&str]) -> String {
    rest.iter().map(|segment| format!("/{segment}")).collect()
}

enum Answer {
    Json(Value),
    Created(Value),
    List(Vec<Value>),
    Empty,
    NotFound,
    Problem(u16, Value),
    Redirect(u16, String),
}

struct Responder {
    state: Arc<Mutex<State>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.state.lock().unwrap();
        let path = request.url.path().trim_start_matches('/').to_owned();
        self.calls.lock().unwrap().push(format!("{} /{path}", request.method));
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if state.rejects_token || header("authorization").as_deref() != Some(&format!("Bearer {TOKEN}")) {
            return ResponseTemplate::new(401).set_body_json(json!({ "message": "Bad credentials" }));
        }
        assert_eq!(header("accept").as_deref(), Some("application/vnd.github+json"));
        assert_eq!(header("x-github-api-version").as_deref(), Some("2022-11-28"));
        let segments: Vec<&str> = path.split('/').collect();
        let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let answer = match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["graphql"]) => state.permission_sources(&body),
            ("GET", path) => state.read(path, query.get("affiliation").map(String::as_str)),
            (method, segments) => match &mut state.late {
                Some(late) => {
                    late.push((method.to_owned(), path.clone(), body));
                    return ResponseTemplate::new(504);
                }
                None => {
                    if let Some(change) = state.meanwhile.take() {
                        change(&mut state);
                    }
                    let before = state.puts_back.then(|| state.repos.clone());
                    let answer = state.change(method, segments, &body);
                    state.repos = before.unwrap_or_else(|| std::mem::take(&mut state.repos));
                    if state.lost_answers > 0 {
                        state.lost_answers -= 1;
                        return ResponseTemplate::new(504);
                    }
                    answer
                }
            },
        };
        let host = format!("http://{}", header("host").unwrap());
        let response = match answer {
            Answer::Json(body) => ResponseTemplate::new(200).set_body_json(body),
            Answer::Created(body) => ResponseTemplate::new(201).set_body_json(body),
            Answer::List(items) => page(&host, &path, &query, state.page_size, &items),
            Answer::Empty => ResponseTemplate::new(204),
            Answer::NotFound => ResponseTemplate::new(404).set_body_json(json!({ "message": "Not Found" })),
            Answer::Problem(status, body) => ResponseTemplate::new(status).set_body_json(body),
            Answer::Redirect(status, to) => {
                let moved = json!({ "message": "Moved Permanently", "url": format!("{host}{to}") });
                ResponseTemplate::new(status).insert_header("location", format!("{host}{to}")).set_body_json(moved)
            }
        };
        match state.sso {
            Some(sso) => response.insert_header("x-github-sso", sso),
            None => response,
        }
    }
}

fn page(
    host: &str,
    path: &str,
    query: &BTreeMap<String, String>,
    size: Option<usize>,
    items: &[Value],
) -> ResponseTemplate {
    let number = |name: &str, default: usize| query.get(name).map_or(default, |text| text.parse().unwrap());
    let (page, size) = (number("page", 1), size.unwrap_or(number("per_page", 30).min(100)));
    let shown: Vec<_> = items.iter().skip((page - 1) * size).take(size).collect();
    let response = ResponseTemplate::new(200).set_body_json(shown);
    if page * size >= items.len() {
        return response;
    }
    let mut url = format!("{host}/{path}?page={}", page + 1);
    for (name, value) in query.iter().filter(|(name, _)| *name != "page") {
        url = format!("{url}&{name}={value}");
    }
    response.insert_header("link", format!("<{url}>; rel=\"next\", <{host}/{path}?page=9>; rel=\"last\""))
}

/// A user with a GitHub account.
pub(crate) fn person(email: &str, account: u64) -> User {
    let user = User::from_email(email).unwrap();
    user.with_identity(UserIdentity::new("github", ORG, account.to_string()))
}
