//! Grants.

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use serde_json::json;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::{Event, Flow, Step, User};
use sym_sdk::strategy::{AccessStrategy, RevocationScope};

use super::cluster::{Asked, Cluster, LOGIN_KEY, PASSWORD, SUPERUSER_PASSWORD, code, rows, target};

/// PG02, PG12: a login of the Run's own, that acts as the prepared role and has nothing itself.
#[tokio::test]
async fn a_grant_is_a_login_that_acts_as_the_role() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    let output = asked.grant().await.unwrap();
    let login = cluster.client().login(asked.event()).unwrap();
    assert_eq!(login.username, asked.login_name());
    assert_eq!((login.host.as_str(), login.port, login.database.as_str()), ("127.0.0.1", cluster.port(), "app"));

    let session = cluster.log_in(&login).await.unwrap();
    let who = rows(&session, "SELECT session_user, current_user").await;
    assert_eq!(who, [format!("{}|readonly", asked.login_name())]);
    let attributes = "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = session_user";
    assert_eq!(rows(&session, attributes).await, ["f|f|f|f|f"]);

    let oid = rows(&admin, &format!("SELECT oid FROM pg_roles WHERE rolname = '{}'", asked.login_name())).await;
    let expected = json!({
        "login": asked.login_name(), "oid": oid[0].parse::<u32>().unwrap(), "role": "readonly",
        "host": "127.0.0.1", "port": cluster.port(), "database": "app",
    });
    assert_eq!(output, sym_sdk::strategy::GrantResult::granted().with_output(sym_sdk::model::StepOutput(expected)));
    assert_eq!(asked.listed().await.unwrap(), ["ana@example.com"]);
    assert_eq!(strategy.revocation_scope(), RevocationScope::AllSessions);
}

/// A call that is repeated after a crash changes nothing, and a password that was handed out stays valid.
#[tokio::test]
async fn repeated_grants_and_revocations_change_nothing() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    let first = asked.grant().await.unwrap();
    let login = cluster.client().login(asked.event()).unwrap();
    assert_eq!(asked.grant().await.unwrap(), first);
    cluster.log_in(&login).await.unwrap();

    let name = asked.login_name();
    assert_eq!(asked.revoke().await.unwrap()["logins"], json!([name]));
    assert_eq!(asked.revoke().await.unwrap(), json!({ "logins": [], "sessions_ended": 0 }));
    assert!(asked.listed().await.unwrap().is_empty());
    assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());
    assert!(cluster.log_in(&login).await.is_err());
    // Somebody who was never granted anything.
    let other = Asked::by(&strategy, "ben@example.com", 2, "readonly");
    assert_eq!(other.revoke().await.unwrap(), json!({ "logins": [], "sessions_ended": 0 }));
}

/// PG08: statements are logged, those that fail, too.
#[tokio::test]
async fn no_password_is_in_a_statement_or_an_error() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    asked.granted().await;
    let login = cluster.client().login(asked.event()).unwrap();
    cluster.log_in(&login).await.unwrap();
    // A statement with the verifier fails: the commit must not succeed.
    admin.batch_execute("ALTER ROLE manager NOCREATEROLE").await.unwrap();
    let error = Asked::by(&strategy, "ben@example.com", 2, "readonly").grant().await.unwrap_err();
    let shown = format!("{error} {error:?} {}", error.report());
    assert!(!shown.contains("SCRAM") && !shown.contains("CREATE ROLE"), "{shown}");

    let log = cluster.log();
    assert!(log.contains("PASSWORD 'SCRAM-SHA-256$4096:"));
    for secret in [login.password.expose_secret(), LOGIN_KEY] {
        assert!(!log.contains(secret) && !shown.contains(secret));
    }
    let shown = format!("{login:?} {strategy:?} {:?}", cluster.builder());
    for secret in [login.password.expose_secret(), LOGIN_KEY, PASSWORD, SUPERUSER_PASSWORD] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// PG07: the person is in the comment, whatever they are called, and the role may have any name.
#[tokio::test]
async fn names_are_quoted_and_the_comment_says_who_it_is_for() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let role = r#"Ro\le "x" '; DROP ROLE readonly; --"#;
    let quoted = r#""Ro\le ""x"" '; DROP ROLE readonly; --""#;
    admin.batch_execute(&format!("CREATE ROLE {quoted}; GRANT {quoted} TO manager WITH ADMIN OPTION")).await.unwrap();
    let asked = Asked::by(&strategy, "o'brien@example.com", 1, role);
    asked.granted().await;
    assert_eq!(asked.listed().await.unwrap(), ["o'brien@example.com"]);
    let comment = rows(&admin, "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE starts_with(rolname, 'sym_')").await;
    let comment: serde_json::Value = serde_json::from_str(&comment[0]).unwrap();
    assert_eq!((&comment["user"], &comment["role"]), (&json!("o'brien@example.com"), &json!(role)));
    let session = cluster.log_in(&cluster.client().login(asked.event()).unwrap()).await.unwrap();
    assert_eq!(rows(&session, "SELECT current_user").await, [role]);
    asked.revoke().await.unwrap();

    // The server would cut a longer name to that of the role, which is 63 bytes long.
    let long = "r".repeat(63);
    admin.batch_execute(&format!("CREATE ROLE {long}; GRANT {long} TO manager WITH ADMIN OPTION")).await.unwrap();
    let error = Asked::new(&strategy, &format!("{long}rrr")).grant().await.unwrap_err();
    assert_eq!(code(&error), "Postgres:ROLE_NOT_FOUND");
}

