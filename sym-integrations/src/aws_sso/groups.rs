//! Calls about groups and their members.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::client::{SSO, Service, list};
use super::{AwsSso, SsoGroup, codes};
use crate::http::{Call, Paginator};
use crate::kit::{ErrorBody, Resource, null_as_default, vendor_errors};

/// The largest page of a list.
const PAGE: u32 = 100;

/// The maximum number of members that [`AwsSso::users_in_group`] returns, as in Sym.
const MAX_USERS: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetGroupIdResponse {
    group_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MembershipResponse {
    membership_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedMembership {
    #[serde(default, deserialize_with = "null_as_default")]
    member_id: Member,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    user_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IsMemberResponse {
    #[serde(default, deserialize_with = "null_as_default")]
    results: Vec<IsMember>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IsMember {
    group_id: Option<String>,
    membership_exists: Option<bool>,
}

impl AwsSso {
    /// Returns whether a user is a member of a group, by its name.
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` if there is no such group, and `Identity:NOT_FOUND` if the user is not known in the identity store.
    pub async fn is_user_in_group(&self, user: &User, group_name: &str) -> Result<bool> {
        let question = format!("is_user_in_group {} `{group_name}`", user.username());
        let ask = async {
            let group = self.group_id(group_name).await?;
            self.is_group_member(&group, &self.account_id(user).await?).await
        };
        look_up(SSO.name(), question, ask).await
    }

    /// Returns whether a user of the identity store is a member of a group, by their ids.
    /// [`IsMemberInGroups`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_IsMemberInGroups.html)
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` and `AWSSSO:USER_NOT_FOUND` if there is no such group or user.
    pub async fn is_group_member(&self, group_id: &str, user_id: &str) -> Result<bool> {
        let group_id = self.store_object_id(group_id).await?;
        let arguments = json!({
            "IdentityStoreId": self.instance().await?.identity_store_id,
            "MemberId": { "UserId": user_id },
            "GroupIds": [group_id],
        });
        let response = self.operation(Service::IdentityStore, "IsMemberInGroups", &arguments)?.await?;
        let results = response.json::<IsMemberResponse>()?.results;
        let found = results.iter().find(|result| result.group_id.as_deref() == Some(group_id));
        let found = found.and_then(|result| result.membership_exists);
        found.ok_or_else(|| response.invalid(format!("IsMemberInGroups says nothing about group `{group_id}`")))
    }

    /// Returns the users in a group, by its name, without duplicates. Members who cannot sign in are left out. Users who are new to the
    /// directory are added to it; members without an e-mail address are omitted, with a warning in the log.
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` if there is no such group, `AWSSSO:TOO_MANY_MEMBERS` if it has more than 20 members.
    pub async fn users_in_group(&self, group_name: &str) -> Result<Vec<Arc<User>>> {
        let question = format!("users_in_group `{group_name}`");
        look_up_users(SSO.name(), question, self.ask_users_in_group(group_name)).await
    }

    async fn ask_users_in_group(&self, group_name: &str) -> Result<Vec<Arc<User>>> {
        let group = self.group_id(group_name).await?;
        let mut members = self.list_group_members(&group);
        let mut accounts = Vec::new();
        while let Some(member) = members.next_item().await? {
            if accounts.len() == MAX_USERS {
                let message = format!("group `{group_name}` has more than {MAX_USERS} members");
                return Err(SSO
                    .error(ErrorKind::InvalidInput, codes::TOO_MANY_MEMBERS, message)
                    .with_hint("ask for membership of single users with `is_user_in_group`, or use a smaller group"));
            }
            accounts.push(self.get_user(&member).await?.account());
        }
        self.service.users(accounts.into_iter().filter(|account| account.is_active)).await
    }

    /// Lists the groups of the identity store.
    /// [`ListGroups`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroups.html)
    pub fn list_groups(&self) -> Paginator<Resource<SsoGroup>> {
        let sso = self.clone();
        Paginator::deferred(async move {
            let arguments = json!({ "IdentityStoreId": sso.instance().await?.identity_store_id, "MaxResults": PAGE });
            Ok(list(sso.operation(Service::IdentityStore, "ListGroups", &arguments)?, "Groups"))
        })
    }

    /// Lists the ids of the users in a group, by its id.
    /// [`ListGroupMemberships`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroupMemberships.html)
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` if there is no such group.
    pub fn list_group_members(&self, group_id: &str) -> Paginator<String> {
        let (sso, group_id) = (self.clone(), group_id.to_owned());
        let memberships: Paginator<ListedMembership> = Paginator::deferred(async move {
            let arguments = sso.group_arguments(&group_id, json!({ "MaxResults": PAGE })).await?;
            let call = sso.operation(Service::IdentityStore, "ListGroupMemberships", &arguments)?;
            Ok(list(group_not_found(call, &group_id), "GroupMemberships"))
        });
        // Members of other types cannot sign in.
        let users = memberships.filter_items(|membership| membership.member_id.user_id.is_some());
        users.map_items(|membership| Ok(membership.member_id.user_id.unwrap_or_default()))
    }

    /// Returns the id of the group with this name, which is unique.
    /// [`GetGroupId`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_GetGroupId.html)
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` if there is no such group.
    pub async fn group_id(&self, name: &str) -> Result<String> {
        let arguments = json!({
            "IdentityStoreId": self.instance().await?.identity_store_id,
            "AlternateIdentifier": { "UniqueAttribute": { "AttributePath": "displayName", "AttributeValue": name } },
        });
        let call = self.operation(Service::IdentityStore, "GetGroupId", &arguments)?;
        Ok(group_not_found(call, name).await?.json::<GetGroupIdResponse>()?.group_id)
    }

    /// Looks up a group by id.
    /// [`DescribeGroup`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeGroup.html)
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` if there is no such group.
    pub async fn get_group(&self, group_id: &str) -> Result<Resource<SsoGroup>> {
        let arguments = self.group_arguments(group_id, json!({})).await?;
        let call = self.operation(Service::IdentityStore, "DescribeGroup", &arguments)?;
        group_not_found(call, group_id).await?.json()
    }

    /// Adds a user of the identity store to a group, by their ids. A user who is a member already stays one.
    /// [`CreateGroupMembership`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_CreateGroupMembership.html)
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` and `AWSSSO:USER_NOT_FOUND` if there is no such group or user.
    pub async fn add_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let arguments = self.group_arguments(group_id, json!({ "MemberId": { "UserId": user_id } })).await?;
        let call = self.operation(Service::IdentityStore, "CreateGroupMembership", &arguments)?;
        let call =
            call.explain(|response, failure| match ErrorBody::of(response).and_then(|body| body.text("Reason")) {
                Some(reason) if reason == "UNIQUENESS_CONSTRAINT_VIOLATION" => failure.with_name("ALREADY_MEMBER"),
                _ => failure,
            });
        match call.await {
            Ok(response) => response.json::<MembershipResponse>().map(drop),
            Err(error) if error.code().name() == "ALREADY_MEMBER" => Ok(()),
            // Without a reason, the conflict may be about something else.
            Err(error) if error.kind() == ErrorKind::Conflict => match self.is_group_member(group_id, user_id).await {
                Ok(true) => Ok(()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Removes a user of the identity store from a group, by their ids. A user who is not a member, or does not exist, is no error.
    /// [`GetGroupMembershipId`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_GetGroupMembershipId.html),
    /// [`DeleteGroupMembership`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DeleteGroupMembership.html)
    ///
    /// # Errors
    /// `AWSSSO:GROUP_NOT_FOUND` if there is no such group.
    pub async fn remove_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let sso = self.for_revocation();
        let arguments = sso.group_arguments(group_id, json!({ "MemberId": { "UserId": user_id } })).await?;
        let found = sso.operation(Service::IdentityStore, "GetGroupMembershipId", &arguments)?.await;
        let membership = match found {
            Ok(response) => response.json::<MembershipResponse>()?.membership_id,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return sso.get_group(group_id).await.map(drop);
            }
            Err(error) => return Err(error),
        };
        let arguments =
            json!({ "IdentityStoreId": sso.instance().await?.identity_store_id, "MembershipId": membership });
        match sso.operation(Service::IdentityStore, "DeleteGroupMembership", &arguments)?.await {
            Ok(response) => response.json::<Value>().map(drop),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn group_arguments(&self, group_id: &str, mut arguments: Value) -> Result<Value> {
        arguments["GroupId"] = self.store_object_id(group_id).await?.into();
        arguments["IdentityStoreId"] = self.instance().await?.identity_store_id.as_str().into();
        Ok(arguments)
    }
}

/// Names a missing group. What the identity store says is missing, such as a user, keeps its name.
fn group_not_found(call: Call, group: &str) -> Call {
    let group = group.to_owned();
    call.explain(move |_, failure| match (failure.kind(), failure.code().name()) {
        (ErrorKind::NotFound, vendor_errors::USER_NOT_FOUND) => failure,
        (ErrorKind::NotFound, _) => failure
            .with_code(codes::GROUP_NOT_FOUND)
            .with_message(format!("there is no group `{group}` in the identity store"))
            .with_hint("check the group, and the instance of the integration"),
        _ => failure,
    })
}
