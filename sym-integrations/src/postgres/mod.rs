//! PostgreSQL: temporary logins that end by themselves, and the strategy `postgres`.
//!
//! Each Run gets a login of its own, a member of a role that is prepared with the privileges that the access gives. The server ends the
//! login at the time at which the access ends (`VALID UNTIL`), even if this program is gone by then; the revocation takes it away
//! before, with all its sessions.
//!
//! ```hcl
//! resource "sym_integration" "orders" {
//!   type        = "postgres"
//!   name        = "orders"
//!   external_id = "db.example.com:5432"
//!   settings = {
//!     user             = "access_manager"
//!     password_secret  = sym_secret.access_manager.id
//!     login_key_secret = sym_secret.login_key.id
//!     database         = "orders"
//!     replicas         = "db-2.example.com, db-3.example.com"
//!   }
//! }
//!
//! resource "sym_strategy" "orders" {
//!   type           = "postgres"
//!   name           = "orders-logins"
//!   integration_id = sym_integration.orders.id
//!   targets        = [sym_target.orders_readonly.id]
//! }
//!
//! resource "sym_target" "orders_readonly" {
//!   type     = "postgres_role"
//!   name     = "orders-readonly"
//!   settings = { role = "orders_readonly" }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the primary: a host, and a port unless it is 5432 |
//! | `user`, `password_secret` | the user that creates the logins |
//! | `login_key_secret` | a secret of at least 32 characters from which the passwords of logins are derived: `openssl rand -base64 48` |
//! | `database` | optional: the database to connect to, `postgres` by default |
//! | `replicas` | optional: all other servers of the cluster, separated by commas, on which sessions are ended too |
//! | `root_certificate` | optional: the certificates of the authorities to trust, in PEM: `file("rds-ca.pem")`; those of this machine by default |
//!
//! | of the target | meaning |
//! | --- | --- |
//! | `role` | the prepared role; requesters can pick it in the form |
//! | `database` | optional: the database that requesters are told to connect to |
//! | `allow_admin` | optional: `true` accepts a role that can make changes that outlast the access: create logins, set the password of one, or add members to a role |
//!
//! # Preparation
//! Once, as an administrator of the server:
//!
//! ```sql
//! CREATE ROLE access_manager LOGIN CREATEROLE PASSWORD '…';
//! GRANT pg_signal_backend TO access_manager;                    -- to end sessions
//!
//! CREATE ROLE orders_readonly NOLOGIN;
//! GRANT SELECT ON ALL TABLES IN SCHEMA public TO orders_readonly;
//! GRANT orders_readonly TO access_manager WITH ADMIN OPTION;    -- to grant it
//! ```
//!
//! Since version 16, the right to change and drop a login belongs to the user that created it. Before you set another `user`, let the access
//! that it has given end, or grant the logins to the new one: `GRANT "sym_…" TO new_manager WITH ADMIN OPTION`.
//!
//! [`check`](sym_sdk::strategy::AccessStrategy::check) does all that a grant does in a transaction that is rolled back, and names the
//! statement that is missing. Whether sessions may be ended can only be told by ending one: it warns if the user is not a member of
//! `pg_signal_backend`. PostgreSQL 14 or later is needed. Except on this machine, connections are encrypted, and the server has to prove
//! who it is.
//!
//! # How the requester gets the password
//! The password is derived from the Run and the login key, whenever it is needed, and is stored nowhere: not in the Run, not in the
//! output of a step, not in the audit log. The server gets a SCRAM verifier, from which it cannot be computed, so statements that
//! the server logs do not contain it. A hook hands it over:
//!
//! ```
//! use sym_integrations::postgres::Postgres;
//! use sym_integrations::http::SecretString;
//! use sym_sdk::prelude::*;
//!
//! # struct Vault;
//! # impl Vault { async fn put_for(&self, _: &User, _: SecretString) -> Result<String> { Ok(String::new()) } }
//! # impl IntegrationClient for Vault {
//! #     const TYPE: &'static str = "vault";
//! #     fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> { Ok(Self) }
//! # }
//! #[hook]
//! async fn after_escalate(event: &Event, postgres: &Postgres, vault: &Vault) -> Result<()> {
//!     let login = postgres.login(event)?;
//!     let link = vault.put_for(event.user(), login.password).await?;
//!     println!("psql -h {} -p {} -U {} {}: {link}", login.host, login.port, login.username, login.database);
//!     Ok(())
//! }
//! ```
//!
//! Whatever channel the hook uses may keep what it is given: a direct message in Slack is readable for administrators and stays after the
//! access has ended, though the password is worthless then. A store of secrets with links that expire is better. Without such a hook
//! nobody gets the password. Whoever has the login key can compute the passwords of all logins that exist, so it is to be kept as the
//! password of the user is; with a new key, logins that exist keep their passwords.
//!
//! # What grants and revocations do
//! - A grant is one transaction, repeated if others change roles at the same time. A repeated grant finds the login `sym_<run id>` and
//!   sets it anew, with the same password. The comment on the login says who it is for.
//! - The login has no rights of its own. Its sessions start as the prepared role (`ALTER ROLE … SET role`), so what they create belongs to
//!   that role.
//! - A revocation first takes the login and its memberships, and ends sessions that would keep it from that, because they have the login
//!   locked; then ends its sessions on all servers, until none has been seen for five seconds; then drops the login; and finally reads
//!   what is left. A replica that cannot be reached keeps the Run revoking, since there may be sessions on it.
//! - A login that owns something, because its user has left the prepared role, cannot be dropped. It is left without login,
//!   memberships and sessions, which counts as revoked; operators are told what it owns and in which databases. Nothing that people have
//!   made is deleted.
//! - Runs of one user for one role are one access: when one of them ends before another, its login ends by itself, and its sessions with
//!   the last of them.
//! - A revocation after a grant that has failed takes the login with the Run's name, whatever its comment says, and those whose comments name
//!   the user and the role. It touches no role that people have made.
//! - The output of a revocation has the number of sessions that it ended. If that is 0 although the access was used, look for a pooler.
//!
//! # What it cannot see
//! - **Poolers.** Behind PgBouncer and its like, sessions on the server belong to the pooler's connections. Requesters must connect to the
//!   server itself: `auth_query` ignores `VALID UNTIL`, and with a forced user (`user=` in `[databases]`) ending the login's sessions finds
//!   none. This program must connect to the server itself, too. `check` notices a pooler in front of its own connection: by a user that is
//!   not its own, by the state of a session that is lost, or by a session that is older than its connection. One beside it, which only
//!   requesters use, it cannot see.
//! - **Doors without passwords.** `VALID UNTIL` binds passwords only. Lines of `pg_hba.conf` that admit logins by certificate, `trust`,
//!   LDAP or a cloud's IAM are closed by the revocation, and not by the server alone.
//! - **What a session leaves behind.** Prepared transactions, unless they have the login locked, functions and rows stay, as those of any other user of the role do.

mod check;
mod client;
pub mod codes;
mod connection;
mod errors;
mod grant;
mod interruption;
mod prepared;
mod revoke;
mod role;
mod sessions;
mod simulated;
mod strategy;

pub use client::{Postgres, PostgresBuilder, TemporaryLogin};
pub use simulated::SimulatedPostgres;
pub use strategy::{PostgresStrategy, strategy_type};

/// The `type` of targets.
const TARGET: &str = "postgres_role";

inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("postgres", "PostgreSQL", "postgres")
        .with_client("Postgres", &["login"])
        .with_strategies(&[crate::kit::StrategyInfo::new(strategy_type, sym_sdk::strategy::RevocationScope::AllSessions)
            .enforcing_end()
            .with_permissions(&[
                "`CREATEROLE`",
                "the prepared roles `WITH ADMIN OPTION`",
                "`pg_signal_backend`, to end sessions",
            ])])
}
