//! Failures of Lambda, and of the functions it runs.

use sym_sdk::error::ErrorKind;

use super::{FunctionArn, codes};
use crate::aws;
use crate::http::{Failure, Response, Retry};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

/// The codes that concern the function. They are in our form, as the client's errors have them.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::kind(&["REQUEST_TOO_LARGE"], ErrorKind::InvalidInput),
    ErrorRule::kind(&["ACCESS_DENIED"], ErrorKind::Forbidden)
        .hint("allow the role `lambda:InvokeFunction` for this function"),
    ErrorRule::hint_only(
        &["KMS_ACCESS_DENIED", "KMS_DISABLED", "KMS_INVALID_STATE", "KMS_NOT_FOUND"],
        "the key that encrypts the function's environment variables cannot be used",
    ),
    // The function is being created or updated.
    ErrorRule::kind(&["RESOURCE_NOT_READY", "RESOURCE_CONFLICT", "SNAP_START_NOT_READY"], ErrorKind::Unavailable)
        .hint("the function is not active yet"),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    aws::classify(response)?;
    // Lambda succeeded, and the function failed.
    match response.header("x-amz-function-error") {
        Some(_) => Err(function_failure(response)),
        None => Ok(()),
    }
}

/// The failure of a function that raised an error, crashed or timed out.
fn function_failure(response: &Response) -> Failure {
    let body = ErrorBody::of(response);
    let member = |name: &str| body.as_ref().and_then(|body| body.text(name));
    let reason = match (member("errorType"), member("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "no reason given".to_owned(),
    };
    Failure::of(response)
        .with_kind(ErrorKind::Unavailable)
        .with_code(codes::FATAL_FUNCTION_ERROR)
        .with_retry(Retry::Never)
        .with_message(format!("the function failed: {reason}"))
        .with_hint("see its log in CloudWatch")
}

/// Adds which function a failure concerns.
pub(super) fn explain(failure: Failure, function: &FunctionArn) -> Failure {
    let name = failure.code().name().to_owned();
    if name == "RESOURCE_NOT_FOUND" {
        let message = format!("there is no function `{function}`");
        return failure.with_code(codes::FUNCTION_NOT_FOUND).with_message(message);
    }
    let message = format!("function `{}`: {}", function.name(), failure.message());
    ERRORS.apply(failure.with_message(message), &name)
}
