//! The error codes of Slack that the client gives of its own accord.
//!
//! What Slack itself refuses has its name: `is_archived` is `Slack:IS_ARCHIVED`. Missing scopes, rejected tokens and what is not
//! found can be told by [`Error::kind`](sym_sdk::Error::kind) as well.

use sym_sdk::error::ErrorCode;

/// `Slack:USER_NOT_FOUND`: there is no such person in the workspace.
pub const USER_NOT_FOUND: ErrorCode = ErrorCode::new("Slack", "USER_NOT_FOUND");
/// `Slack:AMBIGUOUS_USER`: several people go by this name.
pub const AMBIGUOUS_USER: ErrorCode = ErrorCode::new("Slack", "AMBIGUOUS_USER");
/// `Slack:CHANNEL_NOT_FOUND`: there is no such channel, or the app cannot see it.
pub const CHANNEL_NOT_FOUND: ErrorCode = ErrorCode::new("Slack", "CHANNEL_NOT_FOUND");
/// `Slack:GROUP_NOT_FOUND`: there is no such user group.
pub const GROUP_NOT_FOUND: ErrorCode = ErrorCode::new("Slack", "GROUP_NOT_FOUND");
/// `Slack:INVALID_MESSAGE_REF`: what should say where a message stands does not.
pub const INVALID_MESSAGE_REF: ErrorCode = ErrorCode::new("Slack", "INVALID_MESSAGE_REF");
/// `Slack:INVALID_RESPONSE_URL`: not a URL that Slack gives to answer to.
pub const INVALID_RESPONSE_URL: ErrorCode = ErrorCode::new("Slack", "INVALID_RESPONSE_URL");
/// `Slack:NOT_SIGNED`: a request has no signature or no time.
pub const NOT_SIGNED: ErrorCode = ErrorCode::new("Slack", "NOT_SIGNED");
/// `Slack:INVALID_TIMESTAMP`: the time of a request is not one.
pub const INVALID_TIMESTAMP: ErrorCode = ErrorCode::new("Slack", "INVALID_TIMESTAMP");
/// `Slack:STALE_REQUEST`: a request is too old, or from the future.
pub const STALE_REQUEST: ErrorCode = ErrorCode::new("Slack", "STALE_REQUEST");
/// `Slack:INVALID_SIGNATURE`: the signature of a request is not of the known form.
pub const INVALID_SIGNATURE: ErrorCode = ErrorCode::new("Slack", "INVALID_SIGNATURE");
/// `Slack:WRONG_SIGNATURE`: a request was signed by somebody else, or changed on its way.
pub const WRONG_SIGNATURE: ErrorCode = ErrorCode::new("Slack", "WRONG_SIGNATURE");
/// `Slack:SOCKET`: the socket on which Slack tells what people do is broken.
pub const SOCKET: ErrorCode = ErrorCode::new("Slack", "SOCKET");
