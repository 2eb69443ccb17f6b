//! The check of a target: everything that a grant does, in a transaction that is rolled back.
//!
//! Whether sessions may be ended cannot be tried, and is left to the first revocation.

use postgres_protocol::escape::escape_identifier;
use sym_sdk::error::{ErrorKind, Result};
use tokio_postgres::types::Type;

use super::client::Inner;
use super::codes;
use super::connection::{Cluster, Connection};
use super::errors::{POOLER_HINT, POSTGRES};
use super::grant::{add_member, check_role, comment_on, create, lock_roles};
use super::role::PREFIX;

/// The first version that can wait for a session to end.
const MIN_VERSION: i32 = 140_000;

/// The verifier of the role that is tried: of no password at all.
const NO_VERIFIER: &str = "";

/// Checks that access could be granted through a role; `None` if requesters name it.
pub(super) async fn check(postgres: &Inner, role: Option<(&str, bool)>) -> Result<()> {
    let cluster = &postgres.cluster;
    let connection = cluster.primary().await?;
    check_version(&connection).await?;
    check_for_pooler(cluster).await?;
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

/// Notices a pooler that gives each transaction another connection: the state of a session is lost between two statements while a
/// second connection is busy.
async fn check_for_pooler(cluster: &Cluster) -> Result<()> {
    let action = "look for a pooler";
    let (first, second) = (cluster.primary().await?, cluster.primary().await?);
    let process = "SELECT pg_backend_pid()";
    let before: i32 = first.value(action, process, &[]).await?;
    first.execute(action, "SET sym.pooler = 'kept'").await?;
    second.execute(action, "BEGIN; SELECT 1").await?;
    let after: i32 = first.value(action, process, &[]).await?;
    let kept: Option<String> = first.value(action, "SELECT current_setting('sym.pooler', true)", &[]).await?;
    if before == after && kept.as_deref() == Some("kept") {
        return Ok(());
    }
    let message = format!("there is a connection pooler in front of server `{}`", cluster.primary);
    Err(POSTGRES.error(ErrorKind::Configuration, codes::POOLED, message).with_hint(POOLER_HINT))
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
