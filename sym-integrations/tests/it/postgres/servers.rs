//! Servers: credentials, replicas, TLS.

use serde_json::json;
use sym_integrations::postgres::{Postgres, PostgresStrategy};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::strategy::AccessStrategy;

use super::cluster::{
    Asked, Cluster, LOGIN_KEY, PASSWORD, closed, code, connect, free_port, rows, target,
};
use super::cluster_clock::SteppingClock;
use secrecy::ExposeSecret;

/// PG14: sessions on a replica are not among those of the primary, and go on.
#[tokio::test]
async fn sessions_on_replicas_end() {
    let Some(cluster) = Cluster::start().await else { return };
    let replica = cluster.replica().await;
    let client = cluster.builder().replica(replica.address()).clock(SteppingClock::new()).build().unwrap();
    let strategy = PostgresStrategy::new(client);
    let asked = Asked::new(&strategy, "readonly");
    strategy.check(&target("readonly")).await.unwrap();
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    let on_replica = async || connect(replica.port(), &login.username, login.password.expose_secret(), "app").await;
    // The grant arrives at the replica when it does.
    let session = loop {
        if let Ok(session) = on_replica().await {
            break session;
        }
    };
    let on_primary = cluster.log_in(&login).await.unwrap();
    assert_eq!(rows(&session, "SELECT pg_is_in_recovery()").await, ["t"]);
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [asked.login_name()], "sessions_ended": 2 }));
    closed(&session).await;
    closed(&on_primary).await;
    assert!(on_replica().await.is_err());
}

/// PG14: a replica that cannot be reached may have sessions, so the access is not revoked.
#[tokio::test]
async fn an_unreachable_replica_is_named_and_keeps_the_run_revoking() {
    let Some(cluster) = Cluster::start().await else { return };
    let admin = cluster.admin().await;
    let gone = format!("127.0.0.1:{}", free_port());
    let with = |replica: &str| {
        let client = cluster.builder().replica(replica).clock(SteppingClock::new()).build().unwrap();
        PostgresStrategy::new(client)
    };
    let strategy = with(&gone);
    let asked = Asked::new(&strategy, "readonly");
    assert_eq!(code(&strategy.check(&target("readonly")).await.unwrap_err()), "Postgres:UNREACHABLE");
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    let session = cluster.log_in(&login).await.unwrap();
    let error = asked.revoke().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:UNREACHABLE", ErrorKind::Unavailable));
    assert!(error.message().contains(&gone), "{error}");
    // All else is done, and the login is kept to find sessions by.
    closed(&session).await;
    assert!(cluster.log_in(&login).await.is_err());
    assert_eq!(rows(&admin, "SELECT rolcanlogin FROM pg_roles WHERE starts_with(rolname, 'sym_')").await, ["f"]);

    let replica = cluster.replica().await;
    let strategy = with(&replica.address());
    Asked::new(&strategy, "readonly").revoke().await.unwrap();
    assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());
}

#[tokio::test]
async fn a_standby_cannot_be_the_primary() {
    let Some(cluster) = Cluster::start().await else { return };
    let replica = cluster.replica().await;
    let client = Postgres::builder(replica.address(), "manager").password(PASSWORD).login_key(LOGIN_KEY).build().unwrap();
    let error = PostgresStrategy::new(client).check(&target("readonly")).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:READ_ONLY", ErrorKind::Configuration), "{error}");
}

#[tokio::test]
async fn wrong_credentials_and_databases_are_named() {
    let Some(cluster) = Cluster::start().await else { return };
    let check = async |client: Result<Postgres>| {
        PostgresStrategy::new(client.unwrap()).check(&target("readonly")).await.unwrap_err()
    };
    let error = check(cluster.builder().password("S3CRET-wrong").build()).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:AUTH_FAILED", ErrorKind::Unauthorized), "{error}");
    assert!(!format!("{error:?}").contains("S3CRET"));
    let error = check(cluster.builder().database("nowhere").build()).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:NOT_FOUND", ErrorKind::Configuration), "{error}");
}

/// A server that is not on this machine is not talked to without TLS, nor if it cannot show who it is.
#[tokio::test]
async fn tls_is_required() {
    let Some(cluster) = Cluster::start().await else { return };
    // In this spelling, it is a name like any other.
    let host = format!("LOCALHOST:{}", cluster.port());
    let client = |pem: Option<&str>| {
        let builder = Postgres::builder(&host, "manager").password(PASSWORD).login_key(LOGIN_KEY).database("app");
        let builder = pem.into_iter().fold(builder, |builder, pem| builder.root_certificate(pem));
        PostgresStrategy::new(builder.clock(SteppingClock::new()).build().unwrap())
    };
    let error = client(None).check(&target("readonly")).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:UNREACHABLE", ErrorKind::Configuration), "{error}");
    assert!(error.hint().unwrap().contains("`ssl`"));

    let authority = cluster.turn_on_tls("localhost").await;
    let error = client(None).check(&target("readonly")).await.unwrap_err();
    assert_eq!(code(&error), "Postgres:UNTRUSTED_CERTIFICATE", "{error}");
    client(Some(&authority)).check(&target("readonly")).await.unwrap();
    let other = cluster.turn_on_tls("db.example.com").await;
    let error = client(Some(&other)).check(&target("readonly")).await.unwrap_err();
    assert_eq!(code(&error), "Postgres:UNTRUSTED_CERTIFICATE", "{error}");
    assert!(error.hint().unwrap().contains("another host"));
}

#[test]
fn malformed_settings_are_refused_before_anything_is_called() {
    let build = |change: fn(sym_integrations::postgres::PostgresBuilder) -> sym_integrations::postgres::PostgresBuilder| {
        change(Postgres::builder("db.example.com", "manager").password(PASSWORD).login_key(LOGIN_KEY)).build()
    };
    build(|builder| builder.replica("[::1]:5433").replica("10.0.0.1")).unwrap();
    for (change, expected) in [
        (|builder| builder.replica("db.example.com/app"), "`db.example.com/app` is not the address of a database server"),
        (|builder| builder.replica("db:port"), "`db:port` is not the address of a database server"),
        (|builder| builder.replica(""), "`` is not the address of a database server"),
        (|builder| builder.login_key("short"), "the secret of `login_key_secret` is shorter than 32 characters"),
        (|builder| builder.password(""), "the PostgreSQL client for `db.example.com` has no `password_secret`"),
        (|builder| builder.root_certificate("none"), "the setting `root_certificate` contains no valid certificate"),
    ] as [(fn(sym_integrations::postgres::PostgresBuilder) -> sym_integrations::postgres::PostgresBuilder, &str); 6]
    {
        let error = build(change).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Configuration, expected));
    }
}
