//! A simulated GitHub organization.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sym_sdk::directory::Directory;
use sym_sdk::error::Result;
use sym_sdk::integration::IntegrationClient;

use super::{GitHub, RepositoryRole};
use crate::kit::{SimulatedAccount, SimulatedService, impl_fake};

/// A simulated GitHub organization: its repositories, their collaborators and the teams are set here, and every user that is asked for
/// exists and is a member.
///
/// Repositories that are not set exist too, without collaborators, so that a handler finds what its configuration names. Changes of
/// collaborators are kept in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::github::{RepositoryRole, SimulatedGitHub};
///
/// let github = SimulatedGitHub::new("acme").collaborator("api", 583231, "ana", RepositoryRole::Write).build()?;
/// let ana = github.repo("api").collaborator("ana").await?.unwrap();
/// assert!(ana.has(&RepositoryRole::Read) && !ana.has(&RepositoryRole::Admin));
/// assert!(github.repo("web").collaborator("ana").await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedGitHub {
    organization: String,
    directory: Option<Directory>,
    state: State,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// The position of a repository, from 1, is its id.
    repositories: Vec<String>,
    teams: Vec<String>,
    logins: BTreeMap<u64, String>,
    collaborators: BTreeMap<(String, u64), RepositoryRole>,
}

impl SimulatedGitHub {
    /// Creates an organization, by its login, whose repositories have no collaborators.
    pub fn new(organization: impl Into<String>) -> Self {
        Self { organization: organization.into(), directory: None, state: State::default() }
    }

    /// Adds a repository.
    pub fn repository(mut self, name: impl Into<String>) -> Self {
        self.state.id_of(&name.into());
        self
    }

    /// Adds a team, by its slug, which is also its name.
    pub fn team(mut self, slug: impl Into<String>) -> Self {
        self.state.teams.push(slug.into());
        self
    }

    /// Adds a user, by id and login, to a repository.
    pub fn collaborator(
        mut self,
        repository: impl Into<String>,
        user_id: u64,
        login: impl Into<String>,
        role: RepositoryRole,
    ) -> Self {
        let repository = repository.into();
        self.state.id_of(&repository);
        self.state.logins.insert(user_id, login.into());
        self.state.collaborators.insert((repository, user_id), role);
        self
    }

    /// Sets the directory, which knows the accounts of users.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Builds the client of the organization.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if no organization can have the login.
    pub fn build(self) -> Result<GitHub> {
        self.client(&SimulatedAccount::default())
    }

    /// Accounts are those that the directory knows: GitHub tells nobody's e-mail address.
    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<GitHub> {
        let service = service(self.organization.clone(), self.state.clone());
        let connection = service.recorded_in(account.outbox().clone(), GitHub::TYPE).connection();
        let builder =
            GitHub::builder(&*self.organization).token("simulated").connection(connection).without_rate_limits();
        match self.directory.as_ref().or(account.directory()) {
            Some(directory) => builder.directory(directory.clone()),
            None => builder,
        }
        .build()
    }
}

impl_fake!(SimulatedGitHub => GitHub);

impl State {
    fn id_of(&mut self, repository: &str) -> usize {
        let known = self.repositories.iter().position(|name| name.eq_ignore_ascii_case(repository));
        known.unwrap_or_else(|| {
            self.repositories.push(repository.to_owned());
            self.repositories.len() - 1
        }) + 1
    }

    fn user_id(&self, login: &str) -> Option<u64> {
        self.logins.iter().find(|(_, known)| known.eq_ignore_ascii_case(login)).map(|(id, _)| *id)
    }

    fn user(&mut self, id: u64) -> Value {
        let login = self.logins.entry(id).or_insert_with(|| format!("user-{id}"));
        json!({ "id": id, "login": login, "type": "User" })
    }

    fn collaborator(&self, repository: &str, id: u64) -> Option<Value> {
        let known = |name: &String, user: u64| name.eq_ignore_ascii_case(repository) && user == id;
        let (_, role) = self.collaborators.iter().find(|((name, user), _)| known(name, *user))?;
        Some(json!({ "id": id, "login": self.logins.get(&id), "role_name": role }))
    }

