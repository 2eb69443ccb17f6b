//! Calls about users, and the resolution of users to OneLogin accounts.

use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::ONELOGIN;
use super::paging::pages;
use super::{OneLogin, OneLoginUser, codes};
use crate::kit::{Resource, is_same_address, vendor_errors};

impl OneLogin {
    /// Returns the OneLogin user of a user.
    /// [`GET /api/2/users/{id}`](https://developers.onelogin.com/api-docs/2/users/get-user)
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if the user has no known account in OneLogin.
    pub async fn get_user_info(&self, user: &User) -> Result<Resource<OneLoginUser>> {
        self.get_user(self.user_id(user).await?).await
    }

    /// Returns the id of a user's account in OneLogin: the one in the directory, or else that of the only OneLogin user with their
    /// e-mail address, which is then stored in the directory. See [`find_user_by_email`](Self::find_user_by_email).
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none, and `OneLogin:NOT_A_USER_ID` if the directory has something that is not an id.
    pub async fn user_id(&self, user: &User) -> Result<u64> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.id.to_string()));
        parse_user_id(&self.service.account_id(user, find).await?)
    }

    /// Looks up a OneLogin user.
    /// [`GET /api/2/users/{id}`](https://developers.onelogin.com/api-docs/2/users/get-user)
    ///
    /// # Errors
    /// `OneLogin:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user(&self, user_id: u64) -> Result<Resource<OneLoginUser>> {
        let call = self.service.get("api/2/users/{user}", &[&user_id.to_string()]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no OneLogin user `{user_id}`")).await?.json()
    }

    /// Looks up the OneLogin user with this e-mail address; `None` if there is none. Suspended users are ignored if there is another.
    /// [`GET /api/2/users`](https://developers.onelogin.com/api-docs/2/users/list-users)
    ///
    /// # Errors
    /// `OneLogin:AMBIGUOUS_USER` if there are several, `OneLogin:USER_DEPROVISIONED` if there are only suspended ones.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<OneLoginUser>>> {
        let mut users = pages::<Resource<OneLoginUser>>(self.service.get("api/2/users", &[]).query("email", email));
        let mut found: Vec<Resource<OneLoginUser>> = Vec::new();
        while let Some(user) = users.next_item().await? {
            // `*` in an address is a wildcard to OneLogin.
            if is_same_address(user.email.as_deref(), email) && found.iter().all(|known| known.id != user.id) {
                found.push(user);
            }
        }
        ONELOGIN.only_active(email, found, |user| user.account())
    }

    /// Runs the account's mappings for a OneLogin user, and returns when they have run. They give and take the applications of roles,
    /// which changing a role's members alone may not do.
    /// [`PUT /api/2/users/{id}?mappings=sync`](https://developers.onelogin.com/api-docs/2/users/update-user)
    ///
    /// OneLogin runs them when a user is updated, and with `sync` before it responds, so the user is updated to the username, or else the
    /// e-mail address, that they have. Its documentation does not say whether an update that changes nothing runs them, too: if
    /// applications do not follow in your account, run the mappings in its administration.
    ///
    /// # Errors
    /// `OneLogin:USER_NOT_FOUND` if there is no such user, and `OneLogin:MAPPINGS_NOT_RUN` if they have neither.
    pub async fn run_mappings(&self, user_id: u64) -> Result<()> {
        let user = self.get_user(user_id).await?;
        let unchanged = match (&user.username, &user.email) {
            (Some(name), _) => json!({ "username": name }),
            (None, Some(email)) => json!({ "email": email }),
            (None, None) => {
                let message = format!("OneLogin user `{user_id}` has neither a username nor an e-mail address");
                return Err(ONELOGIN.error(ErrorKind::Conflict, codes::MAPPINGS_NOT_RUN, message));
            }
        };
        let call = self.service.put("api/2/users/{user}", &[&user_id.to_string()]).query("mappings", "sync");
        let call =
            call.json(&unchanged).not_found(codes::USER_NOT_FOUND, format!("there is no OneLogin user `{user_id}`"));
        call.await?.json::<super::roles::Id>().map(drop)
    }
}

/// Parses the identity of a user, which is a number.
pub(super) fn parse_user_id(identity: &str) -> Result<u64> {
    identity.parse().map_err(|_| {
        let code = ONELOGIN.code(vendor_errors::NOT_A_USER_ID);
        let message = format!("`{identity}` is not the id of a user in OneLogin, which is a number");
        ONELOGIN.error(ErrorKind::Identity, code, message).with_hint("store the id with `Directory::put_identity`")
    })
}
