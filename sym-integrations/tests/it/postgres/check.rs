//! The check of a target.

use std::process::Stdio;

use sym_integrations::postgres::{Postgres, PostgresStrategy};
use sym_sdk::error::{Error, ErrorKind};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::AccessTarget;
use sym_sdk::strategy::AccessStrategy;

use super::cluster::{Asked, Cluster, LOGIN_KEY, PASSWORD, SUPERUSER_PASSWORD, code, directory, free_port, own, rows, target, unprivileged};
use super::cluster_clock::SteppingClock;
use crate::GRACE;

/// PG04: the check makes, grants and drops a login, keeps nothing of it, and names the grant that is missing.
#[tokio::test]
async fn check_tries_a_grant_and_names_what_is_missing() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    strategy.check(&target("readonly")).await.unwrap();
    assert!(cluster.client().check().await.unwrap().unwrap().starts_with("manager on "));
    let picked = AccessTarget::new("acme", "postgres_role", "any".parse().unwrap()).with_field_binding("role");
    strategy.check(&picked).await.unwrap();
    assert!(cluster.log().contains("CREATE ROLE \"sym_check_"));
    assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());

    assert_eq!(code(&strategy.check(&target("writers")).await.unwrap_err()), "Postgres:ROLE_NOT_FOUND");
    let hint = |error: Error| {
        assert_eq!(code(&error), "Postgres:FORBIDDEN", "{error}");
        error.hint().unwrap().to_owned()
    };
    admin.batch_execute("ALTER ROLE manager NOCREATEROLE").await.unwrap();
    let missing = hint(strategy.check(&target("readonly")).await.unwrap_err());
    assert_eq!(missing, r#"as an administrator of the server, run: ALTER ROLE "manager" CREATEROLE"#);
    assert_eq!(hint(Asked::new(&strategy, "readonly").grant().await.unwrap_err()), missing);
}

/// PG09: behind a pooler, a session is not the login's.
#[tokio::test]
async fn check_notices_a_pooler() {
    let Some(cluster) = Cluster::start().await else { return };
    let forced = format!("user=postgres password={SUPERUSER_PASSWORD}");
    for (mode, forced, sign) in [
        ("transaction", "", "it gives each transaction another session"),
        ("session", "", "a session that somebody else had before"),
        ("session", forced.as_str(), "the session of user `manager` belongs to `postgres`"),
    ] {
        let Some(pooler) = Pooler::start(&cluster, mode, forced).await else { return };
        let client = Postgres::builder(format!("127.0.0.1:{}", pooler.port), "manager")
            .password(PASSWORD)
            .login_key(LOGIN_KEY)
            .database("app")
            .clock(SteppingClock::new())
            .build()
            .unwrap();
        let error = PostgresStrategy::new(client).check(&target("readonly")).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:POOLED", ErrorKind::Configuration), "{error}");
        assert!(error.message().ends_with(sign), "{error}");
        assert!(error.hint().unwrap().contains("connect to the server itself"));
    }
}

/// A PgBouncer.
struct Pooler {
    process: std::process::Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    /// Starts a pooler in front of a cluster, with a mode and options of the database. `None` if it is not installed.
    async fn start(cluster: &Cluster, mode: &str, options: &str) -> Option<Self> {
        let program = std::path::Path::new("/usr/sbin/pgbouncer");
        if !program.exists() {
            assert!(std::env::var_os("REQUIRE_POSTGRES").is_none(), "PgBouncer is not installed");
            return None;
        }
        let (directory, port) = (directory(), free_port());
        let (users, settings) = (directory.path().join("users"), directory.path().join("settings"));
        std::fs::write(&users, format!("\"manager\" \"{PASSWORD}\"\n")).unwrap();
        let text = format!(
            "[databases]\napp = host=127.0.0.1 port={} {options}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = {mode}\nunix_socket_dir =\n",
            cluster.port(),
            users.display(),
        );
        std::fs::write(&settings, text).unwrap();
        own(&users);
        own(&settings);
        let process = unprivileged(program).arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { process, port, _directory: directory };
        let reached = async {
            while super::cluster::connect(port, "manager", PASSWORD, "app").await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(GRACE, reached).await.unwrap();
        Some(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
