//! The strategy `onelogin`.

use serde_json::json;
use sym_integrations::onelogin::OneLoginStrategy;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::{AccessTarget, StepOutput};
use sym_sdk::strategy::{AccessStrategy, GrantResult, PriorAccess, RevocationScope};
use wiremock::ResponseTemplate;

use super::fake::{FakeOneLogin, fault};
use crate::vendor_support::{Asked, Declared, code};


fn target(role: &str) -> AccessTarget {
    AccessTarget::new("acme", "onelogin_role", "admins".parse().unwrap()).with_setting("role_id", role)
}

fn admin_target(role: &str) -> AccessTarget {
    target(role).with_setting("privilege_level", "admin")
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent_and_say_what_was_changed() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client());
    for (target, privilege, relation) in [(target("70"), "member", "users"), (admin_target("70"), "admin", "admins")] {
        let asked = Asked::new(&strategy, target.clone(), "1");
        let output = json!({
            "group_id": "70", "group_name": "Prod Admins", "user_id": "1", "privilege_level": privilege, "mappings_run": false,
        });
        for _ in 0..2 {
            let granted = GrantResult::granted().with_output(StepOutput::new(&output).unwrap());
            assert_eq!(asked.grant().await.unwrap(), granted);
            assert_eq!(strategy.list_current(&target).await.unwrap().unwrap(), ["1"]);
            assert!(fake.state().is(relation, 70, 1));
        }
        for _ in 0..2 {
            assert_eq!(asked.revoke().await.unwrap().unwrap().0, output);
            assert!(strategy.list_current(&target).await.unwrap().unwrap().is_empty());
        }
    }
}

/// OL04.
#[tokio::test]
async fn applications_are_given_and_taken_when_mappings_are_run() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client());
    // Without, it is unknown what has ended.
    assert_eq!(strategy.revocation_scope(), RevocationScope::Unknown);
    let asked = Asked::new(&strategy, target("70"), "1");
    drop(asked.grant().await.unwrap());
    assert!(fake.state().is("users", 70, 1) && fake.state().applications.is_empty());

    let strategy = strategy.run_mappings(true);
    assert_eq!(strategy.revocation_scope(), RevocationScope::NewSessions);
    let asked = Asked::new(&strategy, target("70"), "1");
    drop(asked.grant().await.unwrap());
    assert!(fake.state().applications.contains(&(70, 1)));
    assert_eq!(asked.revoke().await.unwrap().unwrap().0["mappings_run"], true);
    assert!(fake.state().applications.is_empty() && !fake.state().is("users", 70, 1));
}

/// OL04. The user is out of the role, and may still have its applications.
#[tokio::test]
async fn a_revocation_whose_mappings_were_not_run_is_not_done() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client()).run_mappings(true);
    let asked = Asked::new(&strategy, target("70"), "1");
    drop(asked.grant().await.unwrap());
    fake.state().refusals = vec![("PUT /api/2/users/1".to_owned(), fault(403, "ForbiddenError", "no"))];
    let error = asked.revoke().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Forbidden, "OneLogin:MAPPINGS_NOT_RUN".to_owned()));
    assert!(!fake.state().is("users", 70, 1) && fake.state().applications.contains(&(70, 1)));
    fake.state().refusals.clear();
    asked.revoke().await.unwrap();
    assert!(fake.state().applications.is_empty());
}

/// A user who is deleted has no access left, and no mappings that could be run. A grant to them is none.
#[tokio::test]
async fn the_access_of_a_deleted_user_is_revoked_with_mappings() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client()).run_mappings(true);
    let asked = Asked::new(&strategy, target("70"), "1");
    drop(asked.grant().await.unwrap());
    fake.state().delete_user(1);
    assert_eq!(asked.revoke().await.unwrap().unwrap().0["mappings_run"], false);
    assert_eq!(code(&asked.grant().await.unwrap_err()), "OneLogin:USER_NOT_FOUND");
    // A response that is not OneLogin's says nothing about the user.
    fake.state().refusals = vec![("GET /api/2/users/1".to_owned(), ResponseTemplate::new(404).set_body_string("<html>"))];
    assert_eq!(code(&asked.revoke().await.unwrap_err()), "OneLogin:MAPPINGS_NOT_RUN");
}

/// Ids that OneLogin reads as one number are one access.
#[tokio::test]
async fn spellings_of_a_role_id_are_one_access() {
    let strategy = OneLoginStrategy::new(FakeOneLogin::start().await.client());
    for spelling in [" 70", "70 ", "070"] {
        assert_eq!(strategy.resource(&target(spelling)), strategy.resource(&target("70")), "`{spelling}`");
    }
    assert_eq!(strategy.resource(&admin_target(" 70")), strategy.resource(&admin_target("70")));
}

