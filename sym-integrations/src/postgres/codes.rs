//! The error codes of the PostgreSQL client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;

use super::errors::POSTGRES;

/// `Postgres:ROLE_NOT_FOUND`: there is no such role.
pub const ROLE_NOT_FOUND: ErrorCode = POSTGRES.code("ROLE_NOT_FOUND");
/// `Postgres:UNSAFE_ROLE`: access through the role of a target could not be revoked, because it may log in or make lasting changes to
/// roles or the server.
pub const UNSAFE_ROLE: ErrorCode = POSTGRES.code("UNSAFE_ROLE");
/// `Postgres:NAME_TAKEN`: a role with the name of a Run's temporary role exists, and is not that Run's.
pub const NAME_TAKEN: ErrorCode = POSTGRES.code("NAME_TAKEN");
/// `Postgres:ENDED`: by the server's clock, the access has ended before it could be granted.
pub const ENDED: ErrorCode = POSTGRES.code("ENDED");
/// `Postgres:STILL_PRESENT`: after a revocation, the server still shows a login, a membership or a session.
pub const STILL_PRESENT: ErrorCode = POSTGRES.code("STILL_PRESENT");
/// `Postgres:ROLE_LEFT`: a temporary role without login and memberships could not be dropped.
pub const ROLE_LEFT: ErrorCode = POSTGRES.code("ROLE_LEFT");
/// `Postgres:POOLED`: a connection pooler stands between the program and the server.
pub const POOLED: ErrorCode = POSTGRES.code("POOLED");
/// `Postgres:READ_ONLY`: the server is a standby, or its transactions are read-only.
pub const READ_ONLY: ErrorCode = POSTGRES.code("READ_ONLY");
/// `Postgres:UNSUPPORTED_VERSION`: the server is older than PostgreSQL 14.
pub const UNSUPPORTED_VERSION: ErrorCode = POSTGRES.code("UNSUPPORTED_VERSION");
/// `Postgres:NO_LOGIN`: an event has no temporary login.
pub const NO_LOGIN: ErrorCode = POSTGRES.code("NO_LOGIN");
