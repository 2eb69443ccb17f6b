//! The error codes of the Identity Center client and strategy, beside those of every service:
//! [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::client::SSO;
use crate::kit::vendor_errors;

/// `AWSSSO:GROUP_NOT_FOUND`: there is no such group in the identity store.
pub const GROUP_NOT_FOUND: ErrorCode = SSO.code(vendor_errors::GROUP_NOT_FOUND);
/// `AWSSSO:USER_NOT_FOUND`: there is no such user in the identity store.
pub const USER_NOT_FOUND: ErrorCode = SSO.code(vendor_errors::USER_NOT_FOUND);
/// `AWSSSO:USER_DEPROVISIONED`: the user of the identity store is disabled.
pub const USER_DEPROVISIONED: ErrorCode = SSO.code(vendor_errors::USER_DEPROVISIONED);
/// `AWSSSO:NOT_A_USER_ID`: the identity stored for a user is not the id of a user of the identity store.
pub const NOT_A_USER_ID: ErrorCode = SSO.code(vendor_errors::NOT_A_USER_ID);
/// `AWSSSO:STILL_MEMBER`: the user was removed from the group, and is still listed as a member.
pub const STILL_MEMBER: ErrorCode = SSO.code(vendor_errors::STILL_MEMBER);
/// `AWSSSO:TOO_MANY_MEMBERS`: the group has more members than a reducer can use.
pub const TOO_MANY_MEMBERS: ErrorCode = SSO.code("TOO_MANY_MEMBERS");
/// `AWSSSO:INSTANCE_NOT_FOUND`: the region has no such instance of Identity Center, or several.
pub const INSTANCE_NOT_FOUND: ErrorCode = SSO.code("INSTANCE_NOT_FOUND");
/// `AWSSSO:PERMISSION_SET_NOT_FOUND`: the instance has no such permission set.
pub const PERMISSION_SET_NOT_FOUND: ErrorCode = SSO.code("PERMISSION_SET_NOT_FOUND");
/// `AWSSSO:PARENT_NOT_FOUND`: the organization has no such organizational unit or root.
pub const PARENT_NOT_FOUND: ErrorCode = SSO.code("PARENT_NOT_FOUND");
/// `AWSSSO:ACCOUNT_NOT_ACTIVE`: the account is suspended or closed, or does not belong to the organization.
pub const ACCOUNT_NOT_ACTIVE: ErrorCode = SSO.code("ACCOUNT_NOT_ACTIVE");
/// `AWSSSO:DELEGATED_ADMINISTRATOR`: the permission set is provisioned in the management account, and only that can change it.
pub const DELEGATED_ADMINISTRATOR: ErrorCode = SSO.code("DELEGATED_ADMINISTRATOR");
/// `AWSSSO:ASSIGNMENT_FAILED`: AWS accepted the change of an assignment, and has failed to carry it out.
pub const ASSIGNMENT_FAILED: ErrorCode = SSO.code("ASSIGNMENT_FAILED");
/// `AWSSSO:ASSIGNMENT_IN_PROGRESS`: AWS is still at work on the change of an assignment.
pub const ASSIGNMENT_IN_PROGRESS: ErrorCode = SSO.code("ASSIGNMENT_IN_PROGRESS");