/// OL06.
#[tokio::test]
async fn members_and_admins_are_two_accesses() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client());
    assert_ne!(strategy.resource(&target("70")), strategy.resource(&admin_target("70")));
    let explicit = target("70").with_setting("privilege_level", "member");
    assert_eq!(strategy.resource(&target("70")), strategy.resource(&explicit));
    assert_ne!(strategy.resource(&target("70")), strategy.resource(&target("71")));

    fake.state().join("admins", 70, 1);
    let has = async |target: AccessTarget| strategy.prior_access(&target, "1").await.unwrap();
    assert_eq!(has(target("70")).await, PriorAccess::None);
    assert_eq!(has(admin_target("70")).await, PriorAccess::Sufficient);
    let asked = Asked::new(&strategy, target("70"), "1");
    drop(asked.grant().await.unwrap());
    asked.revoke().await.unwrap();
    assert!(fake.state().is("admins", 70, 1));
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = FakeOneLogin::start().await;
    fake.state().add_user(4, "dora@example.com", 2);
    let strategy = OneLoginStrategy::new(fake.client());
    let grant = async |target: AccessTarget, user: &str| {
        code(&Asked::new(&strategy, target, user).grant().await.unwrap_err())
    };
    assert_eq!(grant(target("99"), "1").await, "OneLogin:ROLE_NOT_FOUND");
    assert_eq!(grant(target("70"), "9").await, "OneLogin:USER_NOT_FOUND");
    assert_eq!(grant(target("70"), "4").await, "OneLogin:USER_DEPROVISIONED");
    for identity in ["ana@example.com", "01", "-1", "1 "] {
        assert_eq!(grant(target("70"), identity).await, "OneLogin:NOT_A_USER_ID", "{identity}");
    }
    assert_eq!(grant(target("prod"), "1").await, "SymSDK:CONFIGURATION");
    assert_eq!(grant(target("70").with_setting("privilege_level", "owner"), "1").await, "SymSDK:CONFIGURATION");
    assert!(fake.calls().iter().all(|call| !call.starts_with("POST")));

    let error = Asked::new(&strategy, target("99"), "1").revoke().await.unwrap_err();
    assert_eq!(code(&error), "OneLogin:ROLE_NOT_FOUND");
    let hint = error.hint().unwrap();
    assert_eq!(hint, "if it was deleted, all access through it ended with it: the revocation can be written off");
    let error = strategy.list_current(&target("prod")).await.unwrap_err();
    assert_eq!(code(&error), "SymSDK:CONFIGURATION");
}

#[tokio::test]
async fn unconfirmed_removals_fail() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client());
    fake.state().join("users", 70, 1);
    let asked = Asked::new(&strategy, target("70"), "1");
    for (answer, expected) in [
        (ResponseTemplate::new(500).set_body_string("oops"), "OneLogin:UNAVAILABLE"),
        (ResponseTemplate::new(404).set_body_string("<html>"), "OneLogin:INVALID_RESPONSE"),
        (ResponseTemplate::new(200).set_body_string("<html>Sign in"), "OneLogin:INVALID_RESPONSE"),
        (fault(403, "ForbiddenError", "no"), "OneLogin:FORBIDDEN"),
        (fault(401, "UnauthorizedError", "no"), "OneLogin:AUTH_FAILED"),
    ] {
        fake.state().refusals = vec![("DELETE".to_owned(), answer)];
        assert_eq!(code(&asked.revoke().await.unwrap_err()), expected);
    }
    assert!(fake.state().is("users", 70, 1));
}

#[tokio::test]
async fn check_finds_missing_roles_and_wrong_tokens() {
    let fake = FakeOneLogin::start().await;
    let strategy = OneLoginStrategy::new(fake.client());
    strategy.check(&target("70")).await.unwrap();
    let picked = AccessTarget::new("acme", "onelogin_role", "any".parse().unwrap()).with_field_binding("role_id");
    strategy.check(&picked).await.unwrap();
    strategy.check(&target("70").with_field_binding("privilege_level")).await.unwrap();
    assert_eq!(code(&strategy.check(&target("99")).await.unwrap_err()), "OneLogin:ROLE_NOT_FOUND");
    let odd = target("70").with_setting("privilege_level", "owner");
    assert_eq!(code(&strategy.check(&odd).await.unwrap_err()), "SymSDK:CONFIGURATION");
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));
    fake.state().tokens.clear();
    for target in [target("70"), picked] {
        assert_eq!(code(&strategy.check(&target).await.unwrap_err()), "OneLogin:AUTH_FAILED");
    }
}

/// Returns the errors of a configuration with these settings.
async fn configured(strategy: &[(&str, &str)], target: &[(&str, &str)]) -> Option<String> {
    Declared {
        kind: "onelogin",
        external_id: "example.onelogin.com",
        integration: &[("client_id", "6f6a"), ("client_secret", "secret")],
        strategy,
        target_kind: "onelogin_role",
        target,
    }
    .errors()
    .await
}

#[tokio::test]
async fn all_includes_the_strategy_with_its_settings() {
    let member = [("role_id", "70"), ("privilege_level", "admin")];
    for run_mappings in ["true", "false", " true "] {
        assert_eq!(configured(&[("run_mappings", run_mappings)], &member).await, None);
    }
    assert_eq!(configured(&[], &[("role_id", "70")]).await, None);
    let errors = configured(&[("run_mappings", "yes")], &member).await.unwrap();
    assert!(errors.contains("`run_mappings` of strategy `main` must be `true` or `false`, got `yes`"), "{errors}");
    let errors = configured(&[("run_mapping", "true")], &member).await.unwrap();
    assert!(errors.contains("`run_mappings`"), "{errors}");
    assert!(configured(&[], &[("privilege_level", "admin")]).await.unwrap().contains("`role_id`"));
}
