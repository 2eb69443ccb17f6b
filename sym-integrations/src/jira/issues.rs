//! Calls about issues, projects and users.

use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::JIRA;
use super::comments::issue_not_found;
use super::{Issue, Jira, JiraUser, Project, Transition, codes};
use crate::http::{Next, Page, Paginator, Response};
use crate::kit::{Resource, is_same_address, null_as_default};

/// The largest page of projects and users.
const PAGE: u64 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectPage {
    #[serde(default, deserialize_with = "null_as_default")]
    values: Vec<Resource<Project>>,
    start_at: Option<u64>,
    is_last: Option<bool>,
}

impl Page for ProjectPage {
    type Item = Resource<Project>;

    fn next(&self, _: &Response) -> Result<Next> {
        match self.is_last == Some(true) || self.values.is_empty() {
            true => Ok(Next::End),
            false => Ok(Next::param("startAt", self.start_at.unwrap_or_default() + self.values.len() as u64)),
        }
    }

    fn into_items(self) -> Vec<Self::Item> {
        self.values
    }
}

#[derive(Deserialize)]
struct Transitions {
    #[serde(default, deserialize_with = "null_as_default")]
    transitions: Vec<Transition>,
}

impl Jira {
    /// Looks up an issue by its key or id.
    /// [`GET /issue/{issueIdOrKey}`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-get)
    ///
    /// # Errors
    /// `Jira:ISSUE_NOT_FOUND` if there is no such issue.
    pub async fn get_issue(&self, issue: &str) -> Result<Resource<Issue>> {
        issue_not_found(self.0.get("issue/{issue}", &[issue]), issue).await?.json()
    }

    /// Lists the transitions that an issue can make in its present status.
    /// [`GET /issue/{issueIdOrKey}/transitions`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-get)
    ///
    /// # Errors
    /// `Jira:ISSUE_NOT_FOUND` if there is no such issue.
    pub async fn list_transitions(&self, issue: &str) -> Result<Vec<Transition>> {
        let call = issue_not_found(self.0.get("issue/{issue}/transitions", &[issue]), issue);
        Ok(call.await?.json::<Transitions>()?.transitions)
    }

    /// Moves an issue to another status, by the id or the name of a transition.
    /// [`POST /issue/{issueIdOrKey}/transitions`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-post)
    ///
    /// # Errors
    /// `Jira:ISSUE_NOT_FOUND` if there is no such issue, `Jira:TRANSITION_NOT_FOUND` if it has no such transition in its present status, or
    /// several of this name.
    pub async fn transition_issue(&self, issue: &str, transition: &str) -> Result<()> {
        let known = self.list_transitions(issue).await?;
        let is_named = |known: &&Transition| {
            known.name.as_deref().is_some_and(|name| name.trim().eq_ignore_ascii_case(transition.trim()))
        };
        let found = match known.iter().find(|known| known.id == transition) {
            Some(found) => vec![found],
            None => known.iter().filter(is_named).collect(),
        };
        let [found] = found.as_slice() else {
            let message = match found.is_empty() {
                true => format!("issue `{issue}` has no transition `{transition}` in its present status"),
                false => format!("issue `{issue}` has several transitions `{transition}`"),
            };
            let listed = known.iter().map(|known| format!("{} (`{}`)", known.name.as_deref().unwrap_or("–"), known.id));
            let listed = listed.collect::<Vec<_>>().join(", ");
            let error = JIRA.error(ErrorKind::NotFound, codes::TRANSITION_NOT_FOUND, message);
            return Err(error.with_hint(format!("possible are: {listed}")));
        };
        let call = self.0.post("issue/{issue}/transitions", &[issue]);
        let call = call.json(&json!({ "transition": { "id": found.id } }));
        issue_not_found(call, issue).await?.expect_empty()
    }

    /// Lists the projects that the token may see.
    /// [`GET /project/search`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-search-get)
    pub fn list_projects(&self) -> Paginator<Resource<Project>> {
        self.0.get("project/search", &[]).query("maxResults", PAGE).pages::<ProjectPage>()
    }

    /// Returns the account id of a user: the one in the directory, or else that of the only Jira user who shows this e-mail address, which
    /// is then stored in the directory.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none. Users who hide their address are not found by it.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.account_id.clone()));
        self.0.account_id(user, find).await
    }

    /// Looks up the Jira user who shows this e-mail address; `None` if there is none.
    /// [`GET /user/search`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/#api-rest-api-3-user-search-get)
    ///
    /// # Errors
    /// `Jira:AMBIGUOUS_USER` if there are several, `Jira:USER_DEPROVISIONED` if there are only deactivated ones.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<JiraUser>>> {
        let call = self.0.get("user/search", &[]).query("query", email).query("maxResults", PAGE);
        let found: Vec<Resource<JiraUser>> = call.await?.json()?;
        // Jira also finds people by other names, and those who hide their address.
        let found = found.into_iter().filter(|user| is_same_address(user.email_address.as_deref(), email)).collect();
        JIRA.only_active(email, found, |user| user.account())
    }
}
