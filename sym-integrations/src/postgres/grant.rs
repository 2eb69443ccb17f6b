//! The grant: one transaction that creates a login, makes it a member of the target's role, and says when it ends.
//!
//! Nothing of it exists until all of it does. Transactions that change roles follow one another, because the server fails those that
//! change one row at the same time.

use std::time::Duration;

use jiff::Timestamp;
use postgres_protocol::escape::{escape_identifier, escape_literal};
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::model::RunId;
use tokio_postgres::types::Type;

use super::client::Inner;
use super::codes;
use super::connection::{Connection, SET_LOCK_TIMEOUT, column};
use super::errors::{self, POSTGRES};
use super::role::{self, Comment};

/// The key of the advisory lock that changes of roles take: `sym-role` in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"sym-role");

/// The action in errors of a grant.
const GRANT: &str = "grant access";

/// The action in errors of taking the lock.
const LOCK_ROLES: &str = "lock the temporary roles";

/// The number of attempts at a transaction that others get in the way of.
const MAX_ATTEMPTS: u32 = 6;

/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_millis(400);

/// Roles of the server whose members can start programs or write files, and so make changes that outlast their access.
const SERVER_ROLES: &str = "'pg_execute_server_program', 'pg_write_server_files'";

/// A grant that is to be made.
pub(super) struct Grant<'a> {
    pub(super) run: RunId,
    pub(super) identity: &'a str,
    pub(super) user: &'a str,
    pub(super) role: &'a str,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) allow_admin: bool,
}

/// A grant that has been made.
pub(super) struct Granted {
    pub(super) login: String,
    pub(super) oid: u32,
}

impl Grant<'_> {
    /// Makes the grant. One that an earlier attempt has made already stays.
    pub(super) async fn make(&self, postgres: &Inner) -> Result<Granted> {
        let connection = postgres.cluster.primary().await?;
        let verifier = postgres.key.verifier(&postgres.server, self.run)?;
        let mut retry = Retry::default();
        loop {
            connection.begin(GRANT).await?;
            let granted = self.within(&connection, &verifier).await;
            match connection.finish(GRANT, granted).await {
                Err(error) if retry.is_due(&error, &*postgres.cluster.clock).await => {}
                result => return result,
            }
        }
    }

    async fn within(&self, connection: &Connection, verifier: &str) -> Result<Granted> {
        lock_roles(connection).await?;
        check_role(connection, self.role, self.allow_admin).await?;
        self.check_end(connection).await?;
        let login = role::name(self.run);
        let comment = Comment {
            sym_run: self.run.to_string(),
            identity: self.identity.to_owned(),
            role: self.role.to_owned(),
            user: self.user.to_owned(),
        };
        let verb = if self.exists(connection, &login, &comment).await? { "ALTER" } else { "CREATE" };
        create(connection, verb, &login, verifier, self.ends_at).await?;
        add_member(connection, self.role, &login).await?;
        comment_on(connection, &login, &serde_json::to_string(&comment)?).await?;
        let oid = "SELECT oid FROM pg_roles WHERE rolname = $1";
        Ok(Granted { oid: connection.value(GRANT, oid, &[(&login, Type::TEXT)]).await?, login })
    }

    /// Whether an earlier attempt has created the role.
    async fn exists(&self, connection: &Connection, login: &str, comment: &Comment) -> Result<bool> {
        let action = "look for an earlier login";
        let query = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1";
        let found = connection.query(action, query, &[(&login, Type::TEXT)]).await?;
        let Some(row) = found.first() else { return Ok(false) };
        let found: Option<String> = column(action, Some(row), 0)?;
        if found.as_deref().and_then(Comment::parse).is_some_and(|found| found.sym_run == comment.sym_run) {
            return Ok(true);
        }
        let message =
            format!("role `{login}` exists, and its comment does not say that it is the login of this request");
        Err(POSTGRES
            .error(ErrorKind::Conflict, codes::NAME_TAKEN, message)
            .with_hint("find out who created the role or changed its comment, drop it, and request the access again"))
    }

    /// Rejects a grant that is late: its transaction may have waited for others, or for the network.
    async fn check_end(&self, connection: &Connection) -> Result<()> {
        let Some(end) = self.ends_at.map(|end| time(Some(end))) else { return Ok(()) };
        let query = "SELECT clock_timestamp() < $1::text::timestamptz";
        if connection.value("read the server's clock", query, &[(&end, Type::TEXT)]).await? {
            return Ok(());
        }
        let message = format!("by the clock of the database server, the access has ended already, at {end}");
        Err(POSTGRES
            .error(ErrorKind::Conflict, codes::ENDED, message)
            .with_hint("if it should last longer, compare the clocks of this machine and of the server"))
    }
}

/// Decides whether a transaction is repeated because others got in its way.
#[derive(Default)]
pub(super) struct Retry(u32);

impl Retry {
    /// Returns whether to repeat a transaction that failed with this error, after a delay.
    pub(super) async fn is_due(&mut self, error: &Error, clock: &dyn Clock) -> bool {
        self.0 += 1;
        let is_due = errors::is_conflict(error) && self.0 < MAX_ATTEMPTS;
        if is_due {
            clock.sleep(MAX_RETRY_DELAY.mul_f64(fastrand::f64())).await;
        }
        is_due
    }
}

/// Waits until no other transaction of this kind is open.
pub(super) async fn lock_roles(connection: &Connection) -> Result<()> {
    let lock = "SELECT pg_advisory_xact_lock($1)";
    connection.query(LOCK_ROLES, lock, &[(&LOCK, Type::INT8)]).await.map(drop)
}

