//! The error codes of GitHub's client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::GITHUB_REPOSITORY_NOT_FOUND as REPOSITORY_NOT_FOUND;

use super::client::GITHUB;
use super::errors::{NO_SEAT as NO_SEAT_NAME, SSO_REQUIRED as SSO_REQUIRED_NAME};
use crate::kit::vendor_errors;

/// `GitHub:USER_NOT_FOUND`: there is no such GitHub user.
pub const USER_NOT_FOUND: ErrorCode = GITHUB.code(vendor_errors::USER_NOT_FOUND);
/// `GitHub:USER_DEPROVISIONED`: the GitHub user is suspended.
pub const USER_DEPROVISIONED: ErrorCode = GITHUB.code(vendor_errors::USER_DEPROVISIONED);
/// `GitHub:NOT_A_USER_ID`: the identity stored for a user is not the numeric id of a GitHub user, but another name such as a login.
pub const NOT_A_USER_ID: ErrorCode = GITHUB.code(vendor_errors::NOT_A_USER_ID);
/// `GitHub:IDENTITY_CHANGED`: the login of the user belongs to another account now.
pub const IDENTITY_CHANGED: ErrorCode = GITHUB.code("IDENTITY_CHANGED");
/// `GitHub:NOT_A_MEMBER`: the user is not a member of the organization, and the target is for members only.
pub const NOT_A_MEMBER: ErrorCode = GITHUB.code("NOT_A_MEMBER");
/// `GitHub:TOKEN_NOT_A_MEMBER`: the owner of the token is not a member of the organization, so it does not show who is.
pub const TOKEN_NOT_A_MEMBER: ErrorCode = GITHUB.code("TOKEN_NOT_A_MEMBER");
/// `GitHub:TEAM_NOT_FOUND`: there is no such team.
pub const TEAM_NOT_FOUND: ErrorCode = GITHUB.code("TEAM_NOT_FOUND");
/// `GitHub:REPOSITORY_CHANGED`: another repository has taken the name, or the repository belongs to another owner now.
pub const REPOSITORY_CHANGED: ErrorCode = GITHUB.code("REPOSITORY_CHANGED");
/// `GitHub:ROLE_NOT_FOUND`: the organization has no such custom role.
pub const ROLE_NOT_FOUND: ErrorCode = GITHUB.code("ROLE_NOT_FOUND");
/// `GitHub:ROLE_NOT_RESTORABLE`: the grant would replace a role that could not be put back.
pub const ROLE_NOT_RESTORABLE: ErrorCode = GITHUB.code("ROLE_NOT_RESTORABLE");
/// `GitHub:NOT_LISTED`: GitHub accepted a grant, and lists neither a collaborator nor an invitation.
pub const NOT_LISTED: ErrorCode = GITHUB.code("NOT_LISTED");
/// `GitHub:STILL_COLLABORATOR`: GitHub removed the user from the repository, and still lists them.
pub const STILL_COLLABORATOR: ErrorCode = GITHUB.code("STILL_COLLABORATOR");
/// `GitHub:NO_SEAT`: the organization has no seat left.
pub const NO_SEAT: ErrorCode = GITHUB.code(NO_SEAT_NAME);
/// `GitHub:SSO_REQUIRED`: the token is not authorized for the single sign-on of the organization. `check --live` shows
/// the URL at which its owner can authorize it.
pub const SSO_REQUIRED: ErrorCode = GITHUB.code(SSO_REQUIRED_NAME);
