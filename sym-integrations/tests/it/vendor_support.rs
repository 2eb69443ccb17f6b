//! Helpers that the tests of all vendors share: a request to a strategy, its declarations in a configuration, and checks of errors.

use std::sync::Arc;

use sym_sdk::config::{self, Config, Reference};
use sym_sdk::engine::MemoryStore;
use sym_sdk::error::{Error, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Environment, Event, Flow, Step, StepOutput, User};
use sym_sdk::reducer;
use sym_sdk::routing::{PermissionLevel, RequestPermission};
use sym_sdk::runtime::{LocalSecrets, Plugin, Runtime};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult};

pub(crate) fn person(email: &str) -> User {
    User::from_email(email).unwrap()
}

/// Returns the code of an error, after a check that no form of the error contains a credential.
pub(crate) fn code(error: &Error) -> String {
    let faces = format!("{error}\n{error:?}\n{error:#?}\n{}\n{}", error.report(), error.to_json());
    assert!(!faces.contains("S3CRET"), "{faces}");
    assert!(!error.message().contains('\n') && !error.message().ends_with('.'), "{}", error.message());
    error.code().to_string()
}

/// A request to a strategy, for an identity. Ana asks for it.
pub(crate) struct Asked<'a, S> {
    strategy: &'a S,
    event: Event,
    target: AccessTarget,
    identity: &'a str,
}

impl<'a, S: AccessStrategy> Asked<'a, S> {
    pub(crate) fn new(strategy: &'a S, target: AccessTarget, identity: &'a str) -> Self {
        let flow = Flow::builder("prod".parse().unwrap(), "acme")
            .environment(Environment::new("main".parse().unwrap()))
            .build();
        let event = Event::builder(flow, Step::Escalate, person("ana@example.com")).target(target.clone()).build();
        Self { strategy, event, target, identity }
    }

    pub(crate) fn request(&self) -> AccessRequest<'_> {
        let key = EffectKey { run: "0190a0a0-0000-7000-8000-000000000001".parse().unwrap(), seq: 7 };
        AccessRequest::new(&self.event, &self.target, self.identity, key)
    }

    pub(crate) async fn grant(&self) -> Result<GrantResult> {
        self.strategy.escalate(&self.request()).await
    }

    pub(crate) async fn revoke(&self) -> Result<Option<StepOutput>> {
        self.strategy.deescalate(&self.request()).await
    }
}

/// The declarations of a flow `prod`, with a strategy for one target, and a secret `secret` for its integration.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'a> {
    /// The type of the strategy and of its integration.
    pub(crate) kind: &'a str,
    pub(crate) external_id: &'a str,
    pub(crate) integration: &'a [(&'a str, &'a str)],
    pub(crate) strategy: &'a [(&'a str, &'a str)],
    pub(crate) target_kind: &'a str,
    pub(crate) target: &'a [(&'a str, &'a str)],
}

impl Declared<'_> {
    /// Adds all but the flow to a configuration.
    pub(crate) fn add_to(&self, config: &mut Config) {
        let settings =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        config.secrets.push(config::Secret {
            name: "secret".into(),
            path: "SECRET".into(),
            source: "env".into(),
            ..config::Secret::default()
        });
        config.secret_sources.push(config::SecretSource {
            kind: "environment".into(),
            name: "env".into(),
            ..config::SecretSource::default()
        });
        config.integrations.push(config::Integration {
            kind: self.kind.into(),
            name: "main".into(),
            external_id: self.external_id.into(),
            settings: settings(self.integration),
            ..config::Integration::default()
        });
        config.targets.push(config::Target {
            kind: self.target_kind.into(),
            name: "main".into(),
            settings: settings(self.target),
            ..config::Target::default()
        });
        config.strategies.push(config::Strategy {
            kind: self.kind.into(),
            name: "main".into(),
            integration: Some(Reference::typed(self.kind, "main")),
            targets: vec![Reference::typed(self.target_kind, "main")],
            settings: settings(self.strategy),
            ..config::Strategy::default()
        });
    }

    pub(crate) fn flow(&self) -> config::Flow {
        let mut flow = config::Flow { name: "prod".into(), ..config::Flow::default() };
        flow.params.strategy = Some(Reference::typed(self.kind, "main"));
        flow
    }

    /// Builds a runtime from the configuration with all plugins, and returns its errors.
    pub(crate) async fn errors(&self) -> Option<String> {
        let mut config = Config {
            organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
            environments: vec![config::Environment { name: "main".into(), ..config::Environment::default() }],
            flows: vec![config::Flow { environment: "main".into(), ..self.flow() }],
            ..Config::default()
        };
        self.add_to(&mut config);
        let builder = Runtime::builder(config)
            .registry(sym_sdk::handlers![get_permissions])
            .secrets(LocalSecrets::with_variables([("SECRET", "S3CRET")]))
            .store(Arc::new(MemoryStore::new()));
        sym_integrations::all().install(builder).build().await.err().map(|errors| errors.to_string())
    }
}

#[reducer]
pub(crate) fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}
