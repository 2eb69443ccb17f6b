//! The error codes of Okta's client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::OKTA_GROUP_NOT_FOUND as GROUP_NOT_FOUND;

use super::client::OKTA;
use crate::kit::vendor_errors;

/// `Okta:USER_NOT_FOUND`: there is no such Okta user.
pub const USER_NOT_FOUND: ErrorCode = OKTA.code(vendor_errors::USER_NOT_FOUND);
/// `Okta:USER_DEPROVISIONED`: the Okta user is deactivated.
pub const USER_DEPROVISIONED: ErrorCode = OKTA.code(vendor_errors::USER_DEPROVISIONED);
/// `Okta:AMBIGUOUS_USER`: several Okta users have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = OKTA.code(vendor_errors::AMBIGUOUS_USER);
/// `Okta:NOT_A_USER_ID`: the identity stored for a user is not an Okta user id, but another name such as a login.
pub const NOT_A_USER_ID: ErrorCode = OKTA.code(vendor_errors::NOT_A_USER_ID);
/// `Okta:GROUP_NOT_NATIVE`: the members of the group are managed by an app or by Okta itself.
pub const GROUP_NOT_NATIVE: ErrorCode = OKTA.code(vendor_errors::GROUP_NOT_NATIVE);
/// `Okta:STILL_MEMBER`: Okta removed the user from the group, and still lists them as a member.
pub const STILL_MEMBER: ErrorCode = OKTA.code(vendor_errors::STILL_MEMBER);
/// `Okta:UNSUPPORTED`: the URL is not one of Okta's API.
pub const UNSUPPORTED: ErrorCode = OKTA.code("UNSUPPORTED");
