//! A simulated Aptible organization.

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::Aptible;
use crate::http::Auth;
use crate::kit::{SimulatedAccount, SimulatedMembers, SimulatedService, address, impl_fake};

/// The role that every simulated user has, so that no other is their last.
const EVERYBODY: &str = "everybody";

const ORGANIZATION: &str = "simulated";

/// A simulated Aptible organization: its roles and their members are set here. Every role exists, and so do the users who are set.
///
/// ```
/// # fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::aptible::SimulatedAptible;
///
/// let aptible = SimulatedAptible::new().user("ana@example.com").member("role-1", "ben@example.com").build()?;
/// assert_eq!(aptible.organization_id(), "simulated");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedAptible {
    members: SimulatedMembers,
}

impl SimulatedAptible {
    /// Creates an organization whose roles have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user, whose id is their e-mail address.
    pub fn user(self, email: impl AsRef<str>) -> Self {
        self.members.add(EVERYBODY, &address(email));
        self
    }

    /// Adds a user to a role, by its id, which is also its name.
    pub fn member(self, role_id: impl AsRef<str>, email: impl AsRef<str>) -> Self {
        self.members.add(role_id.as_ref(), &address(&email));
        self.user(email)
    }

    /// Builds the client of the organization.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<Aptible> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Aptible> {
        account.client(Aptible::builder(ORGANIZATION).auth(Auth::bearer("simulated".into())), self.service())
    }

    fn service(&self) -> SimulatedService {
        let [users, listed, added, removed, of_user] = std::array::from_fn(|_| self.members.clone());
        SimulatedService::new("")
            .not_found(json!({ "code": 404, "error": "not_found", "message": "Not found" }))
            .on("GET", "organizations/{organization}", |request| Some(json!({ "id": request.value(0) })))
            .on("GET", "organizations/{organization}/users", move |_| {
                let users = users.of_group(EVERYBODY);
                Some(list("users", users.iter().map(|email| json!({ "id": email, "email": email })).collect()))
            })
            .on("GET", "roles/{role}", |request| Some(role(request.value(0))))
            .on("GET", "roles/{role}/memberships", move |request| {
                let members = listed.of_group(request.value(0));
                Some(list("memberships", members.iter().map(|id| membership(request.value(0), id)).collect()))
            })
            .on("POST", "roles/{role}/memberships", move |request| {
                let user = request.text("user_url").rsplit('/').next()?;
                added.add(request.value(0), user);
                request.record(request.value(0), format!("{user} added"));
                Some(membership(request.value(0), user))
            })
            .on("DELETE", "memberships/{membership}", move |request| {
                let (role, user) = request.value(0).split_once(' ')?;
                removed.remove(role, user);
                request.record(role, format!("{user} removed"));
                Some(Value::Null)
            })
            .on("GET", "users/{user}/roles", move |request| {
                let roles = of_user.groups_of(request.value(0));
                Some(list("roles", roles.iter().map(|id| role(id)).collect()))
            })
    }
}

impl_fake!(SimulatedAptible => Aptible);

fn list(name: &str, items: Vec<Value>) -> Value {
    json!({ "_embedded": { name: items } })
}

fn role(id: &str) -> Value {
    json!({ "id": id, "name": id, "_links": { "organization": { "href": format!("/organizations/{ORGANIZATION}") } } })
}

fn membership(role: &str, user: &str) -> Value {
    json!({ "id": format!("{role} {user}"), "_links": { "user": { "href": format!("/users/{user}") } } })
}
