//! Groups and users as IAM describes them.

use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::Account;

/// A [group](https://docs.aws.amazon.com/IAM/latest/APIReference/API_Group.html).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct IamGroup {
    /// The name, which is unique in the account.
    pub group_name: String,
    /// The ARN, which contains the path.
    pub arn: Option<String>,
}

impl ToFieldOption for IamGroup {
    fn option_value(&self) -> String {
        self.group_name.clone()
    }

    fn option_label(&self) -> String {
        self.group_name.clone()
    }
}

/// A [user](https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct IamUser {
    /// The name, which is unique in the account.
    pub user_name: String,
    /// The ARN, which contains the path: the identity of the user.
    pub arn: String,
}

impl IamUser {
    /// The account of the user. Its e-mail address is the name, where that is one.
    pub(super) fn account(&self) -> Account {
        Account::new(&self.arn, Some(self.user_name.clone()).filter(|name| name.contains('@')))
    }
}

impl ToFieldOption for IamUser {
    fn option_value(&self) -> String {
        self.user_name.clone()
    }

    fn option_label(&self) -> String {
        self.user_name.clone()
    }
}
