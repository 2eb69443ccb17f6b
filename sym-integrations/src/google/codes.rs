//! The error codes of Google's client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::GOOGLE_USER_NOT_FOUND as USER_NOT_FOUND;

use super::client::GOOGLE;
use crate::kit::vendor_errors;

/// `Google:GROUP_NOT_FOUND`: there is no such group.
pub const GROUP_NOT_FOUND: ErrorCode = GOOGLE.code(vendor_errors::GROUP_NOT_FOUND);
/// `Google:USER_DEPROVISIONED`: the Google account is suspended or archived.
pub const USER_DEPROVISIONED: ErrorCode = GOOGLE.code(vendor_errors::USER_DEPROVISIONED);
/// `Google:NOT_A_USER`: the address is that of a group, whose members would all get the access.
pub const NOT_A_USER: ErrorCode = GOOGLE.code("NOT_A_USER");
/// `Google:EXTERNAL_USER`: the address belongs to none of the organization's domains.
pub const EXTERNAL_USER: ErrorCode = GOOGLE.code("EXTERNAL_USER");
/// `Google:EVERYONE`: everyone in the organization is a member of the group, and Google does not list them.
pub const EVERYONE: ErrorCode = GOOGLE.code("EVERYONE");
/// `Google:ALREADY_MEMBER`: the address is a member of the group already.
pub const ALREADY_MEMBER: ErrorCode = GOOGLE.code(ALREADY_MEMBER_NAME);
/// `Google:NOT_SETTLED`: Google's answers about a recent change contradict each other; they agree after some minutes.
pub const NOT_SETTLED: ErrorCode = GOOGLE.code("NOT_SETTLED");
/// `Google:STILL_MEMBER`: Google confirmed that the user was removed from the group, and still lists them in it.
pub const STILL_MEMBER: ErrorCode = GOOGLE.code(vendor_errors::STILL_MEMBER);
/// `Google:MISSING_SCOPE`: the access token lacks a scope.
pub const MISSING_SCOPE: ErrorCode = GOOGLE.code(MISSING_SCOPE_NAME);
/// `Google:API_DISABLED`: the Admin SDK API is not enabled in the project of the service account.
pub const API_DISABLED: ErrorCode = GOOGLE.code(API_DISABLED_NAME);
/// `Google:DAILY_LIMIT`: the number of members that can be added in a day is used up.
pub const DAILY_LIMIT: ErrorCode = GOOGLE.code(DAILY_LIMIT_NAME);

pub(super) const ALREADY_MEMBER_NAME: &str = "ALREADY_MEMBER";
pub(super) const MISSING_SCOPE_NAME: &str = "MISSING_SCOPE";
pub(super) const API_DISABLED_NAME: &str = "API_DISABLED";
pub(super) const DAILY_LIMIT_NAME: &str = "DAILY_LIMIT";
