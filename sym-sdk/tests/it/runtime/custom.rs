//! Strategies of an organization's own, as Sym's example of one has them, several of them beside each other.

use std::sync::{Arc, Mutex};

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sym_sdk::config::{self, Config, Diagnostics};
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::machine::EffectKey;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Runtime};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyType};
use sym_sdk::testing::Harness;

use super::plain;
use crate::support::{add_secrets, flows, integration, settings};

/// A log of actions, by strategy.
type Log = Arc<Mutex<Vec<(String, EffectKey)>>>;

/// Puts people into the groups of a service of the organization's own.
struct Groups {
    name: &'static str,
    log: Log,
}

impl Groups {
    fn note(&self, what: &str, request: &AccessRequest<'_>) -> Result<()> {
        let group = request.target().setting("group")?;
        let line = format!("{}: {what} {} {group}", self.name, request.identity());
        self.log.lock().unwrap().push((line, request.idempotency_key()));
        Ok(())
    }
}

impl AccessStrategy for Groups {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        let login = user.email().and_then(|email| email.split_once('@')).map(|(login, _)| login.to_owned());
        Ok(login)
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        self.note("add", request)?;
        Ok(GrantResult::granted().with_output(StepOutput(json!({ "member": request.identity() }))))
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let granted = request.event().step_output(Step::Escalate);
        assert_eq!(granted, Some(&StepOutput(json!({ "member": request.identity() }))));
        self.note("remove", request)?;
        Ok(None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }
}

#[derive(Deserialize)]
struct Member {
    member: String,
}

#[hook]
fn after_escalate(output: StepOutput<Member>, outbox: State<Outbox>) {
    outbox.record("dm", &output.member, "welcome");
}

/// A flow for each strategy, with a target of its own.
fn declared(strategies: &[&str]) -> Config {
    let mut config = Config {
        organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        integrations: vec![config::Integration {
            settings: settings(&[("secret_ids_json", r#"["spare", "main"]"#)]),
            ..integration("custom", "directory", "ldap.example.com")
        }],
        ..flows(strategies)
    };
    add_secrets(&mut config, &[("main", "MAIN"), ("spare", "SPARE"), ("own", "OWN")]);
    for (index, name) in strategies.iter().enumerate() {
        config.targets.push(config::Target {
            kind: "custom".into(),
            name: (*name).into(),
            settings: settings(&[("group", &format!("cn={name}"))]),
            ..Default::default()
        });
        config.strategies.push(config::Strategy {
            kind: "custom".into(),
            name: (*name).into(),
            integration: Some(config::Reference::typed("custom", "directory")),
            targets: vec![config::Reference::typed("custom", *name)],
            settings: settings(&[("bind_secret", "own")]),
            ..Default::default()
        });
        config.flows[index].params.strategy = Some(config::Reference::typed("custom", *name));
    }
    config
}

#[tokio::test]
async fn each_run_goes_through_the_strategy_of_its_name() {
    let (log, outbox) = (Log::default(), Outbox::new());
    let named = |name| Groups { name, log: log.clone() };
    let builder = Harness::builder()
        .config(declared(&["ldap", "Wiki", "other"]))
        .handlers(plain().merge(handlers![after_escalate]))
        .custom_strategy("wiki", named("the wiki"))
        .custom_strategy("ldap", named("the directory"))
        .strategy("custom", named("the rest"))
        .state(outbox.clone())
        .outbox(outbox);
    let mut harness = builder.build().await.unwrap();
    for flow in ["ldap", "wiki", "other"] {
        let run = harness.request(flow).by("ana@example.com").duration("1h").await.unwrap();
        harness.approve_as(run, "ben@example.com").await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
        harness.run_to_end().await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    }
    let log = log.lock().unwrap().clone();
    let lines: Vec<_> = log.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "the directory: add ana cn=ldap",
            "the directory: remove ana cn=ldap",
            "the wiki: add ana cn=Wiki",
            "the wiki: remove ana cn=Wiki",
            "the rest: add ana cn=other",
            "the rest: remove ana cn=other",
        ]
    );
    let keys: std::collections::BTreeSet<_> = log.iter().map(|(_, key)| *key).collect();
    assert_eq!(keys.len(), log.len(), "each call has a key of its own");
    assert!(harness.outbox().sent().iter().all(|sent| sent.text == "welcome"));
    assert_eq!(harness.outbox().sent().len(), 3);
    let ana = harness.runtime().directory().user_by_email("ana@example.com").await.unwrap().unwrap();
    assert_eq!(ana.identity("custom", Some("ldap.example.com")).unwrap().user_id(), "ana");
}

/// In the harness, a strategy that nothing was given for is recorded, also beside one that has its own.
#[tokio::test]
async fn what_is_not_named_is_not_taken_over() {
    let log = Log::default();
    let builder = Harness::builder()
        .config(declared(&["ldap", "other"]))
        .handlers(plain())
        .custom_strategy("ldap", Groups { name: "the directory", log: log.clone() });
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("other").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["other: ana@example.com"]);
    assert!(log.lock().unwrap().is_empty());
}

