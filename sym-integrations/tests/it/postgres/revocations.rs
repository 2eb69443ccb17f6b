//! Revocations.

use std::sync::Arc;

use serde_json::json;
use sym_integrations::postgres::PostgresStrategy;
use sym_sdk::error::ErrorKind;

use crate::GRACE;
use super::cluster::{Asked, Cluster, SUPERUSER_PASSWORD, closed, code, installed, rows};
use super::cluster_clock::SteppingClock;

/// PG01: neither the end of a login nor that of a role ends a session.
#[tokio::test]
async fn open_sessions_end() {
    let Some(cluster) = Cluster::start().await else { return };
    let strategy = cluster.strategy();
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    let (first, second) = (cluster.log_in(&login).await.unwrap(), cluster.log_in(&login).await.unwrap());
    // One is busy, and one has a transaction open.
    let busy = tokio::spawn(async move { first.batch_execute("SELECT pg_sleep(3600)").await });
    second.batch_execute("BEGIN").await.unwrap();
    let revoked = asked.revoke().await.unwrap();
    assert_eq!(revoked, json!({ "logins": [asked.login_name()], "sessions_ended": 2 }));
    busy.await.unwrap().unwrap_err();
    closed(&second).await;
}

/// PG01: a session that opens in between is found by a later look, and the wait for quiet begins again.
#[tokio::test]
async fn a_session_that_opens_in_between_ends() {
    let Some(cluster) = Cluster::start().await else { return };
    let (clock, admin) = (SteppingClock::new(), Arc::new(cluster.admin().await));
    let strategy = PostgresStrategy::new(cluster.builder().clock(clock.clone()).build().unwrap());
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    let (port, name) = (cluster.port(), asked.login_name());
    // A login that the server has admitted already, and that shows up two seconds later.
    for _ in 0..4 {
        clock.then(|| async {});
    }
    let (opened, sessions) = tokio::sync::mpsc::channel(1);
    let mut sessions = sessions;
    let (allow, forbid) = (format!("ALTER ROLE {name} LOGIN PASSWORD 'x'"), format!("ALTER ROLE {name} NOLOGIN"));
    let on_server = Arc::clone(&admin);
    clock.then(move || async move {
        on_server.batch_execute(&allow).await.unwrap();
        let session = super::cluster::connect(port, &name, "x", "app").await.unwrap();
        on_server.batch_execute(&forbid).await.unwrap();
        opened.send(session).await.unwrap();
    });
    let revoked = asked.revoke().await.unwrap();
    assert_eq!(revoked["sessions_ended"], 1);
    closed(&sessions.recv().await.unwrap()).await;
    assert!(clock.is_done());
    assert!(cluster.log_in(&login).await.is_err());
}

/// PG01: sessions of a login that somebody has dropped have no name any more.
#[tokio::test]
async fn sessions_of_a_dropped_login_end() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let mut asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let oid = rows(&admin, &format!("SELECT '{}'::regrole::oid", asked.login_name())).await[0].parse::<u32>().unwrap();
    let session = cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap();
    admin.batch_execute(&format!("DROP ROLE {}", asked.login_name())).await.unwrap();
    assert_eq!(rows(&session, "SELECT 1").await, ["1"]);
    asked.record(json!({ "login": asked.login_name(), "oid": oid }));
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [], "sessions_ended": 1 }));
    closed(&session).await;
}

/// PG02, PG03: a login that owns something cannot be dropped. What people made stays, and the access is over.
#[tokio::test]
async fn a_login_that_owns_objects_is_left_without_access() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let (app, other) = (
        cluster.connect("postgres", SUPERUSER_PASSWORD, "app").await.unwrap(),
        Asked::by(&strategy, "ana@example.com", 2, "readonly"),
    );
    let asked = Asked::new(&strategy, "readonly");
    let name = asked.login_name();
    asked.granted().await;
    other.granted().await;
    let owned = format!("CREATE TABLE reports (id int); ALTER TABLE reports OWNER TO {name}");
    app.batch_execute(&owned).await.unwrap();
    admin.batch_execute(&owned).await.unwrap();

    let revoked = asked.revoke().await.unwrap();
    // One failure does not stop the others: the login of the other Run is gone.
    let left = json!([format!("`{name}` owns objects: 1 in database app, 1 in database postgres")]);
    assert_eq!(revoked, json!({ "logins": [name, other.login_name()], "sessions_ended": 0, "left": left }));
    let state = "SELECT rolname, rolcanlogin, (SELECT count(*) FROM pg_auth_members WHERE member = pg_roles.oid) \
                 FROM pg_roles WHERE starts_with(rolname, 'sym_')";
    assert_eq!(rows(&admin, state).await, [format!("{name}|f|0")]);
    assert_eq!(rows(&app, "SELECT tableowner FROM pg_tables WHERE tablename = 'reports'").await, std::slice::from_ref(&name));

    // Operators are told, once, by the read-back that follows a revocation.
    let error = asked.listed().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:ROLE_LEFT", ErrorKind::Conflict));
    assert!(error.message().contains(&name) && error.hint().unwrap().contains("REASSIGN OWNED"));
    assert!(asked.listed().await.unwrap().is_empty());

    app.batch_execute("DROP TABLE reports").await.unwrap();
    admin.batch_execute("DROP TABLE reports").await.unwrap();
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [name], "sessions_ended": 0 }));
    assert!(rows(&admin, state).await.is_empty());
}

