//! The strategy `aptible`.

use serde_json::json;
use sym_integrations::aptible::{AptibleStrategy, SimulatedAptible};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::{AccessTarget, StepOutput};
use sym_sdk::strategy::{AccessStrategy, GrantResult, PriorAccess, RevocationScope};
use wiremock::ResponseTemplate;

use super::fake::{ANA, BEN, FakeAptible, OTHER_ROLE, ROLE, fault};
use crate::vendor_support::{Asked, Declared, code, person};

const NOBODY: &str = "0c000000-0000-4000-8000-00000000000c";

fn target(role: &str) -> AccessTarget {
    AccessTarget::new("acme", "aptible_role", "admins".parse().unwrap()).with_setting("role_id", role)
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target(ROLE), ANA);
    let output = json!({ "group_id": ROLE, "group_name": "prod-admins", "user_id": ANA });
    for _ in 0..2 {
        let granted = GrantResult::granted().with_output(StepOutput::new(&output).unwrap());
        assert_eq!(asked.grant().await.unwrap(), granted);
        assert_eq!(strategy.list_current(&target(ROLE)).await.unwrap().unwrap(), [ANA]);
        assert_eq!(strategy.prior_access(&target(ROLE), ANA).await.unwrap(), PriorAccess::Sufficient);
    }
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
    for _ in 0..2 {
        assert_eq!(asked.revoke().await.unwrap().unwrap().0, output);
        assert!(strategy.list_current(&target(ROLE)).await.unwrap().unwrap().is_empty());
        assert_eq!(strategy.prior_access(&target(ROLE), ANA).await.unwrap(), PriorAccess::None);
    }
    assert!(fake.is_member(OTHER_ROLE, ANA));
    assert_eq!(strategy.revocation_scope(), RevocationScope::NewSessions);
}

/// AP01.
#[tokio::test]
async fn memberships_that_cannot_be_read_are_not_none() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target(ROLE), ANA);
    drop(asked.grant().await.unwrap());
    let listed = |embedded| ResponseTemplate::new(200).set_body_json(json!({ "_embedded": embedded }));
    for (answer, expected) in [
        (ResponseTemplate::new(500).set_body_string("oops"), "Aptible:UNAVAILABLE"),
        (fault(403, "forbidden", "No."), "Aptible:FORBIDDEN"),
        (ResponseTemplate::new(200).set_body_string("<html>Sign in"), "Aptible:INVALID_RESPONSE"),
        (ResponseTemplate::new(200).set_body_json(json!({})), "Aptible:INVALID_RESPONSE"),
        (listed(json!({})), "Aptible:INVALID_RESPONSE"),
        (listed(json!({ "memberships": null })), "Aptible:INVALID_RESPONSE"),
        // A membership that does not say whose it is.
        (listed(json!({ "memberships": [{ "id": "m", "_links": null }] })), "Aptible:INVALID_RESPONSE"),
        (ResponseTemplate::new(404).set_body_string("<html>"), "Aptible:INVALID_RESPONSE"),
    ] {
        fake.state().refusals = vec![(format!("GET /roles/{ROLE}/memberships"), answer)];
        assert_eq!(code(&asked.revoke().await.unwrap_err()), expected);
    }
    assert!(fake.is_member(ROLE, ANA));
}

/// AP02.
#[tokio::test]
async fn no_membership_is_success_if_the_role_exists() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    for user in [ANA, NOBODY] {
        Asked::new(&strategy, target(ROLE), user).revoke().await.unwrap();
    }
    let error = Asked::new(&strategy, target("nowhere"), ANA).revoke().await.unwrap_err();
    assert_eq!(code(&error), "Aptible:ROLE_NOT_FOUND");
    let hint = error.hint().unwrap();
    assert_eq!(hint, "if it was deleted, all access through it ended with it: the revocation can be written off");
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));
}

