//! Roles, users and memberships as Aptible describes them, in HAL.

use std::collections::BTreeMap;

use serde::Deserialize;
use sym_sdk::error::Result;

use crate::http::{Next, Page, Response};
use crate::kit::{Account, null_as_default};

/// A role of an organization.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// Whether an identity provider has created it, which then manages its members.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) scim_created: bool,
    #[serde(default, rename = "_links", deserialize_with = "null_as_default")]
    pub(super) links: Links,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AptibleUser {
    pub(super) id: String,
    pub(super) email: Option<String>,
}

impl AptibleUser {
    pub(super) fn account(&self) -> Account {
        Account::new(&self.id, self.email.clone())
    }
}

/// A membership of a user in a role.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RoleMembership {
    pub(super) id: String,
    #[serde(default, rename = "_links", deserialize_with = "null_as_default")]
    pub(super) links: Links,
}

/// The links of a resource, by their relation.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Links(BTreeMap<String, Option<Link>>);

#[derive(Clone, Debug, Deserialize)]
struct Link {
    href: Option<String>,
}

impl Links {
    fn href(&self, relation: &str) -> Option<&str> {
        self.0.get(relation)?.as_ref()?.href.as_deref().filter(|href| !href.is_empty())
    }

    /// Returns the id of a linked resource: the last part of its URL.
    pub(super) fn id(&self, relation: &str) -> Option<&str> {
        self.href(relation)?.trim_end_matches('/').rsplit('/').next()
    }
}

/// Whether two ids are the same. They are UUIDs, which are written in either case.
pub(super) fn is_same_id(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

/// A page of a list. The name of the list is that of its resources.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct HalPage<T> {
    #[serde(rename = "_embedded")]
    embedded: Embedded<T>,
    #[serde(default, rename = "_links", deserialize_with = "null_as_default")]
    links: Links,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Embedded<T> {
    #[serde(alias = "memberships", alias = "roles", alias = "users")]
    items: Vec<T>,
}

impl<T> Page for HalPage<T>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    type Item = T;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(match self.links.href("next") {
            Some(link) => Next::Link(link.to_owned()),
            None => Next::End,
        })
    }

    fn into_items(self) -> Vec<T> {
        self.embedded.items
    }
}
