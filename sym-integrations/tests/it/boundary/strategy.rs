//! The strategy `boundary`.

use std::sync::Arc;

use serde_json::json;
use sym_integrations::boundary::BoundaryStrategy;
use sym_sdk::config::{self, Config, Reference};
use sym_sdk::engine::MemoryStore;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Environment, Event, Flow, Step, StepOutput};
use sym_sdk::reducer;
use sym_sdk::routing::{PermissionLevel, RequestPermission};
use sym_sdk::runtime::{LocalSecrets, Plugin, Runtime};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope};

use super::fake::{FakeBoundary, code, fault, person};

const RUN: &str = "0190a0a0-0000-7000-8000-000000000001";

fn target(group: &str) -> AccessTarget {
    AccessTarget::new("acme", "boundary_group", "admins".parse().unwrap()).with_setting("group_id", group)
}

/// A request to a strategy, for the Boundary user `identity`.
struct Asked<'a> {
    strategy: &'a BoundaryStrategy,
    event: Event,
    target: AccessTarget,
    identity: &'a str,
}

impl<'a> Asked<'a> {
    fn new(strategy: &'a BoundaryStrategy, target: AccessTarget, identity: &'a str) -> Self {
        let flow = Flow::builder("prod".parse().unwrap(), "acme")
            .environment(Environment::new("main".parse().unwrap()))
            .build();
        let event = Event::builder(flow, Step::Escalate, person("ana@example.com")).target(target.clone()).build();
        Self { strategy, event, target, identity }
    }

    fn request(&self) -> AccessRequest<'_> {
        let key = EffectKey { run: RUN.parse().unwrap(), seq: 7 };
        AccessRequest::new(&self.event, &self.target, self.identity, key)
    }

    async fn grant(&self) -> Result<GrantResult> {
        self.strategy.escalate(&self.request()).await
    }

    async fn revoke(&self) -> Result<Option<StepOutput>> {
        self.strategy.deescalate(&self.request()).await
    }
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = FakeBoundary::start().await;
    let strategy = BoundaryStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target("g_1"), "u_1");
    let output = json!({ "group_id": "g_1", "group_name": "prod-admins", "user_id": "u_1" });
    for _ in 0..2 {
        let granted = GrantResult::granted().with_output(StepOutput::new(&output).unwrap());
        assert_eq!(asked.grant().await.unwrap(), granted);
        assert_eq!(strategy.list_current(&target("g_1")).await.unwrap().unwrap(), ["u_1"]);
        assert_eq!(strategy.prior_access(&target("g_1"), "u_1").await.unwrap(), PriorAccess::Sufficient);
    }
    for _ in 0..2 {
        assert_eq!(asked.revoke().await.unwrap().unwrap().0, output);
        assert!(strategy.list_current(&target("g_1")).await.unwrap().unwrap().is_empty());
        assert_eq!(strategy.prior_access(&target("g_1"), "u_1").await.unwrap(), PriorAccess::None);
    }
    assert_eq!(strategy.revocation_scope(), RevocationScope::NewSessions);
}

/// BO01.
#[tokio::test]
async fn a_managed_group_is_a_fault_of_the_configuration() {
    let fake = FakeBoundary::start().await;
    let strategy = BoundaryStrategy::new(fake.client());
    for error in [
        strategy.check(&target("mgoidc_1")).await.unwrap_err(),
        Asked::new(&strategy, target("mgldap_1"), "u_1").grant().await.unwrap_err(),
        strategy.check(&target("r_1")).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Boundary:GROUP_NOT_NATIVE".to_owned()));
        assert!(error.message().contains("managed group") || error.message().contains("begin with `g_`"), "{error}");
        assert!(!error.is_retryable());
    }
    assert!(fake.calls().is_empty());
}

/// BO02.
#[tokio::test]
async fn somebody_who_has_never_signed_in_is_not_found_with_the_reason() {
    let fake = FakeBoundary::start().await;
    let strategy = BoundaryStrategy::new(fake.client());
    let found = strategy.fetch_remote_identity(&person("ben@example.com")).await.unwrap();
    assert_eq!(found.as_deref(), Some("u_2"));
    let error = strategy.fetch_remote_identity(&person("eve@example.com")).await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Identity, "Boundary:USER_NOT_FOUND".to_owned()));
    assert!(error.hint().unwrap().contains("first sign in with the primary auth method"));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = FakeBoundary::start().await;
    let strategy = BoundaryStrategy::new(fake.client());
    let grant =
        async |group: &str, user: &str| code(&Asked::new(&strategy, target(group), user).grant().await.unwrap_err());
    assert_eq!(grant("g_9", "u_1").await, "Boundary:GROUP_NOT_FOUND");
    assert_eq!(grant("g_1", "u_9").await, "Boundary:USER_NOT_FOUND");
    for identity in ["acctpw_1", "u_auth", "u_anon", "ana@example.com"] {
        assert_eq!(grant("g_1", identity).await, "Boundary:NOT_A_USER_ID", "{identity}");
    }
    assert!(fake.calls().iter().all(|call| !call.starts_with("POST")));
    let error = Asked::new(&strategy, target("g_9"), "u_1").revoke().await.unwrap_err();
    assert_eq!(code(&error), "Boundary:GROUP_NOT_FOUND");
    assert!(error.hint().unwrap().contains("written off"));
}

