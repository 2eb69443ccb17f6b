//! Comments on issues.

use serde_json::json;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::client::JIRA;
use super::{Comment, Document, Jira, codes};
use crate::http::Call;
use crate::kit::Resource;

/// A comment to add. It is added when this is awaited. See [`Jira::add_comment_to_issue`].
#[derive(Clone, Debug)]
#[must_use = "nothing is added until it is awaited"]
pub struct AddComment {
    jira: Jira,
    issue: String,
    document: Result<Document, String>,
    expand: Vec<String>,
    internal: bool,
}

impl Jira {
    /// Adds a comment to an issue, by its key or id. A text of more than 30,000 characters is cut, with a mark at the end.
    /// [`POST /issue/{issueIdOrKey}/comment`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/#api-rest-api-3-issue-issueidorkey-comment-post)
    ///
    /// In a service project customers can read the comment, unless it is [`internal`](AddComment::internal).
    ///
    /// # Errors
    /// `Jira:ISSUE_NOT_FOUND` if there is no such issue, `Jira:EMPTY_TEXT` if the text has nothing visible.
    pub fn add_comment_to_issue(&self, issue: impl Into<String>, text: impl Into<String>) -> AddComment {
        self.new_comment(issue, Err(text.into()))
    }

    /// Adds a comment that was built as a document. See [`add_comment_to_issue`](Self::add_comment_to_issue).
    pub fn add_document_to_issue(&self, issue: impl Into<String>, document: Document) -> AddComment {
        self.new_comment(issue, Ok(document))
    }

    fn new_comment(&self, issue: impl Into<String>, document: Result<Document, String>) -> AddComment {
        AddComment { jira: self.clone(), issue: issue.into(), document, expand: Vec::new(), internal: false }
    }

    /// Deletes a comment. One that does not exist is no error.
    /// [`DELETE /issue/{issueIdOrKey}/comment/{id}`](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/#api-rest-api-3-issue-issueidorkey-comment-id-delete)
    pub async fn delete_comment(&self, issue: &str, comment_id: &str) -> Result<()> {
        match self.0.delete("issue/{issue}/comment/{comment}", &[issue, comment_id]).await {
            Ok(response) => response.expect_empty(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl AddComment {
    /// Hides the comment from the customers of a service project. If Jira shows it to them nevertheless, it is deleted, and adding it
    /// fails.
    pub fn internal(mut self, internal: bool) -> Self {
        self.internal = internal;
        self
    }

    /// Requests additional information about the comment, such as `renderedBody`. It is in its [`raw`](Resource::raw) form.
    pub fn expand<E: Into<String>>(mut self, expand: impl IntoIterator<Item = E>) -> Self {
        self.expand.extend(expand.into_iter().map(Into::into));
        self
    }

    async fn add(self) -> Result<Resource<Comment>> {
        let document = match &self.document {
            Ok(document) => document.clone(),
            Err(text) => Document::text(text)?,
        };
        let comment = match self.post(&document).await {
            // Once: a site whose limit is lower still is not worth guessing.
            Err(error) => match shortened(&document, &error) {
                Some(half) => self.post(&half).await?,
                None => return Err(error),
            },
            Ok(comment) => comment,
        };
        if self.internal && comment.jsd_public == Some(true) {
            return Err(self.is_public(&comment).await);
        }
        Ok(comment)
    }

    async fn post(&self, document: &Document) -> Result<Resource<Comment>> {
        let mut body = json!({ "body": document });
        if self.internal {
            body["properties"] = json!([{ "key": "sd.public.comment", "value": { "internal": true } }]);
        }
        let call = self.jira.0.post("issue/{issue}/comment", &[&self.issue]).json(&body);
        let expand = (!self.expand.is_empty()).then(|| self.expand.join(","));
        issue_not_found(call.query_opt("expand", expand), &self.issue).await?.json()
    }

    async fn is_public(&self, comment: &Comment) -> Error {
        let (issue, id) = (&self.issue, &comment.id);
        let what = match self.jira.delete_comment(issue, id).await {
            Ok(()) => "was deleted again",
            Err(_) => "COULD NOT BE DELETED, and is public",
        };
        let message =
            format!("comment {id} on issue `{issue}` was to be internal, but Jira showed it to customers; it {what}");
        JIRA.error(ErrorKind::Conflict, codes::COMMENT_IS_PUBLIC, message)
            .with_hint("the token's owner has to be an agent of the service project")
    }
}

impl IntoFuture for AddComment {
    type Output = Result<Resource<Comment>>;
    type IntoFuture = BoxFuture<'static, Result<Resource<Comment>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.add())
    }
}

/// Returns a document of half the length, if a site has found this one too long.
pub(super) fn shortened(document: &Document, error: &Error) -> Option<Document> {
    let message = error.message().to_ascii_lowercase();
    let is_too_long = ["too long", "limit", "exceed"].iter().any(|sign| message.contains(sign));
    document.halved().filter(|_| is_too_long && error.kind() == ErrorKind::InvalidInput)
}

pub(super) fn issue_not_found(call: Call, issue: &str) -> Call {
    let message = format!("there is no Jira issue `{issue}`, or the token may not see it");
    call.not_found(codes::ISSUE_NOT_FOUND, message)
}
