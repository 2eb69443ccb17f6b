//! The error codes of Boundary's client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::client::BOUNDARY;
use crate::kit::vendor_errors;

/// `Boundary:GROUP_NOT_FOUND`: there is no such group.
pub const GROUP_NOT_FOUND: ErrorCode = BOUNDARY.code(vendor_errors::GROUP_NOT_FOUND);
/// `Boundary:GROUP_NOT_NATIVE`: the id is not that of a group whose members can be changed, but that of a managed group, for example.
pub const GROUP_NOT_NATIVE: ErrorCode = BOUNDARY.code(vendor_errors::GROUP_NOT_NATIVE);
/// `Boundary:GROUP_TOO_LARGE`: the list of the group's members may have been cut off, so that it does not show who is not a member.
pub const GROUP_TOO_LARGE: ErrorCode = BOUNDARY.code("GROUP_TOO_LARGE");
/// `Boundary:USER_NOT_FOUND`: there is no such Boundary user. Users appear when they sign in for the first time.
pub const USER_NOT_FOUND: ErrorCode = BOUNDARY.code(vendor_errors::USER_NOT_FOUND);
/// `Boundary:AMBIGUOUS_USER`: several Boundary users have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = BOUNDARY.code(vendor_errors::AMBIGUOUS_USER);
/// `Boundary:NOT_A_USER_ID`: the identity stored for a user is not a Boundary user id, but that of an account, for example.
pub const NOT_A_USER_ID: ErrorCode = BOUNDARY.code(vendor_errors::NOT_A_USER_ID);
/// `Boundary:STILL_MEMBER`: Boundary removed the user from the group, and still lists them as a member.
pub const STILL_MEMBER: ErrorCode = BOUNDARY.code(vendor_errors::STILL_MEMBER);
