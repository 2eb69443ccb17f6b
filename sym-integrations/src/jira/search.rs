//! The query for issues.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::json;
use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};

use super::client::JIRA;
use super::{Issue, Jira, codes};
use crate::http::{Next, Page, Paginator, Response};
use crate::kit::{Resource, ServiceClient, null_as_default};

/// The largest page of issues with fields.
const PAGE: u32 = 100;

/// The fields that Jira shows in its navigator. Without a list of fields, it returns ids alone.
const NAVIGABLE: &str = "*navigable";

/// A query for issues, which is awaited, or read page by page through its [`paginator`](Self::paginator). See
/// [`Jira::search_issues`].
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct SearchIssues {
    client: ServiceClient,
    jql: String,
    fields: Vec<String>,
    expand: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuePage {
    #[serde(default, deserialize_with = "null_as_default")]
    issues: Vec<Resource<Issue>>,
    next_page_token: Option<String>,
}

impl Page for IssuePage {
    type Item = Resource<Issue>;

    /// Neither an empty page nor `isLast` is the end, but a missing token is.
    fn next(&self, _: &Response) -> Result<Next> {
        Ok(Next::cursor("nextPageToken", self.next_page_token.as_deref()))
    }

    fn into_items(self) -> Vec<Self::Item> {
        self.issues
    }
}

impl Jira {
    /// Searches issues by a query in JQL, which has to be bounded: `project = OPS order by key`, and not `order by key` alone.
    /// [`POST /search/jql`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-jql-post)
    ///
    /// An issue that was created or changed some seconds ago may be missing.
    ///
    /// # Errors
    /// `Jira:EMPTY_QUERY` if the query is empty.
    pub fn search_issues(&self, jql: impl Into<String>) -> SearchIssues {
        SearchIssues { client: self.0.clone(), jql: jql.into(), fields: Vec::new(), expand: Vec::new() }
    }
}

impl SearchIssues {
    /// Sets the fields of the issues, such as `summary`. The default is those that Jira shows in its navigator.
    pub fn fields<F: Into<String>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.fields.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Requests additional information about each issue, such as `renderedFields`. It is in its [`raw`](Resource::raw) form.
    pub fn expand<F: Into<String>>(mut self, expand: impl IntoIterator<Item = F>) -> Self {
        self.expand.extend(expand.into_iter().map(Into::into));
        self
    }

    /// Returns the issues page by page, each once.
    ///
    /// # Errors
    /// `Jira:EMPTY_QUERY` if the query is empty.
    pub fn paginator(self) -> Result<Paginator<Resource<Issue>>> {
        if self.jql.trim().is_empty() {
            let error = JIRA.error(ErrorKind::InvalidInput, codes::EMPTY_QUERY, "the query is empty");
            return Err(error.with_hint("name at least a project, such as `project = OPS`"));
        }
        let fields = if self.fields.is_empty() { vec![NAVIGABLE.to_owned()] } else { self.fields };
        let mut body = json!({ "jql": self.jql, "fields": fields, "maxResults": PAGE });
        if !self.expand.is_empty() {
            body["expand"] = self.expand.join(",").into();
        }
        let mut seen = HashSet::new();
        let pages = self.client.post("search/jql", &[]).idempotent(true).reads(true).json(&body).pages::<IssuePage>();
        Ok(pages.filter_items(move |issue| seen.insert(issue.id.clone())))
    }
}

impl IntoFuture for SearchIssues {
    type Output = Result<Vec<Resource<Issue>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Resource<Issue>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.paginator()?.await })
    }
}
