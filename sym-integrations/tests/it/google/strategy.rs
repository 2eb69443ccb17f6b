//! The strategy `google_group`.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::google::GoogleGroupStrategy;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Environment, Event, Flow, Step, StepOutput};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, PriorState};

use super::support::{ANA, GROUP, at, duplicate, fault, google, group, member, member_json, no_group, no_member, person};
use crate::vendor_support::code;

const RUN: &str = "0190a0a0-0000-7000-8000-000000000001";
/// The members of the group, by its id.
const MEMBERS: &str = "groups/01g/members";

fn target() -> AccessTarget {
    AccessTarget::new("acme", "google_group", "admins".parse().unwrap()).with_setting("group_email", GROUP)
}

fn with_role(role: &str) -> AccessTarget {
    target().with_setting("role", role)
}

/// The request of Ana for a target.
struct Asked {
    strategy: GoogleGroupStrategy,
    target: AccessTarget,
    identity: String,
    prior: Option<PriorState>,
    output: Option<Value>,
}

impl Asked {
    fn new(replay: &Replay, target: AccessTarget) -> Self {
        let strategy = GoogleGroupStrategy::new(google(replay));
        Self { strategy, target, identity: ANA.to_owned(), prior: None, output: None }
    }

    fn prior(mut self, prior: &str) -> Self {
        self.prior = Some(PriorState::new(prior).unwrap());
        self
    }

    fn event(&self) -> Event {
        let flow = Flow::builder("prod".parse().unwrap(), "acme")
            .environment(Environment::new("main".parse().unwrap()))
            .build();
        let event = Event::builder(flow, Step::Deescalate, person(ANA)).target(self.target.clone());
        match &self.output {
            Some(output) => event.step_output(Step::Escalate, output.clone()).build(),
            None => event.build(),
        }
    }

    fn request<'a>(&'a self, event: &'a Event) -> AccessRequest<'a> {
        let key = EffectKey { run: RUN.parse().unwrap(), seq: 7 };
        AccessRequest::new(event, &self.target, &self.identity, key).with_prior(self.prior.as_ref())
    }

    /// Grants, and keeps the output for the revocation.
    async fn grant(&mut self, replay: &Replay) -> Result<()> {
        let event = self.event();
        let granted = self.strategy.escalate(&self.request(&event)).await?;
        assert!(format!("{granted:?}").contains("errors: []"));
        let role = self.target.settings().get("role").map_or("MEMBER", String::as_str);
        self.output = Some(output(role, replay));
        Ok(())
    }

    async fn revoke(&self) -> Result<Value> {
        let event = self.event();
        Ok(self.strategy.deescalate(&self.request(&event)).await?.unwrap().0)
    }

    async fn prior_access(&self) -> PriorAccess {
        self.strategy.prior_access(&self.target, &self.identity).await.unwrap()
    }
}

/// The output of a grant to Ana.
fn output(role: &str, replay: &Replay) -> Value {
    json!({
        "group_email": GROUP, "group_id": "01g", "group_name": "Admins", "user_email": ANA, "member_id": "ana", "role": role,
        "granted_at": replay.connection().clock().now(),
    })
}

fn ana() -> String {
    at(&format!("{MEMBERS}/ana"))
}

/// The path by which Ana is read before she has an id.
fn ana_by_address() -> String {
    at(&format!("{MEMBERS}/{ANA}"))
}

async fn wait(replay: &Replay, seconds: u64) {
    replay.connection().clock().sleep(Duration::from_secs(seconds)).await;
}

/// Expects the calls of a grant to somebody who is not a member.
fn expect_grant(replay: &Replay, role: &str) {
    replay.get(at("groups/admins@example.com")).reply(group());
    replay.post(at(MEMBERS)).json(json!({ "email": ANA, "role": role })).reply(member(role));
}

