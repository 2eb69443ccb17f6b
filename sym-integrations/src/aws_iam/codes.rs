//! The error codes of the IAM client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::client::IAM;
use crate::kit::vendor_errors;

/// `AWSIAM:GROUP_NOT_FOUND`: there is no such group in the account.
pub const GROUP_NOT_FOUND: ErrorCode = IAM.code(vendor_errors::GROUP_NOT_FOUND);
/// `AWSIAM:USER_NOT_FOUND`: there is no such IAM user in the account.
pub const USER_NOT_FOUND: ErrorCode = IAM.code(vendor_errors::USER_NOT_FOUND);
/// `AWSIAM:NOT_A_USER_ID`: the identity stored for a user is not the ARN of an IAM user of the account.
pub const NOT_A_USER_ID: ErrorCode = IAM.code(vendor_errors::NOT_A_USER_ID);
/// `AWSIAM:STILL_MEMBER`: IAM removed the user from the group, and still lists them as a member.
pub const STILL_MEMBER: ErrorCode = IAM.code(vendor_errors::STILL_MEMBER);
/// `AWSIAM:LIMIT_EXCEEDED`: the user is in as many groups as IAM allows.
pub const LIMIT_EXCEEDED: ErrorCode = IAM.code("LIMIT_EXCEEDED");
