//! Calls about users, and whose an Okta user is.

use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::model::User;

use super::groups::PAGE;
use super::list_groups::quoted;
use super::service::error;
use super::{Okta, OktaUser, UserStatus, codes};

impl Okta {
    /// A user as Okta knows them.
    /// [`GET /users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser)
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if the user has no known account in Okta.
    pub async fn get_user_info(&self, user: &User) -> Result<OktaUser> {
        self.get_user(&self.user_id(user).await?).await
    }

    /// The id of a user's account in Okta: the one that the directory knows, or else that of the only Okta user with their e-mail
    /// address, which the directory keeps. See [`find_user_by_email`](Self::find_user_by_email).
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn user_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.id().to_owned()));
        self.accounts.account_id(user, find).await
    }

    /// Looks up an Okta user by id or login. A login with a slash can be found by
    /// [e-mail address](Self::find_user_by_email) only.
    /// [`GET /users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser)
    ///
    /// # Errors
    /// `Okta:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user(&self, id_or_login: &str) -> Result<OktaUser> {
        let call = self.client.get("users/{user}", &[id_or_login]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no Okta user `{id_or_login}`")).await?.json()
    }

    /// Looks up the Okta user whose login or first e-mail address this is; `None` if there is nobody.
    ///
    /// Deactivated users are passed over. The search by e-mail address, for users who log in with something else, may not yet know
    /// a user who was added some seconds ago.
    ///
    /// # Errors
    /// `Okta:AMBIGUOUS_USER` if there are several, `Okta:USER_DEPROVISIONED` if there are only deactivated ones.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<OktaUser>> {
        let mut found = Vec::new();
        if let Some(user) = self.user_by_login(email).await? {
            // A login belongs to one user alone.
            if is(user.email(), email) && user.status() != UserStatus::Deprovisioned {
                return Ok(Some(user));
            }
            found.push(user);
        }
        let search = format!("profile.email eq {}", quoted(email));
        let mut users =
            self.client.get("users", &[]).query("search", search).query("limit", PAGE).pages::<Vec<OktaUser>>();
        while let Some(user) = users.next_item().await? {
            if is(user.email(), email) && found.iter().all(|known| known.id() != user.id()) {
                found.push(user);
            }
        }
        only_one(email, found)
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<OktaUser>> {
        // Okta takes what follows a slash, encoded or not, for another part of the path.
        if login.contains('/') {
            return Ok(None);
        }
        match self.get_user(login).await {
            // Okta also finds users by the part before the `@`, and the token's own by `me`.
            Ok(user) => Ok(Some(user).filter(|user| is(user.login(), login))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn only_one(email: &str, found: Vec<OktaUser>) -> Result<Option<OktaUser>> {
    let (gone, mut there): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|user| user.status() == UserStatus::Deprovisioned);
    match (there.len(), gone.first()) {
        (0, None) => Ok(None),
        (0, Some(user)) => Err(deprovisioned(email, user.id())),
        (1, _) => Ok(there.pop()),
        _ => {
            let ids: Vec<_> = there.iter().map(OktaUser::id).collect();
            let message = format!("several Okta users have the e-mail address `{email}`: {}", ids.join(", "));
            Err(error(ErrorKind::Identity, codes::AMBIGUOUS_USER, message).with_hint(
                "store the id of the right one with `Directory::put_identity`, or tell it in a `get_identity` reducer",
            ))
        }
    }
}

pub(super) fn deprovisioned(who: &str, id: &str) -> Error {
    let message = format!("the Okta user `{id}` of `{who}` is deactivated");
    error(ErrorKind::Identity, codes::USER_DEPROVISIONED, message)
        .with_hint("activate the user in Okta, or store the id of another one with `Directory::put_identity`")
}

fn is(address: Option<&str>, email: &str) -> bool {
    address.is_some_and(|address| address.trim().eq_ignore_ascii_case(email.trim()))
}