/// PG05: a revocation undoes what the grant did, and nothing else.
#[tokio::test]
async fn a_revocation_leaves_the_server_as_it_was() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let app = cluster.connect("postgres", SUPERUSER_PASSWORD, "app").await.unwrap();
    app.batch_execute("CREATE TABLE orders (id serial); GRANT SELECT ON orders TO readonly, PUBLIC").await.unwrap();
    let state = async || {
        let mut state = Vec::new();
        for query in [
            "SELECT * FROM pg_authid ORDER BY oid",
            "SELECT roleid, member, grantor, admin_option FROM pg_auth_members ORDER BY 1, 2, 3",
            "SELECT * FROM pg_db_role_setting",
            "SELECT * FROM pg_shdescription WHERE classoid = 'pg_authid'::regclass",
            "SELECT * FROM pg_shdepend ORDER BY 1, 2, 3, 4, 5, 6",
        ] {
            state.push(rows(&admin, query).await);
        }
        state.push(rows(&app, "SELECT relname, relacl FROM pg_class WHERE relacl IS NOT NULL ORDER BY 1").await);
        state
    };
    let before = state().await;
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    assert_ne!(state().await, before);
    asked.revoke().await.unwrap();
    assert_eq!(state().await, before);
}

/// PG10: the server's answer decides who may end sessions; the error names the grant, and other people's sessions stay.
#[tokio::test]
async fn a_missing_right_to_end_sessions_is_named() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let bystander = cluster.admin().await;
    admin.batch_execute("REVOKE pg_signal_backend FROM manager").await.unwrap();
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    let session = cluster.log_in(&login).await.unwrap();
    let error = asked.revoke().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Postgres:FORBIDDEN", ErrorKind::Forbidden));
    assert!(error.message().starts_with("could not end sessions: ") && error.message().ends_with("(SQLSTATE 42501)"), "{error}");
    assert!(error.hint().unwrap().ends_with(r#"GRANT pg_signal_backend TO "manager""#));
    // The login is gone all the same, and the role is still there to find the session by.
    assert!(cluster.log_in(&login).await.is_err());
    assert_eq!(rows(&session, "SELECT 1").await, ["1"]);

    admin.batch_execute("GRANT pg_signal_backend TO manager").await.unwrap();
    assert_eq!(asked.revoke().await.unwrap()["sessions_ended"], 1);
    closed(&session).await;
    assert_eq!(rows(&bystander, "SELECT 1").await, ["1"]);
}

/// PG11: that no call failed does not mean that the access is gone.
#[tokio::test]
async fn a_login_that_somebody_restores_is_not_revoked() {
    let Some(cluster) = Cluster::start().await else { return };
    let (clock, admin) = (SteppingClock::new(), cluster.admin().await);
    let strategy = PostgresStrategy::new(cluster.builder().clock(clock.clone()).build().unwrap());
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let restore = format!("ALTER ROLE {} LOGIN", asked.login_name());
    let on_server = cluster.admin().await;
    clock.then(move || async move { on_server.batch_execute(&restore).await.unwrap() });
    let error = asked.revoke().await.unwrap_err();
    assert_eq!(code(&error), "Postgres:STILL_PRESENT");
    assert_eq!(asked.listed().await.unwrap(), ["ana@example.com"]);
    asked.revoke().await.unwrap();
    drop(admin);
}

/// PG11: a membership that somebody else granted, of a login that cannot be dropped.
#[tokio::test]
async fn a_membership_that_remains_is_not_revoked() {
    let Some(cluster) = Cluster::start().await else { return };
    let (clock, admin) = (SteppingClock::new(), cluster.admin().await);
    let strategy = PostgresStrategy::new(cluster.builder().clock(clock.clone()).build().unwrap());
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let name = asked.login_name();
    let own = format!("CREATE ROLE payroll; CREATE TABLE reports (id int); ALTER TABLE reports OWNER TO {name}");
    admin.batch_execute(&own).await.unwrap();
    let (on_server, grant) = (cluster.admin().await, format!("GRANT payroll TO {name}"));
    clock.then(move || async move { on_server.batch_execute(&grant).await.unwrap() });
    let error = asked.revoke().await.unwrap_err();
    assert_eq!(code(&error), "Postgres:STILL_PRESENT");
    assert!(error.message().contains("cannot log in, has 1 memberships"), "{error}");
}

/// PG12: each Run has a login of its own; the last Run of one access to end ends it for all, and nobody else's.
#[tokio::test]
async fn the_last_of_several_runs_ends_the_access_of_all() {
    let Some(cluster) = Cluster::start().await else { return };
    let strategy = cluster.strategy();
    let (first, second) = (Asked::new(&strategy, "readonly"), Asked::by(&strategy, "ana@example.com", 2, "readonly"));
    let other = Asked::by(&strategy, "ben@example.com", 3, "readonly");
    let mut sessions = Vec::new();
    for asked in [&first, &second, &other] {
        asked.granted().await;
        sessions.push(cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap());
    }
    assert_ne!(first.login_name(), second.login_name());
    let revoked = second.revoke().await.unwrap();
    assert_eq!(revoked, json!({ "logins": [first.login_name(), second.login_name()], "sessions_ended": 2 }));
    assert_eq!(other.listed().await.unwrap(), ["ben@example.com"]);
    assert_eq!(rows(&sessions[2], "SELECT 1").await, ["1"]);
}

/// A login may change its own password, and lock itself with that: the session is ended before the login is taken.
#[tokio::test]
async fn a_login_that_its_own_session_has_locked_is_revoked() {
    let Some(cluster) = Cluster::start().await else { return };
    let strategy = cluster.strategy();
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let session = cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap();
    let lock = format!("SET ROLE NONE; BEGIN; ALTER ROLE {} PASSWORD 'y'", asked.login_name());
    session.batch_execute(&lock).await.unwrap();
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [asked.login_name()], "sessions_ended": 1 }));
    closed(&session).await;
}