#[tokio::test]
async fn grants_a_role_and_takes_it_away() {
    for role in ["MEMBER", "MANAGER", "OWNER"] {
        let replay = Replay::new();
        let mut asked = Asked::new(&replay, with_role(role));
        expect_grant(&replay, role);
        let event = asked.event();
        let granted = asked.strategy.escalate(&asked.request(&event)).await.unwrap();
        let expected = output(role, &replay);
        assert_eq!(expected["granted_at"], "2024-02-29T12:00:00Z");
        assert_eq!(granted, GrantResult::granted().with_output(StepOutput::new(expected.clone()).unwrap()));
        asked.output = Some(expected);
        replay.delete(ana()).reply(Reply::status(204));
        replay.get(ana()).reply(no_member());
        let output = asked.revoke().await.unwrap();
        assert_eq!(output, json!({ "group_email": GROUP, "user_email": ANA, "role": null }));
        replay.check().unwrap();
    }
}

/// GG01
#[tokio::test]
async fn a_member_who_is_not_found_soon_after_the_grant_is_not_removed() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, target());
    expect_grant(&replay, "MEMBER");
    asked.grant(&replay).await.unwrap();
    wait(&replay, 20).await;
    replay.delete(ana()).times(2).reply(no_member());
    for seconds in [0, 30] {
        wait(&replay, seconds).await;
        let error = asked.revoke().await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.is_retryable()), ("Google:NOT_SETTLED", true));
        let expected = "Google does not find `ana@example.com` in group `admins@example.com`, to which they were added less than ten \
                        minutes ago";
        assert_eq!(error.message(), expected);
    }
    // The insertion has spread.
    wait(&replay, 40).await;
    replay.delete(ana()).reply(Reply::status(204));
    replay.get(ana()).reply(no_member());
    asked.revoke().await.unwrap();
    replay.check().unwrap();
}

/// GG01
#[tokio::test]
async fn two_attempts_a_minute_apart_prove_that_nobody_is_a_member() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, target());
    expect_grant(&replay, "MEMBER");
    asked.grant(&replay).await.unwrap();
    replay.delete(ana()).times(3).reply(no_member());
    asked.revoke().await.unwrap_err();
    wait(&replay, 59).await;
    asked.revoke().await.unwrap_err();
    wait(&replay, 1).await;
    asked.revoke().await.unwrap();
    replay.check().unwrap();

    // Another process has not seen the first attempt.
    let again = Asked { strategy: GoogleGroupStrategy::new(google(&replay)), ..asked };
    replay.delete(ana()).reply(no_member());
    assert_eq!(code(&again.revoke().await.unwrap_err()), "Google:NOT_SETTLED");
    replay.check().unwrap();
}

/// GG01
#[tokio::test]
async fn a_member_who_is_not_found_ten_minutes_after_the_grant_is_none() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, target());
    expect_grant(&replay, "MEMBER");
    asked.grant(&replay).await.unwrap();
    wait(&replay, 600).await;
    replay.delete(ana()).reply(no_member());
    asked.revoke().await.unwrap();
    // Nothing was granted, as far as is known.
    let never = Asked::new(&replay, target());
    replay.get(at("groups/admins@example.com/members/ana@example.com")).reply(no_member());
    replay.delete(at("groups/admins@example.com/members/ana@example.com")).reply(no_member());
    never.revoke().await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn a_member_who_is_still_listed_is_an_error() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, target());
    expect_grant(&replay, "MEMBER");
    asked.grant(&replay).await.unwrap();
    replay.delete(ana()).times(2).reply(Reply::status(204));
    replay.get(ana()).times(4).reply(member("MEMBER"));
    let error = asked.revoke().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, "Google:STILL_MEMBER".to_owned()));
    assert_eq!(replay.elapsed().as_secs(), 7);
    // A read that fails does not undo the removal.
    replay.get(ana()).reply(fault(403, "forbidden", "no"));
    asked.revoke().await.unwrap();
    replay.check().unwrap();
}

