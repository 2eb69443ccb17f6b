//! What PagerDuty says went wrong, and what this client finds out itself.

use serde::Deserialize;
use sym_sdk::error::{ErrorCode, ErrorKind, codes};

use crate::http::{Failure, Response, Service};

/// `PagerDuty:SCHEDULE_NOT_FOUND`: there is no such schedule.
pub const SCHEDULE_NOT_FOUND: ErrorCode = ErrorCode::new(ERROR_TYPE, "SCHEDULE_NOT_FOUND");
/// `PagerDuty:ESCALATION_POLICY_NOT_FOUND`: there is no such escalation policy.
pub const ESCALATION_POLICY_NOT_FOUND: ErrorCode = ErrorCode::new(ERROR_TYPE, "ESCALATION_POLICY_NOT_FOUND");
/// `PagerDuty:AMBIGUOUS_NAME`: several schedules or escalation policies have the name.
pub const AMBIGUOUS_NAME: ErrorCode = ErrorCode::new(ERROR_TYPE, "AMBIGUOUS_NAME");
/// `PagerDuty:INVALID_FILTER`: a filter that PagerDuty could not answer, or would answer with something else.
pub const INVALID_FILTER: ErrorCode = ErrorCode::new(ERROR_TYPE, "INVALID_FILTER");
/// `PagerDuty:MISSING_ABILITY`: the account's plan does not have what was asked for.
pub const MISSING_ABILITY: ErrorCode = ErrorCode::new(ERROR_TYPE, "MISSING_ABILITY");
/// `PagerDuty:TOO_MANY_RESULTS`: there are more results than PagerDuty lists.
pub const TOO_MANY_RESULTS: ErrorCode = ErrorCode::new(ERROR_TYPE, "TOO_MANY_RESULTS");

pub(super) const SERVICE: &str = "pagerduty";
pub(super) const ERROR_TYPE: &str = "PagerDuty";

/// PagerDuty's REST API, version 2.
pub(super) struct PagerDutyService;

impl Service for PagerDutyService {
    fn name(&self) -> &'static str {
        SERVICE
    }

    fn error_type(&self) -> &'static str {
        ERROR_TYPE
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() {
            return Ok(());
        }
        let failure = Failure::of(response);
        let words = serde_json::from_slice::<Answer>(response.body()).ok().and_then(|answer| answer.error.words());
        let is_explained = words.is_some();
        let failure = match words {
            Some(words) => failure.with_message(words),
            None => failure,
        };
        Err(match response.status() {
            401 => failure
                .with_hint("check the API key; accounts of the EU need the base URL `https://api.eu.pagerduty.com`"),
            402 => failure
                .with_kind(ErrorKind::Forbidden)
                .with_code(MISSING_ABILITY)
                .with_hint("the account's plan lacks an ability; without `urgencies`, ask with `any_urgency()`"),
            403 => failure.with_hint(
                "the token needs `oncalls.read`, `users.read`, `schedules.read`, `escalation_policies.read`, \
                 `services.read` or `incidents.read`, by what is asked for",
            ),
            // On other answers it says when the period ends, not that one has to wait for it.
            429 => failure.with_retry_after(response.retry_delay_seconds("ratelimit-reset")),
            500 if !is_explained => failure.with_code(codes::PAGERDUTY_UNKNOWN),
            _ => failure,
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    message: Option<String>,
    code: Option<i64>,
    errors: Option<Details>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Details {
    One(String),
    Several(Vec<String>),
}

impl Fault {
    /// All that it says, in one line.
    fn words(self) -> Option<String> {
        let mut words = self.message.filter(|message| !message.is_empty())?;
        if let Some(code) = self.code {
            words.push_str(&format!(" ({code})"));
        }
        let details = match self.errors {
            None => Vec::new(),
            Some(Details::One(detail)) => vec![detail],
            Some(Details::Several(details)) => details,
        };
        if !details.is_empty() {
            words.push_str(&format!(": {}", details.join(", ")));
        }
        Some(words)
    }
}
