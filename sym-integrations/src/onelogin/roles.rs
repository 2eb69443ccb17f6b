//! Calls about roles, their members and their admins.

use std::sync::Arc;

use serde::Deserialize;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::client::ONELOGIN;
use super::paging::pages;
use super::{ListRoles, OneLogin, OneLoginRole, Privilege, RoleUser, codes};
use crate::http::{Call, Paginator};
use crate::kit::{Account, Resource};

/// An object of which only the id is needed.
#[derive(Deserialize)]
pub(super) struct Id {
    #[expect(dead_code, reason = "the response has to have this form")]
    id: u64,
}

impl OneLogin {
    /// Lists the roles of the account.
    /// [`GET /api/2/roles`](https://developers.onelogin.com/api-docs/2/roles/list-roles)
    ///
    /// ```no_run
    /// # async fn show(onelogin: sym_integrations::onelogin::OneLogin) -> sym_sdk::error::Result<()> {
    /// for role in onelogin.list_roles().name_filter("prod").await? {
    ///     println!("{} has the id {}", role.name(), role.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_roles(&self) -> ListRoles {
        ListRoles::new(self)
    }

    /// Looks up a role.
    /// [`GET /api/2/roles/{id}`](https://developers.onelogin.com/api-docs/2/roles/get-role)
    ///
    /// # Errors
    /// `OneLogin:ROLE_NOT_FOUND` if there is no such role.
    pub async fn get_role(&self, role_id: u64) -> Result<Resource<OneLoginRole>> {
        role_not_found(self.service.get("api/2/roles/{role}", &[&role_id.to_string()]), role_id).await?.json()
    }

    /// Returns whether a user is a member of a role. Its admins are not members.
    ///
    /// # Errors
    /// `OneLogin:ROLE_NOT_FOUND` if there is no such role, and `Identity:NOT_FOUND` if the user has no known account in OneLogin.
    pub async fn is_user_in_role(&self, user: &User, role_id: u64) -> Result<bool> {
        let question = format!("is_user_in_role {} {role_id}", user.username());
        let ask = async {
            let user_id = self.user_id(user).await?;
            if self.has_privilege(role_id, user_id, Privilege::Member).await? {
                return Ok(true);
            }
            self.get_role(role_id).await.map(|_| false)
        };
        look_up(ONELOGIN.name(), question, ask).await
    }

    /// Returns whether a OneLogin user is a member or an admin of a role.
    ///
    /// # Errors
    /// `OneLogin:USER_NOT_FOUND` or `OneLogin:ROLE_NOT_FOUND`, as far as OneLogin is asked about either.
    pub async fn has_privilege(&self, role_id: u64, user_id: u64, privilege: Privilege) -> Result<bool> {
        // A user has few roles; a role can have thousands of members.
        if privilege == Privilege::Member
            && let Some(roles) = &self.get_user(user_id).await?.role_ids
        {
            return Ok(roles.contains(&role_id));
        }
        Ok(self.list_role_users(role_id, privilege).find(|user| user.id == user_id).await?.is_some())
    }

    /// Returns the members of a role, in OneLogin's order and without duplicates. Users who are new to the directory are added to it;
    /// members without an e-mail address are omitted, with a warning in the log.
    ///
    /// # Errors
    /// `OneLogin:ROLE_NOT_FOUND` if there is no such role.
    pub async fn users_in_role(&self, role_id: u64) -> Result<Vec<Arc<User>>> {
        let question = format!("users_in_role {role_id}");
        look_up_users(ONELOGIN.name(), question, self.ask_users_in_role(role_id)).await
    }

    async fn ask_users_in_role(&self, role_id: u64) -> Result<Vec<Arc<User>>> {
        let mut accounts = Vec::new();
        for member in self.list_role_users(role_id, Privilege::Member).await? {
            let id = member.id.to_string();
            // A username can be the address of somebody else, so only the user's own e-mail address counts.
            let email = match member.email {
                None if !self.service.is_known_account(&id).await? => self.get_user(member.id).await?.email.clone(),
                email => email,
            };
            accounts.push(Account::new(id, email));
        }
        self.service.users(accounts).await
    }

    /// Lists the members or the admins of a role.
    /// [`GET /api/2/roles/{id}/users`](https://developers.onelogin.com/api-docs/2/roles/get-role-users),
    /// [`GET /api/2/roles/{id}/admins`](https://developers.onelogin.com/api-docs/2/roles/get-role-admins)
    ///
    /// # Errors
    /// `OneLogin:ROLE_NOT_FOUND` if there is no such role.
    pub fn list_role_users(&self, role_id: u64, privilege: Privilege) -> Paginator<RoleUser> {
        let call = self.service.get(route(privilege), &[&role_id.to_string()]);
        pages(role_not_found(call, role_id))
    }

    /// Makes a OneLogin user a member or an admin of a role. One who is already stays so.
    /// [`POST /api/2/roles/{id}/users`](https://developers.onelogin.com/api-docs/2/roles/add-role-users),
    /// [`POST /api/2/roles/{id}/admins`](https://developers.onelogin.com/api-docs/2/roles/add-role-admins)
    ///
    /// # Errors
    /// `OneLogin:ROLE_NOT_FOUND` if there is no such role.
    pub async fn add_to_role(&self, role_id: u64, user_id: u64, privilege: Privilege) -> Result<()> {
        let call = self.service.post(route(privilege), &[&role_id.to_string()]).json(&[user_id]).idempotent(true);
        // Any other response shows that it does not come from OneLogin, so that it is unknown what was changed.
        role_not_found(call, role_id).await?.json::<Vec<Id>>().map(drop).map_err(Error::with_unknown_outcome)
    }

    /// Takes a OneLogin user out of the members or the admins of a role. A user who is not among them, or does not exist, is no error.
    /// [`DELETE /api/2/roles/{id}/users`](https://developers.onelogin.com/api-docs/2/roles/remove-role-users),
    /// [`DELETE /api/2/roles/{id}/admins`](https://developers.onelogin.com/api-docs/2/roles/remove-role-admins)
    ///
    /// # Errors
    /// `OneLogin:ROLE_NOT_FOUND` if there is no such role.
    pub async fn remove_from_role(&self, role_id: u64, user_id: u64, privilege: Privilege) -> Result<()> {
        let onelogin = Self { service: self.service.for_revocation(), ..self.clone() };
        let call = onelogin.service.delete(route(privilege), &[&role_id.to_string()]).json(&[user_id]);
        match call.await {
            Ok(response) => response.expect_empty(),
            // OneLogin answers in the same way whether the user or the role does not exist.
            Err(error) if error.kind() == ErrorKind::NotFound => onelogin.get_role(role_id).await.map(drop),
            Err(error) => Err(error),
        }
    }
}

const fn route(privilege: Privilege) -> &'static str {
    match privilege {
        Privilege::Member => "api/2/roles/{role}/users",
        Privilege::Admin => "api/2/roles/{role}/admins",
    }
}

fn role_not_found(call: Call, role_id: u64) -> Call {
    call.not_found(codes::ROLE_NOT_FOUND, format!("there is no OneLogin role `{role_id}`")).hint(
        &[ErrorKind::NotFound],
        "the id of a role is the number in the URL of its page in OneLogin's admin portal",
    )
}