/// GG02
#[tokio::test]
async fn a_standing_role_that_is_enough_is_left_alone() {
    for (wanted, standing, expected) in [
        ("MEMBER", "OWNER", PriorAccess::Sufficient),
        ("MEMBER", "MEMBER", PriorAccess::Sufficient),
        ("MANAGER", "MANAGER", PriorAccess::Sufficient),
        ("OWNER", "OWNER", PriorAccess::Sufficient),
        ("OWNER", "MEMBER", PriorAccess::Lesser(PriorState::new("role=MEMBER").unwrap())),
        ("MANAGER", "MEMBER", PriorAccess::Lesser(PriorState::new("role=MEMBER").unwrap())),
        ("OWNER", "MANAGER", PriorAccess::Lesser(PriorState::new("role=MANAGER").unwrap())),
        ("MEMBER", "ROBOT", PriorAccess::Unknown),
    ] {
        let replay = Replay::new();
        replay.get(at("groups/admins@example.com/members/ana@example.com")).reply(member(standing));
        assert_eq!(Asked::new(&replay, with_role(wanted)).prior_access().await, expected, "{wanted} {standing}");
        replay.check().unwrap();
    }
    let replay = Replay::new();
    replay.get(at("groups/admins@example.com/members/ana@example.com")).reply(no_member());
    assert_eq!(Asked::new(&replay, target()).prior_access().await, PriorAccess::None);
    replay.check().unwrap();
}

/// GG02
#[tokio::test]
async fn a_grant_never_lowers_a_role() {
    for (wanted, present) in [("MEMBER", "OWNER"), ("MEMBER", "MANAGER"), ("MANAGER", "OWNER"), ("MEMBER", "MEMBER")] {
        let replay = Replay::new();
        replay.get(at("groups/admins@example.com")).reply(group());
        replay.post(at(MEMBERS)).reply(duplicate());
        replay.get(ana_by_address()).reply(member(present));
        Asked::new(&replay, with_role(wanted)).grant(&replay).await.unwrap();
        assert!(replay.calls().iter().all(|call| call.method != "PATCH"), "{wanted} {present}");
        replay.check().unwrap();
    }
}

/// GG02
#[tokio::test]
async fn a_lower_role_is_raised_and_restored() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, with_role("OWNER")).prior("role=MANAGER");
    replay.get(at("groups/admins@example.com")).reply(group());
    replay.post(at(MEMBERS)).reply(duplicate());
    replay.get(ana_by_address()).reply(member("MANAGER"));
    replay.on("PATCH", ana_by_address()).json(json!({ "role": "OWNER" })).reply(member("OWNER"));
    asked.grant(&replay).await.unwrap();

    // Also if the read still shows the role of before.
    for shown in ["OWNER", "MANAGER"] {
        replay.get(ana()).reply(member(shown));
        replay.on("PATCH", ana()).json(json!({ "role": "MANAGER" })).reply(member("MANAGER"));
        let output = asked.revoke().await.unwrap();
        assert_eq!(output["role"], "MANAGER");
    }
    // Somebody else has taken more away.
    replay.get(ana()).reply(member("MEMBER"));
    asked.revoke().await.unwrap();
    // Or all of it, as two attempts show.
    replay.get(ana()).times(2).reply(no_member());
    replay.on("PATCH", ana()).times(2).reply(no_member());
    assert_eq!(code(&asked.revoke().await.unwrap_err()), "Google:NOT_SETTLED");
    wait(&replay, 60).await;
    asked.revoke().await.unwrap();
    assert!(replay.calls().iter().all(|call| call.method != "DELETE"));
    replay.check().unwrap();
}

/// GG02
#[tokio::test]
async fn a_lower_role_that_appears_during_the_grant_is_not_touched() {
    let replay = Replay::new();
    replay.get(at("groups/admins@example.com")).times(2).reply(group());
    replay.post(at(MEMBERS)).times(2).reply(duplicate());
    replay.get(ana_by_address()).reply(member("MEMBER"));
    let error = Asked::new(&replay, with_role("OWNER")).grant(&replay).await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, "Google:CONFLICT".to_owned()));
    assert!(!error.is_outcome_unknown());
    // GG01: Google says that she is a member, and does not find her.
    replay.get(ana_by_address()).times(4).reply(no_member());
    let error = Asked::new(&replay, with_role("OWNER")).grant(&replay).await.unwrap_err();
    assert_eq!(code(&error), "Google:NOT_SETTLED");
    assert!(error.is_retryable() && error.is_outcome_unknown());
    replay.check().unwrap();
}

