//! IAM's failures: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.

use sym_sdk::error::ErrorKind;

use crate::aws;
use crate::http::{Failure, Response, Retry, error_names};
use crate::kit::{ErrorRule, ErrorTable};

/// The codes of IAM, in our form.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["NO_SUCH_ENTITY"], ErrorKind::NotFound, error_names::NOT_FOUND),
    ErrorRule::kind(&["LIMIT_EXCEEDED"], ErrorKind::Conflict)
        .hint("an IAM user can be in 10 groups unless AWS has raised the quota: remove it from another group"),
    ErrorRule::kind(&["ENTITY_TEMPORARILY_UNMODIFIABLE", "CONCURRENT_MODIFICATION"], ErrorKind::Unavailable)
        .retry(Retry::Always),
    ErrorRule::kind(&["SERVICE_FAILURE"], ErrorKind::Unavailable).retry(Retry::IfIdempotent),
    ErrorRule::kind(&["VALIDATION", "VALIDATION_ERROR", "INVALID_INPUT"], ErrorKind::InvalidInput),
    ErrorRule::hint_only(
        &["ACCESS_DENIED"],
        "allow the role the action that the message names, for this user and group",
    ),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    aws::classify(response).map_err(|failure| {
        let name = failure.code().name().to_owned();
        ERRORS.apply(failure, &name)
    })
}
