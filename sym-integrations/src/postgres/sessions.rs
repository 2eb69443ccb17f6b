//! The end of sessions.
//!
//! Neither the end of a login nor that of a role ends a session, so sessions are looked for on every server, ended, and looked for again
//! until none has been seen for a while: a session that was about to start when the login ended shows up in between. On a replica
//! the end of the login itself must have arrived, too.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use sym_sdk::error::{Error, ErrorKind, Result};
use tokio_postgres::types::Type;

use super::codes;
use super::connection::{Address, Cluster, Connection, column};
use super::errors::POSTGRES;

/// The time for which no session may be seen before they count as ended.
const QUIET_TIME: Duration = Duration::from_secs(5);

/// The delay between two looks.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Time limit of ending the sessions of one server. All of a revocation has a minute.
const SERVER_TIMEOUT: Duration = Duration::from_secs(35);

/// The time for which the server waits for a session that it has told to end, in milliseconds, and the number of sessions in one look.
const WAIT: i64 = 1_000;
const MAX_WAITS: i64 = 5;

/// The logins whose sessions end.
pub(super) struct Logins {
    pub(super) names: Vec<String>,
    /// The number of a login that somebody may have dropped, whose sessions have no name any more.
    pub(super) dropped: Option<u32>,
}

/// Sessions of one server: the number of each process, which may be used again, with the time of its start.
pub(super) type Sessions = BTreeSet<(i32, String)>;

/// Finds the sessions of logins, `$1` by name and `$2` by number.
const SESSIONS: &str = "\
    FROM pg_stat_activity WHERE usename::text = ANY($1) \
    OR (usesysid = $2 AND NOT EXISTS (SELECT FROM pg_roles WHERE pg_roles.oid = usesysid))";

/// Ends all sessions on all servers, and returns how many there were, with those of the primary that have been ended before.
///
/// # Errors
/// If a server cannot be asked, or still has sessions when the time is up. All servers are tried before.
pub(super) async fn end_all(cluster: &Cluster, logins: &Logins, before: Sessions) -> Result<usize> {
    let before = std::iter::once(before).chain(std::iter::repeat_with(Sessions::new));
    let results =
        join_all(cluster.servers().zip(before).map(|(server, seen)| end_on(cluster, server, logins, seen))).await;
    let mut ended = 0;
    let mut failures = Vec::new();
    for result in results {
        match result {
            Ok(count) => ended += count,
            Err(error) => failures.push(error),
        }
    }
    match failures.len() {
        0 => Ok(ended),
        1 => Err(failures.remove(0)),
        _ => Err(all_of(failures)),
    }
}

async fn end_on(cluster: &Cluster, server: &Address, logins: &Logins, mut seen: Sessions) -> Result<usize> {
    let (clock, connection) = (&*cluster.clock, cluster.server(server).await?);
    let (start, mut quiet_since) = (clock.elapsed(), None);
    loop {
        let sessions = look(&connection, server, logins).await?;
        let is_quiet = sessions.is_empty() && !may_log_in(&connection, logins).await?;
        seen.extend(sessions);
        let now = clock.elapsed();
        quiet_since = if is_quiet { quiet_since.or(Some(now)) } else { None };
        if quiet_since.is_some_and(|since| now.saturating_sub(since) >= QUIET_TIME) {
            return Ok(seen.len());
        }
        if now.saturating_sub(start) >= SERVER_TIMEOUT {
            let message = format!("sessions on server `{server}` did not end, or new ones were started meanwhile");
            return Err(POSTGRES.error(ErrorKind::Strategy, codes::STILL_PRESENT, message).with_hint(
                "if it is a replica, look for a delay of its replication; otherwise for something that starts sessions again",
            ));
        }
        clock.sleep(POLL_INTERVAL).await;
    }
}

/// Tells all sessions to end, waits for some of them, and returns them.
pub(super) async fn look(connection: &Connection, server: &Address, logins: &Logins) -> Result<Sessions> {
    let action = "end sessions";
    let values = [(&logins.names as _, Type::TEXT_ARRAY), (&logins.dropped as _, Type::OID)];
    let query = format!("SELECT pid, coalesce(backend_start::text, ''), pg_terminate_backend(pid) {SESSIONS}");
    // Who may do this differs from one managed service to another, so the answer decides and not the attributes of our own role.
    let rows = connection.query(action, &query, &values).await.map_err(|error| denied(error, connection, server))?;
    if !rows.is_empty() {
        let query = format!(
            "SELECT pg_terminate_backend(pid, {WAIT}) FROM (SELECT pid {SESSIONS} LIMIT {MAX_WAITS}) AS sessions"
        );
        connection.query(action, &query, &values).await.map_err(|error| denied(error, connection, server))?;
    }
    rows.iter().map(|row| Ok((column(action, Some(row), 0)?, column(action, Some(row), 1)?))).collect()
}

fn denied(error: Error, connection: &Connection, server: &Address) -> Error {
    match error.kind() {
        ErrorKind::Forbidden => error.with_hint(format!(
            "as an administrator of `{server}`, run: GRANT pg_signal_backend TO {}",
            connection.user()
        )),
        _ => error,
    }
}

async fn may_log_in(connection: &Connection, logins: &Logins) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname::text = ANY($1) AND rolcanlogin)";
    connection.value("read logins", query, &[(&logins.names, Type::TEXT_ARRAY)]).await
}

fn all_of(failures: Vec<Error>) -> Error {
    let messages: Vec<_> = failures.iter().map(Error::message).collect();
    let message = messages.join("; ");
    match failures.into_iter().next() {
        Some(first) => POSTGRES.error(first.kind(), first.code().clone(), message),
        None => POSTGRES.error(ErrorKind::Internal, codes::STILL_PRESENT, message),
    }
}
