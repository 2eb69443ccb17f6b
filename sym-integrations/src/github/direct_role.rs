//! The role that a user has in a repository directly, as opposed to the effective one.
//!
//! REST shows the highest role from any source. Which source gives which role, only GraphQL tells.

use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};

use super::client::GITHUB;
use super::{Collaborator, RepositoryClient, RepositoryRole};
use crate::http::error_names;

const QUERY: &str = "query($owner: String!, $name: String!, $login: String!) { repository(owner: $owner, name: $name) { \
    collaborators(affiliation: DIRECT, query: $login, first: 100) { edges { node { databaseId } \
    permissionSources { roleName permission source { __typename } } } } } }";

#[derive(Deserialize)]
struct Reply {
    data: Option<Data>,
    #[serde(default)]
    errors: Option<Vec<GraphQlError>>,
}

#[derive(Deserialize)]
struct GraphQlError {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    repository: Option<RepositoryNode>,
}

#[derive(Deserialize)]
struct RepositoryNode {
    collaborators: Option<Connection>,
}

#[derive(Deserialize)]
struct Connection {
    #[serde(default)]
    edges: Option<Vec<Option<Edge>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edge {
    node: Option<Node>,
    permission_sources: Option<Vec<Source>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    database_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    role_name: Option<String>,
    permission: Option<String>,
    source: Option<Granter>,
}

#[derive(Deserialize)]
struct Granter {
    #[serde(rename = "__typename")]
    kind: Option<String>,
}

impl RepositoryClient {
    /// Returns the role that a direct collaborator has directly; `None` if GitHub does not tell.
    /// [`permissionSources`](https://docs.github.com/en/graphql/reference/objects#permissionsource)
    pub async fn direct_role(&self, user: &Collaborator) -> Result<Option<RepositoryRole>> {
        // There is nothing lower that the direct role could be.
        if user.role_name == Some(RepositoryRole::Read) {
            return Ok(Some(RepositoryRole::Read));
        }
        let variables = json!({ "owner": self.owner, "name": self.name, "login": user.login });
        let call = self.github.graphql().idempotent(true).json(&json!({ "query": QUERY, "variables": variables }));
        let reply: Reply = match call.await {
            Ok(response) => response.json()?,
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        if reply.errors.iter().flatten().any(|error| error.kind.as_deref() == Some("RATE_LIMITED")) {
            let code = GITHUB.code(error_names::RATE_LIMITED);
            return Err(GITHUB.error(ErrorKind::RateLimited, code, "GitHub limits the rate of GraphQL queries"));
        }
        let edges = reply.data.and_then(|data| data.repository?.collaborators?.edges).unwrap_or_default();
        let is_user = |edge: &Edge| edge.node.as_ref().is_some_and(|node| node.database_id == Some(user.id));
        let sources = edges.into_iter().flatten().find(is_user).and_then(|edge| edge.permission_sources);
        Ok(sources.into_iter().flatten().find_map(Source::into_direct_role))
    }
}

impl Source {
    /// `permission` knows three roles only, and names the next lower one for others.
    fn into_direct_role(self) -> Option<RepositoryRole> {
        let is_direct = self.source?.kind.as_deref() == Some("Repository");
        let name = self.role_name.filter(|name| !name.is_empty()).or(self.permission)?;
        (is_direct && !name.eq_ignore_ascii_case("none")).then(|| RepositoryRole::parse(&name))
    }
}
