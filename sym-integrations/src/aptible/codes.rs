//! The error codes of the strategy `aptible`, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::client::APTIBLE;
use crate::kit::vendor_errors;

/// `Aptible:ROLE_NOT_FOUND`: there is no such role.
pub const ROLE_NOT_FOUND: ErrorCode = APTIBLE.code(vendor_errors::ROLE_NOT_FOUND);
/// `Aptible:GROUP_NOT_NATIVE`: the members of the role are managed by an identity provider.
pub const GROUP_NOT_NATIVE: ErrorCode = APTIBLE.code(vendor_errors::GROUP_NOT_NATIVE);
/// `Aptible:USER_NOT_FOUND`: there is no such user in the organization.
pub const USER_NOT_FOUND: ErrorCode = APTIBLE.code(vendor_errors::USER_NOT_FOUND);
/// `Aptible:AMBIGUOUS_USER`: several users of the organization have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = APTIBLE.code(vendor_errors::AMBIGUOUS_USER);
/// `Aptible:NOT_A_USER_ID`: the identity stored for a user is not an Aptible user id.
pub const NOT_A_USER_ID: ErrorCode = APTIBLE.code(vendor_errors::NOT_A_USER_ID);
/// `Aptible:LAST_MEMBERSHIP`: the user has no other role in the organization, and would be removed from it.
pub const LAST_MEMBERSHIP: ErrorCode = APTIBLE.code("LAST_MEMBERSHIP");
/// `Aptible:SECOND_FACTOR_REQUIRED`: Aptible asks the account of the integration for a second factor.
pub const SECOND_FACTOR_REQUIRED: ErrorCode = APTIBLE.code("SECOND_FACTOR_REQUIRED");
/// `Aptible:STILL_MEMBER`: Aptible removed the user from the role, and still lists them as a member.
pub const STILL_MEMBER: ErrorCode = APTIBLE.code(vendor_errors::STILL_MEMBER);
