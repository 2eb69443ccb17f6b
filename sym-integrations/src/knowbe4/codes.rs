//! The error codes of KnowBe4's client, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::KNOWBE4_USER_NOT_FOUND as USER_NOT_FOUND;

use super::client::KNOWBE4;
use crate::kit::vendor_errors;

/// `KnowBe4:USER_DEPROVISIONED`: the KnowBe4 user is archived.
pub const USER_DEPROVISIONED: ErrorCode = KNOWBE4.code(vendor_errors::USER_DEPROVISIONED);
/// `KnowBe4:AMBIGUOUS_USER`: several active KnowBe4 users have the e-mail address.
pub const AMBIGUOUS_USER: ErrorCode = KNOWBE4.code(vendor_errors::AMBIGUOUS_USER);
/// `KnowBe4:NOT_A_USER_ID`: the identity stored for a user is not the number of a KnowBe4 user.
pub const NOT_A_USER_ID: ErrorCode = KNOWBE4.code(vendor_errors::NOT_A_USER_ID);
