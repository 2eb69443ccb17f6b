//! People and user groups.

use serde::Deserialize;
use sym_sdk::error::Result;

use super::Api;
use crate::http::{Call, Next, Page, Paginator, Response};
use crate::slack::{UserInfo, codes};

/// Slack advises 200 and takes fewer than 1,000. The method may be called 20 times a minute, so that with 200 a large workspace
/// would take minutes.
pub(in crate::slack) const USERS_PER_PAGE: u32 = 999;

#[derive(Deserialize)]
struct One {
    user: UserInfo,
}

#[derive(Deserialize)]
struct GroupUsers {
    users: Vec<String>,
}

impl Api {
    /// Lists all people of the workspace, the deactivated too ([`users.list`](https://docs.slack.dev/reference/methods/users.list)).
    /// A page has at most so many.
    pub fn list_users(&self, page_size: u32) -> Paginator<UserInfo> {
        self.users_by_page(page_size).pages::<Users>()
    }

    /// Says who has an id ([`users.info`](https://docs.slack.dev/reference/methods/users.info)).
    ///
    /// # Errors
    /// `Slack:USER_NOT_FOUND`, or `Slack:USER_NOT_VISIBLE` for those whom the app may not see.
    pub async fn user_info(&self, user: &str) -> Result<UserInfo> {
        let call = self.read("users.info").form("user", user);
        let call = call.not_found(codes::USER_NOT_FOUND, format!("there is no user `{user}` in Slack"));
        Ok(call.await?.json::<One>()?.user)
    }

    /// Says who has an e-mail address, if anybody has
    /// ([`users.lookupByEmail`](https://docs.slack.dev/reference/methods/users.lookupByEmail)).
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserInfo>> {
        let call = self.read("users.lookupByEmail").form("email", email);
        let call = call.not_found(codes::USER_NOT_FOUND, format!("nobody has the address `{email}` in Slack"));
        match call.await {
            Ok(response) => Ok(Some(response.json::<One>()?.user)),
            Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the ids of those in a user group
    /// ([`usergroups.users.list`](https://docs.slack.dev/reference/methods/usergroups.users.list)).
    ///
    /// # Errors
    /// `Slack:GROUP_NOT_FOUND`.
    pub async fn group_users(&self, group: &str) -> Result<Vec<String>> {
        let call = self.read("usergroups.users.list").form("usergroup", group);
        let call = call.not_found(codes::GROUP_NOT_FOUND, format!("there is no user group `{group}` in Slack"));
        Ok(call.await?.json::<GroupUsers>()?.users)
    }

    pub(in crate::slack) fn users_by_page(&self, page_size: u32) -> Call {
        self.read("users.list").form("limit", page_size)
    }
}

/// A page of people.
#[derive(Deserialize)]
pub(in crate::slack) struct Users {
    members: Vec<UserInfo>,
    #[serde(default)]
    response_metadata: Cursor,
}

impl Page for Users {
    type Item = UserInfo;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(self.response_metadata.next())
    }

    fn into_items(self) -> Vec<UserInfo> {
        self.members
    }
}

/// Where the next page begins.
#[derive(Default, Deserialize)]
pub(super) struct Cursor {
    next_cursor: Option<String>,
}

impl Cursor {
    pub(super) fn next(&self) -> Next {
        Next::cursor("cursor", self.next_cursor.as_deref())
    }
}
