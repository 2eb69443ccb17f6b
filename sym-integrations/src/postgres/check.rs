//! The check of a target: everything that a grant does, in a transaction that is rolled back.
//!
//! Whether sessions may be ended cannot be tried, and is left to the first revocation.

use postgres_protocol::escape::escape_identifier;
use sym_sdk::error::{Error, ErrorKind, Result};
use tokio_postgres::types::Type;

use super::client::Inner;
use super::codes;
use super::connection::{Cluster, Connection, column};
use super::errors::{POOLER_HINT, POSTGRES};
use super::grant::{add_member, check_role, comment_on, create, lock_roles};
use super::role::PREFIX;

/// The first version that can wait for a session to end.
const MIN_VERSION: i32 = 140_000;

/// The action in errors of the look for a pooler.
const LOOK: &str = "look for a pooler";

/// The number of connections that are opened one after the other. A pooler may not have the first session back yet when the second is
/// opened.
const RECONNECTS: u32 = 3;

/// The verifier of the role that is tried: of no password at all.
const NO_VERIFIER: &str = "";

/// Checks that access could be granted through a role; `None` if requesters name it.
pub(super) async fn check(postgres: &Inner, role: Option<(&str, bool)>) -> Result<()> {
    let cluster = &postgres.cluster;
    let connection = cluster.primary().await?;
    check_version(&connection).await?;
    check_user(cluster, &connection).await?;
    check_for_lost_state(cluster).await?;
    check_for_reuse(cluster, &connection).await?;
    if let Some((role, allow_admin)) = role {
        check_role(&connection, role, allow_admin).await?;
    }
    try_grant(&connection, role.map(|(role, _)| role)).await?;
    for replica in &cluster.replicas {
        cluster.server(replica).await?;
    }
    warn_of_signals(&connection).await
}

async fn check_version(connection: &Connection) -> Result<()> {
    let query = "SELECT current_setting('server_version_num')::integer";
    let version: i32 = connection.value("read the server's version", query, &[]).await?;
    if version >= MIN_VERSION {
        return Ok(());
    }
    let message = format!("the server is PostgreSQL {}; version 14 or later is needed", version / 10_000);
    Err(POSTGRES.error(ErrorKind::Configuration, codes::UNSUPPORTED_VERSION, message))
}

/// Creates, grants and drops a role, and rolls all of it back.
async fn try_grant(connection: &Connection, role: Option<&str>) -> Result<()> {
    let login = format!("{PREFIX}check_{:016x}", fastrand::u64(..));
    connection.begin("try a grant").await?;
    let tried = grant_and_drop(connection, role, &login).await;
    connection.roll_back().await;
    tried
}

async fn grant_and_drop(connection: &Connection, role: Option<&str>, login: &str) -> Result<()> {
    lock_roles(connection).await?;
    create(connection, "CREATE", login, NO_VERIFIER, None).await?;
    if let Some(role) = role {
        add_member(connection, role, login).await?;
    }
    comment_on(connection, login, "made by a check, and never seen").await?;
    connection.execute("drop a login", &format!("DROP ROLE {}", escape_identifier(login))).await
}

/// Notices a pooler with a user of its own: sessions of all who connect belong to that user, and none to their logins.
async fn check_user(cluster: &Cluster, connection: &Connection) -> Result<()> {
    let query = "SELECT session_user::text, session_user = $1::text::name";
    let rows = connection.query(LOOK, query, &[(&cluster.user, Type::TEXT)]).await?;
    let (user, is_ours): (String, bool) = (column(LOOK, rows.first(), 0)?, column(LOOK, rows.first(), 1)?);
    match is_ours {
        true => Ok(()),
        false => Err(pooled(cluster, &format!("the session of user `{}` belongs to `{user}`", cluster.user))),
    }
}

/// Notices a pooler that gives each transaction another connection: the state of a session is lost between two statements while a
/// second connection is busy.
async fn check_for_lost_state(cluster: &Cluster) -> Result<()> {
    let (first, second) = (cluster.primary().await?, cluster.primary().await?);
    let process = "SELECT pg_backend_pid()";
    let before: i32 = first.value(LOOK, process, &[]).await?;
    first.execute(LOOK, "SET sym.pooler = 'kept'").await?;
    second.execute(LOOK, "BEGIN; SELECT 1").await?;
    let after: i32 = first.value(LOOK, process, &[]).await?;
    let kept: Option<String> = first.value(LOOK, "SELECT current_setting('sym.pooler', true)", &[]).await?;
    match before == after && kept.as_deref() == Some("kept") {
        true => Ok(()),
        false => Err(pooled(cluster, "it gives each transaction another session")),
    }
}

/// Notices a pooler that gives each client another session: sooner or later, a new one turns out to be older than the connection to it. A
/// pooler that opens a session for each connection cannot be noticed, nor can one that is idle for the first time.
async fn check_for_reuse(cluster: &Cluster, clock: &Connection) -> Result<()> {
    for _ in 0..RECONNECTS {
        let now = "SELECT extract(epoch FROM clock_timestamp())::double precision";
        let before: f64 = clock.value(LOOK, now, &[]).await?;
        let opened = cluster.primary().await?;
        let is_older = "SELECT EXISTS (SELECT FROM pg_stat_activity \
            WHERE pid = pg_backend_pid() AND extract(epoch FROM backend_start)::double precision < $1)";
        if opened.value(LOOK, is_older, &[(&before, Type::FLOAT8)]).await? {
            return Err(pooled(cluster, "a new connection to it has a session that somebody else had before"));
        }
    }
    Ok(())
}

fn pooled(cluster: &Cluster, sign: &str) -> Error {
    let message = format!("there is a connection pooler in front of server `{}`: {sign}", cluster.primary);
    POSTGRES.error(ErrorKind::Configuration, codes::POOLED, message).with_hint(POOLER_HINT)
}

/// Warns if sessions can probably not be ended. Managed services have rules of their own, so it is no error.
async fn warn_of_signals(connection: &Connection) -> Result<()> {
    let query = "SELECT pg_has_role(current_user, $1, 'USAGE')";
    let signal = "pg_signal_backend";
    if !connection.value("read memberships", query, &[(&signal, Type::TEXT)]).await? {
        let hint = format!("as an administrator of the server, run: GRANT {signal} TO {}", connection.user());
        tracing::warn!(hint, "the user {} may not be allowed to end sessions", connection.user());
    }
    Ok(())
}
