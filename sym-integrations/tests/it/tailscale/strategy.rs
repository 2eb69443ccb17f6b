//! The strategy `tailscale`.

use serde_json::json;
use sym_integrations::tailscale::TailscaleStrategy;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Event, Flow, Step};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, PriorAccess, RevocationScope};

use super::fake::{FakeTailscale, POLICY, fault, test_failed};
use crate::vendor_support::{code, person};

pub(super) fn target(group: &str) -> AccessTarget {
    AccessTarget::new("acme", "tailscale_group", "ops".parse().unwrap()).with_setting("group_name", group)
}

/// A request to a strategy, for the login `identity`.
pub(super) struct Asked<'a> {
    strategy: &'a TailscaleStrategy,
    event: Event,
    target: AccessTarget,
    identity: &'a str,
}

impl<'a> Asked<'a> {
    pub(super) fn new(strategy: &'a TailscaleStrategy, group: &str, identity: &'a str) -> Self {
        Self::of(strategy, target(group), identity)
    }

    fn of(strategy: &'a TailscaleStrategy, target: AccessTarget, identity: &'a str) -> Self {
        let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
        let event = Event::builder(flow, Step::Escalate, person("ana@example.com")).target(target.clone()).build();
        Self { strategy, event, target, identity }
    }

    fn request(&self) -> AccessRequest<'_> {
        let key = EffectKey { run: "0190a0a0-0000-7000-8000-000000000001".parse().unwrap(), seq: 7 };
        AccessRequest::new(&self.event, &self.target, self.identity, key)
    }

    pub(super) async fn grant(&self) -> Result<()> {
        self.strategy.escalate(&self.request()).await.map(drop)
    }

    pub(super) async fn revoke(&self) -> Result<serde_json::Value> {
        Ok(self.strategy.deescalate(&self.request()).await?.unwrap().0)
    }
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    for _ in 0..2 {
        asked.grant().await.unwrap();
        let listed = strategy.list_current(&target("group:ops")).await.unwrap().unwrap();
        assert_eq!(listed, ["ben@example.com", "cleo@example.com", "ana@example.com"]);
    }
    assert_eq!(fake.writes(), 1);
    for _ in 0..2 {
        let output = json!({ "group_id": "group:ops", "group_name": "group:ops", "user_id": "ana@example.com" });
        assert_eq!(asked.revoke().await.unwrap(), output);
        assert_eq!(fake.state().policy, POLICY);
    }
    assert_eq!(fake.writes(), 2);
    assert_eq!(strategy.revocation_scope(), RevocationScope::NewSessions);
    let prior = strategy.prior_access(&target("group:ops"), "BEN@example.com").await.unwrap();
    assert_eq!(prior, PriorAccess::Sufficient);
}

/// TS04: a test in the file refuses the revocation: the tests are named, and it is tried again.
#[tokio::test]
async fn tests_that_refuse_a_change_are_named() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    asked.grant().await.unwrap();
    fake.state().tests = |text| (!text.contains("ana@example.com")).then(test_failed);
    let error = asked.revoke().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Tailscale:TESTS_FAILED", ErrorKind::Conflict));
    let expected = ": the tests of the policy file refuse the change: ana@example.com: address \"prod:22\": want: Accept, got: Drop";
    assert!(error.message().ends_with(expected), "{error}");
    assert!(strategy.list_current(&target("group:ops")).await.unwrap().unwrap().contains(&"ana@example.com".to_owned()));
    fake.state().tests = |_| None;
    asked.revoke().await.unwrap();

    fake.state().tests = |text| text.contains("ana@example.com").then(test_failed);
    let error = asked.grant().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), ("Tailscale:TESTS_FAILED", false));
    assert_eq!(fake.state().policy, POLICY);
}

