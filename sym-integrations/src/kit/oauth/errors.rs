//! Failures of a token endpoint: [RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).

use sym_sdk::error::ErrorKind;

use super::super::{ErrorBody, ErrorRule, ErrorTable, Vendor};
use crate::http::{Failure, Response, Retry, Service, error_names};

/// The second part of the error code of a token endpoint that demands proof of possession (DPoP), which is not implemented.
pub(super) const DPOP_REQUIRED: &str = "DPOP_REQUIRED";

pub(super) const DPOP_HINT: &str =
    "turn off \"Require Demonstrating Proof of Possession (DPoP)\" for this client at the authorization server";

const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(
        &["invalid_client", "invalid_grant", "unauthorized_client"],
        ErrorKind::Unauthorized,
        error_names::AUTH_FAILED,
    )
    .retry(Retry::Never),
    ErrorRule::new(&["access_denied"], ErrorKind::Forbidden, error_names::FORBIDDEN).retry(Retry::Never),
    ErrorRule::new(&["invalid_scope"], ErrorKind::Configuration, "INVALID_SCOPE").retry(Retry::Never),
    ErrorRule::new(
        &["invalid_request", "unsupported_grant_type"],
        ErrorKind::Configuration,
        error_names::INVALID_REQUEST,
    )
    .retry(Retry::Never),
    ErrorRule::new(&["invalid_dpop_proof", "use_dpop_nonce"], ErrorKind::Configuration, DPOP_REQUIRED)
        .hint(DPOP_HINT)
        .retry(Retry::Never),
    ErrorRule::new(&["server_error", "temporarily_unavailable"], ErrorKind::Unavailable, error_names::UNAVAILABLE)
        .retry(Retry::IfIdempotent),
]);

/// The token endpoint of a vendor, whose name its errors bear.
pub(super) struct TokenEndpoint(pub(super) Vendor);

impl Service for TokenEndpoint {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn error_type(&self) -> &'static str {
        self.0.error_type()
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        Service::request_id_headers(&self.0)
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() && error_code(response).is_none() {
            return Ok(());
        }
        Err(Failure::of(response))
    }
}

/// Explains a failure: what was asked for, what the server says, and what to do.
pub(super) fn explain(response: &Response, failure: Failure, vendor: &ErrorTable, asked: &str) -> Failure {
    let Some(code) = error_code(response) else { return without_verdict(failure) };
    let description = ErrorBody::of(response).and_then(|body| body.text("error_description"));
    let said = match description.as_deref().map(|text| text.trim().trim_end_matches('.')) {
        Some(text) if !text.is_empty() => format!(": {text}"),
        _ => String::new(),
    };
    let message = format!("the access token was refused ({code}); {asked}{said}");
    let failure = without_verdict(ERRORS.apply(failure, &code));
    vendor.apply(failure.with_message(message), &code)
}

/// A failure to get a token says nothing about what the caller's own call is about, so it must not look like a result of that call.
fn without_verdict(failure: Failure) -> Failure {
    match failure.kind() {
        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::InvalidInput => failure
            .with_kind(ErrorKind::Configuration)
            .with_name(error_names::INVALID_RESPONSE)
            .with_hint("check the URL of the token endpoint, and whether there is a proxy in between"),
        // It would pass for a permission that the call itself lacks.
        ErrorKind::Forbidden => failure.with_kind(ErrorKind::Unauthorized),
        _ => failure,
    }
}

fn error_code(response: &Response) -> Option<String> {
    ErrorBody::of(response)?.text("error").filter(|code| !code.is_empty())
}