async fn build(types: impl IntoIterator<Item = StrategyType>) -> Result<Runtime, Diagnostics> {
    let variables = LocalSecrets::with_variables([("MAIN", "hunter2"), ("SPARE", "hunter3"), ("OWN", "hunter4")]);
    let builder = Runtime::builder(declared(&["ldap"])).registry(plain()).secrets(variables);
    types.into_iter().fold(builder, |builder, kind| builder.strategy_type(kind)).build().await
}

#[tokio::test]
async fn secrets_are_at_hand_in_the_order_of_their_list() {
    let seen: Arc<Mutex<Vec<SecretString>>> = Arc::default();
    let kept = seen.clone();
    let ldap = StrategyType::custom("LDAP", move |config| {
        let integration = config.integration()?;
        assert_eq!(integration.external_id(), "ldap.example.com");
        let mut seen = kept.lock().unwrap();
        seen.extend(integration.listed_secrets().into_iter().cloned());
        seen.push(integration.secret("spare")?.clone());
        seen.extend(config.secret("bind_secret").cloned());
        assert!(config.secret("other_secret").is_none());
        assert!(config.setting("bind_secret").is_err(), "a secret is no setting in clear");
        config.expect_settings(&["bind_secret"])?;
        Ok(Arc::new(Groups { name: "the directory", log: Log::default() }))
    });
    let runtime = build([ldap]).await.unwrap();
    let seen = seen.lock().unwrap();
    let seen: Vec<_> = seen.iter().map(|secret| secret.expose_secret()).collect();
    assert_eq!(seen, ["hunter3", "hunter2", "hunter3", "hunter4"]);
    assert!(!format!("{runtime:?}").contains("hunter"));
}

#[tokio::test]
async fn a_strategy_that_nobody_wrote_is_told_at_start() {
    let new = |name: &str| StrategyType::custom(name, |_| Ok(Groups { name: "", log: Log::default() }));
    let faults = build([new("ldpa"), new("wiki")]).await.unwrap_err().to_string();
    assert!(faults.contains("strategy `ldap` has type `custom`, which is not registered"), "{faults}");
    assert!(faults.contains("registered types: custom (strategy `ldpa`), custom (strategy `wiki`)"), "{faults}");
}

#[tokio::test]
async fn the_last_one_of_a_name_counts() {
    let panics = StrategyType::custom("ldap", |_| -> sym_sdk::Result<sym_sdk::strategy::SimulatedStrategy> {
        panic!("it was replaced")
    });
    let counts = StrategyType::custom("LDAP", |_| Ok(Groups { name: "", log: Log::default() }));
    let others = StrategyType::new("custom", |_| -> sym_sdk::Result<sym_sdk::strategy::SimulatedStrategy> {
        panic!("it is for other names")
    });
    build([others, panics, counts]).await.unwrap();
}
