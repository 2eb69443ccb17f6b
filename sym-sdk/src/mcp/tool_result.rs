//! Results of tools, as JSON in a text and as structured content.

use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use crate::error::Error;
use crate::server::problem::Problem;

/// Returns the result of a tool that has failed, which the model reads. What a handler or a service has said is for the log.
pub(super) fn failed(error: Error, request_id: &str) -> CallToolResult {
    let problem = Problem::from(error);
    if problem.status().is_server_error() {
        tracing::error!(error = %problem.error().report(), request_id, "a tool failed");
    }
    let body = problem.body(false, request_id);
    let mut value = json!({
        "error": true,
        "code": body.code.to_string(),
        "message": body.message,
        "can_be_retried": body.is_retryable,
    });
    if let Some(hint) = body.hint {
        value["hint"] = hint.into();
    }
    if let Some(wait) = problem.error().retry_after() {
        value["retry_after_seconds"] = wait.as_secs().max(1).into();
    }
    CallToolResult::structured_error(value)
}

pub(super) fn done(value: Value) -> CallToolResult {
    CallToolResult::structured(value)
}
