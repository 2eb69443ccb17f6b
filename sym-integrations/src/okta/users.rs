//! Calls about users, and the resolution of users to Okta accounts.

use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::OKTA;
use super::groups::PAGE;
use super::list_groups::quoted;
use super::{Okta, OktaUser, codes};
use crate::kit::{Resource, is_same_address};

impl Okta {
    /// Returns the Okta user of a user.
    /// [`GET /users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser)
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if the user has no known account in Okta.
    pub async fn get_user_info(&self, user: &User) -> Result<Resource<OktaUser>> {
        self.get_user(&self.account_id(user).await?).await
    }

    /// Returns the id of a user's account in Okta: the one in the directory, or else that of the only Okta user with their e-mail
    /// address, which is then stored in the directory. See [`find_user_by_email`](Self::find_user_by_email).
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.id.clone()));
        self.0.account_id(user, find).await
    }

    /// Looks up an Okta user by id or login. A login with a slash can only be found
    /// [by e-mail address](Self::find_user_by_email).
    /// [`GET /users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser)
    ///
    /// # Errors
    /// `Okta:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user(&self, id_or_login: &str) -> Result<Resource<OktaUser>> {
        let call = self.0.get("users/{user}", &[id_or_login]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no Okta user `{id_or_login}`")).await?.json()
    }

    /// Looks up the Okta user with this login or primary e-mail address; `None` if there is none.
    ///
    /// Deactivated users are ignored if there is another. Users whose login is not their address are searched for, and the search
    /// may not find a user who was created some seconds ago.
    ///
    /// # Errors
    /// `Okta:AMBIGUOUS_USER` if there are several, `Okta:USER_DEPROVISIONED` if there are only deactivated ones.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<OktaUser>>> {
        let mut found = Vec::new();
        if let Some(user) = self.user_by_login(email).await? {
            // A login belongs to one user only.
            if is_same_address(user.email(), email) && !user.is_deprovisioned() {
                return Ok(Some(user));
            }
            found.push(user);
        }
        let search = format!("profile.email eq {}", quoted(email));
        let call = self.0.get("users", &[]).query("search", search).query("limit", PAGE);
        let mut users = call.pages::<Vec<Resource<OktaUser>>>();
        while let Some(user) = users.next_item().await? {
            if is_same_address(user.email(), email) && found.iter().all(|known| known.id != user.id) {
                found.push(user);
            }
        }
        OKTA.only_active(email, found, |user| user.account())
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<Resource<OktaUser>>> {
        // Okta takes the part after a slash, encoded or not, for another segment of the path.
        if login.contains('/') {
            return Ok(None);
        }
        match self.get_user(login).await {
            // Okta also finds users by the part before the `@`, and the owner of the token by `me`.
            Ok(user) => Ok(Some(user).filter(|user| is_same_address(user.login(), login))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
