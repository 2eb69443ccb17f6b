//! Differences between versions of PostgreSQL, on all that are installed. `tests/postgres-versions/run` installs some.

use sym_sdk::strategy::AccessStrategy;

use super::cluster::{Asked, Cluster, code, installed, rows, target};

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
