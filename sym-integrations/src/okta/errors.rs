//! Okta's failures: <https://developer.okta.com/docs/reference/error-codes/>.

use std::time::Duration;

use sym_sdk::error::ErrorKind;

use super::client::OKTA;
use crate::http::{Failure, Response, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["E0000001", "E0000003", "E0000031"], ErrorKind::InvalidInput, error_names::INVALID_REQUEST),
    ErrorRule::new(&["E0000004", "E0000005", "E0000011"], ErrorKind::Unauthorized, error_names::AUTH_FAILED)
        .hint(
            "create a new API token in Okta's admin console, and store it as the integration's secret; if the integration is a service \
             app, check that it is active",
        ),
    ErrorRule::new(&["E0000006", "E0000015"], ErrorKind::Forbidden, error_names::FORBIDDEN)
        .hint(
            "an API token has the permissions of the admin who created it: check that admin's roles in Okta; a service app needs a \
             scope and an admin role that allow the call",
        ),
    ErrorRule::new(&["E0000007"], ErrorKind::NotFound, error_names::NOT_FOUND),
    ErrorRule::new(&["E0000009", "E0000010"], ErrorKind::Unavailable, error_names::UNAVAILABLE),
    ErrorRule::new(&["E0000022"], ErrorKind::Configuration, "UNSUPPORTED")
        .hint("check the base URL: it ends in `/api/v1`"),
    ErrorRule::new(&["E0000038"], ErrorKind::Conflict, error_names::CONFLICT),
    ErrorRule::new(&["E0000047"], ErrorKind::RateLimited, error_names::RATE_LIMITED),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let error = ErrorBody::of(response).and_then(|body| body.text("errorCode").map(|code| (body, code)));
    if response.is_success() && error.is_none() {
        return Ok(());
    }
    let failure = Failure::of(response).with_retry_after(retry_after(response));
    Err(match error {
        Some((body, code)) => ERRORS.apply(failure.with_message(message(&body, &code)), &code),
        // Okta gives a code with each 404.
        None if failure.kind() == ErrorKind::NotFound => OKTA.foreign_not_found(failure),
        None => failure,
    })
}

/// The summary and its causes, which are a list of objects or one object.
fn message(body: &ErrorBody, code: &str) -> String {
    let trimmed = |text: &str| text.trim().trim_end_matches('.').to_owned();
    let mut message = body.text("errorSummary").map(|summary| trimmed(&summary)).unwrap_or_default();
    for cause in body.list("errorCauses").iter().filter_map(|cause| cause.get("errorSummary")?.as_str()) {
        let cause = trimmed(cause);
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    format!("{message} ({code})").trim_start().to_owned()
}

/// The delay that Okta asks for. A limit of 0 means too many concurrent calls, which are over sooner than the time given says.
fn retry_after(response: &Response) -> Option<Duration> {
    let is_concurrency = response.header("x-rate-limit-limit").is_some_and(|limit| limit.trim() == "0");
    if response.status() != 429 || is_concurrency {
        return None;
    }
    response.retry_delay_until("x-rate-limit-reset")
}
