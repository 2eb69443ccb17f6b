//! Differences between versions of PostgreSQL, on all that are installed. `tests/postgres-versions/run` installs some.

use sym_integrations::postgres::{Postgres, PostgresStrategy};
use sym_sdk::error::ErrorKind;
use sym_sdk::strategy::AccessStrategy;

use super::cluster::{Asked, Cluster, LOGIN_KEY, PASSWORD, code, installed, rows, target};
use super::cluster_clock::SteppingClock;

/// PG04: since version 16, `CREATEROLE` alone does not allow to grant a role of somebody else's.
#[tokio::test]
async fn every_installed_version_grants_checks_and_revokes() {
    for bin in installed() {
        let cluster = Cluster::start_with(bin, &[]).await;
        let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
        strategy.check(&target("readonly")).await.unwrap();
        let asked = Asked::new(&strategy, "readonly");
        asked.granted().await;
        cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap();
        asked.revoke().await.unwrap();
        let version: u32 = rows(&admin, "SHOW server_version_num").await[0].parse().unwrap();
        // A role that is reserved to superusers in earlier versions.
        let role = if version >= 160_000 { "readonly" } else { "boss" };
        admin.batch_execute("REVOKE readonly FROM manager; CREATE ROLE boss NOLOGIN SUPERUSER").await.unwrap();
        let error = strategy.check(&target(role).with_setting("allow_admin", "true")).await.unwrap_err();
        assert_eq!(code(&error), "Postgres:FORBIDDEN");
        let expected = format!(r#"as an administrator of the server, run: GRANT "{role}" TO "manager" WITH ADMIN OPTION"#);
        assert_eq!(error.hint(), Some(expected.as_str()));
    }
}

/// PG04: since version 16, the right to change a login belongs to the user that created it.
#[tokio::test]
async fn another_user_ends_access_or_is_told_what_it_needs() {
    for bin in installed() {
        let cluster = Cluster::start_with(bin, &[]).await;
        let admin = cluster.admin().await;
        let strategy = cluster.strategy();
        Asked::new(&strategy, "readonly").granted().await;
        let other = format!(
            "CREATE ROLE other LOGIN CREATEROLE PASSWORD '{PASSWORD}'; GRANT pg_signal_backend TO other; \
             GRANT readonly TO other WITH ADMIN OPTION"
        );
        admin.batch_execute(&other).await.unwrap();
        let other = Postgres::builder(cluster.address(), "other").password(PASSWORD).login_key(LOGIN_KEY).database("app");
        let other = PostgresStrategy::new(other.clock(SteppingClock::new()).build().unwrap());
        let asked = Asked::new(&other, "readonly");
        if rows(&admin, "SHOW server_version_num").await[0].parse::<u32>().unwrap() >= 160_000 {
            let error = asked.revoke().await.unwrap_err();
            let statement = format!(r#"GRANT "{}" TO "other" WITH ADMIN OPTION"#, asked.login_name());
            assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:FORBIDDEN", ErrorKind::Forbidden), "{error}");
            assert!(error.hint().unwrap().contains(&statement), "{error:?}");
            admin.batch_execute(&statement).await.unwrap();
        }
        asked.revoke().await.unwrap();
        assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());
    }
}
