//! The error codes of Jira's client, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::client::JIRA;
use crate::kit::vendor_errors;

/// `Jira:EMPTY_QUERY`: a search without a query.
pub const EMPTY_QUERY: ErrorCode = JIRA.code("EMPTY_QUERY");
/// `Jira:EMPTY_TEXT`: a comment or a title without anything visible.
pub const EMPTY_TEXT: ErrorCode = JIRA.code("EMPTY_TEXT");
/// `Jira:ISSUE_NOT_FOUND`: there is no such issue, or the token may not see it.
pub const ISSUE_NOT_FOUND: ErrorCode = JIRA.code("ISSUE_NOT_FOUND");
/// `Jira:TRANSITION_NOT_FOUND`: the issue has no such transition in its present status, or several of this name.
pub const TRANSITION_NOT_FOUND: ErrorCode = JIRA.code("TRANSITION_NOT_FOUND");
/// `Jira:COMMENT_IS_PUBLIC`: a comment that was to be internal can be read by customers.
pub const COMMENT_IS_PUBLIC: ErrorCode = JIRA.code("COMMENT_IS_PUBLIC");
/// `Jira:AMBIGUOUS_USER`: several Jira users have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = JIRA.code(vendor_errors::AMBIGUOUS_USER);
/// `Jira:USER_DEPROVISIONED`: the Jira user is deactivated.
pub const USER_DEPROVISIONED: ErrorCode = JIRA.code(vendor_errors::USER_DEPROVISIONED);
