//! Calls about groups and who is in them.

use std::sync::Arc;

use serde::Deserialize;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::REVOKE;
use super::{GroupMember, ListGroups, Okta, OktaGroup, codes};
use crate::account_resolver::Account;
use crate::http::{Call, Failure, Paginator, Response};

/// What Okta recommends for a page.
pub(super) const PAGE: u32 = 200;

/// Something that has an id, where no more is needed.
#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) id: String,
}

impl Okta {
    /// Whether a user is in a group.
    /// [`GET /users/{id}/groups`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group, and `Identity:NOT_FOUND` if the user has no known account in Okta.
    pub async fn is_user_in_group(&self, user: &User, group_id: &str) -> Result<bool> {
        let user_id = self.user_id(user).await?;
        // A user has few groups; a group can have thousands of members.
        if is_in(group_id, self.user_groups_call(&user_id)).await? {
            return Ok(true);
        }
        self.get_group(group_id).await.map(|_| false)
    }

    /// The users in a group, in Okta's order and each once. Who is new to the directory is added to it; members without an e-mail
    /// address are left out, with a warning in the log.
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub async fn users_in_group(&self, group_id: &str) -> Result<Vec<Arc<User>>> {
        let members = self.list_group_members(group_id).await?;
        self.accounts.users(members.into_iter().map(account)).await
    }

    /// The members of a group as Okta knows them.
    /// [`GET /groups/{id}/users`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/listGroupUsers)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub fn list_group_members(&self, group_id: &str) -> Paginator<GroupMember> {
        self.members_call(group_id).pages::<Vec<GroupMember>>()
    }

    pub(super) fn members_call(&self, group_id: &str) -> Call {
        let call = self.client.get("groups/{group}/users", &[group_id]).query("limit", PAGE);
        group_not_found(call, group_id)
    }

    /// Lists the organization's groups: those that can be changed from here, unless told otherwise.
    /// [`GET /groups`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/listGroups)
    ///
    /// ```
    /// # #[cfg(feature = "testing")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use serde_json::json;
    /// # use sym_integrations::testing::{Replay, Reply};
    /// use sym_integrations::okta::{GroupExpand, Okta};
    ///
    /// # let replay = Replay::new();
    /// # let group = json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "prod-admins" }, "_embedded": { "stats": { "usersCount": 7 } } });
    /// # replay.get("/api/v1/groups").reply(Reply::json([group]));
    /// # let connection = replay.connection();
    /// let okta = Okta::builder("example.okta.com").token("00token").connection(connection).build()?;
    /// let groups = okta.list_groups().name_filter("prod-").expand([GroupExpand::Stats]).await?;
    /// assert_eq!(groups[0].name(), "prod-admins");
    /// assert_eq!(groups[0].raw()["_embedded"]["stats"]["usersCount"], 7);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "testing"))]
    /// # fn main() {}
    /// ```
    pub fn list_groups(&self) -> ListGroups {
        ListGroups::new(self.client.clone())
    }

    /// Looks up a group.
    /// [`GET /groups/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/getGroup)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub async fn get_group(&self, group_id: &str) -> Result<OktaGroup> {
        self.group_call(group_id).await?.json()
    }

    pub(super) fn group_call(&self, group_id: &str) -> Call {
        group_not_found(self.client.get("groups/{group}", &[group_id]), group_id)
    }

    /// The groups that an Okta user is in.
    /// [`GET /users/{id}/groups`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups)
    ///
    /// # Errors
    /// `Okta:USER_NOT_FOUND` if there is no such user.
    pub fn list_user_groups(&self, user_id: &str) -> Paginator<OktaGroup> {
        self.user_groups_call(user_id).pages::<Vec<OktaGroup>>()
    }

    pub(super) fn user_groups_call(&self, user_id: &str) -> Call {
        let call = self.client.get("users/{user}/groups", &[user_id]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no Okta user `{user_id}`"))
    }

    /// Puts an Okta user into a group. One who is in it stays in it.
    /// [`PUT /groups/{id}/users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/assignUserToGroup)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` and `Okta:USER_NOT_FOUND` if there is no such group or user.
    pub async fn add_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let call = self.client.put("groups/{group}/users/{user}", &[group_id, user_id]);
        done(&change(call, group_id, user_id).await?)
    }

    /// Takes an Okta user out of a group. One who is not in it need not be, nor one whom Okta does not know.
    /// [`DELETE /groups/{id}/users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/unassignUserFromGroup)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub async fn remove_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let call = self.client.delete("groups/{group}/users/{user}", &[group_id, user_id]).rate_group(REVOKE);
        match change(call, group_id, user_id).await {
            Ok(response) => done(&response),
            // Okta has the same answer for a user who is gone and for a group that is.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.group_call(group_id).rate_group(REVOKE).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a group is among those that a call lists.
pub(super) async fn is_in(group_id: &str, groups: Call) -> Result<bool> {
    let mut groups = groups.pages::<Vec<Id>>();
    while let Some(group) = groups.next_item().await? {
        if group.id == group_id {
            return Ok(true);
        }
    }
    Ok(false)
}

fn account(member: GroupMember) -> Account {
    Account { email: member.email().map(str::to_owned), id: member.id().to_owned() }
}

fn group_not_found(call: Call, group_id: &str) -> Call {
    call.explain({
        let message = format!("there is no Okta group `{group_id}`");
        move |_, failure| match failure.kind() {
            ErrorKind::NotFound => failure.with_code(codes::GROUP_NOT_FOUND).with_message(message.clone()).with_hint(
                "the id of a group is in the address of its page in Okta's admin console, and begins with `00g`",
            ),
            _ => failure,
        }
    })
}

/// Says which of the two was not found, as far as Okta does, and what it is that can be changed.
fn change(call: Call, group_id: &str, user_id: &str) -> Call {
    let (group, user) = (group_id.to_owned(), user_id.to_owned());
    call.explain(move |_, failure: Failure| match failure.kind() {
        ErrorKind::NotFound if failure.message().contains(&group) => {
            failure.with_code(codes::GROUP_NOT_FOUND).with_message(format!("there is no Okta group `{group}`"))
        }
        ErrorKind::NotFound if failure.message().contains(&user) => {
            failure.with_code(codes::USER_NOT_FOUND).with_message(format!("there is no Okta user `{user}`"))
        }
        ErrorKind::Forbidden | ErrorKind::InvalidInput => failure.with_hint(
            "only groups of type `OKTA_GROUP` can be changed, by the token of an admin who may manage their members",
        ),
        _ => failure,
    })
}

/// A change is answered with nothing. Anything else is not Okta's answer, and does not show that the change was made.
fn done(response: &Response) -> Result<()> {
    if response.body().iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    Err(response
        .invalid("expected an empty answer")
        .with_hint("check the base URL, and whether a proxy or a page to log in stands between here and Okta"))
}