/// TS06: the next deployment of a file from a repository would take the member out, or put one back.
#[tokio::test]
async fn a_file_that_a_repository_maintains_is_not_changed_by_grants() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    let managed = format!("// This tailnet's ACLs are maintained in https://github.com/acme/acl\n{POLICY}");
    fake.state().change(|_| managed.clone());
    for error in [asked.grant().await.unwrap_err(), strategy.check(&target("group:ops")).await.unwrap_err()] {
        assert_eq!(code(&error), "Tailscale:GROUP_NOT_NATIVE");
        assert!(error.message().contains("maintained in https://github.com/acme/acl"), "{error}");
    }
    assert_eq!(fake.writes(), 0);
    let allowed = target("group:ops").with_setting("allow_managed_file", "true");
    strategy.check(&allowed).await.unwrap();
    Asked::of(&strategy, allowed, "ana@example.com").grant().await.unwrap();
    // The access ends, whoever maintains the file meanwhile.
    asked.revoke().await.unwrap();
    assert_eq!(fake.state().policy, managed);
    let misspelled = target("group:ops").with_setting("allow_managed_file", "yes");
    assert_eq!(strategy.check(&misspelled).await.unwrap_err().kind(), ErrorKind::Configuration);
}

/// TS06: a deployment puts the member back.
#[tokio::test]
async fn a_member_who_is_put_back_is_noticed() {
    let fake = FakeTailscale::start().await;
    let clock = super::super::http::support::at("2026-12-01T12:00:00Z");
    let connection = sym_integrations::http::Connection::default().with_clock(clock.clone());
    let strategy = TailscaleStrategy::new(fake.builder().connection(connection).build().unwrap());
    let asked = Asked::new(&strategy, "group:ops", "ben@example.com");
    fake.state().put_back = true;
    let revoked = super::super::http::support::leap(&clock, |wait| wait.as_secs() <= 9, asked.revoke()).await;
    let error = revoked.unwrap_err();
    assert_eq!(code(&error), "Tailscale:STILL_MEMBER");
    assert!(error.hint().unwrap().contains("repository"));
}

/// TS07: a group that is not in the file, such as one that is synced, is never created.
#[tokio::test]
async fn groups_are_never_created() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    for (group, hint) in [
        ("group:ops@example.com", "synced from the identity provider"),
        ("group:none", "synced from an identity provider are not in it"),
        ("ops", "begin with `group:`"),
    ] {
        let asked = Asked::new(&strategy, group, "ana@example.com");
        for error in [
            asked.grant().await.unwrap_err(),
            asked.revoke().await.unwrap_err(),
            strategy.check(&target(group)).await.unwrap_err(),
        ] {
            assert_eq!(code(&error), "Tailscale:GROUP_NOT_FOUND");
            assert_eq!(error.message(), format!("the policy file has no group `{group}`"));
        }
        assert!(asked.grant().await.unwrap_err().hint().unwrap().contains(hint));
    }
    fake.state().change(|_| "{\"acls\": []}".to_owned());
    let error = Asked::new(&strategy, "group:ops", "ana@example.com").grant().await.unwrap_err();
    assert_eq!(code(&error), "Tailscale:GROUP_NOT_FOUND");
    assert_eq!(fake.writes(), 0);
}

/// TS08: the file takes any text, so the login is looked up among the members of the tailnet.
#[tokio::test]
async fn only_active_members_of_the_tailnet_are_added() {
    let fake = FakeTailscale::start().await;
    for (login, status) in [("dora@example.com", "suspended"), ("finn@example.com", "needs-approval"), ("gus@example.com", "new-status")] {
        fake.state().add_user(login, "member", status);
    }
    fake.state().add_user("hal@github", "member", "idle");
    let strategy = TailscaleStrategy::new(fake.client());
    for (login, expected) in [
        ("hal@example.com", "Tailscale:USER_NOT_FOUND"),
        ("eve@elsewhere.example", "Tailscale:USER_NOT_FOUND"),
        ("autogroup:admin", "Tailscale:USER_NOT_FOUND"),
        ("tag:prod", "Tailscale:USER_NOT_FOUND"),
        ("group:empty", "Tailscale:USER_NOT_FOUND"),
        ("", "Tailscale:USER_NOT_FOUND"),
        ("dora@example.com", "Tailscale:USER_DEPROVISIONED"),
        ("finn@example.com", "Tailscale:USER_DEPROVISIONED"),
        ("gus@example.com", "Tailscale:USER_DEPROVISIONED"),
        // The file gets the login exactly as Tailscale spells it.
        ("Ana@Example.com", "Tailscale:NOT_A_USER_ID"),
    ] {
        let error = Asked::new(&strategy, "group:ops", login).grant().await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), (expected, ErrorKind::Identity), "{login}");
    }
    assert_eq!(fake.writes(), 0);
    Asked::new(&strategy, "group:ops", "hal@github").grant().await.unwrap();
    assert!(fake.state().policy.contains("\"cleo@example.com\", \"hal@github\"]"));

    let find = async |email: &str| strategy.fetch_remote_identity(&person(email)).await;
    assert_eq!(find("ANA@example.com").await.unwrap().as_deref(), Some("ana@example.com"));
    assert_eq!(find("hal@example.com").await.unwrap(), None);
    assert_eq!(find("eve@elsewhere.example").await.unwrap(), None);
    assert_eq!(code(&find("dora@example.com").await.unwrap_err()), "Tailscale:USER_DEPROVISIONED");
}