/// PG02, PG07: a login with the Run's name that somebody else made is not taken over.
#[tokio::test]
async fn a_login_of_the_same_name_is_not_taken_over() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let asked = Asked::new(&strategy, "readonly");
    admin.batch_execute(&format!("CREATE ROLE {} LOGIN PASSWORD 'x'", asked.login_name())).await.unwrap();
    let error = asked.grant().await.unwrap_err();
    assert_eq!((code(&error), error.is_outcome_unknown()), ("Postgres:NAME_TAKEN".to_owned(), false));
    assert_eq!(rows(&admin, "SELECT member::regrole FROM pg_auth_members WHERE roleid = 'readonly'::regrole").await, ["manager"]);
}

/// PG02: roles that log in themselves, or whose members could make lasting changes, would outlive the revocation.
#[tokio::test]
async fn roles_that_cannot_be_taken_back_are_refused() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let setup = "\
        CREATE ROLE app_user LOGIN; CREATE ROLE boss NOLOGIN CREATEROLE; CREATE ROLE deputy NOLOGIN; GRANT boss TO deputy; \
        CREATE ROLE runner NOLOGIN; GRANT pg_execute_server_program TO runner; \
        GRANT app_user, deputy, runner TO manager WITH ADMIN OPTION";
    admin.batch_execute(setup).await.unwrap();
    for (role, expected) in [
        ("app_user", "role `app_user` may log in by itself"),
        ("deputy", "role `deputy` can make changes that outlast the access, as boss"),
        ("runner", "role `runner` can make changes that outlast the access, as pg_execute_server_program"),
        ("postgres", "role `postgres` may log in by itself"),
    ] {
        for error in [
            Asked::new(&strategy, role).grant().await.unwrap_err(),
            strategy.check(&target(role)).await.unwrap_err(),
        ] {
            assert_eq!((code(&error).as_str(), error.message()), ("Postgres:UNSAFE_ROLE", expected));
            assert!(!error.is_outcome_unknown() && error.hint().unwrap().contains("allow_admin"));
        }
    }
    strategy.check(&target("deputy").with_setting("allow_admin", "true")).await.unwrap();
    assert_eq!(strategy.check(&target("deputy").with_setting("allow_admin", "yes")).await.unwrap_err().kind(), ErrorKind::Configuration);
    let error = Asked::new(&strategy, "nobody_made_it").grant().await.unwrap_err();
    assert_eq!(code(&error), "Postgres:ROLE_NOT_FOUND");
    assert!(error.hint().unwrap().contains(r#"CREATE ROLE "nobody_made_it" NOLOGIN"#));
}

/// A role through which a password can be set, or members be added, gives access that outlasts the login.
#[tokio::test]
async fn roles_that_reach_a_login_or_may_add_members_are_refused() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let setup = "\
        CREATE ROLE orders LOGIN; CREATE ROLE app_owner NOLOGIN; GRANT orders TO app_owner; \
        CREATE ROLE payroll NOLOGIN; CREATE ROLE lead NOLOGIN; GRANT payroll TO lead WITH ADMIN OPTION; \
        CREATE ROLE deputy NOLOGIN; GRANT lead TO deputy; \
        GRANT app_owner, lead, deputy TO manager WITH ADMIN OPTION";
    admin.batch_execute(setup).await.unwrap();
    for (role, through) in [("app_owner", "orders"), ("lead", "lead"), ("deputy", "lead")] {
        let expected = format!("role `{role}` can make changes that outlast the access, as {through}");
        for error in [
            Asked::new(&strategy, role).grant().await.unwrap_err(),
            strategy.check(&target(role)).await.unwrap_err(),
        ] {
            assert_eq!((code(&error).as_str(), error.message()), ("Postgres:UNSAFE_ROLE", expected.as_str()));
        }
        strategy.check(&target(role).with_setting("allow_admin", "true")).await.unwrap();
    }
}

