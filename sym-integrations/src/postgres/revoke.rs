//! The revocation, in the order that leaves nothing open: login and memberships first, sessions next, the role last.
//!
//! The first step is what ends the access for good, and is one transaction. Sessions of the login that would keep it waiting are ended
//! [before and during](super::interruption) it. A role that cannot be dropped any more because it owns something is left over without
//! login, memberships and sessions: that is a matter of tidiness, not of access, so the revocation has succeeded, and says what is
//! left. At the end the server's own tables decide, not the absence of an error.

use postgres_protocol::escape::escape_identifier;
use serde::Serialize;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::model::RunId;
use tokio_postgres::types::Type;

use super::client::Inner;
use super::codes;
use super::connection::{Connection, column};
use super::errors::POSTGRES;
use super::grant::{Retry, lock_roles_briefly};
use super::interruption::Interruption;
use super::role::{self, Comment};
use super::sessions::{self, Logins};

/// The first version whose `REVOKE` needs to name who has granted.
const GRANTORS_SINCE: i32 = 160_000;

// The actions in errors.
const END_LOGINS: &str = "take the login and its memberships";
const DROP: &str = "drop a login";

/// A revocation that is to be made.
pub(super) struct Revocation<'a> {
    pub(super) run: RunId,
    pub(super) identity: &'a str,
    pub(super) role: &'a str,
    /// The number of the Run's login, if its grant recorded it.
    pub(super) oid: Option<u32>,
}

/// A revocation that has been made.
#[derive(Debug, Serialize)]
pub(super) struct Revoked {
    /// The logins that it found.
    pub(super) logins: Vec<String>,
    /// The number of sessions that it ended.
    pub(super) sessions_ended: usize,
    /// The logins that could not be dropped, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) left: Vec<String>,
}

impl Revocation<'_> {
    pub(super) async fn make(&self, postgres: &Inner) -> Result<Revoked> {
        let (cluster, clock) = (&postgres.cluster, &*postgres.cluster.clock);
        let connection = cluster.primary().await?;
        let mut interruption = Interruption::new(self, cluster);
        let mut retry = Retry::default();
        let names = loop {
            interruption.interrupt(&connection).await;
            let ended = interruption.during(async {
                connection.begin(END_LOGINS).await?;
                let ended = self.end_logins(&connection).await;
                connection.finish(END_LOGINS, ended).await
            });
            match ended.await {
                Err(error) if retry.is_due(&error, clock).await => {}
                result => break result.map_err(|error| interruption.explain(error))?,
            }
        };
        let own = role::name(self.run);
        let dropped = self.oid.filter(|_| !names.contains(&own));
        let logins = Logins { names, dropped };
        let sessions_ended = sessions::end_all(cluster, &logins, interruption.into_ended()).await?;
        let mut left = Vec::new();
        for name in &logins.names {
            if let Err(error) = drop_login(&connection, name, clock).await {
                left.push(leftover(&connection, name, &error).await);
            }
        }
        read_back(&connection, &logins.names).await?;
        Ok(Revoked { logins: logins.names, sessions_ended, left })
    }

    /// Takes the login and the memberships of the Run's role, and of those that other Runs of the same access have left: the last of
    /// them to end ends it for all.
    async fn end_logins(&self, connection: &Connection) -> Result<Vec<String>> {
        lock_roles_briefly(connection).await?;
        let names = self.logins(connection).await?;
        for name in &names {
            let quoted = escape_identifier(name);
            let statement = format!("ALTER ROLE {quoted} NOLOGIN PASSWORD NULL");
            connection.execute(END_LOGINS, &statement).await.map_err(|error| not_ours(error, connection, &quoted))?;
            for statement in revocations(connection, name).await? {
                // Somebody else's grant may not be ours to take. The drop takes it, or else the result says so.
                let statement = format!("SAVEPOINT membership; {statement}; RELEASE SAVEPOINT membership");
                if connection.execute(END_LOGINS, &statement).await.is_err() {
                    connection.execute(END_LOGINS, "ROLLBACK TO SAVEPOINT membership").await?;
                }
            }
        }
        Ok(names)
    }

    /// Returns the names of the logins that it ends.
    pub(super) async fn logins(&self, connection: &Connection) -> Result<Vec<String>> {
        let own = role::name(self.run);
        let logins = of_access(connection, Some(&own), self.role).await?;
        let logins = logins.into_iter().filter(|login| login.name == own || login.identity == self.identity);
        Ok(logins.map(|login| login.name).collect())
    }
}

/// Since version 16, the right to change a login belongs to the user that created it, and not to all with `CREATEROLE`.
fn not_ours(error: Error, connection: &Connection, login: &str) -> Error {
    match error.kind() {
        ErrorKind::Forbidden => error.with_hint(format!(
            "as an administrator of the server, run: GRANT {login} TO {} WITH ADMIN OPTION; the user needs CREATEROLE, too",
            connection.user()
        )),
        _ => error,
    }
}