/// Aptible compares ids without case, so targets that write one in two ways share the access.
#[tokio::test]
async fn spellings_of_a_role_id_are_one_access() {
    let strategy = AptibleStrategy::new(FakeAptible::start().await.client());
    for spelling in [ROLE.to_lowercase(), format!(" {ROLE} ")] {
        assert_eq!(strategy.resource(&target(&spelling)), strategy.resource(&target(ROLE)), "`{spelling}`");
    }
    assert_ne!(strategy.resource(&target(OTHER_ROLE)), strategy.resource(&target(ROLE)));
}

/// AP03.
#[tokio::test]
async fn all_memberships_on_all_pages_are_removed() {
    let fake = FakeAptible::start().await;
    fake.state().page = 1;
    let shouted = ANA.to_uppercase();
    for (id, user) in [("m1", BEN), ("m2", ANA), ("m3", BEN), ("m4", shouted.as_str())] {
        fake.state().join(id, ROLE, user);
    }
    let strategy = AptibleStrategy::new(fake.client());
    assert_eq!(strategy.list_current(&target(ROLE)).await.unwrap().unwrap(), [BEN, ANA]);
    Asked::new(&strategy, target(&ROLE.to_lowercase()), ANA).revoke().await.unwrap();
    assert!(!fake.is_member(ROLE, ANA) && fake.is_member(ROLE, BEN));
    assert!(fake.is_member(OTHER_ROLE, ANA));
}

/// AP03. The token is sent to no other host.
#[tokio::test]
async fn pages_of_another_host_are_an_error() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    let links = json!({ "next": { "href": "https://evil.example.com/roles" } });
    let page = json!({ "_embedded": { "memberships": [] }, "_links": links });
    let page = ResponseTemplate::new(200).set_body_json(page);
    fake.state().refusals = vec![(format!("GET /roles/{ROLE}/memberships"), page)];
    let error = Asked::new(&strategy, target(ROLE), ANA).revoke().await.unwrap_err();
    assert_eq!(code(&error), "Aptible:BAD_PAGING");
}

#[tokio::test]
async fn the_only_role_of_a_user_is_not_removed() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target(ROLE), ANA);
    drop(asked.grant().await.unwrap());
    // Somebody takes the other one meanwhile.
    fake.state().memberships.retain(|(id, _, _)| id != "m-ana");
    let error = asked.revoke().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, "Aptible:LAST_MEMBERSHIP".to_owned()));
    assert!(error.hint().unwrap().contains("`allow_last_membership = true`"));
    assert!(fake.is_member(ROLE, ANA));

    let allowed = target(ROLE).with_setting("allow_last_membership", "true");
    Asked::new(&strategy, allowed, ANA).revoke().await.unwrap();
    assert!(!fake.is_member(ROLE, ANA));
}

/// A second membership of the same role is not another role.
#[tokio::test]
async fn a_role_that_could_not_be_taken_again_is_not_granted() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    fake.state().memberships.clear();
    let error = Asked::new(&strategy, target(ROLE), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "Aptible:LAST_MEMBERSHIP");
    for id in ["m1", "m2"] {
        fake.state().join(id, &ROLE.to_lowercase(), ANA);
    }
    let error = Asked::new(&strategy, target(ROLE), ANA).revoke().await.unwrap_err();
    assert_eq!(code(&error), "Aptible:LAST_MEMBERSHIP");
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));
    let allowed = target(OTHER_ROLE).with_setting("allow_last_membership", "true");
    drop(Asked::new(&strategy, allowed, BEN).grant().await.unwrap());
    assert!(fake.is_member(OTHER_ROLE, BEN));
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = FakeAptible::start().await;
    fake.state().roles.push(("scim".to_owned(), true));
    let strategy = AptibleStrategy::new(fake.client());
    let grant = async |target: AccessTarget, user: &str| {
        code(&Asked::new(&strategy, target, user).grant().await.unwrap_err())
    };
    assert_eq!(grant(target("nowhere"), ANA).await, "Aptible:ROLE_NOT_FOUND");
    assert_eq!(grant(target(ROLE), NOBODY).await, "Aptible:USER_NOT_FOUND");
    assert_eq!(grant(target("scim"), ANA).await, "Aptible:GROUP_NOT_NATIVE");
    let odd = target(ROLE).with_setting("allow_last_membership", "yes");
    assert_eq!(grant(odd, ANA).await, "SymSDK:CONFIGURATION");
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));

    let found = strategy.fetch_remote_identity(&person("BEN@example.com")).await.unwrap();
    assert_eq!(found.as_deref(), Some(BEN));
    assert_eq!(strategy.fetch_remote_identity(&person("eve@example.com")).await.unwrap(), None);
    fake.state().users.push(("other".to_owned(), "ben@example.com".to_owned()));
    let error = strategy.fetch_remote_identity(&person("ben@example.com")).await.unwrap_err();
    assert_eq!(code(&error), "Aptible:AMBIGUOUS_USER");
}

