//! Jira's failures: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes>.
//!
//! With credentials that are wrong, Jira answers some calls as it does for strangers: with an empty list, or 404. A header tells.

use std::time::Duration;

use serde_json::Value;
use sym_sdk::error::ErrorKind;

use crate::http::{Failure, Response, error_names};
use crate::kit::ErrorBody;

/// The delay before the next attempt where Jira names none.
const UNNAMED_DELAY: Duration = Duration::from_secs(5);

const TOKEN_HINT: &str = "check the token and the `email` of its owner; a scoped token or an OAuth token works only with the setting \
    `cloud_id`";

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let login = response.header("x-seraph-loginreason").unwrap_or_default().to_ascii_uppercase();
    if login.contains("AUTHENTICATED_FAILED") || login.contains("AUTHENTICATION_DENIED") {
        return Err(Failure::of(response)
            .with_kind(ErrorKind::Unauthorized)
            .with_name(error_names::AUTH_FAILED)
            .with_message("Jira did not accept the credentials, and answered as it does for strangers")
            .with_hint(TOKEN_HINT));
    }
    if response.is_success() {
        return Ok(());
    }
    let failure = Failure::of(response);
    let message = ErrorBody::of(response).map(|body| described(&body)).filter(|message| !message.is_empty());
    let failure = match message {
        Some(message) => failure.with_message(message),
        None => failure,
    };
    Err(match response.status() {
        401 => failure.with_hint(TOKEN_HINT),
        403 => failure.with_hint("check the scopes of the token, and the permissions of its owner in the project"),
        429 => failure.with_retry_after(Some(delay(response))),
        _ => failure,
    })
}

fn delay(response: &Response) -> Duration {
    let until_reset = || response.retry_delay_until("x-ratelimit-reset");
    response.retry_after().or_else(until_reset).unwrap_or(UNNAMED_DELAY)
}

/// The general messages, and those about single fields, of which either may be missing.
fn described(body: &ErrorBody) -> String {
    let trimmed = |text: &str| text.trim().trim_end_matches('.').to_owned();
    let general = body.list("errorMessages").iter().filter_map(Value::as_str).map(trimmed);
    let fields = body.get("errors").and_then(Value::as_object).into_iter().flatten();
    let fields = fields.map(|(field, problem)| match problem.as_str() {
        Some(problem) => format!("{field}: {}", trimmed(problem)),
        None => format!("{field}: {problem}"),
    });
    let parts: Vec<_> = general.chain(fields).filter(|part| !part.is_empty()).collect();
    match parts.is_empty() {
        true => body.text("message").or_else(|| body.text("error")).map(|text| trimmed(&text)).unwrap_or_default(),
        false => parts.join("; "),
    }
}
