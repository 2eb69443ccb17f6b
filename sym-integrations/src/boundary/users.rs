//! Calls about users, and the resolution of users to Boundary users.

use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::model::User;

use super::client::BOUNDARY;
use super::filter::is_any_of;
use super::model::{AuthAccount, AuthMethod};
use super::paging::list;
use super::{Boundary, BoundaryUser, codes};
use crate::kit::{Resource, is_same_address};

/// Users that stand for everybody. As members of a group, they would give access to everybody.
const SPECIAL_USERS: [&str; 3] = ["u_anon", "u_auth", "u_recovery"];

impl Boundary {
    /// Returns the id of a user's Boundary user: the one in the directory, or else that of the only Boundary user with their e-mail
    /// address, which is then stored in the directory. See [`find_user_by_email`](Self::find_user_by_email).
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn user_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.id.clone()));
        self.service.account_id(user, find).await
    }

    /// Looks up a Boundary user.
    /// [`GET /v1/users/{id}`](https://developer.hashicorp.com/boundary/api-docs/user-service)
    ///
    /// # Errors
    /// `Boundary:USER_NOT_FOUND` if there is no such user, `Boundary:NOT_A_USER_ID` if it cannot be the id of one.
    pub async fn get_user(&self, user_id: &str) -> Result<Resource<BoundaryUser>> {
        check_user_id(user_id)?;
        let call = self.service.get("v1/users/{user}", &[user_id]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no Boundary user `{user_id}`")).await?.json()
    }

    /// Looks up the Boundary user with this e-mail address; `None` if there is none.
    /// [`GET /v1/users`](https://developer.hashicorp.com/boundary/api-docs/user-service),
    /// [`GET /v1/accounts`](https://developer.hashicorp.com/boundary/api-docs/account-service)
    ///
    /// Boundary knows a user's address only if the primary auth method of their scope gives it. Otherwise the account with this address or
    /// login name is looked up in all auth methods, and the user whose primary account that is.
    ///
    /// # Errors
    /// `Boundary:AMBIGUOUS_USER` if there are several.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<BoundaryUser>>> {
        let mut found = self.users_with("email", &spellings(email)).await?;
        // Boundary compares exactly, and may evaluate a filter otherwise than it is meant.
        found.retain(|user| is_same_address(user.email.as_deref(), email));
        if found.is_empty() {
            let accounts = self.accounts_of(email).await?;
            let ids: Vec<_> = accounts.iter().map(|account| account.id.as_str()).collect();
            if !ids.is_empty() {
                found = self.users_with("primary_account_id", &ids).await?;
                found.retain(|user| ids.iter().any(|id| user.has_account(id)));
            }
        }
        BOUNDARY.only_active(email, found, |user| user.account())
    }

    async fn users_with(&self, member: &str, values: &[impl AsRef<str>]) -> Result<Vec<Resource<BoundaryUser>>> {
        let call = self.service.get("v1/users", &[]).query("scope_id", "global").query("recursive", true);
        list(call.query("filter", is_any_of(member, values)), |user: &Resource<BoundaryUser>| &user.id).await
    }

    /// The accounts with this address or login name, in all auth methods.
    async fn accounts_of(&self, email: &str) -> Result<Vec<AuthAccount>> {
        let call = self.service.get("v1/auth-methods", &[]).query("scope_id", "global").query("recursive", true);
        let mut found: Vec<AuthAccount> = Vec::new();
        for method in list(call, |method: &AuthMethod| &method.id).await? {
            // An expression fails as a whole if an item lacks one of its members, so each has one of its own.
            for member in ["attributes/email", "attributes/login_name"] {
                let call = self.service.get("v1/accounts", &[]).query("auth_method_id", &method.id);
                let call = call.query("filter", is_any_of(member, &spellings(email)));
                let accounts = list(call, |account: &AuthAccount| &account.id).await?;
                found.extend(accounts.into_iter().filter(|account| {
                    is_same_address(account.attributes.email.as_deref(), email)
                        || is_same_address(account.attributes.login_name.as_deref(), email)
                }));
            }
        }
        Ok(found)
    }
}

/// The spellings that an address is searched for in, since Boundary compares exactly.
fn spellings(email: &str) -> Vec<String> {
    let email = email.trim();
    let mut spellings = vec![email.to_owned()];
    let lower = email.to_ascii_lowercase();
    if lower != email {
        spellings.push(lower);
    }
    spellings
}

/// Rejects ids of accounts, and of the users that stand for everybody.
pub(super) fn check_user_id(id: &str) -> Result<()> {
    if id.starts_with("u_") && !SPECIAL_USERS.contains(&id) {
        return Ok(());
    }
    let message = format!("`{id}` is not the id of a person's user in Boundary");
    Err(BOUNDARY
        .error(ErrorKind::Identity, codes::NOT_A_USER_ID, message)
        .with_hint("store the id of the user, which begins with `u_`, with `Directory::put_identity`"))
}

/// The error for somebody who has no user yet.
pub(super) fn user_not_found(email: &str) -> Error {
    let message = format!("there is no Boundary user with the e-mail address `{email}`");
    BOUNDARY.error(ErrorKind::Identity, codes::USER_NOT_FOUND, message).with_hint(
        "users appear in Boundary when they first sign in with the primary auth method of their scope; if its accounts have no e-mail \
         address, store the user's id with `Directory::put_identity`",
    )
}
