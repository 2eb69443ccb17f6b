//! The error codes that the Slack client adds to Slack's own.
//!
//! An error that Slack reports keeps its name: `is_archived` becomes `Slack:IS_ARCHIVED`. To detect a missing scope, a rejected
//! token or something not found, match on [`Error::kind`](sym_sdk::Error::kind).

use sym_sdk::error::ErrorCode;

use super::client::SLACK;
use crate::kit::vendor_errors;

/// `Slack:USER_NOT_FOUND`: the workspace has no such user.
pub const USER_NOT_FOUND: ErrorCode = SLACK.code(vendor_errors::USER_NOT_FOUND);
/// `Slack:AMBIGUOUS_USER`: several users have this name.
pub const AMBIGUOUS_USER: ErrorCode = SLACK.code(vendor_errors::AMBIGUOUS_USER);
/// `Slack:CHANNEL_NOT_FOUND`: the channel does not exist, or the app cannot see it.
pub const CHANNEL_NOT_FOUND: ErrorCode = SLACK.code("CHANNEL_NOT_FOUND");
/// `Slack:GROUP_NOT_FOUND`: the user group does not exist.
pub const GROUP_NOT_FOUND: ErrorCode = SLACK.code(vendor_errors::GROUP_NOT_FOUND);
/// `Slack:INVALID_MESSAGE_REF`: a text is not a reference to a message.
pub const INVALID_MESSAGE_REF: ErrorCode = SLACK.code("INVALID_MESSAGE_REF");
/// `Slack:INVALID_RESPONSE_URL`: a URL is not a response URL of Slack.
pub const INVALID_RESPONSE_URL: ErrorCode = SLACK.code("INVALID_RESPONSE_URL");
/// `Slack:UNKNOWN_MESSAGE`: Slack has posted a message, and its response does not say which.
pub const UNKNOWN_MESSAGE: ErrorCode = SLACK.code("UNKNOWN_MESSAGE");
/// `Slack:NOT_SIGNED`: a request has no signature or no timestamp.
pub const NOT_SIGNED: ErrorCode = SLACK.code("NOT_SIGNED");
/// `Slack:INVALID_TIMESTAMP`: the timestamp of a request is malformed.
pub const INVALID_TIMESTAMP: ErrorCode = SLACK.code("INVALID_TIMESTAMP");
/// `Slack:STALE_REQUEST`: the timestamp of a request is more than five minutes in the past or the future.
pub const STALE_REQUEST: ErrorCode = SLACK.code("STALE_REQUEST");
/// `Slack:INVALID_SIGNATURE`: the signature of a request is malformed.
pub const INVALID_SIGNATURE: ErrorCode = SLACK.code("INVALID_SIGNATURE");
/// `Slack:WRONG_SIGNATURE`: a request was signed with another secret, or modified after signing.
pub const WRONG_SIGNATURE: ErrorCode = SLACK.code("WRONG_SIGNATURE");
/// `Slack:SOCKET`: the Socket Mode connection failed.
pub const SOCKET: ErrorCode = SLACK.code("SOCKET");
