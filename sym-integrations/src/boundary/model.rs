//! Groups, users and accounts as Boundary describes them.

use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::{Account, null_as_default};

/// A [group](https://developer.hashicorp.com/boundary/docs/domain-model/groups). Lists leave out the members.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BoundaryGroup {
    /// The id, such as `g_1234567890`.
    pub id: String,
    /// The name.
    pub name: Option<String>,
    /// The scope: `global`, an organization or a project.
    pub scope_id: Option<String>,
    /// The version, which each change increments.
    #[serde(default, deserialize_with = "null_as_default")]
    pub version: u64,
    /// The ids of the users in the group.
    #[serde(default, deserialize_with = "null_as_default")]
    pub member_ids: Vec<String>,
}

impl BoundaryGroup {
    /// The name, or the id if there is none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

impl ToFieldOption for BoundaryGroup {
    fn option_value(&self) -> String {
        self.id.clone()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

/// A [user](https://developer.hashicorp.com/boundary/docs/domain-model/users). The name and the addresses are those of the primary account,
/// if its auth method gives them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BoundaryUser {
    /// The id, such as `u_1234567890`.
    pub id: String,
    /// The name that an admin gave the user.
    pub name: Option<String>,
    /// The name that the primary account signs in with, which may be an opaque subject.
    pub login_name: Option<String>,
    /// The full name.
    pub full_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The account in the primary auth method of the user's scope.
    pub primary_account_id: Option<String>,
    /// All accounts. Lists leave them out.
    #[serde(default, deserialize_with = "null_as_default")]
    pub account_ids: Vec<String>,
}

impl BoundaryUser {
    pub(super) fn account(&self) -> Account {
        Account::new(&self.id, self.email.clone())
    }

    pub(super) fn has_account(&self, id: &str) -> bool {
        self.primary_account_id.as_deref() == Some(id) || self.account_ids.iter().any(|known| known == id)
    }
}

impl ToFieldOption for BoundaryUser {
    fn option_value(&self) -> String {
        self.id.clone()
    }

    fn option_label(&self) -> String {
        let names = [&self.full_name, &self.name, &self.login_name, &self.email].into_iter().flatten();
        let mut names = names.map(|name| name.trim()).filter(|name| !name.is_empty());
        names.next().unwrap_or(&self.id).to_owned()
    }
}

/// An [account](https://developer.hashicorp.com/boundary/docs/domain-model/accounts) in an auth method.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct AuthAccount {
    pub(super) id: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) attributes: AccountAttributes,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct AccountAttributes {
    pub(super) login_name: Option<String>,
    pub(super) email: Option<String>,
}

/// An [auth method](https://developer.hashicorp.com/boundary/docs/domain-model/auth-methods).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct AuthMethod {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) is_primary: bool,
}
