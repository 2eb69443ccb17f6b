//! The error codes of OneLogin's client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::ONELOGIN_AUTH_FAILED as AUTH_FAILED;

use super::client::ONELOGIN;
use crate::kit::vendor_errors;

/// `OneLogin:ROLE_NOT_FOUND`: there is no such role.
pub const ROLE_NOT_FOUND: ErrorCode = ONELOGIN.code(vendor_errors::ROLE_NOT_FOUND);
/// `OneLogin:USER_NOT_FOUND`: there is no such OneLogin user.
pub const USER_NOT_FOUND: ErrorCode = ONELOGIN.code(vendor_errors::USER_NOT_FOUND);
/// `OneLogin:USER_DEPROVISIONED`: the OneLogin user is suspended, rejected or without a license.
pub const USER_DEPROVISIONED: ErrorCode = ONELOGIN.code(vendor_errors::USER_DEPROVISIONED);
/// `OneLogin:AMBIGUOUS_USER`: several OneLogin users have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = ONELOGIN.code(vendor_errors::AMBIGUOUS_USER);
/// `OneLogin:NOT_A_USER_ID`: the identity stored for a user is not a OneLogin user id, but another name such as an address.
pub const NOT_A_USER_ID: ErrorCode = ONELOGIN.code(vendor_errors::NOT_A_USER_ID);
/// `OneLogin:STILL_MEMBER`: OneLogin removed the user from the role, and still lists them.
pub const STILL_MEMBER: ErrorCode = ONELOGIN.code(vendor_errors::STILL_MEMBER);
/// `OneLogin:MAPPINGS_NOT_RUN`: the role was changed, and the mappings that give or take its applications could not be run.
pub const MAPPINGS_NOT_RUN: ErrorCode = ONELOGIN.code("MAPPINGS_NOT_RUN");
