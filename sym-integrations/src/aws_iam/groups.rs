//! Calls about groups and their members.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::client::{IAM, ResultPage, read};
use super::users::{Users, check_group};
use super::{AwsIam, IamGroup, IamUser, codes};
use crate::http::lost_attempts::LostAttempts;
use crate::http::{Call, Paginator};
use crate::kit::{Resource, null_as_default};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetGroupResult {
    group: Resource<IamGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Groups {
    #[serde(default, deserialize_with = "null_as_default")]
    groups: Vec<Resource<IamGroup>>,
}

impl ResultPage for Groups {
    type Item = Resource<IamGroup>;

    fn into_items(self) -> Vec<Self::Item> {
        self.groups
    }
}

impl AwsIam {
    /// Returns whether a user is a member of a group, by its name.
    ///
    /// # Errors
    /// `AWSIAM:GROUP_NOT_FOUND` if there is no such group, and `Identity:NOT_FOUND` if the user has no known IAM user.
    pub async fn is_user_in_group(&self, user: &User, group_name: &str) -> Result<bool> {
        let question = format!("is_user_in_group {} `{group_name}`", user.username());
        let ask = async {
            let account = self.account_id(user).await?;
            if self.is_group_member(group_name, &account).await? {
                return Ok(true);
            }
            self.get_group(group_name).await.map(|_| false)
        };
        look_up(IAM.name(), question, ask).await
    }

    /// Returns whether an IAM user, by name or ARN, is a member of a group. A group that does not exist has no members.
    ///
    /// # Errors
    /// `AWSIAM:USER_NOT_FOUND` if there is no such user.
    pub async fn is_group_member(&self, group_name: &str, user: &str) -> Result<bool> {
        // A user has few groups; a group can have thousands of members. Names of groups differ by more than case.
        let mut groups = self.list_user_groups(user)?;
        Ok(groups.find(|group| group.group_name.eq_ignore_ascii_case(group_name)).await?.is_some())
    }

    /// Returns the users in a group, without duplicates. IAM users whom the directory does not know are resolved by their name, if it is an
    /// e-mail address; others are omitted, with a warning in the log.
    ///
    /// # Errors
    /// `AWSIAM:GROUP_NOT_FOUND` if there is no such group.
    pub async fn users_in_group(&self, group_name: &str) -> Result<Vec<Arc<User>>> {
        let ask = async {
            let members = self.list_group_users(group_name).await?;
            self.0.users(members.iter().map(|user| user.account())).await
        };
        look_up_users(IAM.name(), format!("users_in_group `{group_name}`"), ask).await
    }

    /// Lists the members of a group.
    /// [`GetGroup`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html)
    ///
    /// # Errors
    /// `AWSIAM:GROUP_NOT_FOUND` if there is no such group.
    pub fn list_group_users(&self, group_name: &str) -> Paginator<Resource<IamUser>> {
        self.list::<Users>("GetGroup", self.group_call(group_name))
    }

    /// Lists the groups of the account.
    /// [`ListGroups`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html)
    pub fn list_groups(&self) -> Paginator<Resource<IamGroup>> {
        self.list::<Groups>("ListGroups", self.action("ListGroups"))
    }

    /// Lists the groups of an IAM user, by name or ARN.
    /// [`ListGroupsForUser`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html)
    ///
    /// # Errors
    /// `AWSIAM:NOT_A_USER_ID` if it is an ARN of something else. Once awaited, `AWSIAM:USER_NOT_FOUND` if there is no such user.
    pub fn list_user_groups(&self, user: &str) -> Result<Paginator<Resource<IamGroup>>> {
        let call = self.action("ListGroupsForUser").form("UserName", self.user_name(user)?);
        let call = call.not_found(codes::USER_NOT_FOUND, format!("there is no IAM user `{user}`"));
        Ok(self.list::<Groups>("ListGroupsForUser", call))
    }

    /// Looks up a group.
    /// [`GetGroup`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html)
    ///
    /// # Errors
    /// `AWSIAM:GROUP_NOT_FOUND` if there is no such group.
    pub async fn get_group(&self, group_name: &str) -> Result<Resource<IamGroup>> {
        check_group(group_name)?;
        let response = self.group_call(group_name).form("MaxItems", 1).await?;
        Ok(read::<GetGroupResult>(&response, "GetGroup")?.group)
    }

    fn group_call(&self, group_name: &str) -> Call {
        group_not_found(self.action("GetGroup").form("GroupName", group_name), group_name)
    }

    /// Adds an IAM user, by name or ARN, to a group. A user who is a member already stays one.
    /// [`AddUserToGroup`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html)
    ///
    /// # Errors
    /// `AWSIAM:GROUP_NOT_FOUND` and `AWSIAM:USER_NOT_FOUND` if there is no such group or user.
    pub async fn add_user_to_group(&self, group_name: &str, user: &str) -> Result<()> {
        match self.change("AddUserToGroup", group_name, user).await {
            // The same code for both; only the text says which is missing.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let missing = match self.get_group(group_name).await {
                    Ok(_) => self.get_user(user).await.err(),
                    Err(missing) => Some(missing),
                };
                Err(LostAttempts::of(&error).followed_by(missing.unwrap_or(error)))
            }
            changed => changed,
        }
    }

    /// Removes an IAM user, by name or ARN, from a group. A user who is not a member, or does not exist, is no error.
    /// [`RemoveUserFromGroup`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html)
    ///
    /// # Errors
    /// `AWSIAM:GROUP_NOT_FOUND` if there is no such group.
    pub async fn remove_user_from_group(&self, group_name: &str, user: &str) -> Result<()> {
        let iam = Self(self.0.for_revocation());
        match iam.change("RemoveUserFromGroup", group_name, user).await {
            // The same code for a missing user, a missing group and somebody who is not a member.
            Err(error) if error.kind() == ErrorKind::NotFound => iam.get_group(group_name).await.map(drop),
            changed => changed,
        }
    }

    async fn change(&self, action: &'static str, group_name: &str, user: &str) -> Result<()> {
        check_group(group_name)?;
        let call = self.action(action).form("GroupName", group_name).form("UserName", self.user_name(user)?);
        read::<Value>(&call.await?, action).map(drop)
    }
}

fn group_not_found(call: Call, group_name: &str) -> Call {
    call.not_found(codes::GROUP_NOT_FOUND, format!("there is no IAM group `{group_name}`"))
        .hint(&[ErrorKind::NotFound], "check the name of the group, and the account of the integration")
}
