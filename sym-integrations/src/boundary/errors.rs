//! Boundary's failures: <https://developer.hashicorp.com/boundary/docs/api-clients/api/errors>.

use sym_sdk::error::ErrorKind;

use super::client::BOUNDARY;
use crate::http::{Failure, Response, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["InvalidArgument"], ErrorKind::InvalidInput, error_names::INVALID_REQUEST),
    ErrorRule::new(&["Unauthenticated"], ErrorKind::Unauthorized, error_names::AUTH_FAILED)
        .hint("check the login name, the password, and the id of the auth method that the account belongs to"),
    ErrorRule::new(&["PermissionDenied"], ErrorKind::Forbidden, error_names::FORBIDDEN).hint(
        "the account needs a role with grants to list and read users, accounts, auth methods and groups, and for the strategy also to \
         add and remove members of groups",
    ),
    ErrorRule::new(&["NotFound"], ErrorKind::NotFound, error_names::NOT_FOUND),
    ErrorRule::new(&["AlreadyExists", "FailedPrecondition", "Aborted"], ErrorKind::Conflict, error_names::CONFLICT),
    ErrorRule::new(&["ResourceExhausted"], ErrorKind::RateLimited, error_names::RATE_LIMITED),
    // A change of members that does not apply is reported so too; see `groups`.
    ErrorRule::new(&["Internal", "Unavailable"], ErrorKind::Unavailable, error_names::UNAVAILABLE),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let error = ErrorBody::of(response).and_then(|body| Some((body.text("kind")?, body)));
    // Resources of Boundary have a `type`, and no `kind`.
    if response.is_success() && error.is_none() {
        return Ok(());
    }
    let failure = Failure::of(response);
    Err(match error {
        Some((kind, body)) => ERRORS.apply(failure.with_message(message(&body, &kind)), &kind),
        None if failure.kind() == ErrorKind::NotFound => BOUNDARY.foreign_not_found(failure),
        None => failure,
    })
}

/// The message, and the members of the request that it is about.
fn message(body: &ErrorBody, kind: &str) -> String {
    let text = body.text("message").map(|text| text.trim_end_matches('.').to_owned());
    let mut message = text.unwrap_or_else(|| "the call failed".to_owned());
    let details = body.object("details");
    for field in details.iter().flat_map(|details| details.list("request_fields")) {
        if let (Some(name), Some(problem)) =
            (field.get("name").and_then(|name| name.as_str()), field.get("description").and_then(|text| text.as_str()))
        {
            message = format!("{message}: `{name}`: {}", problem.trim_end_matches('.'));
        }
    }
    format!("{message} ({kind})")
}
