//! The query for groups.

use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};

use super::BoundaryGroup;
use super::paging::list;
use crate::kit::{Resource, ServiceClient};

/// A query for groups, which is awaited. See [`Boundary::list_groups`](super::Boundary::list_groups).
///
/// Boundary lists groups without their members, so a filter on `"/item/member_ids"` matches none: look up the groups one by one for that.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct ListGroups {
    service: ServiceClient,
    scope_id: String,
    filter: Option<String>,
    recursive: bool,
}

impl ListGroups {
    pub(super) fn new(service: ServiceClient) -> Self {
        Self { service, scope_id: "global".to_owned(), filter: None, recursive: false }
    }

    /// Groups of another scope than `global`: an organization or a project.
    pub fn scope_id(mut self, scope_id: impl Into<String>) -> Self {
        self.scope_id = scope_id.into();
        self
    }

    /// Only groups that match an [expression](https://developer.hashicorp.com/boundary/docs/concepts/filtering), such as
    /// `"/item/name" == "prod-admins"`.
    pub fn filter(mut self, expression: impl Into<String>) -> Self {
        self.filter = Some(expression.into()).filter(|expression| !expression.trim().is_empty());
        self
    }

    /// Sets whether to list the groups of the scopes below as well. The default is not to.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }
}

impl IntoFuture for ListGroups {
    type Output = Result<Vec<Resource<BoundaryGroup>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let call = self
            .service
            .get("v1/groups", &[])
            .query("scope_id", self.scope_id)
            .query_opt("recursive", self.recursive.then_some(true))
            .query_opt("filter", self.filter)
            .hint(
                &[ErrorKind::InvalidInput],
                "a filter compares members of `/item`, with names and values in double quotes",
            );
        Box::pin(list(call, |group: &Resource<BoundaryGroup>| &group.id))
    }
}
