//! Calls about groups and their members.

use std::sync::Arc;

use serde::Deserialize;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::client::OKTA;
use super::{ListGroups, Okta, OktaGroup, OktaUser, codes};
use crate::http::{Call, Paginator};
use crate::kit::Resource;

/// The page size that Okta recommends.
pub(super) const PAGE: u32 = 200;

/// An object of which only the id is needed.
#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) id: String,
}

impl Okta {
    /// Returns whether a user is a member of a group and can sign in: a request is not routed to somebody who is suspended or locked out.
    /// [`GET /users/{id}/groups`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group, and `Identity:NOT_FOUND` if the user has no known account in Okta.
    pub async fn is_user_in_group(&self, user: &User, group_id: &str) -> Result<bool> {
        let question = format!("is_user_in_group {} `{group_id}`", user.username());
        let ask = async {
            let user_id = self.account_id(user).await?;
            if self.is_group_member(group_id, &user_id).await? {
                return Ok(self.get_user(&user_id).await?.can_sign_in());
            }
            self.get_group(group_id).await.map(|_| false)
        };
        look_up(OKTA.name(), question, ask).await
    }

    /// Returns whether an Okta user is a member of a group. A group that does not exist has no members.
    ///
    /// # Errors
    /// `Okta:USER_NOT_FOUND` if there is no such user.
    pub async fn is_group_member(&self, group_id: &str, user_id: &str) -> Result<bool> {
        // A user has few groups; a group can have thousands of members.
        let mut groups = self.user_groups_call(user_id).pages::<Vec<Id>>();
        Ok(groups.find(|group| group.id == group_id).await?.is_some())
    }

    /// Returns the users in a group who can sign in, in Okta's order and without duplicates. Users who are new to the directory are added
    /// to it; members without an e-mail address are omitted, with a warning in the log.
    /// [`list_group_members`](Self::list_group_members) lists all members.
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub async fn users_in_group(&self, group_id: &str) -> Result<Vec<Arc<User>>> {
        let ask = async {
            let members = self.list_group_members(group_id).await?;
            let accounts: Vec<_> =
                members.iter().filter(|member| member.can_sign_in()).map(OktaUser::account).collect();
            self.0.users(accounts).await
        };
        look_up_users(OKTA.name(), format!("users_in_group `{group_id}`"), ask).await
    }

    /// Lists the members of a group.
    /// [`GET /groups/{id}/users`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/listGroupUsers)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub fn list_group_members(&self, group_id: &str) -> Paginator<OktaUser> {
        self.members_call(group_id).pages::<Vec<OktaUser>>()
    }

    pub(super) fn members_call(&self, group_id: &str) -> Call {
        let call = self.0.get("groups/{group}/users", &[group_id]).query("limit", PAGE);
        group_not_found(call, group_id)
    }

    /// Lists the organization's groups, by default those that can be changed through the API.
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
        ListGroups::new(self.0.clone())
    }

    /// Looks up a group.
    /// [`GET /groups/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/getGroup)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub async fn get_group(&self, group_id: &str) -> Result<Resource<OktaGroup>> {
        group_not_found(self.0.get("groups/{group}", &[group_id]), group_id).await?.json()
    }

    /// Lists the groups of an Okta user.
    /// [`GET /users/{id}/groups`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups)
    ///
    /// # Errors
    /// `Okta:USER_NOT_FOUND` if there is no such user.
    pub fn list_user_groups(&self, user_id: &str) -> Paginator<Resource<OktaGroup>> {
        self.user_groups_call(user_id).pages::<Vec<Resource<OktaGroup>>>()
    }

    fn user_groups_call(&self, user_id: &str) -> Call {
        let call = self.0.get("users/{user}/groups", &[user_id]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no Okta user `{user_id}`"))
    }

    /// Adds an Okta user to a group. A user who is a member already stays one.
    /// [`PUT /groups/{id}/users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/assignUserToGroup)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` and `Okta:USER_NOT_FOUND` if there is no such group or user.
    pub async fn add_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let call = self.0.put("groups/{group}/users/{user}", &[group_id, user_id]);
        explain_change(call, group_id, user_id).await?.expect_empty()
    }

    /// Removes an Okta user from a group. A user who is not a member, or does not exist, is no error.
    /// [`DELETE /groups/{id}/users/{id}`](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/unassignUserFromGroup)
    ///
    /// # Errors
    /// `Okta:GROUP_NOT_FOUND` if there is no such group.
    pub async fn remove_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let okta = Self(self.0.for_revocation());
        let call = okta.0.delete("groups/{group}/users/{user}", &[group_id, user_id]);
        match explain_change(call, group_id, user_id).await {
            Ok(response) => response.expect_empty(),
            // Okta answers in the same way whether the user or the group does not exist.
            Err(error) if error.kind() == ErrorKind::NotFound => okta.get_group(group_id).await.map(drop),
            Err(error) => Err(error),
        }
    }
}

fn group_not_found(call: Call, group_id: &str) -> Call {
    call.not_found(codes::GROUP_NOT_FOUND, format!("there is no Okta group `{group_id}`")).hint(
        &[ErrorKind::NotFound],
        "the id of a group is part of the URL of its page in Okta's admin console, and begins with `00g`",
    )
}

/// Tells a missing group from a missing user, as far as Okta does, and explains which groups can be changed.
fn explain_change(call: Call, group_id: &str, user_id: &str) -> Call {
    let (group, user) = (group_id.to_owned(), user_id.to_owned());
    let call = call.explain(move |_, failure| match failure.kind() {
        ErrorKind::NotFound if failure.message().contains(&group) => {
            failure.with_code(codes::GROUP_NOT_FOUND).with_message(format!("there is no Okta group `{group}`"))
        }
        ErrorKind::NotFound if failure.message().contains(&user) => {
            failure.with_code(codes::USER_NOT_FOUND).with_message(format!("there is no Okta user `{user}`"))
        }
        _ => failure,
    });
    call.hint(
        &[ErrorKind::Forbidden, ErrorKind::InvalidInput],
        "only groups of type `OKTA_GROUP` can be changed, with the token of an admin who may manage their members",
    )
}