/// Because of the role the grant was refused; it is not its to take.
#[tokio::test]
async fn a_role_because_of_which_a_grant_was_refused_stays() {
    for (wanted, given) in [("OWNER", "MEMBER"), ("MANAGER", "MEMBER"), ("OWNER", "MANAGER"), ("MEMBER", "ROBOT")] {
        let replay = Replay::new();
        let mut asked = Asked::new(&replay, with_role(wanted));
        replay.get(at("groups/admins@example.com")).reply(group());
        replay.post(at(MEMBERS)).reply(duplicate());
        replay.get(ana_by_address()).reply(member(given));
        assert_eq!(code(&asked.grant(&replay).await.unwrap_err()), "Google:CONFLICT");
        replay.get(at(&format!("groups/{GROUP}/members/{ANA}"))).times(2).reply(member(given));
        for _ in 0..2 {
            assert_eq!(asked.revoke().await.unwrap()["kept_role"], given);
        }
        replay.check().unwrap();
    }
}

/// A grant may have made the member whatever its error said, unless the role is lower than its own.
#[tokio::test]
async fn a_role_that_a_failed_grant_may_have_given_is_taken() {
    let without_role = || Reply::json(json!({ "id": "ana", "email": ANA, "type": "USER" }));
    for found in [member("MANAGER"), member("OWNER"), without_role(), no_member()] {
        let replay = Replay::new();
        let asked = Asked::new(&replay, with_role("MANAGER"));
        let path = at(&format!("groups/{GROUP}/members/{ANA}"));
        replay.get(&path).reply(found);
        replay.delete(&path).reply(Reply::status(204));
        replay.get(&path).reply(no_member());
        asked.revoke().await.unwrap();
        replay.check().unwrap();
    }
    // What is not known is taken only once it is known.
    let replay = Replay::new();
    let asked = Asked::new(&replay, with_role("MANAGER"));
    replay.get(at(&format!("groups/{GROUP}/members/{ANA}"))).reply(no_group());
    let error = asked.revoke().await.unwrap_err();
    assert_eq!(code(&error), "Google:GROUP_NOT_FOUND");
    assert!(error.hint().unwrap().contains("written off"), "{error}");
    replay.check().unwrap();
}

/// GG03
#[tokio::test]
async fn outsiders_are_refused_before_any_call() {
    let replay = Replay::new();
    let mut asked = Asked { identity: "eve@example.net".to_owned(), ..Asked::new(&replay, target()) };
    assert_eq!(asked.prior_access().await, PriorAccess::Unknown);
    let error = asked.grant(&replay).await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Identity, "Google:EXTERNAL_USER".to_owned()));
    assert!(error.hint().unwrap().contains("allow_external"), "{error}");
    assert!(replay.calls().is_empty());

    let mut asked = Asked { target: target().with_setting("allow_external", "true"), ..asked };
    replay.get(at("groups/admins@example.com")).reply(group());
    let outsider = json!({ "id": "x", "email": "eve@example.net", "role": "MEMBER", "type": "EXTERNAL" });
    replay.post(at(MEMBERS)).reply(Reply::json(outsider));
    asked.grant(&replay).await.unwrap();
    // Other domains of the organization are configured.
    let mut asked = Asked { identity: "ana@example.org".to_owned(), ..Asked::new(&replay, target()) };
    replay.get(at("groups/admins@example.com")).reply(group());
    replay.post(at(MEMBERS)).reply(member("MEMBER"));
    asked.grant(&replay).await.unwrap();
    replay.check().unwrap();
}

/// GG04
#[tokio::test]
async fn an_address_without_an_account_gets_no_access() {
    let replay = Replay::new();
    replay.get(at("groups/admins@example.com")).reply(group());
    replay.post(at(MEMBERS)).reply(fault(400, "required", "Missing required field: memberKey"));
    let error = Asked::new(&replay, target()).grant(&replay).await.unwrap_err();
    assert_eq!(code(&error), "Google:USER_NOT_FOUND");
    assert!(!error.is_outcome_unknown());
    replay.check().unwrap();
}

