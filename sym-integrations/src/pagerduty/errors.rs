//! PagerDuty's failures: <https://developer.pagerduty.com/docs/errors>.

use sym_sdk::error::ErrorKind;

use super::codes;
use crate::http::{Failure, Response};
use crate::kit::ErrorBody;

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    if response.is_success() {
        return Ok(());
    }
    let message = ErrorBody::of(response).and_then(|body| message(&body.object("error")?));
    let is_explained = message.is_some();
    let mut failure = Failure::of(response);
    if let Some(message) = message {
        failure = failure.with_message(message);
    }
    Err(match response.status() {
        401 => {
            failure.with_hint("check the API key; accounts in the EU need the base URL `https://api.eu.pagerduty.com`")
        }
        402 => failure.with_kind(ErrorKind::Forbidden).with_code(codes::MISSING_ABILITY).with_hint(
            "the account's plan lacks an ability; if it is `urgencies`, list incidents with `any_urgency()`",
        ),
        403 => failure.with_hint(
            "depending on the call, the token needs `oncalls.read`, `users.read`, `schedules.read`, \
             `escalation_policies.read`, `services.read` or `incidents.read`",
        ),
        // On other responses the header says when the period ends, not that the client has to wait for it.
        429 => failure.with_retry_after(response.retry_delay_seconds("ratelimit-reset")),
        500 if !is_explained => failure.with_code(codes::UNKNOWN),
        _ => failure,
    })
}

/// The message, the code and the details, on one line.
fn message(error: &ErrorBody) -> Option<String> {
    let mut message = error.text("message")?;
    if let Some(code) = error.text("code") {
        message.push_str(&format!(" ({code})"));
    }
    let details: Vec<&str> = error.list("errors").iter().filter_map(|detail| detail.as_str()).collect();
    if !details.is_empty() {
        message.push_str(&format!(": {}", details.join(", ")));
    }
    Some(message)
}
