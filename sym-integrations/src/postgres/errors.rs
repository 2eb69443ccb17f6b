//! Errors of the server, by their SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
//!
//! An error says what was attempted, what the server answered, and its SQLSTATE. It never contains a statement, nor the server's text
//! for errors of syntax, which quotes one: a statement may contain a password's verifier.

use std::error::Error as _;
use std::fmt::Display;

use sym_sdk::error::{Error, ErrorKind, Result};
use tokio_postgres::error::SqlState;

use super::codes;
use crate::http::{certificate, error_names};
use crate::kit::Vendor;

pub(super) const POSTGRES: Vendor = Vendor::new("postgres", "Postgres");

/// The class of errors of syntax and access rules, except for those that are told apart below.
const SYNTAX: &str = "42601";

pub(super) trait Explain<T> {
    /// Converts an error of the driver, given what was attempted and on which server.
    fn explain(self, action: &str, server: &dyn Display) -> Result<T>;
}

impl<T> Explain<T> for Result<T, tokio_postgres::Error> {
    fn explain(self, action: &str, server: &dyn Display) -> Result<T> {
        self.map_err(|error| match error.as_db_error() {
            Some(refused) => refusal(action, refused.code(), refused.message()),
            None => connection_error(action, server, error),
        })
    }
}

/// Whether a transaction that failed with this error would have succeeded without another one beside it.
pub(super) fn is_conflict(error: &Error) -> bool {
    error.code().name() == error_names::CONFLICT
}

pub(super) fn time_out(action: &str, server: &dyn Display) -> Error {
    let message = format!("could not {action}: server `{server}` did not answer in time");
    POSTGRES.error(ErrorKind::Timeout, POSTGRES.code(error_names::TIMED_OUT), message)
}

/// An error for an answer that no version of PostgreSQL gives.
pub(super) fn unexpected(action: &str) -> Error {
    let message = format!("could not {action}: the answer has another form than PostgreSQL's");
    POSTGRES
        .error(ErrorKind::Decode, POSTGRES.code(error_names::INVALID_RESPONSE), message)
        .with_hint("check that the server is PostgreSQL, and not a database that only speaks its protocol")
}

fn refusal(action: &str, state: &SqlState, message: &str) -> Error {
    let text = match state.code() {
        SYNTAX => "the server does not understand the statement",
        _ => message,
    };
    let message = format!("could not {action}: {text} (SQLSTATE {})", state.code());
    let error = |kind, name| POSTGRES.error(kind, POSTGRES.code(name), message.clone());
    let known = |kind, code| POSTGRES.error(kind, code, message.clone());
    match state.code() {
        "28P01" | "28000" => error(ErrorKind::Unauthorized, error_names::AUTH_FAILED)
            .with_hint("check the setting `user`, the secret of `password_secret`, and the server's `pg_hba.conf`"),
        "3D000" => error(ErrorKind::Configuration, error_names::NOT_FOUND)
            .with_hint("check the integration's setting `database`"),
        "42501" => error(ErrorKind::Forbidden, error_names::FORBIDDEN),
        "42704" => known(ErrorKind::NotFound, codes::ROLE_NOT_FOUND),
        "25006" => known(ErrorKind::Configuration, codes::READ_ONLY)
            .with_hint("set the `external_id` of the integration to the primary; standbys belong into `replicas`"),
        // A pooler gave the statement's connection to somebody else.
        "26000" | "42P05" => known(ErrorKind::Configuration, codes::POOLED).with_hint(POOLER_HINT),
        "40001" | "40P01" | "55P03" => error(ErrorKind::Conflict, error_names::CONFLICT),
        "XX000" if message.contains("tuple concurrently") => error(ErrorKind::Conflict, error_names::CONFLICT),
        "57014" => error(ErrorKind::Timeout, error_names::TIMED_OUT),
        code if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            error(ErrorKind::Unavailable, error_names::UNAVAILABLE)
        }
        _ => error(ErrorKind::Strategy, error_names::ERROR_RESPONSE),
    }
}

/// The hint for a pooler.
pub(super) const POOLER_HINT: &str =
    "connect to the server itself: behind a pooler, sessions belong to other connections and cannot be found and ended";

fn connection_error(action: &str, server: &dyn Display, error: tokio_postgres::Error) -> Error {
    if let Some(hint) = certificate::rejected(&error) {
        let message = format!("could not {action}: the certificate of server `{server}` is not trusted");
        let code = POSTGRES.code(error_names::UNTRUSTED_CERTIFICATE);
        return POSTGRES.error(ErrorKind::Configuration, code, message).with_hint(hint);
    }
    let cause = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    let message = format!("could not {action} on server `{server}`: {cause}");
    // The driver reports refused credentials and the lack of TLS without a SQLSTATE.
    if cause.starts_with("authentication error") || cause.starts_with("invalid configuration") {
        return POSTGRES.error(ErrorKind::Unauthorized, POSTGRES.code(error_names::AUTH_FAILED), message);
    }
    if cause.contains("server does not support TLS") {
        return POSTGRES
            .error(ErrorKind::Configuration, POSTGRES.code(error_names::UNREACHABLE), message)
            .with_hint("turn on `ssl` on the server: only servers on this machine are connected to without TLS");
    }
    if cause.contains("does not allow writes") || cause.contains("session attributes") {
        return POSTGRES
            .error(ErrorKind::Configuration, codes::READ_ONLY, message)
            .with_hint("set the `external_id` of the integration to the primary; standbys belong into `replicas`");
    }
    let name = if error.is_closed() { error_names::CONNECTION_LOST } else { error_names::UNREACHABLE };
    POSTGRES.error(ErrorKind::Unavailable, POSTGRES.code(name), message)
}
