//! The strategy: a grant makes a login a member of a role, and a revocation ends the membership.
//!
//! `sym_integrations::postgres` goes further: it makes a login for each request, ends it on the server and ends its sessions. This one shows
//! what a strategy consists of.

use std::sync::Arc;

use postgres_protocol::escape::escape_identifier;
use secrecy::ExposeSecret;
use sym_sdk::error::codes;
use sym_sdk::prelude::*;
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyConfig, resource_by_settings,
};
use tokio_postgres::{Client, Config, NoTls};

const REFUSED: ErrorCode = ErrorCode::new("Database", "REFUSED");
const UNREACHABLE: ErrorCode = ErrorCode::new("Database", "UNREACHABLE");
const UNKNOWN_ROLE: ErrorCode = ErrorCode::new("Database", "UNKNOWN_ROLE");

/// Grants memberships in roles. It keeps no connection, since its calls are rare, and no state, since a restart would lose it.
#[derive(Clone)]
pub(crate) struct DatabaseRoles {
    config: Arc<Config>,
}

impl DatabaseRoles {
    /// Called when the program starts, and again for a revocation whose secret could not be read. It does not connect yet.
    pub(crate) fn from_config(config: &StrategyConfig<'_>) -> Result<Self> {
        let integration = config.integration()?;
        let url = integration.secret("url_secret")?.expose_secret();
        let config = url.parse().map_err(|_| {
            // Without the source: it may quote the URL, and with it the password.
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "`url_secret` is not a URL of PostgreSQL")
                .with_hint("write `postgres://user:password@host/database`")
        })?;
        Ok(Self::new(config))
    }

    pub(crate) fn new(config: Config) -> Self {
        Self { config: Arc::new(config) }
    }

    /// Connects. In production, pass a TLS connector in place of `NoTls`, such as that of `tokio-postgres-rustls`.
    async fn connect(&self) -> Result<Client> {
        let (client, connection) = self.config.connect(NoTls).await.map_err(error)?;
        // Ends when the client is dropped. Whatever goes wrong with it, the client's calls return.
        tokio::spawn(connection);
        Ok(client)
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        self.connect().await?.batch_execute(statement).await.map_err(error)
    }
}

/// Says what an error means for the access. Errors of the server are answers: the statement had no effect. Anything else may have happened
/// after it took effect, and the runtime has to know that, because it then revokes the access for good measure.
fn error(error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(answer) => {
            let message = format!("PostgreSQL refuses: {}", answer.message());
            Error::new(ErrorKind::Forbidden, REFUSED, message)
        }
        None => Error::new(ErrorKind::Unavailable, UNREACHABLE, "PostgreSQL does not answer").with_unknown_outcome(),
    }
    .with_source(error)
}

/// Returns the names of a role and a login, quoted for SQL: a name is an identifier, which no parameter can stand for.
fn quoted(request: &AccessRequest<'_>) -> Result<(String, String)> {
    Ok((escape_identifier(request.target().setting("role")?), escape_identifier(request.identity())))
}

impl AccessStrategy for DatabaseRoles {
    /// Logins are named like mailboxes. The runtime stores what is found, and asks once for each user.
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        let Some((mailbox, _)) = user.email().and_then(|email| email.split_once('@')) else { return Ok(None) };
        let found = "SELECT rolname FROM pg_roles WHERE rolname = $1 AND rolcanlogin";
        let row = self.connect().await?.query_opt(found, &[&mailbox]).await.map_err(error)?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Grants a membership. PostgreSQL accepts one that exists, so that a repeated call changes nothing.
    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let (role, login) = quoted(request)?;
        self.execute(&format!("GRANT {role} TO {login}")).await?;
        Ok(GrantResult::granted())
    }

    /// Revokes it. It is called for grants that have failed, too, and PostgreSQL accepts that there is nothing to revoke.
    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let (role, login) = quoted(request)?;
        self.execute(&format!("REVOKE {role} FROM {login}")).await?;
        Ok(None)
    }

    /// Lists the members. The runtime reads it after each revocation, and before each grant: whoever is a member already keeps the
    /// membership at the end.
    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let members = "SELECT member.rolname FROM pg_auth_members \
                       JOIN pg_roles member ON member.oid = pg_auth_members.member \
                       JOIN pg_roles granted ON granted.oid = pg_auth_members.roleid \
                       WHERE granted.rolname = $1 AND member.rolcanlogin";
        let role = target.setting("role")?;
        let rows = self.connect().await?.query(members, &[&role]).await.map_err(error)?;
        Ok(Some(rows.iter().map(|row| row.get(0)).collect()))
    }

    /// Two targets for one role are one resource, so that the end of one request does not take what another one gives.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_settings(target)
    }

    /// The rights of a session follow the memberships at once.
    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    /// Called by `check --live`: the database answers, the credentials are accepted, and the role exists.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        let role = target.setting("role")?;
        let found = self.connect().await?.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&role]).await;
        match found.map_err(error)? {
            Some(_) => Ok(()),
            None => {
                let message = format!("the role `{role}` does not exist");
                Err(Error::new(ErrorKind::NotFound, UNKNOWN_ROLE, message))
            }
        }
    }
}
