//! A simulated OneLogin account.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::{OneLogin, Privilege};
use crate::http::Auth;
use crate::kit::{SimulatedAccount, SimulatedMembers, SimulatedRequest, SimulatedService, address, impl_fake};

/// A simulated OneLogin account: its roles, with their members and admins, are set here, and every user that is asked for by e-mail
/// address exists.
///
/// Roles that are not set exist too, without members, so that a handler finds what its configuration names. Changes are kept in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::onelogin::{Privilege, SimulatedOneLogin};
/// use sym_sdk::model::User;
///
/// let onelogin = SimulatedOneLogin::new().user_in_role(70, "ana@example.com", Privilege::Member).build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(onelogin.is_user_in_role(&ana, 70).await?);
/// assert!(!onelogin.is_user_in_role(&ana, 71).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedOneLogin {
    roles: Vec<(u64, String, Privilege)>,
}

impl SimulatedOneLogin {
    /// Creates an account whose roles have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the user with this e-mail address a member or an admin of a role, whose name is its id.
    pub fn user_in_role(mut self, role_id: u64, email: impl Into<String>, privilege: Privilege) -> Self {
        self.roles.push((role_id, address(email.into()), privilege));
        self
    }

    /// Builds the client of the account.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<OneLogin> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<OneLogin> {
        account.client(OneLogin::builder("simulated").auth(Auth::bearer("simulated".into())), self.service())
    }

    fn service(&self) -> SimulatedService {
        let account = Account::default();
        for (role, email, privilege) in &self.roles {
            account.of(*privilege).add(&role.to_string(), &account.id_of(email));
        }
        let mut service = SimulatedService::new("api/2").not_found(not_found());
        let (listed, known, by_id, of_user) = (account.clone(), account.clone(), account.clone(), account.clone());
        service = service
            .on("GET", "roles", move |_| Some(listed.roles().iter().map(|id| role(id)).collect()))
            .on("GET", "roles/{role}", |request| Some(role(request.value(0))))
            .on("GET", "users", move |request| Some(json!([known.user(&known.id_of(request.query("email")?))?])))
            .on("GET", "users/{user}", move |request| by_id.user(request.value(0)))
            .on("PUT", "users/{user}", move |request| of_user.user(request.value(0)));
        for (privilege, route) in [(Privilege::Member, "roles/{role}/users"), (Privilege::Admin, "roles/{role}/admins")]
        {
            let [listed, added, removed] = std::array::from_fn(|_| account.clone());
            service = service
                .on("GET", route, move |request| {
                    let users = listed.of(privilege).of_group(request.value(0));
                    Some(users.iter().filter_map(|id| listed.user(id)).collect())
                })
                .on("POST", route, move |request| {
                    let ids = user_ids(request);
                    for id in &ids {
                        added.of(privilege).add(request.value(0), id);
                        request.record(request.value(0), format!("{} added", added.email(id)));
                    }
                    Some(ids.iter().filter_map(|id| Some(json!({ "id": id.parse::<u64>().ok()? }))).collect())
                })
                .on("DELETE", route, move |request| {
                    for id in user_ids(request) {
                        removed.of(privilege).remove(request.value(0), &id);
                        request.record(request.value(0), format!("{} removed", removed.email(&id)));
                    }
                    Some(Value::Null)
                });
        }
        service
    }
}

impl_fake!(SimulatedOneLogin => OneLogin);

/// The users of the account and their roles. Clones share them.
#[derive(Clone, Default)]
struct Account {
    members: SimulatedMembers,
    admins: SimulatedMembers,
    /// The e-mail addresses, whose positions are the users' ids.
    emails: Arc<Mutex<Vec<String>>>,
}

impl Account {
    fn of(&self, privilege: Privilege) -> &SimulatedMembers {
        match privilege {
            Privilege::Member => &self.members,
            Privilege::Admin => &self.admins,
        }
    }

    fn roles(&self) -> Vec<String> {
        let mut roles = [self.members.groups(), self.admins.groups()].concat();
        roles.sort();
        roles.dedup();
        roles
    }

    fn id_of(&self, email: &str) -> String {
        let mut emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        let position = emails.iter().position(|known| known.eq_ignore_ascii_case(email)).unwrap_or_else(|| {
            emails.push(email.to_owned());
            emails.len() - 1
        });
        (position + 1).to_string()
    }

    fn email(&self, id: &str) -> String {
        let emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        let position = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
        position.and_then(|position| emails.get(position)).cloned().unwrap_or_else(|| format!("user {id}"))
    }

    fn user(&self, id: &str) -> Option<Value> {
        let number: usize = id.parse().ok()?;
        let emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        let email = emails.get(number.checked_sub(1)?)?;
        let roles: Vec<u64> = self.members.groups_of(id).iter().filter_map(|role| role.parse().ok()).collect();
        Some(json!({ "id": number, "username": email, "email": email, "status": 1, "state": 1, "role_ids": roles }))
    }
}

fn role(id: &str) -> Value {
    json!({ "id": id.parse::<u64>().unwrap_or_default(), "name": id })
}

fn user_ids(request: &SimulatedRequest) -> Vec<String> {
    request.body().as_array().into_iter().flatten().map(Value::to_string).collect()
}

fn not_found() -> Value {
    json!({ "statusCode": 404, "name": "NotFoundError", "message": "The resource with the given id could not be found" })
}
