//! Calls about roles, their memberships and the users of the organization.
//!
//! Aptible has no call that says whether a user is in a role, so the memberships of the role are read: all pages, since a user can have more
//! than one, and each is removed. A list that cannot be read is an error, never an empty one.

use std::collections::HashSet;

use serde_json::json;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::client::APTIBLE;
use super::model::{AptibleUser, HalPage, Role, RoleMembership, is_same_id};
use super::{Aptible, codes};
use crate::http::{Call, Paginator};
use crate::kit::is_same_address;

impl Aptible {
    /// Returns the id of the user of the organization with this e-mail address; `None` if there is none.
    /// `GET /organizations/{id}/users`
    ///
    /// # Errors
    /// `Aptible:AMBIGUOUS_USER` if there are several.
    pub(super) async fn find_user_by_email(&self, email: &str) -> Result<Option<String>> {
        let mut found: Vec<AptibleUser> = Vec::new();
        let mut users = self.users();
        while let Some(user) = users.next_item().await? {
            if is_same_address(user.email.as_deref(), email)
                && found.iter().all(|other| !is_same_id(&other.id, &user.id))
            {
                found.push(user);
            }
        }
        let user = APTIBLE.only_active(email, found, AptibleUser::account)?;
        Ok(user.map(|user| user.id))
    }

    /// Returns the user of the organization with this id.
    pub(super) async fn user(&self, user_id: &str) -> Result<AptibleUser> {
        let found = self.users().find(|user| is_same_id(&user.id, user_id)).await?;
        found.ok_or_else(|| {
            let message = format!("there is no user `{user_id}` in Aptible organization `{}`", self.organization_id());
            APTIBLE.error(ErrorKind::NotFound, codes::USER_NOT_FOUND, message)
        })
    }

    fn users(&self) -> Paginator<AptibleUser> {
        self.0.get("organizations/{organization}/users", &[self.organization_id()]).pages::<HalPage<AptibleUser>>()
    }

    /// `GET /roles/{id}`
    pub(super) async fn role(&self, role_id: &str) -> Result<Role> {
        let role: Role = role_not_found(self.0.get("roles/{role}", &[role_id]), role_id).await?.json()?;
        match role.links.id("organization") {
            // The account may administer several organizations.
            Some(other) if !is_same_id(other, self.organization_id()) => {
                let message = format!(
                    "Aptible role `{role_id}` belongs to organization `{other}`, not to `{}`",
                    self.organization_id()
                );
                Err(APTIBLE.error(ErrorKind::Configuration, codes::ROLE_NOT_FOUND, message))
            }
            _ => Ok(role),
        }
    }

    /// `GET /roles/{id}/memberships`
    pub(super) fn memberships(&self, role_id: &str) -> Paginator<RoleMembership> {
        role_not_found(self.0.get("roles/{role}/memberships", &[role_id]), role_id).pages::<HalPage<RoleMembership>>()
    }

    /// Returns the ids of a user's memberships of a role.
    pub(super) async fn memberships_of(&self, role_id: &str, user_id: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut memberships = self.memberships(role_id);
        while let Some(membership) = memberships.next_item().await? {
            if is_same_id(user_of(&membership)?, user_id) {
                found.push(membership.id);
            }
        }
        Ok(found)
    }

    /// Makes a user a member of a role, unless they are one already.
    /// `POST /roles/{id}/memberships`
    pub(super) async fn add(&self, role_id: &str, user_id: &str) -> Result<()> {
        if !self.memberships_of(role_id, user_id).await?.is_empty() {
            return Ok(());
        }
        let user_url = format!("{}/users/{user_id}", self.0.base_url().as_str());
        // A repeated call might make a second membership, so it is not retried here. The next attempt of the grant looks first.
        let call = self.0.post("roles/{role}/memberships", &[role_id]).json(&json!({ "user_url": user_url }));
        let added: Result<RoleMembership> = match role_not_found(call, role_id).await {
            Ok(response) => response.json().map_err(Error::with_unknown_outcome),
            Err(error) => Err(error),
        };
        match added {
            Ok(_) => Ok(()),
            // Somebody else may have added the user at the same time.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Conflict) => {
                match self.memberships_of(role_id, user_id).await?.is_empty() {
                    true => Err(error),
                    false => Ok(()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Removes all memberships of a user in a role. None is no error, if the role exists.
    /// `DELETE /memberships/{id}`
    pub(super) async fn remove(&self, role_id: &str, user_id: &str, allow_last: bool) -> Result<()> {
        let aptible = Self(self.0.for_revocation());
        let memberships = aptible.memberships_of(role_id, user_id).await?;
        if memberships.is_empty() {
            return Ok(());
        }
        if !allow_last {
            aptible.check_other_roles(role_id, user_id).await?;
        }
        for membership in memberships {
            match aptible.0.delete("memberships/{membership}", &[&membership]).await {
                Ok(response) => response.expect_empty()?,
                // It was removed meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Checks that a user has another role in the organization. Aptible removes a user without any from the organization.
    /// `GET /users/{id}/roles`
    pub(super) async fn check_other_roles(&self, role_id: &str, user_id: &str) -> Result<()> {
        let call = self.0.get("users/{user}/roles", &[user_id]);
        let call = call.not_found(codes::USER_NOT_FOUND, format!("there is no Aptible user `{user_id}`"));
        let mut roles = call.pages::<HalPage<Role>>();
        let organization = self.organization_id().to_owned();
        let other = roles.find(move |role| {
            !is_same_id(&role.id, role_id)
                && role.links.id("organization").is_some_and(|id| is_same_id(id, &organization))
        });
        match other.await? {
            Some(_) => Ok(()),
            None => Err(last_membership(role_id, user_id)),
        }
    }

    /// Lists the ids of a role's members, as Aptible writes them, without duplicates.
    pub(super) fn member_ids(&self, role_id: &str) -> Paginator<String> {
        let mut seen = HashSet::new();
        let members = self.memberships(role_id).map_items(|membership| user_of(&membership).map(str::to_owned));
        members.filter_items(move |id| seen.insert(id.to_ascii_lowercase()))
    }
}

fn user_of(membership: &RoleMembership) -> Result<&str> {
    membership.links.id("user").ok_or_else(|| {
        let message = format!("Aptible membership `{}` has no user", membership.id);
        APTIBLE.error(ErrorKind::Decode, APTIBLE.code(crate::http::error_names::INVALID_RESPONSE), message)
    })
}

fn role_not_found(call: Call, role_id: &str) -> Call {
    call.not_found(codes::ROLE_NOT_FOUND, format!("there is no Aptible role `{role_id}`"))
}

fn last_membership(role_id: &str, user_id: &str) -> Error {
    let message = format!(
        "role `{role_id}` is the only one of Aptible user `{user_id}`: without it, they are removed from the organization"
    );
    APTIBLE.error(ErrorKind::Conflict, codes::LAST_MEMBERSHIP, message).with_hint(
        "give the user another role in Aptible, or set `allow_last_membership = true` on the target to remove them from the organization",
    )
}
