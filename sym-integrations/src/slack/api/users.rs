//! Users and user groups.

use serde::Deserialize;
use sym_sdk::error::Result;

use super::Api;
use super::page::Users;
use crate::http::Paginator;
use crate::kit::Resource;
use crate::slack::{UserInfo, codes};

/// The page size for listing all users. Slack recommends 200 and accepts fewer than 1,000; at 20 calls per minute, pages of 200
/// would take minutes in a large workspace.
pub(in crate::slack) const USERS_PER_PAGE: u32 = 999;

#[derive(Deserialize)]
struct SingleUser {
    user: Resource<UserInfo>,
}

#[derive(Deserialize)]
struct GroupUsers {
    users: Vec<String>,
}

impl Api {
    /// Lists all users of the workspace, including deactivated users, in pages of at most `page_size`
    /// ([`users.list`](https://docs.slack.dev/reference/methods/users.list)).
    pub fn list_users(&self, page_size: u32) -> Paginator<Resource<UserInfo>> {
        self.read("users.list").form("limit", page_size).form("team_id", self.workspace()).pages::<Users>()
    }

    /// Returns the user with an id ([`users.info`](https://docs.slack.dev/reference/methods/users.info)).
    ///
    /// # Errors
    /// `Slack:USER_NOT_FOUND`, or `Slack:USER_NOT_VISIBLE` for a user whom the app may not see.
    pub async fn user_info(&self, user: &str) -> Result<Resource<UserInfo>> {
        let call = self.read("users.info").form("user", user);
        let call = call.not_found(codes::USER_NOT_FOUND, format!("there is no Slack user `{user}`"));
        Ok(call.await?.json::<SingleUser>()?.user)
    }

    /// Returns the user with an e-mail address, or `None`
    /// ([`users.lookupByEmail`](https://docs.slack.dev/reference/methods/users.lookupByEmail)).
    pub async fn user_by_email(&self, email: &str) -> Result<Option<Resource<UserInfo>>> {
        let call = self.read("users.lookupByEmail").form("email", email);
        let call = call.not_found(codes::USER_NOT_FOUND, format!("no Slack user has the address `{email}`"));
        match call.await {
            Ok(response) => Ok(Some(response.json::<SingleUser>()?.user)),
            Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the ids of the members of a user group
    /// ([`usergroups.users.list`](https://docs.slack.dev/reference/methods/usergroups.users.list)).
    ///
    /// # Errors
    /// `Slack:GROUP_NOT_FOUND`.
    pub async fn group_users(&self, group: &str) -> Result<Vec<String>> {
        let call = self.read("usergroups.users.list").form("usergroup", group).form("team_id", self.workspace());
        let call = call.not_found(codes::GROUP_NOT_FOUND, format!("there is no Slack user group `{group}`"));
        Ok(call.await?.json::<GroupUsers>()?.users)
    }
}
