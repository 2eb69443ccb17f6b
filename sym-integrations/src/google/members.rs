//! Calls about the members of groups, and the resolution of users to Google accounts.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::client::GOOGLE;
use super::errors::explain_missing;
use super::groups::PAGE;
use super::{Google, Member, MemberType, Role, codes};
use crate::http::{Call, Next, Page, Paginator, Response};
use crate::kit::{Resource, null_as_default};

#[derive(Deserialize)]
struct Members {
    /// Absent if there are none.
    #[serde(default, deserialize_with = "null_as_default")]
    members: Vec<Resource<Member>>,
    #[serde(rename = "nextPageToken")]
    next: Option<String>,
}

impl Page for Members {
    type Item = Resource<Member>;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(Next::cursor("pageToken", self.next.as_deref()))
    }

    fn into_items(self) -> Vec<Self::Item> {
        self.members
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HasMember {
    is_member: bool,
}

impl Google {
    /// Returns whether a user is a member of a group, directly or through other groups.
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group, and `Identity:NOT_FOUND` if the user has no account in the organization.
    pub async fn is_user_in_group(&self, user: &User, group: &str) -> Result<bool> {
        let question = format!("is_user_in_group {} `{group}`", user.username());
        let ask = async { self.is_group_member(group, &self.account_id(user).await?).await };
        look_up(GOOGLE.name(), question, ask).await
    }

    /// Returns whether an account is a member of a group, directly or through other groups. Of an account outside the organization, only
    /// a direct membership is seen.
    /// [`GET /groups/{group}/hasMember/{member}`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/hasMember)
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group.
    pub async fn is_group_member(&self, group: &str, member: &str) -> Result<bool> {
        let call = self.0.get("groups/{group}/hasMember/{member}", &[group, member]);
        match explain_missing(call, group, Some(member)).await {
            Ok(response) => Ok(response.json::<HasMember>()?.is_member),
            // Google refuses addresses outside the domain of the group.
            Err(error) if *error.code() == codes::USER_NOT_FOUND => {
                Ok(self.find_group_member(group, member).await?.is_some())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the users in a group and in the groups within it, without duplicates. Users who are new to the directory are added to it;
    /// accounts outside the organization are left out.
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group, and `Google:EVERYONE` if everyone in the organization is a member, whom Google
    /// does not list.
    pub async fn users_in_group(&self, group: &str) -> Result<Vec<Arc<User>>> {
        let ask = self.users_of(group, self.list_members(group, true));
        look_up_users(GOOGLE.name(), format!("users_in_group `{group}`"), ask).await
    }

    /// Returns the users in a group, without those of groups within it. See [`users_in_group`](Self::users_in_group).
    ///
    /// # Errors
    /// As [`users_in_group`](Self::users_in_group).
    pub async fn direct_users_in_group(&self, group: &str) -> Result<Vec<Arc<User>>> {
        let ask = self.users_of(group, self.list_members(group, false));
        look_up_users(GOOGLE.name(), format!("direct_users_in_group `{group}`"), ask).await
    }

    async fn users_of(&self, group: &str, mut members: Paginator<Resource<Member>>) -> Result<Vec<Arc<User>>> {
        let (mut accounts, mut seen) = (Vec::new(), HashSet::new());
        while let Some(member) = members.next_item().await? {
            match &member.kind {
                Some(MemberType::Customer) => {
                    let message = format!(
                        "everyone in the organization is a member of group `{group}`, and Google does not list them"
                    );
                    return Err(GOOGLE.error(ErrorKind::InvalidInput, codes::EVERYONE, message).with_hint(
                        "use a group that has the users themselves as members, or ask for one user with `is_user_in_group`",
                    ));
                }
                // Nested lists name users as often as they are found.
                Some(MemberType::User) | None if seen.insert(member.id.clone().or_else(|| member.email.clone())) => {
                    accounts.push(member.account());
                }
                _ => {}
            }
        }
        self.0.users(accounts).await
    }

    /// Lists the direct members of a group: users and other groups.
    /// [`GET /groups/{group}/members`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/list)
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group.
    pub fn list_group_members(&self, group: &str) -> Paginator<Resource<Member>> {
        self.list_members(group, false)
    }

    fn list_members(&self, group: &str, nested: bool) -> Paginator<Resource<Member>> {
        let call = self.0.get("groups/{group}/members", &[group]).query("maxResults", PAGE);
        let call = if nested { call.query("includeDerivedMembership", true) } else { call };
        explain_missing(call, group, None).pages::<Members>()
    }

    /// Looks up a direct member of a group; `None` if the account is not one.
    /// [`GET /groups/{group}/members/{member}`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/get)
    ///
    /// A change that was made some minutes ago may not show yet.
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group.
    pub async fn find_group_member(&self, group: &str, member: &str) -> Result<Option<Resource<Member>>> {
        let call = self.0.get("groups/{group}/members/{member}", &[group, member]);
        match explain_missing(call, group, Some(member)).await {
            Ok(response) => Ok(Some(response.json()?)),
            Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds an account to a group.
    /// [`POST /groups/{group}/members`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/insert)
    ///
    /// An account outside the organization opens the group to such accounts: Google then sets its `allowExternalMembers`.
    ///
    /// # Errors
    /// `Google:ALREADY_MEMBER` if it is a member, in whichever role, and `Google:GROUP_NOT_FOUND` and `Google:USER_NOT_FOUND` if there is
    /// no such group or account.
    pub async fn add_group_member(&self, group: &str, email: &str, role: &Role) -> Result<Resource<Member>> {
        // A second insertion is refused, so it does no harm.
        let call = self.0.post("groups/{group}/members", &[group]).idempotent(true);
        let call = call.json(&json!({ "email": email, "role": role }));
        explain_missing(call, group, Some(email)).await?.json()
    }

    /// Changes the role of a member.
    /// [`PATCH /groups/{group}/members/{member}`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/patch)
    ///
    /// # Errors
    /// `Google:USER_NOT_FOUND` if the account is not a member, and `Google:GROUP_NOT_FOUND` if there is no such group.
    pub async fn set_member_role(&self, group: &str, member: &str, role: &Role) -> Result<Resource<Member>> {
        let call = self.0.patch("groups/{group}/members/{member}", &[group, member]).idempotent(true);
        explain_missing(call.json(&json!({ "role": role })), group, Some(member)).await?.json()
    }

    /// Removes an account from a group. Returns whether it was a member.
    /// [`DELETE /groups/{group}/members/{member}`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/delete)
    ///
    /// A member who was added some minutes ago may not be found, and stay one.
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group.
    pub async fn remove_group_member(&self, group: &str, member: &str) -> Result<bool> {
        match explain_missing(self.delete_call(group, member), group, Some(member)).await {
            Ok(response) => response.expect_empty().map(|()| true),
            Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn delete_call(&self, group: &str, member: &str) -> Call {
        self.0.for_revocation().delete("groups/{group}/members/{member}", &[group, member])
    }

    /// Returns the id of a user's account: the one in the directory, or else their e-mail address, if it belongs to one of the
    /// organization's domains.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        self.0.account_id(user, async |email| Ok(self.find_account(email))).await
    }

    /// The account with this address: the address itself. Whether it exists shows when it is used.
    pub(super) fn find_account(&self, email: &str) -> Option<String> {
        self.is_internal(email).then(|| email.trim().to_ascii_lowercase())
    }
}