#[tokio::test]
async fn groups_and_suspended_users_are_taken_out_again() {
    let added = |kind: &str, status: &str| Reply::json(json!({ "id": "ana", "email": ANA, "type": kind, "status": status }));
    for (reply, expected) in [
        (added("GROUP", ""), "Google:NOT_A_USER"),
        (added("USER", "SUSPENDED"), "Google:USER_DEPROVISIONED"),
        (added("USER", "ARCHIVED"), "Google:USER_DEPROVISIONED"),
    ] {
        for (removed, is_unknown) in [(Reply::status(204), false), (no_member(), true), (fault(403, "forbidden", "no"), true)] {
            let replay = Replay::new();
            replay.get(at("groups/admins@example.com")).reply(group());
            replay.post(at(MEMBERS)).reply(reply.clone());
            replay.delete(ana()).reply(removed);
            let error = Asked::new(&replay, target()).grant(&replay).await.unwrap_err();
            assert_eq!((error.kind(), code(&error)), (ErrorKind::Identity, expected.to_owned()));
            // The runtime revokes access that may be there.
            assert_eq!(error.is_outcome_unknown(), is_unknown);
            replay.check().unwrap();
        }
    }
}

/// GG10
#[tokio::test]
async fn a_group_whose_address_changed_is_found_by_its_id() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, target());
    expect_grant(&replay, "MEMBER");
    asked.grant(&replay).await.unwrap();
    // The target's address has no group any more, or that of another group: neither is asked.
    replay.delete(ana()).reply(Reply::status(204));
    replay.get(ana()).reply(no_member());
    asked.revoke().await.unwrap();
    // The group is gone.
    replay.delete(ana()).reply(no_group());
    let error = asked.revoke().await.unwrap_err();
    assert_eq!(code(&error), "Google:GROUP_NOT_FOUND");
    assert!(error.hint().unwrap().contains("written off"), "{error}");
    replay.check().unwrap();
    assert!(replay.calls().iter().skip(1).all(|call| !call.path.contains(GROUP)));
}

