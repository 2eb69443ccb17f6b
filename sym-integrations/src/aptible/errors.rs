//! Aptible's failures: `{"code", "error", "message"}`.

use sym_sdk::error::ErrorKind;

use super::client::APTIBLE;
use crate::http::{Failure, Response, Retry, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["otp_token_required"], ErrorKind::Configuration, "SECOND_FACTOR_REQUIRED")
        .hint("the account of the integration must not need a second factor: use a bot account without one")
        .retry(Retry::Never),
    ErrorRule::new(
        &["invalid_credentials", "invalid_grant", "invalid_email", "unauthorized", "expired_token", "invalid_token"],
        ErrorKind::Unauthorized,
        error_names::AUTH_FAILED,
    )
    .hint("check the username and the password of the integration, and whether the organization demands single sign-on of the account"),
    ErrorRule::new(&["access_denied", "forbidden", "invalid_scope"], ErrorKind::Forbidden, error_names::FORBIDDEN)
        .hint("the account of the integration needs to be an account owner or an admin of the role"),
    ErrorRule::new(&["not_found"], ErrorKind::NotFound, error_names::NOT_FOUND),
    ErrorRule::new(&["unprocessable_entity", "invalid_request"], ErrorKind::InvalidInput, error_names::INVALID_REQUEST),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let error = ErrorBody::of(response).and_then(|body| {
        let name = body.text("error")?;
        Some((name, body.text("message")))
    });
    if response.is_success() && error.is_none() {
        return Ok(());
    }
    let failure = Failure::of(response);
    Err(match error {
        Some((name, message)) => {
            let message = match message {
                Some(message) => format!("{} ({name})", message.trim_end_matches('.')),
                None => name.clone(),
            };
            ERRORS.apply(failure.with_message(message), &name)
        }
        None if failure.kind() == ErrorKind::NotFound => APTIBLE.foreign_not_found(failure),
        None => failure,
    })
}