/// Functions that users of the database have made are not called in place of the server's, whatever path its roles have.
#[tokio::test]
async fn functions_of_the_database_are_not_called() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let setup = "\
        CREATE ROLE boss NOLOGIN CREATEROLE; CREATE ROLE deputy NOLOGIN; GRANT boss TO deputy; \
        GRANT deputy TO manager WITH ADMIN OPTION; ALTER ROLE manager SET search_path = public, pg_catalog";
    admin.batch_execute(setup).await.unwrap();
    let app = cluster.connect("postgres", SUPERUSER_PASSWORD, "app").await.unwrap();
    let shadow = "CREATE FUNCTION public.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'";
    app.batch_execute(shadow).await.unwrap();
    assert_eq!(code(&Asked::new(&strategy, "deputy").grant().await.unwrap_err()), "Postgres:UNSAFE_ROLE");
}

/// PG06: the server fails transactions that change the same row at the same time.
#[tokio::test]
async fn concurrent_grants_and_revocations_all_succeed() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let runs: Vec<_> = (1..=8).map(|run| Asked::by(&strategy, &format!("u{run}@example.com"), run, "readonly")).collect();
    for result in join_all(runs.iter().map(Asked::grant)).await {
        let _ = result.unwrap();
    }
    assert_eq!(runs[0].listed().await.unwrap().len(), 8);
    for result in join_all(runs.iter().map(Asked::revoke)).await {
        assert_eq!(result.unwrap()["logins"].as_array().unwrap().len(), 1);
    }
    assert!(rows(&admin, "SELECT 1 FROM pg_roles WHERE starts_with(rolname, 'sym_')").await.is_empty());
}

/// PG06: a transaction that others get in the way of is repeated.
#[tokio::test]
async fn a_grant_that_others_get_in_the_way_of_is_repeated() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    let (asked, observer) = (Asked::new(&strategy, "readonly"), cluster.admin().await);
    asked.granted().await;
    admin.batch_execute(&format!("BEGIN; ALTER ROLE {} CONNECTION LIMIT 5", asked.login_name())).await.unwrap();
    let commit = async {
        let waiting = "SELECT 1 FROM pg_stat_activity WHERE usename = 'manager' AND wait_event_type = 'Lock'";
        while rows(&observer, waiting).await.is_empty() {
            tokio::task::yield_now().await;
        }
        admin.batch_execute("COMMIT").await.unwrap();
    };
    let (granted, ()) = tokio::join!(asked.grant(), commit);
    let _ = granted.unwrap();
    assert!(cluster.log().contains("tuple concurrently updated"));
}

/// PG13: a time without a zone, or in another order, would depend on the server's settings.
#[tokio::test]
async fn the_server_ends_the_login_by_itself() {
    let Some(cluster) = Cluster::start().await else { return };
    let (strategy, admin) = (cluster.strategy(), cluster.admin().await);
    admin
        .batch_execute("ALTER ROLE manager SET datestyle = 'SQL, DMY'; ALTER ROLE manager SET timezone = 'Asia/Tokyo'")
        .await
        .unwrap();
    let asked = Asked::new(&strategy, "readonly").until("2099-02-03T04:05:06.5Z");
    asked.granted().await;
    assert!(strategy.enforces_end());
    let until = "SELECT to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM pg_roles WHERE starts_with(rolname, 'sym_')";
    assert_eq!(rows(&admin, until).await, ["2099-02-03 04:05:06.500000"]);
    let login = cluster.client().login(asked.event()).unwrap();
    cluster.log_in(&login).await.unwrap();

    // A program that is gone, and does not revoke.
    admin.batch_execute(&format!("ALTER ROLE {} VALID UNTIL '2001-01-01'", asked.login_name())).await.unwrap();
    assert!(cluster.log_in(&login).await.is_err());

    let late = Asked::by(&strategy, "ben@example.com", 2, "readonly").until("2001-01-01T00:00:00Z");
    let error = late.grant().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), ("Postgres:ENDED", false));
    assert_eq!(rows(&admin, "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'sym_')").await, ["1"]);
}

#[tokio::test]
async fn only_the_hook_after_a_grant_gets_the_login() {
    let client = sym_integrations::postgres::Postgres::builder("db.example.com", "manager")
        .password(PASSWORD)
        .login_key(LOGIN_KEY)
        .build()
        .unwrap();
    let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
    let ana = User::from_email("ana@example.com").unwrap();
    let event = |step, target: Option<sym_sdk::model::AccessTarget>| {
        let event = Event::builder(flow.clone(), step, ana.clone());
        target.into_iter().fold(event, sym_sdk::model::EventBuilder::target).build()
    };
    let other = sym_sdk::model::AccessTarget::new("acme", "okta_group", "x".parse().unwrap());
    for event in [event(Step::Request, Some(target("readonly"))), event(Step::Escalate, None), event(Step::Escalate, Some(other))] {
        assert_eq!(code(&client.login(&event).unwrap_err()), "Postgres:NO_LOGIN");
    }
    let login = client.login(&event(Step::Escalate, Some(target("readonly").with_setting("database", "orders")))).unwrap();
    assert_eq!((login.database.as_str(), login.port), ("orders", 5432));
}
