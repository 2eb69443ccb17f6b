//! Calls about users, and the resolution of users to KnowBe4 accounts.

use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::KNOWBE4;
use super::{KnowBe4, KnowBe4User, codes};
use crate::http::Paginator;
use crate::kit::Resource;

impl KnowBe4 {
    /// Returns whether a user is a member of a group.
    /// [`GET /users/{id}`](https://developer.knowbe4.com/rest/reporting#tag/Users/paths/~1v1~1users~1{user_id}/get)
    ///
    /// A group that does not exist has no members.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if the user has no known account in KnowBe4.
    pub async fn is_user_in_group(&self, user: &User, group_id: u64) -> Result<bool> {
        Ok(self.get_user_info(user).await?.groups.contains(&group_id))
    }

    /// Returns the KnowBe4 user of a user: the one in the directory, or else the only active one with their e-mail address, which is then
    /// stored in the directory. If the one in the directory is archived, the address counts.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none, and `KnowBe4:USER_DEPROVISIONED` if there are only archived ones.
    pub async fn get_user_info(&self, user: &User) -> Result<Resource<KnowBe4User>> {
        let found = self.get_user(&self.account_id(user).await?).await?;
        if !found.is_archived() {
            return Ok(found);
        }
        let by_address = match user.email() {
            Some(email) => self.find_user_by_email(email).await?,
            None => None,
        };
        by_address.ok_or_else(|| KNOWBE4.deactivated_user(user.username(), &found.id.to_string()))
    }

    /// Returns the id of a user's account in KnowBe4: the one in the directory, or else that of the only active KnowBe4 user with their
    /// e-mail address, which is then stored in the directory.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.id.to_string()));
        self.0.account_id(user, find).await
    }

    /// Looks up a user by id.
    /// [`GET /users/{id}`](https://developer.knowbe4.com/rest/reporting#tag/Users/paths/~1v1~1users~1{user_id}/get)
    ///
    /// # Errors
    /// `KnowBe4:USER_NOT_FOUND` if there is no such user, and `KnowBe4:NOT_A_USER_ID` if the id is not a number.
    pub async fn get_user(&self, id: &str) -> Result<Resource<KnowBe4User>> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("`{}` is not the id of a KnowBe4 user", id.escape_debug());
            return Err(KNOWBE4
                .error(ErrorKind::Identity, codes::NOT_A_USER_ID, message)
                .with_hint("store the number of the user instead, with `Directory::put_identity`"));
        }
        let call = self.0.get("users/{user}", &[id]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no KnowBe4 user `{id}`")).await?.json()
    }

    /// Looks up the active user with this e-mail address, main or other; `None` if there is none. It reads the list of all users.
    ///
    /// # Errors
    /// `KnowBe4:AMBIGUOUS_USER` if there are several.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<KnowBe4User>>> {
        let mut users = self.list_users();
        let mut found: Vec<Resource<KnowBe4User>> = Vec::new();
        while let Some(user) = users.next_item().await? {
            if user.has_address(email) && found.iter().all(|known| known.id != user.id) {
                found.push(user);
            }
        }
        KNOWBE4.only_active(email, found, |user| user.account())
    }

    /// Lists the active users.
    /// [`GET /users`](https://developer.knowbe4.com/rest/reporting#tag/Users/paths/~1v1~1users/get)
    pub fn list_users(&self) -> Paginator<Resource<KnowBe4User>> {
        let users = self.list::<KnowBe4User>("users", vec![("status", "active".to_owned())]);
        users.filter_items(|user| !user.is_archived())
    }
}
