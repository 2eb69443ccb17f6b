//! Runs that grant a temporary login, with the hook that hands it to the requester.

use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use sym_integrations::postgres::Postgres;
use sym_sdk::config::{self, Config, Reference};
use sym_sdk::engine::MemoryStore;
use sym_sdk::model::RunStatus;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Plugin, Runtime};
use sym_sdk::testing::Harness;

use super::cluster::{Cluster, LOGIN_KEY, PASSWORD, connect, rows};
use crate::GRACE;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

static HANDED_OUT: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

#[hook]
fn after_escalate(event: &Event, postgres: &Postgres) -> Result<()> {
    let login = postgres.login(event)?;
    HANDED_OUT.lock().unwrap().push((login.username, login.password.expose_secret().to_owned()));
    Ok(())
}

fn declare(config: &mut Config) {
    for name in ["password", "login-key"] {
        config.secrets.push(config::Secret {
            name: name.into(),
            path: name.to_uppercase().replace('-', "_"),
            source: "env".into(),
            ..config::Secret::default()
        });
    }
    config.secret_sources.push(config::SecretSource {
        kind: "environment".into(),
        name: "env".into(),
        ..config::SecretSource::default()
    });
    let settings = [
        ("user", "manager"),
        ("password_secret", "password"),
        ("login_key_secret", "login-key"),
        ("database", "app"),
        ("replicas", "db-2.example.com, db-3.example.com:5433"),
    ];
    config.integrations.push(config::Integration {
        kind: "postgres".into(),
        name: "orders".into(),
        external_id: "db.example.com".into(),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..config::Integration::default()
    });
    config.targets.push(config::Target {
        kind: "postgres_role".into(),
        name: "readonly".into(),
        settings: [("role".to_owned(), "readonly".to_owned())].into(),
        ..config::Target::default()
    });
    config.strategies.push(config::Strategy {
        kind: "postgres".into(),
        name: "logins".into(),
        integration: Some(Reference::typed("postgres", "orders")),
        targets: vec![Reference::typed("postgres_role", "readonly")],
        ..config::Strategy::default()
    });
}

fn flow() -> config::Flow {
    let mut flow = config::Flow { name: "prod".into(), ..config::Flow::default() };
    flow.params.strategy = Some(Reference::typed("postgres", "logins"));
    flow
}

/// PG08: the password is in nothing that is stored, and the requester has it from the hook.
#[tokio::test]
async fn a_run_hands_out_a_login_and_takes_it_back() {
    let Some(cluster) = Cluster::start().await else { return };
    let mut harness = Harness::builder()
        .declare(declare)
        .flow(flow())
        .strategy("postgres", cluster.strategy())
        .client(cluster.client())
        .handlers(sym_sdk::handlers![get_permissions, after_escalate])
        // Later than the server's clock, by which the login has to be valid still.
        .at("2099-01-01T12:00:00Z".parse().unwrap())
        .idle_timeout(GRACE)
        .build()
        .await
        .unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);

    let (user, password) = HANDED_OUT.lock().unwrap()[0].clone();
    let session = connect(cluster.port(), &user, &password, "app").await.unwrap();
    assert_eq!(rows(&session, "SELECT current_user").await, ["readonly"]);
    let state = serde_json::to_string(&*harness.run(run).await.unwrap()).unwrap();
    assert!(state.contains(&user) && !state.contains(&password));
    assert!(!format!("{:?}", harness.timeline()).contains(&password));

    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(connect(cluster.port(), &user, &password, "app").await.is_err());
    assert!(harness.delivery().alerts().is_empty());
}

#[tokio::test]
async fn all_includes_the_strategy() {
    let config = |change: fn(&mut Config)| {
        let mut config = Config {
            organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
            environments: vec![config::Environment { name: "main".into(), ..config::Environment::default() }],
            flows: vec![config::Flow { environment: "main".into(), ..flow() }],
            ..Config::default()
        };
        declare(&mut config);
        change(&mut config);
        config
    };
    let build = async |config| {
        let builder = Runtime::builder(config)
            .registry(sym_sdk::handlers![get_permissions, after_escalate])
            .secrets(LocalSecrets::with_variables([("PASSWORD", PASSWORD), ("LOGIN_KEY", LOGIN_KEY)]))
            .store(Arc::new(MemoryStore::new()));
        sym_integrations::all().install(builder).build().await
    };
    build(config(|_| {})).await.unwrap();
    // A misspelled setting would leave sessions.
    let misspelled = config(|config| {
        config.integrations[0].settings.insert("replica".into(), "db-2.example.com".into());
    });
    let faults = build(misspelled).await.unwrap_err().to_string();
    assert!(faults.contains("`replica`"), "{faults}");
}
