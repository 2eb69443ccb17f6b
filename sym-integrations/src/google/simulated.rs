//! A simulated Google Workspace organization.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::{Google, Role};
use crate::http::Auth;
use crate::kit::{SimulatedAccount, SimulatedService, address, impl_fake};

/// A simulated Google Workspace organization: its groups and their members are set here, and every user that is asked for exists.
///
/// Groups that are not set exist too, without members, so that a handler finds what its configuration names. Changes of members are kept
/// in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::google::SimulatedGoogle;
/// use sym_sdk::model::User;
///
/// let google = SimulatedGoogle::new().member("admins@example.com", "ana@example.com").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(google.is_user_in_group(&ana, "admins@example.com").await?);
/// assert!(!google.is_user_in_group(&ana, "audit@example.com").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedGoogle {
    domain: Option<String>,
    members: Members,
}

/// The roles of members, by the group and the address.
type Members = BTreeMap<(String, String), String>;

impl SimulatedGoogle {
    /// Creates an organization whose groups have no members. Its domain is that of the integration, or else `example.com`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the domain.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Adds a user to a group, with the role `MEMBER`.
    pub fn member(self, group_email: impl Into<String>, email: impl Into<String>) -> Self {
        self.member_with_role(group_email, email, &Role::Member)
    }

    /// Adds a user to a group with a role.
    pub fn member_with_role(mut self, group_email: impl Into<String>, email: impl Into<String>, role: &Role) -> Self {
        self.members.insert((address(group_email.into()), address(email.into())), role.to_string());
        self
    }

    /// Builds the client of the organization.
    ///
    /// # Errors
    /// If the domain is not one.
    pub fn build(self) -> Result<Google> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Google> {
        let domain = self.domain.as_deref().or(account.name()).unwrap_or("example.com");
        account.client(Google::builder(domain).auth(Auth::none()), service(self.members.clone()))
    }
}

impl_fake!(SimulatedGoogle => Google);

fn service(members: Members) -> SimulatedService {
    let members = Arc::new(Mutex::new(members));
    let [all, listed, checked, found, added, changed, removed] = std::array::from_fn(|_| Arc::clone(&members));
    SimulatedService::new("admin/directory/v1")
        .not_found(not_found())
        .on("GET", "groups", move |_| {
            let members = lock(&all);
            let mut groups: Vec<_> = members.keys().map(|(of, _)| group(of)).collect();
            groups.dedup();
            Some(json!({ "groups": groups }))
        })
        .on("GET", "groups/{group}", |request| Some(group(request.value(0))))
        .on("GET", "groups/{group}/members", move |request| {
            let members = lock(&listed);
            let members: Vec<_> = members
                .iter()
                .filter(|((of, _), _)| of == request.value(0))
                .map(|((_, email), role)| member(email, role))
                .collect();
            Some(json!({ "members": members }))
        })
        .on("GET", "groups/{group}/hasMember/{member}", move |request| {
            Some(json!({ "isMember": lock(&checked).contains_key(&key(request.value(0), request.value(1))) }))
        })
        .on("GET", "groups/{group}/members/{member}", move |request| {
            let members = lock(&found);
            members.get(&key(request.value(0), request.value(1))).map(|role| member(request.value(1), role))
        })
        .on("POST", "groups/{group}/members", move |request| {
            let mut members = lock(&added);
            let key = key(request.value(0), request.text("email"));
            if members.contains_key(&key) {
                let reason = json!([{ "reason": "duplicate" }]);
                return Some(
                    json!({ "error": { "code": 409, "message": "Member already exists.", "errors": reason } }),
                );
            }
            members.insert(key, request.text("role").to_owned());
            request.record(request.value(0), format!("{} added", request.text("email")));
            Some(member(request.text("email"), request.text("role")))
        })
        .on("PATCH", "groups/{group}/members/{member}", move |request| {
            let mut members = lock(&changed);
            let role = members.get_mut(&key(request.value(0), request.value(1)))?;
            request.text("role").clone_into(role);
            request.record(request.value(0), format!("{} has the role {role}", request.value(1)));
            Some(member(request.value(1), role))
        })
        .on("DELETE", "groups/{group}/members/{member}", move |request| {
            lock(&removed).remove(&key(request.value(0), request.value(1)))?;
            request.record(request.value(0), format!("{} removed", request.value(1)));
            Some(Value::Null)
        })
}

fn lock(members: &Mutex<Members>) -> MutexGuard<'_, Members> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(group: &str, email: &str) -> (String, String) {
    (address(group), address(email))
}

fn group(email: &str) -> Value {
    json!({ "id": email, "email": email, "name": email })
}

fn member(email: &str, role: &str) -> Value {
    json!({ "id": email, "email": email, "role": role, "type": "USER", "status": "ACTIVE" })
}

/// The only thing that can be missing is a member.
fn not_found() -> Value {
    let message = "Resource Not Found: memberKey";
    json!({ "error": { "code": 404, "message": message, "errors": [{ "reason": "notFound", "message": message }] } })
}
