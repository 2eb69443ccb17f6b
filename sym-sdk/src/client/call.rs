//! A call of the API.

use std::time::Duration;

pub use reqwest::Method;
use reqwest::Url;
use serde_json::Value;

use crate::model::RunId;

/// The path of the API, below the address of the server.
const BASE: [&str; 2] = ["api", "v1"];

/// The timeout of a call that waits for nothing. The server's own limit is shorter, so that its answer is heard.
const TIMEOUT: Duration = Duration::from_secs(40);

/// A call of the API: a method, a path, and what it is called with.
///
/// ```
/// use sym_sdk::client::Call;
///
/// let call = Call::get(["runs"]).query("relation", "can_decide").query("limit", 20);
/// assert_eq!(call.path_and_query(), "/api/v1/runs?relation=can_decide&limit=20");
/// // Each segment is encoded.
/// assert_eq!(Call::get(["flows", "../x"]).path_and_query(), "/api/v1/flows/..%2Fx");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until a client makes it"]
pub struct Call {
    method: Method,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    body: Option<Value>,
    key: Option<String>,
    wait: Duration,
}

impl Call {
    /// Creates a call of this method. The segments of the path follow `/api/v1`.
    pub fn new<S: Into<String>>(method: Method, segments: impl IntoIterator<Item = S>) -> Self {
        let segments = segments.into_iter().map(Into::into).collect();
        Self { method, segments, query: Vec::new(), body: None, key: None, wait: Duration::ZERO }
    }

    /// Creates a call that changes nothing.
    pub fn get<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::GET, segments)
    }

    /// Creates a call of the method `POST`.
    pub fn post<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::POST, segments)
    }

    /// Adds a parameter to the query string.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a parameter to the query string, if it has a value.
    pub fn query_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets the JSON body.
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sets the key with which the call can be repeated without a further effect: up to 255 visible ASCII characters.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Extends the timeout by the time for which the server is asked to wait.
    pub(crate) fn waiting(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Returns the path with the query string, without the address of the server.
    pub fn path_and_query(&self) -> String {
        // The host is not part of the result.
        let Ok(mut url) = Url::parse("http://localhost/") else { return String::new() };
        self.append_to(&mut url);
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// Appends the path and the query string to an address.
    pub(super) fn append_to(&self, url: &mut Url) {
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(BASE);
            for segment in &self.segments {
                // A segment of dots would be left out, and the call would be another one. Nothing has such a name.
                path.push(if [".", ".."].contains(&segment.as_str()) { "_" } else { segment });
            }
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn body_text(&self) -> Option<String> {
        self.body.as_ref().map(Value::to_string)
    }

    pub(crate) fn idempotency_key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(super) fn timeout(&self) -> Duration {
        TIMEOUT.saturating_add(self.wait)
    }

    /// Returns the call of a Run.
    pub(crate) fn run(run: RunId) -> Self {
        Self::get(["runs".to_owned(), run.to_string()])
    }

    /// Returns the call that waits for another version of a Run.
    pub(crate) fn run_change(run: RunId, version: u64, wait: Duration) -> Self {
        Self::run(run).query("version", version).query("wait", wait.as_secs().min(25)).waiting(wait)
    }

    pub(crate) fn timeline(run: RunId, after: u64) -> Self {
        Self::get(["runs".to_owned(), run.to_string(), "timeline".to_owned()]).query("after", after)
    }

    pub(crate) fn deciders(run: RunId) -> Self {
        Self::get(["runs".to_owned(), run.to_string(), "deciders".to_owned()])
    }

    /// Returns the call of an action on a Run.
    pub(crate) fn of_run(run: RunId, action: &str) -> Self {
        Self::post(["runs".to_owned(), run.to_string(), action.to_owned()])
    }
}
