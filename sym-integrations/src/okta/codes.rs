//! The error codes of Okta's client and strategy, beside those that every service has: [`names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::OKTA_GROUP_NOT_FOUND as GROUP_NOT_FOUND;

/// `Okta:USER_NOT_FOUND`: there is no such Okta user.
pub const USER_NOT_FOUND: ErrorCode = ErrorCode::new("Okta", "USER_NOT_FOUND");
/// `Okta:USER_DEPROVISIONED`: the Okta user is deactivated.
pub const USER_DEPROVISIONED: ErrorCode = ErrorCode::new("Okta", "USER_DEPROVISIONED");
/// `Okta:AMBIGUOUS_USER`: several Okta users have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = ErrorCode::new("Okta", "AMBIGUOUS_USER");
/// `Okta:NOT_A_USER_ID`: what is stored as the id of an Okta user is something else, such as a login.
pub const NOT_A_USER_ID: ErrorCode = ErrorCode::new("Okta", "NOT_A_USER_ID");
/// `Okta:GROUP_NOT_NATIVE`: the members of the group are not Okta's to change, but those of an app or of Okta itself.
pub const GROUP_NOT_NATIVE: ErrorCode = ErrorCode::new("Okta", "GROUP_NOT_NATIVE");
/// `Okta:STILL_MEMBER`: Okta took the user out of the group, and lists them there all the same.
pub const STILL_MEMBER: ErrorCode = ErrorCode::new("Okta", "STILL_MEMBER");
/// `Okta:UNSUPPORTED`: the address is not one of Okta's API.
pub const UNSUPPORTED: ErrorCode = ErrorCode::new("Okta", "UNSUPPORTED");