/// Two memberships would both have to be found at the end.
#[tokio::test]
async fn a_repeated_grant_makes_no_second_membership() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target(ROLE), ANA);
    fake.state().refusals = vec![("POST".to_owned(), ResponseTemplate::new(502))];
    let error = asked.grant().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
    // It was carried out nevertheless.
    fake.state().refusals.clear();
    fake.state().join("m9", ROLE, ANA);
    drop(asked.grant().await.unwrap());
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));
}

#[tokio::test]
async fn check_reads_only_and_finds_wrong_tokens() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.client());
    let picked = AccessTarget::new("acme", "aptible_role", "any".parse().unwrap()).with_field_binding("role_id");
    for target in [target(ROLE), picked.clone()] {
        strategy.check(&target).await.unwrap();
    }
    assert!(fake.calls().iter().all(|call| call.starts_with("GET")));
    assert_eq!(code(&strategy.check(&target("nowhere")).await.unwrap_err()), "Aptible:ROLE_NOT_FOUND");
    fake.state().tokens.clear();
    for target in [target(ROLE), picked] {
        assert_eq!(code(&strategy.check(&target).await.unwrap_err()), "Aptible:AUTH_FAILED");
    }
}

#[tokio::test]
async fn a_simulated_organization_keeps_changes() {
    let aptible = SimulatedAptible::new().user("ana@example.com").member("r1", "ben@example.com").build().unwrap();
    let strategy = AptibleStrategy::new(aptible);
    let ana = strategy.fetch_remote_identity(&person("ana@example.com")).await.unwrap().unwrap();
    let asked = Asked::new(&strategy, target("r1"), &ana);
    drop(asked.grant().await.unwrap());
    assert_eq!(strategy.list_current(&target("r1")).await.unwrap().unwrap().len(), 2);
    asked.revoke().await.unwrap();
    assert_eq!(strategy.list_current(&target("r1")).await.unwrap().unwrap(), ["ben@example.com"]);
}

/// Returns the errors of a configuration with these settings.
async fn configured(strategy: &[(&str, &str)], target: &[(&str, &str)]) -> Option<String> {
    Declared {
        kind: "aptible",
        external_id: super::fake::ORGANIZATION,
        integration: &[("username_secret", "secret"), ("password_secret", "secret")],
        strategy,
        target_kind: "aptible_role",
        target,
    }
    .errors()
    .await
}

#[tokio::test]
async fn all_includes_the_strategy_with_its_settings() {
    let target = [("role_id", ROLE), ("allow_last_membership", "true")];
    assert_eq!(configured(&[], &target).await, None);
    assert!(configured(&[], &[]).await.unwrap().contains("`role_id`"));
    let misspelled = [("role_id", ROLE), ("allow_last_memberships", "true")];
    assert!(configured(&[], &misspelled).await.unwrap().contains("`allow_last_membership`"));
}