#[tokio::test]
async fn unconfirmed_changes_fail() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, "group:ops", "ben@example.com");
    for (answer, expected, may_be_made) in [
        (wiremock::ResponseTemplate::new(404).set_body_string("<html>"), "Tailscale:INVALID_RESPONSE", false),
        (fault(403, "calling actor does not have enough permissions to perform this function"), "Tailscale:FORBIDDEN", false),
        (fault(401, "API token invalid"), "Tailscale:AUTH_FAILED", false),
        (fault(400, "invalid policy"), "Tailscale:INVALID_REQUEST", false),
        // A complaint with status 200.
        (fault(200, "something is wrong"), "Tailscale:REJECTED_POLICY", true),
        (wiremock::ResponseTemplate::new(200).set_body_string("<html>Sign in"), "Tailscale:AMBIGUOUS_POLICY", true),
    ] {
        fake.state().refusals = vec![("POST tailnet".to_owned(), answer, 1)];
        let error = asked.revoke().await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), (expected, may_be_made));
        assert_eq!(fake.state().policy, POLICY);
    }
}

/// A grant that the service does not answer holds up other grants, and no revocation.
#[tokio::test]
async fn a_revocation_does_not_wait_for_a_grant() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let slow = wiremock::ResponseTemplate::new(503).set_delay(std::time::Duration::from_secs(3600));
    fake.state().refusals = vec![("POST tailnet/example.com/acl".to_owned(), slow, 1)];
    let (granting, revoking) =
        (Asked::new(&strategy, "group:ops", "ana@example.com"), Asked::new(&strategy, "group:ops", "ben@example.com"));
    let revocation = async {
        while fake.writes() == 0 {
            tokio::task::yield_now().await;
        }
        revoking.revoke().await
    };
    match futures_util::future::select(std::pin::pin!(granting.grant()), std::pin::pin!(revocation)).await {
        futures_util::future::Either::Left((granted, _)) => panic!("the revocation waited for the grant: {granted:?}"),
        futures_util::future::Either::Right((revoked, _)) => drop(revoked.unwrap()),
    }
    let listed = strategy.list_current(&target("group:ops")).await.unwrap().unwrap();
    assert_eq!(listed, ["cleo@example.com"]);
}

/// A write whose response was lost may have been made: what fails afterwards says nothing about it.
#[tokio::test]
async fn a_failure_after_a_lost_response_leaves_the_outcome_unknown() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let file = || {
        let response = wiremock::ResponseTemplate::new(200).set_body_raw(POLICY, "application/hujson");
        response.insert_header("etag", "\"00000001\"")
    };
    let acl = "tailnet/example.com/acl";
    fake.state().refusals = vec![
        (format!("GET {acl}"), file(), 2),
        (format!("POST {acl}"), wiremock::ResponseTemplate::new(504), 1),
        (format!("GET {acl}"), fault(403, "no"), 1),
    ];
    // The repetition finds another version than the one that was read: somebody else's, or our own.
    fake.state().changes = vec![|text| text.replace("on call", "on duty")];
    let error = Asked::new(&strategy, "group:ops", "ana@example.com").grant().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), ("Tailscale:FORBIDDEN", true), "{error}");
}
