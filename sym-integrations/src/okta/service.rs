use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sym_sdk::error::{Error, ErrorCode, ErrorKind};

use super::codes;
use crate::http::{Failure, Response, Service, error_names};

/// How Okta says that a call failed: <https://developer.okta.com/docs/reference/error-codes/>.
pub(super) struct OktaService;

impl Service for OktaService {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn error_type(&self) -> &'static str {
        "Okta"
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        &["x-okta-request-id"]
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        let fault = Fault::of(response);
        if response.is_success() && fault.is_none() {
            return Ok(());
        }
        let failure = Failure::of(response).with_retry_after(wait(response));
        Err(match fault {
            Some(fault) => fault.explain(failure),
            None if failure.kind() == ErrorKind::NotFound => not_from_okta(failure),
            None => failure,
        })
    }
}

/// An error of Okta's that no answer reports.
pub(super) fn error(kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> Error {
    Error::new(kind, code, message).with_service("okta")
}

/// How long Okta asks to be left alone.
///
/// A limit of 0 means too many calls at the same time: these are over sooner than the time that is given says.
fn wait(response: &Response) -> Option<Duration> {
    let at_the_same_time = response.header("x-rate-limit-limit").is_some_and(|limit| limit.trim() == "0");
    if response.status() != 429 || at_the_same_time {
        return None;
    }
    response.retry_delay_until("x-rate-limit-reset")
}

/// Okta gives a reason with each 404. One without is somebody else's, and says nothing about whether a thing is there.
fn not_from_okta(failure: Failure) -> Failure {
    failure
        .with_kind(ErrorKind::Configuration)
        .with_name(error_names::INVALID_RESPONSE)
        .with_message("the answer is a 404 that is not Okta's")
        .with_hint("check the domain or the base URL, and whether a proxy stands between here and Okta")
}

/// The body of an answer that reports a failure.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    error_code: String,
    #[serde(default)]
    error_summary: String,
    /// A list of objects, or one object.
    #[serde(default)]
    error_causes: Value,
}

impl Fault {
    fn of(response: &Response) -> Option<Self> {
        let body = response.body();
        // Long lists are not read twice.
        let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        is_object.then(|| serde_json::from_slice(body).ok()).flatten()
    }

    fn explain(self, failure: Failure) -> Failure {
        let failure = failure.with_message(self.message());
        let kind = |failure: Failure, kind, name| failure.with_kind(kind).with_name(name);
        match self.error_code.as_str() {
            "E0000001" | "E0000003" | "E0000031" => {
                kind(failure, ErrorKind::InvalidInput, error_names::INVALID_REQUEST)
            }
            "E0000004" | "E0000005" | "E0000011" => kind(failure, ErrorKind::Unauthorized, error_names::AUTH_FAILED)
                .with_hint("make a new API token in Okta's admin console, and store it as the integration's secret"),
            "E0000006" | "E0000015" => kind(failure, ErrorKind::Forbidden, error_names::FORBIDDEN)
                .with_hint("an API token may do what the admin who made it may: look at that admin's roles in Okta"),
            "E0000007" => kind(failure, ErrorKind::NotFound, error_names::NOT_FOUND),
            "E0000009" | "E0000010" => kind(failure, ErrorKind::Unavailable, error_names::UNAVAILABLE),
            "E0000022" => kind(failure, ErrorKind::Configuration, codes::UNSUPPORTED.name())
                .with_hint("check the base URL: it ends in `/api/v1`"),
            "E0000038" => kind(failure, ErrorKind::Conflict, error_names::CONFLICT),
            "E0000047" => kind(failure, ErrorKind::RateLimited, error_names::RATE_LIMITED),
            _ => failure,
        }
    }

    fn message(&self) -> String {
        let mut message = self.error_summary.trim().trim_end_matches('.').to_owned();
        let causes = match &self.error_causes {
            Value::Array(causes) => causes.as_slice(),
            cause => std::slice::from_ref(cause),
        };
        for cause in causes.iter().filter_map(|cause| cause.get("errorSummary")?.as_str()) {
            let cause = cause.trim().trim_end_matches('.');
            if !message.contains(cause) {
                message = format!("{message}: {cause}");
            }
        }
        format!("{message} ({})", self.error_code).trim_start().to_owned()
    }
}
