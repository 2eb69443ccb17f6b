use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::jira::Jira;

use crate::request::{Fault, Request};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    SearchIssues {
        jql: String,
        fields: Vec<String>,
    },
    CreateIssue {
        title: String,
        project_key: String,
        issue_type: String,
        description: String,
        labels: Vec<String>,
    },
    AddComment {
        issue: String,
        text: String,
        #[serde(default)]
        internal: bool,
    },
    TransitionIssue {
        issue: String,
        transition: String,
    },
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let jira = Jira::builder("acme.atlassian.net")
        .email(request.setting("email")?)
        .token(request.setting("api_token")?)
        .base_url(BaseUrl::parse(&format!("{}/rest/api/3", request.base_url))?)
        .build()?;
    Ok(match request.call()? {
        Function::SearchIssues { jql, fields } => {
            let found = jira.search_issues(jql).fields(fields).await?;
            found.iter().map(|issue| json!([issue.key, issue.summary()])).collect()
        }
        Function::CreateIssue { title, project_key, issue_type, description, labels } => {
            // The label that finds the issue again would be a random one.
            let create = jira.create_issue(title, project_key, issue_type).description(description);
            json!(create.labels(labels).marker("sym-run-1").await?.key)
        }
        Function::AddComment { issue, text, internal } => {
            json!(jira.add_comment_to_issue(issue, text).internal(internal).await?.id)
        }
        Function::TransitionIssue { issue, transition } => {
            jira.transition_issue(&issue, &transition).await?;
            Value::Null
        }
    })
}
