//! A simulated Jira site.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::Jira;
use crate::kit::{SimulatedAccount, SimulatedRequest, SimulatedService, impl_fake};

/// The transitions of every issue.
const TRANSITIONS: [(&str, &str); 3] = [("11", "To Do"), ("21", "In Progress"), ("31", "Done")];

/// A simulated Jira site: its projects and issues are set here. New issues are kept in memory; comments and
/// transitions are accepted, and change nothing.
///
/// A search finds all issues, whatever the query.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::jira::SimulatedJira;
///
/// let jira = SimulatedJira::new("acme.atlassian.net").issue("OPS-7", "Disk full").build()?;
/// assert_eq!(jira.search_issues("project = OPS").await?[0].summary(), Some("Disk full"));
/// let created = jira.create_issue("Access for Ana", "OPS", "Task").await?;
/// jira.add_comment_to_issue(&created.key, "Approved").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedJira {
    site: String,
    projects: Vec<String>,
    issues: BTreeMap<String, Value>,
}

impl SimulatedJira {
    /// Creates a site without issues.
    pub fn new(site: impl Into<String>) -> Self {
        Self { site: site.into(), projects: Vec::new(), issues: BTreeMap::new() }
    }

    /// Adds a project, by its key, which is also its name.
    pub fn project(mut self, key: impl Into<String>) -> Self {
        self.projects.push(key.into());
        self
    }

    /// Adds an issue, by its key and summary.
    pub fn issue(mut self, key: impl Into<String>, summary: impl Into<String>) -> Self {
        let key = key.into();
        let fields = json!({ "summary": summary.into(), "status": { "name": "To Do" } });
        self.issues.insert(key.clone(), json!({ "id": key, "key": key, "fields": fields }));
        self
    }

    /// Builds the client of the site.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if no site can have the name.
    pub fn build(self) -> Result<Jira> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Jira> {
        account.client(Jira::builder(&*self.site).token("simulated"), self.service())
    }

    fn service(&self) -> SimulatedService {
        let projects: Value = self.projects.iter().map(|key| json!({ "id": key, "key": key, "name": key })).collect();
        let issues = Issues(Arc::new(Mutex::new(self.issues.clone())));
        let [search, created, one, commented, possible, moved] = std::array::from_fn(|_| issues.clone());
        let known = move |issues: &Issues, key: &str| issues.lock().contains_key(key);
        SimulatedService::new("rest/api/3")
            .on("POST", "search/jql", move |_| {
                Some(json!({ "issues": search.lock().values().collect::<Vec<_>>(), "isLast": true }))
            })
            .on("POST", "issue", move |request| {
                let fields = request.body().get("fields")?;
                let mut issues = created.lock();
                let project = fields.get("project")?.get("key")?.as_str()?;
                let mut keys = (issues.len() + 1..).map(|number| format!("{project}-{number}"));
                let key = keys.find(|key| !issues.contains_key(key))?;
                issues.insert(key.clone(), json!({ "id": key, "key": key, "fields": fields }));
                let summary = fields.get("summary").and_then(Value::as_str).unwrap_or_default();
                request.record(&key, format!("issue created: {summary}"));
                Some(json!({ "id": key, "key": key }))
            })
            .on("GET", "issue/{issue}", move |request| one.lock().get(request.value(0)).cloned())
            .on("POST", "issue/{issue}/comment", move |request| {
                known(&commented, request.value(0)).then(|| {
                    request.record(request.value(0), format!("comment: {}", text_of(request)));
                    json!({ "id": "1", "jsdPublic": false })
                })
            })
            .on("DELETE", "issue/{issue}/comment/{comment}", |_| Some(Value::Null))
            .on("GET", "issue/{issue}/transitions", move |request| {
                let transitions = TRANSITIONS.map(|(id, name)| json!({ "id": id, "name": name }));
                known(&possible, request.value(0)).then(|| json!({ "transitions": transitions }))
            })
            .on("POST", "issue/{issue}/transitions", move |request| {
                known(&moved, request.value(0)).then(|| {
                    let id = request.body().pointer("/transition/id").and_then(Value::as_str);
                    let name = TRANSITIONS.iter().find(|(known, _)| Some(*known) == id).map_or("?", |(_, name)| name);
                    request.record(request.value(0), format!("moved to {name}"));
                    Value::Null
                })
            })
            .on("GET", "myself", |_| Some(json!({ "accountId": "sym" })))
            .on("GET", "project/search", move |_| Some(json!({ "values": projects, "isLast": true })))
            .on("GET", "user/search", |_| Some(json!([])))
    }
}

impl_fake!(SimulatedJira => Jira);

#[derive(Clone)]
struct Issues(Arc<Mutex<BTreeMap<String, Value>>>);

impl Issues {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a comment, which is a document.
fn text_of(request: &SimulatedRequest) -> String {
    fn collect(node: &Value, text: &mut Vec<String>) {
        text.extend(node.get("text").and_then(Value::as_str).map(str::to_owned));
        for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
            collect(child, text);
        }
    }
    let mut text = Vec::new();
    collect(&request.body()["body"], &mut text);
    text.join(" ")
}
