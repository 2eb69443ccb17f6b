//! The error codes of PagerDuty's client, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::{PAGERDUTY_UNKNOWN as UNKNOWN, PAGERDUTY_USER_NOT_FOUND as USER_NOT_FOUND};

use super::client::PAGERDUTY;

/// `PagerDuty:SCHEDULE_NOT_FOUND`: there is no such schedule.
pub const SCHEDULE_NOT_FOUND: ErrorCode = PAGERDUTY.code("SCHEDULE_NOT_FOUND");
/// `PagerDuty:ESCALATION_POLICY_NOT_FOUND`: there is no such escalation policy.
pub const ESCALATION_POLICY_NOT_FOUND: ErrorCode = PAGERDUTY.code("ESCALATION_POLICY_NOT_FOUND");
/// `PagerDuty:AMBIGUOUS_NAME`: several schedules or escalation policies have the name.
pub const AMBIGUOUS_NAME: ErrorCode = PAGERDUTY.code("AMBIGUOUS_NAME");
/// `PagerDuty:INVALID_FILTER`: a filter that PagerDuty cannot answer, or would answer with something else.
pub const INVALID_FILTER: ErrorCode = PAGERDUTY.code("INVALID_FILTER");
/// `PagerDuty:MISSING_ABILITY`: the account's plan does not include what was asked for.
pub const MISSING_ABILITY: ErrorCode = PAGERDUTY.code("MISSING_ABILITY");
/// `PagerDuty:TOO_MANY_RESULTS`: there are more results than PagerDuty lists.
pub const TOO_MANY_RESULTS: ErrorCode = PAGERDUTY.code("TOO_MANY_RESULTS");