    fn in_repository(&self, repository: &str) -> Value {
        let users = self.collaborators.keys().filter(|(name, _)| name.eq_ignore_ascii_case(repository));
        users.filter_map(|(_, id)| self.collaborator(repository, *id)).collect()
    }

    fn put(&mut self, repository: &str, login: &str, role: Option<&str>) {
        let Some(id) = self.user_id(login) else { return };
        self.collaborators.retain(|(name, user), _| !(name.eq_ignore_ascii_case(repository) && *user == id));
        if let Some(role) = role {
            self.collaborators.insert((repository.to_owned(), id), RepositoryRole::parse(role));
        }
    }
}

fn service(organization: String, state: State) -> SimulatedService {
    let state = Arc::new(Mutex::new(state));
    let with = move || {
        let state = Arc::clone(&state);
        move |use_it: &dyn Fn(&mut State) -> Option<Value>| {
            use_it(&mut state.lock().unwrap_or_else(PoisonError::into_inner))
        }
    };
    let [repos, repo, by_id, teams, user, by_login] = std::array::from_fn(|_| with());
    let [listed, permission, put, deleted] = std::array::from_fn(|_| with());
    let organization: Arc<str> = organization.into();
    let [of_list, of_one, of_id] = std::array::from_fn(|_| Arc::clone(&organization));
    SimulatedService::new("")
        .not_found(json!({ "message": "Not Found" }))
        .on("GET", "rate_limit", |_| Some(json!({ "resources": {} })))
        .on("GET", "orgs/{org}/repos", move |_| {
            repos(&|state| {
                let named = state.repositories.iter().zip(1_usize..);
                Some(named.map(|(name, id)| repository(&of_list, name, id)).collect())
            })
        })
        .on("GET", "orgs/{org}/teams", move |_| {
            teams(&|state| {
                let named = state.teams.iter().zip(1_usize..);
                Some(named.map(|(slug, id)| json!({ "id": id, "slug": slug, "name": slug })).collect())
            })
        })
        .on("GET", "orgs/{org}/members/{user}", |_| Some(Value::Null))
        .on("GET", "repos/{owner}/{repo}", move |request| {
            repo(&|state| Some(repository(&of_one, request.value(1), state.id_of(request.value(1)))))
        })
        .on("GET", "repositories/{id}", move |request| {
            by_id(&|state| {
                let id: usize = request.value(0).parse().ok()?;
                Some(repository(&of_id, state.repositories.get(id.checked_sub(1)?)?, id))
            })
        })
        .on("GET", "user/{id}", move |request| user(&|state| Some(state.user(request.value(0).parse().ok()?))))
        .on("GET", "users/{user}", move |request| {
            by_login(&|state| {
                let id = state.user_id(request.value(0))?;
                Some(state.user(id))
            })
        })
        .on("GET", "repos/{owner}/{repo}/collaborators", move |request| {
            listed(&|state| Some(state.in_repository(request.value(1))))
        })
        .on("GET", "repos/{owner}/{repo}/collaborators/{user}/permission", move |request| {
            permission(&|state| {
                let found = state.collaborator(request.value(1), state.user_id(request.value(2))?)?;
                Some(json!({ "role_name": found["role_name"], "user": found }))
            })
        })
        .on("PUT", "repos/{owner}/{repo}/collaborators/{user}", move |request| {
            put(&|state| {
                let role = request.text("permission");
                state.put(request.value(1), request.value(2), Some(role));
                request.record(request.value(1), format!("{} has the role {role}", request.value(2)));
                Some(Value::Null)
            })
        })
        .on("DELETE", "repos/{owner}/{repo}/collaborators/{user}", move |request| {
            deleted(&|state| {
                state.put(request.value(1), request.value(2), None);
                request.record(request.value(1), format!("{} removed", request.value(2)));
                Some(Value::Null)
            })
        })
        .on("GET", "repos/{owner}/{repo}/invitations", |_| Some(json!([])))
}

fn repository(organization: &str, name: &str, id: usize) -> Value {
    json!({ "id": id, "name": name, "full_name": format!("{organization}/{name}") })
}
