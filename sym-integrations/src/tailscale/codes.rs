//! The error codes of Tailscale's client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::client::TAILSCALE;
use crate::kit::vendor_errors;

/// `Tailscale:GROUP_NOT_FOUND`: the policy file has no such group.
pub const GROUP_NOT_FOUND: ErrorCode = TAILSCALE.code(vendor_errors::GROUP_NOT_FOUND);
/// `Tailscale:GROUP_NOT_NATIVE`: the policy file is maintained in a repository.
pub const GROUP_NOT_NATIVE: ErrorCode = TAILSCALE.code(vendor_errors::GROUP_NOT_NATIVE);
/// `Tailscale:USER_NOT_FOUND`: no member of the tailnet has the login.
pub const USER_NOT_FOUND: ErrorCode = TAILSCALE.code(vendor_errors::USER_NOT_FOUND);
/// `Tailscale:USER_DEPROVISIONED`: the user is suspended, or not approved yet.
pub const USER_DEPROVISIONED: ErrorCode = TAILSCALE.code(vendor_errors::USER_DEPROVISIONED);
/// `Tailscale:NOT_A_USER_ID`: the identity stored for a user is not their login as Tailscale spells it.
pub const NOT_A_USER_ID: ErrorCode = TAILSCALE.code(vendor_errors::NOT_A_USER_ID);
/// `Tailscale:STILL_MEMBER`: the user was removed from the group, and is in it again.
pub const STILL_MEMBER: ErrorCode = TAILSCALE.code(vendor_errors::STILL_MEMBER);
/// `Tailscale:AMBIGUOUS_POLICY`: the policy file cannot be changed safely, because it says something twice, or in a form that is not
/// understood.
pub const AMBIGUOUS_POLICY: ErrorCode = TAILSCALE.code("AMBIGUOUS_POLICY");
/// `Tailscale:NO_ETAG`: Tailscale sent the policy file without its version, so it cannot be changed safely.
pub const NO_ETAG: ErrorCode = TAILSCALE.code("NO_ETAG");
/// `Tailscale:TESTS_FAILED`: the tests in the policy file refuse the change.
pub const TESTS_FAILED: ErrorCode = TAILSCALE.code("TESTS_FAILED");
/// `Tailscale:REJECTED_POLICY`: Tailscale does not accept the policy file.
pub const REJECTED_POLICY: ErrorCode = TAILSCALE.code("REJECTED_POLICY");
