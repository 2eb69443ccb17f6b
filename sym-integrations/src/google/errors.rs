//! Google's failures: <https://developers.google.com/workspace/admin/directory/v1/guides/troubleshoot-error-codes>.

use sym_sdk::error::ErrorKind;

use super::client::GOOGLE;
use super::codes::{self, ALREADY_MEMBER_NAME, API_DISABLED_NAME, DAILY_LIMIT_NAME, MISSING_SCOPE_NAME};
use crate::http::{Call, Failure, Response, Retry, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

/// The meaning of the reasons, of which a failure can have several.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["authError", "UNAUTHENTICATED"], ErrorKind::Unauthorized, error_names::AUTH_FAILED),
    ErrorRule::new(
        &["insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
        ErrorKind::Forbidden,
        MISSING_SCOPE_NAME,
    )
    .hint("allow the service account the scopes that the documentation of the integration names"),
    ErrorRule::new(&["accessNotConfigured", "SERVICE_DISABLED"], ErrorKind::Configuration, API_DISABLED_NAME)
        .hint("enable the Admin SDK API in the Google Cloud project of the service account"),
    ErrorRule::new(&["forbidden", "PERMISSION_DENIED"], ErrorKind::Forbidden, error_names::FORBIDDEN).hint(
        "set `subject` to an administrator whom the service account may act as, or give the service account itself a role that may manage \
         groups; the group may also belong to another organization",
    ),
    // They pass in seconds.
    ErrorRule::new(
        &["quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"],
        ErrorKind::RateLimited,
        error_names::RATE_LIMITED,
    )
    .retry(Retry::Always),
    // This one does not.
    ErrorRule::new(&["dailyLimitExceeded"], ErrorKind::Forbidden, DAILY_LIMIT_NAME)
        .hint("Google lifts the limit within 24 hours")
        .retry(Retry::Never),
    ErrorRule::new(&["duplicate"], ErrorKind::Conflict, ALREADY_MEMBER_NAME),
    // Somebody else changes the same group.
    ErrorRule::new(&["conditionNotMet"], ErrorKind::Conflict, error_names::CONFLICT).retry(Retry::Always),
    ErrorRule::new(&["backendError", "internalError"], ErrorKind::Unavailable, error_names::UNAVAILABLE)
        .retry(Retry::IfIdempotent),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let error = ErrorBody::of(response).and_then(|body| body.object("error"));
    if response.is_success() && error.is_none() {
        return Ok(());
    }
    let failure = Failure::of(response);
    let Some(error) = error else {
        // Google explains each 404.
        return Err(if failure.kind() == ErrorKind::NotFound { GOOGLE.foreign_not_found(failure) } else { failure });
    };
    let reason = reason(&error);
    let message = error.text("message").map(|message| message.trim().trim_end_matches('.').to_owned());
    let described = match (message, &reason) {
        (Some(message), Some(reason)) => format!("{message} ({reason})"),
        (Some(message), None) => message,
        (None, Some(reason)) => reason.clone(),
        (None, None) => "Google gives no reason".to_owned(),
    };
    let failure = failure.with_message(described);
    Err(match reason {
        Some(reason) => ERRORS.apply(failure, &reason),
        None => failure,
    })
}

/// The most specific reason that is known, or else the most specific one.
fn reason(error: &ErrorBody) -> Option<String> {
    let listed = error.list("details").iter().chain(error.list("errors"));
    let listed = listed.filter_map(|entry| Some(entry.get("reason")?.as_str()?.to_owned()));
    let reasons: Vec<_> = listed.chain(error.text("status")).collect();
    reasons.iter().find(|reason| ERRORS.contains(reason)).or(reasons.first()).cloned()
}

/// Names what is missing, a group or a user. Google answers 404 for both, and 400 for addresses that it does not take.
pub(super) fn explain_missing(call: Call, group: &str, member: Option<&str>) -> Call {
    let (group, member) = (group.to_owned(), member.map(str::to_owned));
    call.explain(move |_, failure| {
        let is_about = |key: &str| failure.message().contains(key);
        match (failure.kind(), &member) {
            (ErrorKind::NotFound | ErrorKind::InvalidInput, Some(member)) if is_about("memberKey") => failure
                .with_kind(ErrorKind::NotFound)
                .with_code(codes::USER_NOT_FOUND)
                .with_message(format!("there is no Google user or member `{member}`"))
                .with_retry(Retry::Never),
            (ErrorKind::NotFound | ErrorKind::InvalidInput, _) if is_about("groupKey") => not_found(failure, &group),
            (ErrorKind::NotFound, None) => not_found(failure, &group),
            _ => failure,
        }
    })
}

fn not_found(failure: Failure, group: &str) -> Failure {
    failure
        .with_kind(ErrorKind::NotFound)
        .with_code(codes::GROUP_NOT_FOUND)
        .with_message(format!("there is no Google group `{group}`"))
        .with_hint("a group is named by its address or its id; one that was made some minutes ago may not be found yet")
}
