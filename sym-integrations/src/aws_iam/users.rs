//! Calls about users, and the resolution of users to IAM users.

use serde::Deserialize;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::{IAM, ResultPage, read};
use super::{AwsIam, IamUser, codes};
use crate::aws::Arn;
use crate::http::{Paginator, error_names};
use crate::kit::{Resource, is_same_address, null_as_default};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetUserResult {
    user: Resource<IamUser>,
}

/// The users of a page.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Users {
    #[serde(default, deserialize_with = "null_as_default")]
    users: Vec<Resource<IamUser>>,
}

impl ResultPage for Users {
    type Item = Resource<IamUser>;

    fn into_items(self) -> Vec<Self::Item> {
        self.users
    }
}

impl AwsIam {
    /// Returns the ARN of a user's IAM user: the one in the directory, or else that of the IAM user whose name is the user's e-mail
    /// address, which is then stored in the directory.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.arn.clone()));
        self.0.account_id(user, find).await
    }

    /// Looks up the IAM user whose name is this e-mail address, as it is written or in lower case; `None` if there is none.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<IamUser>>> {
        let lower_case = email.to_ascii_lowercase();
        let spellings = [email, &lower_case];
        for name in spellings.into_iter().take(if lower_case == email { 1 } else { 2 }) {
            if !is_name(name) {
                return Ok(None);
            }
            match self.get_user(name).await {
                Ok(user) => return Ok(Some(user).filter(|user| is_same_address(Some(&user.user_name), email))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Looks up an IAM user by name or ARN.
    /// [`GetUser`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html)
    ///
    /// # Errors
    /// `AWSIAM:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user(&self, user: &str) -> Result<Resource<IamUser>> {
        let name = self.user_name(user)?;
        let call = self.action("GetUser").form("UserName", name);
        let response = call.not_found(codes::USER_NOT_FOUND, format!("there is no IAM user `{user}`")).await?;
        Ok(read::<GetUserResult>(&response, "GetUser")?.user)
    }

    /// Lists the IAM users of the account.
    /// [`ListUsers`](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html)
    pub fn list_users(&self) -> Paginator<Resource<IamUser>> {
        self.list::<Users>("ListUsers", self.action("ListUsers"))
    }

    /// Returns the name of the IAM user with this name or ARN. A name means another user in another account.
    pub(super) fn user_name<'a>(&self, user: &'a str) -> Result<&'a str> {
        let name = match user.starts_with("arn:") {
            false => Some(user),
            true => Arn::parse(user)
                .ok()
                .filter(|arn| arn.service() == "iam" && arn.account() == self.account())
                .filter(|arn| arn.resource().starts_with("user/"))
                .and_then(|_| user.rsplit('/').next()),
        };
        name.filter(|name| is_name(name)).ok_or_else(|| {
            let message = format!(
                "`{}` is neither the ARN nor the name of an IAM user of account `{}`",
                user.escape_debug(),
                self.account()
            );
            IAM.error(ErrorKind::Identity, codes::NOT_A_USER_ID, message).with_hint(format!(
                "store an ARN such as `arn:aws:iam::{}:user/ana` with `Directory::put_identity`",
                self.account()
            ))
        })
    }
}

/// Checks the name of a group, which IAM would reject with a message about a pattern.
pub(super) fn check_group(group: &str) -> Result<()> {
    if is_name(group) {
        return Ok(());
    }
    let message = format!("`{}` is not the name of an IAM group", group.escape_debug());
    Err(IAM
        .error(ErrorKind::InvalidInput, IAM.code(error_names::INVALID_REQUEST), message)
        .with_hint("use the name, without the path and not the ARN"))
}

/// Whether a text can be the name of a user or a group.
fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}
