//! The strategy `boundary`.

use serde_json::json;
use sym_integrations::boundary::BoundaryStrategy;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::{AccessTarget, StepOutput};
use sym_sdk::strategy::{AccessStrategy, GrantResult, PriorAccess, RevocationScope};

use super::fake::{FakeBoundary, fault};
use crate::vendor_support::{Asked, Declared, code, person};


fn target(group: &str) -> AccessTarget {
    AccessTarget::new("acme", "boundary_group", "admins".parse().unwrap()).with_setting("group_id", group)
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

/// Returns the errors of a configuration with these settings.
async fn configured(strategy: &[(&str, &str)], target: &[(&str, &str)]) -> Option<String> {
    Declared {
        kind: "boundary",
        external_id: super::fake::CLUSTER,
        integration: &[("login_name", "sym"), ("password_secret", "secret")],
        strategy,
        target_kind: "boundary_group",
        target,
    }
    .errors()
    .await
}

#[tokio::test]
async fn all_includes_the_strategy() {
    assert_eq!(configured(&[], &[("group_id", "g_1")]).await, None);
    assert!(configured(&[], &[]).await.unwrap().contains("`group_id`"));
    assert!(configured(&[("scope", "global")], &[("group_id", "g_1")]).await.unwrap().contains("`scope`"));
}
