//! Tailscale's failures: `{"message": "…", "data": [{"user": "…", "errors": ["…"]}]}`.

use sym_sdk::error::ErrorKind;

use super::client::TAILSCALE;
use super::codes;
use crate::http::{Failure, Response, Retry, error_names};
use crate::kit::ErrorBody;

/// The maximum number of failing tests in a message.
const MAX_TESTS: usize = 10;

/// The permissions that the credentials need.
const SCOPES: &str = "the OAuth client needs the scopes `policy_file` (formerly `acl`) and `users:read`; an API key must be that of an owner, \
                      an admin or a network admin; check the tailnet, too";

/// A message counts as a failure even if the status is 200: that is how the service reports a policy file that it does not accept.
pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    // The policy file itself has whatever members it has.
    let is_policy = response.header("content-type").is_some_and(|kind| kind.starts_with("application/hujson"));
    let body = if is_policy { None } else { ErrorBody::of(response) };
    let message = body.as_ref().and_then(|body| body.text("message"));
    if response.is_success() && message.is_none() {
        return Ok(());
    }
    let failure = Failure::of(response);
    let Some((body, message)) = body.zip(message) else {
        return Err(match failure.kind() {
            ErrorKind::NotFound => TAILSCALE.foreign_not_found(failure),
            ErrorKind::Forbidden => failure.with_hint(SCOPES),
            _ => failure,
        });
    };
    let tests = failing_tests(&body);
    let is_policy_refused = response.is_success() || response.status() == 400;
    Err(match response.status() {
        _ if is_policy_refused && !tests.is_empty() => failure
            .with_kind(ErrorKind::Conflict)
            .with_code(codes::TESTS_FAILED)
            .with_message(format!("the tests of the policy file refuse the change: {}", tests.join("; ")))
            .with_hint("change the test in Tailscale's admin console, so that it holds with the user and without")
            .with_retry(Retry::Never),
        200..=299 => failure
            .with_kind(ErrorKind::Conflict)
            .with_code(codes::REJECTED_POLICY)
            .with_message(format!("Tailscale does not accept the policy file: {message}"))
            .with_retry(Retry::Never),
        401 => failure
            .with_message(message)
            .with_hint("create a new API key or OAuth client, and store it as the integration's secret"),
        403 => failure.with_message(message).with_hint(SCOPES),
        412 => failure.with_kind(ErrorKind::Conflict).with_name(error_names::CONFLICT).with_message(message),
        _ => failure.with_message(message),
    })
}

/// The tests that fail, with their users.
fn failing_tests(body: &ErrorBody) -> Vec<String> {
    let mut tests = Vec::new();
    for test in body.list("data") {
        let user = test.get("user").and_then(|user| user.as_str()).unwrap_or("somebody");
        let errors = test.get("errors").and_then(|errors| errors.as_array()).into_iter().flatten();
        tests.extend(errors.filter_map(|error| error.as_str()).map(|error| format!("{user}: {error}")));
    }
    let more = tests.len().saturating_sub(MAX_TESTS);
    tests.truncate(MAX_TESTS);
    if more > 0 {
        tests.push(format!("and {more} more"));
    }
    tests
}