/// A client that connects again can lock the login again: its sessions end while the revocation waits, too.
#[tokio::test]
async fn sessions_end_while_a_revocation_waits_for_a_lock() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin, observer) = (cluster.strategy(), cluster.admin().await, cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    admin.batch_execute(&format!("BEGIN; ALTER ROLE {} CONNECTION LIMIT 5", asked.login_name())).await.unwrap();
    let waiting = async || {
        let query = "SELECT xact_start FROM pg_stat_activity WHERE usename = 'manager' AND wait_event_type = 'Lock'";
        loop {
            let found = rows(&observer, query).await;
            if !found.is_empty() {
                break found;
            }
            tokio::task::yield_now().await;
        }
    };
    let interrupted = async {
        // Not by the attempt that follows when this one has waited long enough.
        loop {
            let attempt = waiting().await;
            closed(&cluster.log_in(&login).await.unwrap()).await;
            if waiting().await == attempt {
                break admin.batch_execute("ROLLBACK").await.unwrap();
            }
        }
    };
    let both = async {
        tokio::try_join!(asked.revoke(), async {
            interrupted.await;
            Ok(())
        })
    };
    let (revoked, ()) = tokio::time::timeout(GRACE, both).await.expect("the revocation waits, and ends").unwrap();
    assert!(revoked["sessions_ended"].as_u64().unwrap() > 0);
}

/// A prepared transaction keeps its lock without a session. One that does not have the login locked stays.
#[tokio::test]
async fn a_login_that_a_prepared_transaction_has_locked_is_revoked() {
    let Some(bin) = installed().pop() else { return };
    let cluster = Cluster::start_with(bin, &["max_prepared_transactions=5"]).await;
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let session = cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap();
    for statement in [
        "SET ROLE NONE".to_owned(),
        format!("BEGIN; ALTER ROLE {} PASSWORD 'y'", asked.login_name()),
        "PREPARE TRANSACTION 'it''s locked'".to_owned(),
        "BEGIN; SELECT pg_advisory_xact_lock(7)".to_owned(),
        "PREPARE TRANSACTION 'harmless'".to_owned(),
    ] {
        session.batch_execute(&statement).await.unwrap();
    }
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [asked.login_name()], "sessions_ended": 1 }));
    assert_eq!(rows(&admin, "SELECT gid FROM pg_prepared_xacts").await, ["harmless"]);
    assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());
}

/// Without the right to end the session that has the login locked, the error names that right.
#[tokio::test]
async fn a_lock_that_cannot_be_broken_is_explained() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let session = cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap();
    let lock = format!("SET ROLE NONE; BEGIN; ALTER ROLE {} PASSWORD 'y'", asked.login_name());
    session.batch_execute(&lock).await.unwrap();
    admin.batch_execute("REVOKE pg_signal_backend FROM manager").await.unwrap();
    let error = asked.revoke().await.unwrap_err();
    assert_eq!(code(&error), "Postgres:FORBIDDEN", "{error}");
    assert!(error.hint().unwrap().ends_with(r#"GRANT pg_signal_backend TO "manager""#));
}

/// Any user of the server may take the advisory lock that orders our transactions: revocations go on without it.
#[tokio::test]
async fn an_advisory_lock_of_somebody_else_stops_no_revocation() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    admin.batch_execute("CREATE ROLE mallory LOGIN PASSWORD 'x'").await.unwrap();
    let mallory = cluster.connect("mallory", "x", "app").await.unwrap();
    let key = i64::from_be_bytes(*b"sym-role");
    mallory.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [asked.login_name()], "sessions_ended": 0 }));
    assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());
}