/// A temporary login, as the server has it.
pub(super) struct Login {
    pub(super) name: String,
    pub(super) identity: String,
    /// Whether it gives access: by logging in, or as a member.
    pub(super) is_live: bool,
}

/// Returns the temporary logins for a role, and the one of this name whatever its comment says.
pub(super) async fn of_access(connection: &Connection, own: Option<&str>, role: &str) -> Result<Vec<Login>> {
    let action = "read the temporary logins";
    let query = "\
        SELECT rolname::text, coalesce(shobj_description(oid, 'pg_authid'), ''), \
            rolcanlogin OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) \
        FROM pg_roles WHERE starts_with(rolname::text, $1) ORDER BY 1";
    let mut logins = Vec::new();
    for row in connection.query(action, query, &[(&role::PREFIX, Type::TEXT)]).await? {
        let row = Some(&row);
        let (name, comment, is_live): (String, String, bool) =
            (column(action, row, 0)?, column(action, row, 1)?, column(action, row, 2)?);
        let comment = Comment::parse(&comment);
        match comment.filter(|comment| comment.role == role) {
            Some(comment) => logins.push(Login { name, identity: comment.identity, is_live }),
            None if own == Some(name.as_str()) => logins.push(Login { name, identity: String::new(), is_live }),
            None => {}
        }
    }
    Ok(logins)
}

/// The statements that take a login's memberships, each of them as it was granted.
async fn revocations(connection: &Connection, name: &str) -> Result<Vec<String>> {
    let action = "read memberships";
    let version: i32 = connection.value(action, "SELECT current_setting('server_version_num')::integer", &[]).await?;
    let query = "\
        SELECT DISTINCT pg_get_userbyid(roleid)::text, pg_get_userbyid(grantor)::text \
        FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member WHERE rolname = $1";
    let rows = connection.query(action, query, &[(&name, Type::TEXT)]).await?;
    let statement = |row| {
        let (group, grantor): (String, String) = (column(action, Some(row), 0)?, column(action, Some(row), 1)?);
        let revoke = format!("REVOKE {} FROM {}", escape_identifier(&group), escape_identifier(name));
        Ok(match version >= GRANTORS_SINCE {
            true => format!("{revoke} GRANTED BY {}", escape_identifier(&grantor)),
            false => revoke,
        })
    };
    rows.iter().map(statement).collect()
}

async fn drop_login(connection: &Connection, name: &str, clock: &dyn Clock) -> Result<()> {
    let mut retry = Retry::default();
    loop {
        connection.begin(DROP).await?;
        let dropped = match lock_roles_briefly(connection).await {
            Ok(()) => connection.execute(DROP, &format!("DROP ROLE IF EXISTS {}", escape_identifier(name))).await,
            Err(error) => Err(error),
        };
        match connection.finish(DROP, dropped).await {
            Err(error) if retry.is_due(&error, clock).await => {}
            result => return result,
        }
    }
}

/// Says why a role could not be dropped, with the number of objects by database: an administrator has to connect to each of them.
async fn leftover(connection: &Connection, name: &str, error: &Error) -> String {
    let query = "\
        SELECT format('%s in %s', count(*), coalesce('database ' || datname, 'the cluster')) \
        FROM pg_shdepend LEFT JOIN pg_database ON pg_database.oid = dbid \
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1) \
        GROUP BY datname ORDER BY 1";
    let action = "read what a login owns";
    let rows = connection.query(action, query, &[(&name, Type::TEXT)]).await.unwrap_or_default();
    let owned: Vec<String> = rows.iter().filter_map(|row| column(action, Some(row), 0).ok()).collect();
    match owned.is_empty() {
        true => format!("`{name}`: {}", error.message()),
        false => format!("`{name}` owns objects: {}", owned.join(", ")),
    }
}

/// Checks that nothing is left that gives access.
async fn read_back(connection: &Connection, names: &[String]) -> Result<()> {
    let action = "read what is left of a login";
    let query = "\
        SELECT rolname::text, rolcanlogin, \
            (SELECT count(*) FROM pg_auth_members WHERE member = pg_roles.oid), \
            (SELECT count(*) FROM pg_stat_activity WHERE usesysid = pg_roles.oid) \
        FROM pg_roles WHERE rolname::text = ANY($1)";
    for row in connection.query(action, query, &[(&names, Type::TEXT_ARRAY)]).await? {
        let row = Some(&row);
        let (name, can_log_in): (String, bool) = (column(action, row, 0)?, column(action, row, 1)?);
        let (memberships, sessions): (i64, i64) = (column(action, row, 2)?, column(action, row, 3)?);
        if can_log_in || memberships > 0 || sessions > 0 {
            let message = format!(
                "login `{name}` is still there: it {} log in, has {memberships} memberships and {sessions} sessions",
                if can_log_in { "can" } else { "cannot" },
            );
            return Err(POSTGRES.error(ErrorKind::Conflict, codes::STILL_PRESENT, message).with_hint(
                "look for who changed it meanwhile; memberships that somebody else granted are theirs to revoke",
            ));
        }
    }
    Ok(())
}
