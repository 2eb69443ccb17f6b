//! The creation of issues.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, Result};

use super::comments::shortened;
use super::document::{label, summary};
use super::{CreatedIssue, Document, Jira};

/// The delays before searches for an issue whose creation has an unknown outcome. The index of the search lags.
const SEARCH_DELAYS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10)];

/// An issue to create. It is created when this is awaited. See [`Jira::create_issue`].
#[derive(Clone, Debug)]
#[must_use = "nothing is created until it is awaited"]
pub struct CreateIssue {
    jira: Jira,
    title: String,
    project_key: String,
    issue_type: String,
    description: Option<String>,
    labels: Vec<String>,
    marker: String,
    fields: Map<String, Value>,
}

impl Jira {
    /// Creates an issue, by title, key of the project, and name of the type such as `Task`.
    /// [`POST /issue`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post)
    ///
    /// Each issue gets a label that finds it again if the response is lost: see [`CreateIssue::marker`]. A title is one line of at most
    /// 255 characters, and is cut with a mark.
    ///
    /// # Errors
    /// `Jira:EMPTY_TEXT` if the title is empty. `Jira:INVALID_REQUEST`, with all fields that Jira rejects.
    pub fn create_issue(
        &self,
        title: impl Into<String>,
        project_key: impl Into<String>,
        issue_type: impl Into<String>,
    ) -> CreateIssue {
        CreateIssue {
            jira: self.clone(),
            title: title.into(),
            project_key: project_key.into(),
            issue_type: issue_type.into(),
            description: None,
            labels: Vec::new(),
            marker: format!("sym-{:016x}", fastrand::u64(..)),
            fields: Map::new(),
        }
    }
}

impl CreateIssue {
    /// Sets the description.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Sets the due date.
    pub fn due_date(self, date: Date) -> Self {
        self.field("duedate", date.to_string())
    }

    /// Adds labels. Blanks in them become hyphens.
    pub fn labels<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.labels.extend(labels.into_iter().map(Into::into));
        self
    }

    /// Sets the parent, by id or key.
    pub fn parent(self, id_or_key: impl Into<String>) -> Self {
        let parent = id_or_key.into();
        let is_id = !parent.is_empty() && parent.bytes().all(|byte| byte.is_ascii_digit());
        self.field("parent", json!({ (if is_id { "id" } else { "key" }): parent }))
    }

    /// Sets the priority, by id.
    pub fn priority_id(self, id: impl Into<String>) -> Self {
        self.field("priority", json!({ "id": id.into() }))
    }

    /// Sets the reporter, by [account id](Jira::account_id). Jira accepts neither names nor addresses.
    pub fn reporter(self, account_id: impl Into<String>) -> Self {
        self.field("reporter", json!({ "id": account_id.into() }))
    }

    /// Sets a field, such as `customfield_10010`, as it is.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Sets what the issue is found by if the response is lost: a label such as `sym-` and the id of the Run. The default is a random one.
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.marker = marker.into();
        self
    }

    async fn create(self) -> Result<CreatedIssue> {
        let marker = label(&self.marker);
        let labels: Vec<_> = self.labels.iter().filter_map(|text| label(text)).chain(marker.clone()).collect();
        let mut fields = json!({
            "summary": summary(&self.title)?,
            "project": { "key": self.project_key },
            "issuetype": { "name": self.issue_type },
        });
        if let Some(fields) = fields.as_object_mut() {
            if !labels.is_empty() {
                fields.insert("labels".to_owned(), labels.into());
            }
            fields.extend(self.fields.clone());
        }
        let text = self.description.as_deref().filter(|text| !text.trim().is_empty());
        let description = text.map(Document::text).transpose()?;
        let mut created = self.post(&fields, description.as_ref()).await;
        if let Err(error) = &created
            && let Some(half) = description.as_ref().and_then(|document| shortened(document, error))
        {
            created = self.post(&fields, Some(&half)).await;
        }
        match (created, marker) {
            (Err(error), Some(marker)) if error.is_outcome_unknown() => self.find(&marker, error).await,
            (created, _) => created,
        }
    }

    async fn post(&self, fields: &Value, description: Option<&Document>) -> Result<CreatedIssue> {
        let mut fields = fields.clone();
        if let Some(description) = description {
            fields["description"] = serde_json::to_value(description)?;
        }
        self.jira.0.post("issue", &[]).json(&json!({ "fields": fields })).await?.json()
    }

    /// Searches for an issue that may have been created.
    async fn find(&self, marker: &str, error: Error) -> Result<CreatedIssue> {
        let jql = format!("project = {} AND labels = {}", quoted(&self.project_key), quoted(marker));
        for delay in SEARCH_DELAYS {
            self.jira.0.clock().sleep(delay).await;
            let found = self.jira.search_issues(&jql).fields(["summary"]).await.unwrap_or_default();
            if let Some(issue) = found.first() {
                let key = issue.key.clone().unwrap_or_else(|| issue.id.clone());
                return Ok(CreatedIssue { id: issue.id.clone(), key });
            }
        }
        Err(error.with_hint(format!("the issue may exist: search Jira for the label `{marker}`")))
    }
}

impl IntoFuture for CreateIssue {
    type Output = Result<CreatedIssue>;
    type IntoFuture = BoxFuture<'static, Result<CreatedIssue>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.create())
    }
}

/// Quotes a value for JQL.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}
