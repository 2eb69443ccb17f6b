//! KnowBe4's failures: <https://developer.knowbe4.com/rest/reporting>.

use std::time::Duration;

use sym_sdk::error::ErrorKind;

use super::client::KNOWBE4;
use crate::http::{Failure, Response};
use crate::kit::ErrorBody;

/// The delay after which calls are admitted again, where KnowBe4 names none.
const THROTTLED_FOR: Duration = Duration::from_secs(60);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let body = ErrorBody::of(response);
    let said = body.as_ref().and_then(|body| body.text("message").or_else(|| body.text("error")));
    if response.is_success() && (said.is_none() || body.as_ref().is_some_and(|body| body.text("id").is_some())) {
        return Ok(());
    }
    let failure = Failure::of(response);
    let failure = match said {
        Some(said) => failure.with_message(said.trim().trim_end_matches('.')),
        None => failure,
    };
    Err(match failure.kind() {
        ErrorKind::Unauthorized => {
            failure.with_hint("check the API token and the `region`: KnowBe4 rejects tokens of another region as well")
        }
        ErrorKind::Forbidden => failure.with_hint("the reporting API is part of the levels Platinum and Diamond"),
        ErrorKind::RateLimited if failure.retry_after().is_none() => failure.with_retry_after(Some(THROTTLED_FOR)),
        ErrorKind::NotFound if body.is_none() => KNOWBE4.foreign_not_found(failure),
        _ => failure,
    })
}