#[tokio::test]
async fn unconfirmed_removals_fail() {
    let replay = Replay::new();
    let mut asked = Asked::new(&replay, target());
    expect_grant(&replay, "MEMBER");
    asked.grant(&replay).await.unwrap();
    wait(&replay, 3_600).await;
    for (answer, expected) in [
        (Reply::status(500), "Google:UNAVAILABLE"),
        (Reply::text("<html>").with_status(404), "Google:INVALID_RESPONSE"),
        (Reply::text("<html>Sign in"), "Google:INVALID_RESPONSE"),
        (fault(403, "forbidden", "no"), "Google:FORBIDDEN"),
        (fault(401, "authError", "no"), "Google:AUTH_FAILED"),
        (fault(403, "dailyLimitExceeded", "no"), "Google:DAILY_LIMIT"),
    ] {
        replay.delete(ana()).reply(answer);
        assert_eq!(code(&asked.revoke().await.unwrap_err()), expected);
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn lists_accounts_with_at_least_the_role() {
    let nested = json!({ "id": "g2", "email": "audit@example.com", "type": "GROUP", "role": "OWNER" });
    let everyone = json!({ "id": "0000", "type": "CUSTOMER", "role": "OWNER" });
    let mut cleo = member_json("cleo", "OWNER");
    cleo["email"] = json!("Cleo@Example.com");
    let members = json!({ "members": [member_json("ana", "MEMBER"), member_json("ben", "MANAGER"), cleo, nested, everyone] });
    let (ben, cleo) = ("ben@example.com", "cleo@example.com");
    for (role, expected) in [("MEMBER", vec![ANA, ben, cleo]), ("MANAGER", vec![ben, cleo]), ("OWNER", vec![cleo])] {
        let replay = Replay::new();
        replay.get(at("groups/admins@example.com/members")).reply(Reply::json(&members));
        let asked = Asked::new(&replay, with_role(role));
        assert_eq!(asked.strategy.list_current(&asked.target).await.unwrap().unwrap(), expected);
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn roles_of_one_group_are_levels_of_one_resource() {
    let replay = Replay::new();
    let strategy = Asked::new(&replay, target()).strategy;
    let spelled = AccessTarget::new("acme", "google_group", "others".parse().unwrap())
        .with_setting("group_email", "Admins@Example.com")
        .with_setting("role", "OWNER")
        .with_setting("allow_external", "true");
    assert_eq!(strategy.resource(&spelled), strategy.resource(&target()));
    let other = AccessTarget::new("acme", "google_group", "admins".parse().unwrap()).with_setting("group_email", "x@example.com");
    assert_ne!(strategy.resource(&other), strategy.resource(&target()));
    assert_eq!(strategy.level(&target()).as_deref(), Some("MEMBER"));
    assert_eq!(strategy.level(&spelled).as_deref(), Some("OWNER"));
}

/// GG07
#[tokio::test]
async fn check_reads_the_group_once() {
    let replay = Replay::new();
    let strategy = Asked::new(&replay, target()).strategy;
    let path = at("groups/admins@example.com");
    replay.get(&path).reply(group());
    strategy.check(&target()).await.unwrap();
    replay.get(&path).reply(fault(403, "forbidden", "Not Authorized to access this resource/api"));
    let error = strategy.check(&target()).await.unwrap_err();
    assert!(error.hint().unwrap().contains("`subject`"), "{error}");
    replay.get(&path).reply(no_group());
    assert_eq!(code(&strategy.check(&target()).await.unwrap_err()), "Google:GROUP_NOT_FOUND");
    let picked = AccessTarget::new("acme", "google_group", "any".parse().unwrap()).with_field_binding("group_email");
    replay.get(at("groups")).reply(Reply::json(json!({})));
    strategy.check(&picked).await.unwrap();
    replay.check().unwrap();

    let kind = |error: Error| (error.kind(), error.code().to_string());
    let configuration = (ErrorKind::Configuration, "SymSDK:CONFIGURATION".to_owned());
    let other = AccessTarget::new("acme", "okta_group", "x".parse().unwrap()).with_setting("group_email", GROUP);
    for target in [with_role("KING"), target().with_setting("allow_external", "yes"), other] {
        assert_eq!(kind(strategy.check(&target).await.unwrap_err()), configuration);
    }
    assert!(strategy.check(&with_role("manager")).await.is_err_and(|error| error.kind() == ErrorKind::Internal));
    let _ = replay.check();
}

#[tokio::test]
async fn an_identity_is_the_address_in_lower_case() {
    let replay = Replay::new();
    let strategy = Asked::new(&replay, target()).strategy;
    let identity = strategy.fetch_remote_identity(&person("Ana@Example.com")).await.unwrap();
    assert_eq!(identity.as_deref(), Some(ANA));
    assert!(replay.calls().is_empty());
}

/// A grant whose response was lost may have made the member, whatever is found out afterwards.
#[tokio::test]
async fn a_failure_after_a_lost_grant_leaves_the_outcome_unknown() {
    for (found, expected) in [
        (fault(403, "forbidden", "Not Authorized"), "Google:FORBIDDEN"),
        (no_group(), "Google:GROUP_NOT_FOUND"),
        (Reply::json(json!({ "id": "ana", "email": ANA, "type": "USER" })), "Google:CONFLICT"),
    ] {
        for is_lost in [true, false] {
            let replay = Replay::new();
            replay.get(at("groups/admins@example.com")).reply(group());
            if is_lost {
                replay.post(at(MEMBERS)).reply(Reply::connection_lost());
            }
            replay.post(at(MEMBERS)).reply(duplicate());
            replay.get(ana_by_address()).reply(found.clone());
            let error = Asked::new(&replay, target()).grant(&replay).await.unwrap_err();
            assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), (expected, is_lost), "{error}");
            replay.check().unwrap();
        }
    }
}

/// The role was raised before it showed that the address is that of a group.
#[tokio::test]
async fn a_refusal_after_a_raised_role_leaves_the_outcome_unknown() {
    let replay = Replay::new();
    replay.get(at("groups/admins@example.com")).reply(group());
    replay.post(at(MEMBERS)).reply(duplicate());
    replay.get(ana_by_address()).reply(member("MEMBER"));
    let mut raised = member_json("ana", "MANAGER");
    raised["type"] = "GROUP".into();
    replay.on("PATCH", ana_by_address()).reply(Reply::json(raised));
    let mut asked = Asked::new(&replay, with_role("MANAGER")).prior("MEMBER");
    let error = asked.grant(&replay).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    replay.check().unwrap();
}
