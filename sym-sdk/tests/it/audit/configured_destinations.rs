//! Configured destinations and the flows whose entries they receive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use sym_sdk::audit::LogDestinationType;
use sym_sdk::config::{self, Config, Diagnostics, Reference};
use sym_sdk::engine::{MemoryStore, WorkerLimits};
use sym_sdk::runtime::{Builder, LocalSecrets, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::RecordingStrategy;

use super::collector::Collector;
use super::plain;
use crate::support::{GRACE, add_secrets, settings};

/// Destinations of type `archive`, by name.
#[derive(Clone, Default)]
struct Archives(Arc<Mutex<BTreeMap<String, Collector>>>);

impl Archives {
    fn destination_type(&self) -> LogDestinationType {
        let archives = self.0.clone();
        LogDestinationType::new("archive", move |config| {
            config.expect_settings(&["bucket", "key_secret"])?;
            assert_eq!(config.setting("bucket")?, "audit");
            assert_eq!(config.secret("key_secret").map(ExposeSecret::expose_secret), Some("hunter2"));
            let collector = Collector::new(&config.name());
            archives.lock().unwrap().insert(config.destination.name().to_string(), collector.clone());
            Ok(Arc::new(collector))
        })
    }

    fn of(&self, name: &str) -> Collector {
        self.0.lock().unwrap()[name].clone()
    }
}

/// Flows `prod` and `dev`, each with an environment and a destination of its own, and a destination for both.
fn config() -> Config {
    let mut config = Config::default();
    config.organization.domains.push("example.com".into());
    add_secrets(&mut config, &[("key", "KEY")]);
    for name in ["prod", "dev", "both", "unused"] {
        config.log_destinations.push(config::LogDestination {
            kind: "archive".into(),
            name: name.into(),
            settings: settings(&[("bucket", "audit"), ("key_secret", "key")]),
            ..Default::default()
        });
    }
    for name in ["prod", "dev"] {
        config.flows.push(config::Flow { name: name.into(), environment: name.into(), ..Default::default() });
        config.environments.push(config::Environment {
            name: name.into(),
            log_destinations: vec![Reference::typed("archive", name), "both".into()],
            ..Default::default()
        });
    }
    config
}

fn builder(config: Config) -> Builder {
    Runtime::builder(config)
        .registry(plain())
        .secrets(LocalSecrets::with_variables([("KEY", "hunter2")]))
        .strategy_type(StrategyType::new("test", |_| Ok(RecordingStrategy::new())))
}

async fn faults(builder: Builder) -> Diagnostics {
    builder.build().await.unwrap_err()
}

/// Returns the flows whose entries a destination has.
fn flows(collector: &Collector) -> Vec<String> {
    let mut flows: Vec<_> =
        collector.lines().iter().map(|line| line.record().entry().unwrap().flow.slug().to_owned()).collect();
    flows.dedup();
    flows
}

async fn deliver(runtime: &Runtime) {
    let workers = runtime.start(WorkerLimits::default());
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn a_configured_destination_receives_the_entries_of_its_environments() {
    let (archives, all) = (Archives::default(), Collector::new("all"));
    let store = Arc::new(MemoryStore::new());
    let new = |config| {
        builder(config)
            .store(store.clone())
            .log_destination_type(archives.destination_type())
            .audit_destination(all.clone())
    };
    let runtime = new(config()).build().await.unwrap();
    assert!(!archives.0.lock().unwrap().contains_key("unused"), "nobody names it");
    for flow in ["prod", "dev", "prod"] {
        runtime.submit(Submission::request(flow, "ana@example.com")).await.unwrap();
    }
    deliver(&runtime).await;
    assert_eq!(flows(&archives.of("prod")), ["prod"]);
    assert_eq!(flows(&archives.of("dev")), ["dev"]);
    let names: Vec<_> = runtime.audit_progress().await.unwrap().into_iter().map(|each| each.destination).collect();
    assert_eq!(names, ["all", "archive:prod", "archive:dev", "archive:both"]);
    assert_eq!(archives.of("both").seqs(), all.seqs());
    assert_eq!(all.seqs().last().copied(), runtime.engine().head().await.ok().map(|head| head.seq));
    let (prod, dev) = (archives.of("prod"), archives.of("dev"));
    assert_eq!(prod.seqs().len() + dev.seqs().len(), all.seqs().len());
    let verifier = || sym_sdk::audit::Verifier::new().allow_gaps();
    verifier().read("", prod.text().as_bytes()).unwrap();

    // Undelivered entries of a removed flow must go somewhere.
    runtime.submit(Submission::request("dev", "ana@example.com")).await.unwrap();
    let mut without = config();
    without.flows.retain(|flow| flow.name == "prod");
    let runtime = new(without).build().await.unwrap();
    deliver(&runtime).await;
    assert_eq!(flows(&archives.of("prod")), ["dev"]);
    assert_eq!(archives.of("both").seqs(), archives.of("prod").seqs());
}

#[tokio::test]
async fn an_unknown_type_is_an_error_unless_simulated() {
    let error = faults(builder(config())).await.to_string();
    let expected = "log destination `prod` has type `archive`, which is not registered";
    assert!(error.contains(expected), "{error}");
    assert!(error.contains("no types are registered"), "{error}");
    assert!(!error.contains("unused"), "{error}");

    let archives = Archives::default();
    let dry = builder(config()).log_destination_type(archives.destination_type()).simulated().build().await.unwrap();
    assert!(dry.audit_progress().await.unwrap().is_empty());
    assert!(archives.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn reports_why_a_destination_cannot_be_built() {
    let archives = Archives::default();
    let built = |change: fn(&mut config::LogDestination)| {
        let mut config = config();
        change(&mut config.log_destinations[0]);
        builder(config).log_destination_type(archives.destination_type())
    };
    let error = faults(built(|log| drop(log.settings.remove("bucket")))).await.to_string();
    assert!(
        error.contains("log destination `prod` cannot be used: log destination `prod` has no setting `bucket`"),
        "{error}"
    );
    let error = faults(built(|log| drop(log.settings.insert("buckte".into(), "x".into())))).await.to_string();
    assert!(error.contains("has an unknown setting `buckte`") && error.contains("did you mean `bucket`?"), "{error}");
    let error = faults(built(|log| drop(log.settings.insert("key_secret".into(), "kye".into())))).await.to_string();
    assert!(
        error.contains("log destination `prod` names secret `kye` in `key_secret`, which is not declared"),
        "{error}"
    );
    let error = faults(built(|_| {}).secrets(LocalSecrets::with_variables([("OTHER", "x")]))).await.to_string();
    assert!(error.contains("secret `key` is to be in environment variable `KEY`, which is not set"), "{error}");
}

#[tokio::test]
async fn duplicate_names_are_errors() {
    let (one, other) = (Collector::new("log"), Collector::new("log"));
    let mut config = config();
    config.log_destinations.clear();
    config.environments.iter_mut().for_each(|environment| environment.log_destinations.clear());
    let error = faults(builder(config).audit_destination(one).audit_destination(other)).await.to_string();
    assert!(error.contains("two destinations of the audit log have the name `log`"), "{error}");
}