/// Waits a second for other transactions of this kind, and goes on without the lock. Any user of the server may take an advisory lock
/// and keep it, and no revocation may depend on that; what it is good for, [`Retry`] does as well.
pub(super) async fn lock_roles_briefly(connection: &Connection) -> Result<()> {
    let lock = format!(
        "SAVEPOINT roles; SET LOCAL lock_timeout = '1s'; SELECT pg_advisory_xact_lock({LOCK}); {SET_LOCK_TIMEOUT}; \
         RELEASE SAVEPOINT roles"
    );
    match connection.execute(LOCK_ROLES, &lock).await {
        Err(error) if errors::is_conflict(&error) => {
            connection.execute(LOCK_ROLES, "ROLLBACK TO SAVEPOINT roles").await
        }
        result => result,
    }
}

/// Rejects roles through which access could not be revoked.
///
/// # Errors
/// `Postgres:ROLE_NOT_FOUND` or `Postgres:UNSAFE_ROLE`.
pub(super) async fn check_role(connection: &Connection, name: &str, allow_admin: bool) -> Result<()> {
    let action = "read the target's role";
    let query = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1";
    let found = connection.query(action, query, &[(&name, Type::TEXT)]).await?;
    let Some(row) = found.first() else {
        let message = format!("there is no role `{name}`");
        return Err(POSTGRES.error(ErrorKind::NotFound, codes::ROLE_NOT_FOUND, message).with_hint(format!(
            "create it with the privileges that it is to give: CREATE ROLE {} NOLOGIN",
            escape_identifier(name)
        )));
    };
    let reason = if column(action, Some(row), 0)? {
        "may log in by itself".to_owned()
    } else {
        match powers(connection, name).await? {
            powers if powers.is_empty() || allow_admin => return Ok(()),
            powers => format!("can make changes that outlast the access, as {}", powers.join(", ")),
        }
    };
    let message = format!("role `{name}` {reason}");
    Err(POSTGRES.error(ErrorKind::Configuration, codes::UNSAFE_ROLE, message).with_hint(
        "use a role that is made for access on request, with NOLOGIN; if it has to be an administrator's, set `allow_admin = true` on \
         the target, and know that what it creates stays",
    ))
}

/// The roles that a role is, or is a member of, through which changes can be made that outlast the access: those of administrators,
/// those that log in, whose password a member can set, and those that may add members to others.
async fn powers(connection: &Connection, name: &str) -> Result<Vec<String>> {
    let action = "read the target's role";
    let query = format!(
        "SELECT other.rolname::text FROM pg_roles this JOIN pg_roles other ON pg_has_role(this.oid, other.oid, 'MEMBER') \
         WHERE this.rolname = $1 AND (other.rolsuper OR other.rolcreaterole OR other.rolcanlogin \
             OR other.rolname IN ({SERVER_ROLES}) \
             OR EXISTS (SELECT FROM pg_auth_members WHERE member = other.oid AND admin_option)) \
         ORDER BY 1 LIMIT 5"
    );
    let rows = connection.query(action, &query, &[(&name, Type::TEXT)]).await?;
    rows.iter().map(|row| column(action, Some(row), 0)).collect()
}

/// Creates or changes a login. It has no rights of its own.
pub(super) async fn create(
    connection: &Connection,
    verb: &str,
    login: &str,
    verifier: &str,
    ends_at: Option<Timestamp>,
) -> Result<()> {
    let statement = format!(
        "{verb} ROLE {} LOGIN INHERIT PASSWORD {} VALID UNTIL {}",
        escape_identifier(login),
        escape_literal(verifier),
        escape_literal(&time(ends_at)),
    );
    connection.execute("create a login", &statement).await.map_err(|error| match error.kind() {
        ErrorKind::Forbidden => error
            .with_hint(format!("as an administrator of the server, run: ALTER ROLE {} CREATEROLE", connection.user())),
        _ => error,
    })
}

/// Makes a login a member of a role, which its sessions take on when they start, so that objects that they create belong to the role.
pub(super) async fn add_member(connection: &Connection, role: &str, login: &str) -> Result<()> {
    let (group, member) = (escape_identifier(role), escape_identifier(login));
    let statement = format!("GRANT {group} TO {member}; ALTER ROLE {member} SET role = {}", escape_literal(role));
    connection.execute(&format!("grant role `{role}`"), &statement).await.map_err(|error| match error.kind() {
        ErrorKind::Forbidden => error.with_hint(format!(
            "as an administrator of the server, run: GRANT {group} TO {} WITH ADMIN OPTION",
            connection.user()
        )),
        _ => error,
    })
}

pub(super) async fn comment_on(connection: &Connection, login: &str, comment: &str) -> Result<()> {
    let statement = format!("COMMENT ON ROLE {} IS {}", escape_identifier(login), escape_literal(comment));
    connection.execute("comment on a login", &statement).await
}

/// A time as the server reads it whatever its settings: in ISO form, with its zone.
fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "infinity".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PG13: a time without a zone, or in another order, depends on the server's settings.
    #[test]
    fn times_are_iso_with_their_zone() {
        let end = "2026-12-10T08:05:00.25Z".parse().unwrap();
        assert_eq!(time(Some(end)), "2026-12-10 08:05:00.250000+00");
        assert_eq!(time(None), "infinity");
    }
}
