//! Configurations that many tests start from.

use std::collections::BTreeMap;
#[cfg(any(feature = "testing", feature = "server"))]
use std::time::Duration;

use sym_sdk::config::{
    Config, Environment, Flow, FlowParams, Integration, Reference, Secret, SecretSource, Strategy, Target,
};

/// The real time after which a test counts as hanging. What it limits takes nearly none, but the machine may be busy.
#[cfg(any(feature = "testing", feature = "server"))]
pub(crate) const GRACE: Duration = Duration::from_secs(120);

/// Builds settings from pairs.
pub(crate) fn settings(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Builds flows without a strategy, in the environment `main`.
pub(crate) fn flows(names: &[&str]) -> Config {
    let flow = |name: &&str| Flow { name: (*name).into(), environment: "main".into(), ..Flow::default() };
    Config {
        flows: names.iter().map(flow).collect(),
        environments: vec![Environment { name: "main".into(), ..Environment::default() }],
        ..Config::default()
    }
}

/// Builds the flow `prod` in the environment `main`. Its strategy, target and integration have this type and name.
pub(crate) fn access_flow(kind: &str) -> Config {
    let reference = Reference::typed(kind, kind);
    let mut config = flows(&["prod"]);
    config.integrations.push(integration(kind, kind, kind));
    config.targets.push(Target { kind: kind.into(), name: kind.into(), ..Target::default() });
    config.strategies.push(Strategy {
        kind: kind.into(),
        name: kind.into(),
        integration: Some(reference.clone()),
        targets: vec![reference.clone()],
        ..Strategy::default()
    });
    config.flows[0].params = FlowParams { strategy: Some(reference), ..FlowParams::default() };
    config
}

/// Builds an integration.
pub(crate) fn integration(kind: &str, name: &str, external_id: &str) -> Integration {
    Integration { kind: kind.into(), name: name.into(), external_id: external_id.into(), ..Integration::default() }
}

/// Adds secrets by name, each with the environment variable that it is read from.
pub(crate) fn add_secrets(config: &mut Config, secrets: &[(&str, &str)]) {
    config.secret_sources.push(SecretSource {
        kind: "environment".into(),
        name: "env".into(),
        ..SecretSource::default()
    });
    config.secrets.extend(secrets.iter().map(|(name, variable)| Secret {
        name: (*name).into(),
        path: (*variable).into(),
        source: "env".into(),
        ..Secret::default()
    }));
}