#[tokio::test]
async fn unconfirmed_removals_fail() {
    let fake = FakeBoundary::start().await;
    let strategy = BoundaryStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target("g_1"), "u_1");
    drop(asked.grant().await.unwrap());
    for (answer, expected) in [
        (fault(500, "Internal", "Unable to remove members from group."), "Boundary:UNAVAILABLE"),
        (fault(403, "PermissionDenied", "Forbidden."), "Boundary:FORBIDDEN"),
        (fault(401, "Unauthenticated", "No."), "Boundary:AUTH_FAILED"),
        (wiremock::ResponseTemplate::new(200).set_body_string("<html>Sign in"), "Boundary:INVALID_RESPONSE"),
    ] {
        fake.state().refusals = vec![("POST".to_owned(), answer)];
        assert_eq!(code(&asked.revoke().await.unwrap_err()), expected);
    }
    assert!(fake.is_member("u_1"));
}

#[tokio::test]
async fn check_reads_only_and_finds_wrong_tokens() {
    let fake = FakeBoundary::start().await;
    let strategy = BoundaryStrategy::new(fake.client());
    let picked = AccessTarget::new("acme", "boundary_group", "any".parse().unwrap()).with_field_binding("group_id");
    for target in [target("g_1"), picked.clone()] {
        strategy.check(&target).await.unwrap();
    }
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));
    assert_eq!(code(&strategy.check(&target("g_9")).await.unwrap_err()), "Boundary:GROUP_NOT_FOUND");
    fake.state().tokens.clear();
    for target in [target("g_1"), picked] {
        assert_eq!(code(&strategy.check(&target).await.unwrap_err()), "Boundary:AUTH_FAILED");
    }
}

/// Builds a runtime from a configuration with these settings, and returns its errors.
async fn configured(strategy: &[(&str, &str)], target: &[(&str, &str)]) -> Option<String> {
    let settings = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let flow = config::Flow { name: "prod".into(), environment: "main".into(), ..config::Flow::default() };
    let mut config = Config {
        organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        environments: vec![config::Environment { name: "main".into(), ..config::Environment::default() }],
        flows: vec![flow],
        secrets: vec![config::Secret {
            name: "secret".into(),
            path: "SECRET".into(),
            source: "env".into(),
            ..config::Secret::default()
        }],
        secret_sources: vec![config::SecretSource {
            kind: "environment".into(),
            name: "env".into(),
            ..config::SecretSource::default()
        }],
        integrations: vec![config::Integration {
            kind: "boundary".into(),
            name: "main".into(),
            external_id: super::fake::CLUSTER.into(),
            settings: settings(&[("login_name", "sym"), ("password_secret", "secret")]),
            ..config::Integration::default()
        }],
        targets: vec![config::Target {
            kind: "boundary_group".into(),
            name: "admins".into(),
            settings: settings(target),
            ..config::Target::default()
        }],
        strategies: vec![config::Strategy {
            kind: "boundary".into(),
            name: "roles".into(),
            integration: Some(Reference::typed("boundary", "main")),
            targets: vec![Reference::typed("boundary_group", "admins")],
            settings: settings(strategy),
            ..config::Strategy::default()
        }],
        ..Config::default()
    };
    config.flows[0].params.strategy = Some(Reference::typed("boundary", "roles"));
    let builder = Runtime::builder(config)
        .registry(sym_sdk::handlers![get_permissions])
        .secrets(LocalSecrets::with_variables([("SECRET", "S3CRET")]))
        .store(Arc::new(MemoryStore::new()));
    sym_integrations::all().install(builder).build().await.err().map(|errors| errors.to_string())
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
}

#[tokio::test]
async fn all_includes_the_strategy() {
    assert_eq!(configured(&[], &[("group_id", "g_1")]).await, None);
    assert!(configured(&[], &[]).await.unwrap().contains("`group_id`"));
    assert!(configured(&[("scope", "global")], &[("group_id", "g_1")]).await.unwrap().contains("`scope`"));
}
