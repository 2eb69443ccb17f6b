//! The strategy `github`: identities, repositories, members and invitations.

use serde_json::{Value, json};
use sym_integrations::github::{GitHub, GitHubStrategy};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Environment, Event, Flow, Step, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, PriorAccess, PriorState, RevocationScope};

use super::fake::{ANA, API, BOB, EVE, FakeGitHub, ORG, State, person};
use crate::vendor_support::code;

const RUN: &str = "0190a0a0-0000-7000-8000-000000000001";

pub(super) fn target(permission: &str) -> AccessTarget {
    let target = AccessTarget::new(ORG, "github_repo", "api".parse().unwrap()).with_setting("repo_name", "api");
    if permission.is_empty() { target } else { target.with_setting("permission", permission) }
}

/// The grant of a target to a user, and its end, with the state in between as the runtime keeps it.
pub(super) struct Access<'a> {
    strategy: &'a GitHubStrategy,
    target: AccessTarget,
    identity: String,
    pub(super) prior: Option<PriorState>,
    output: Option<Value>,
}

impl<'a> Access<'a> {
    pub(super) fn new(strategy: &'a GitHubStrategy, target: AccessTarget, user: u64) -> Self {
        Self { strategy, target, identity: user.to_string(), prior: None, output: None }
    }

    pub(super) async fn read_prior(&mut self) -> PriorAccess {
        let prior = self.strategy.prior_access(&self.target, &self.identity).await.unwrap();
        if let PriorAccess::Lesser(state) = &prior {
            self.prior = Some(state.clone());
        }
        prior
    }

    pub(super) async fn grant(&mut self) -> Result<Value> {
        let event = self.event(Step::Escalate);
        let request = self.request(&event);
        let granted = self.strategy.escalate(&request).await?;
        let output = granted.output().unwrap().0.clone();
        assert!(granted.errors().is_empty());
        self.output = Some(output.clone());
        Ok(output)
    }

    pub(super) async fn revoke(&self) -> Result<Value> {
        let event = self.event(Step::Deescalate);
        Ok(self.strategy.deescalate(&self.request(&event)).await?.unwrap().0)
    }

    fn event(&self, step: Step) -> Event {
        let flow = Flow::builder("prod".parse().unwrap(), ORG)
            .environment(Environment::new("main".parse().unwrap()))
            .build();
        let builder = Event::builder(flow, step, person("ana@example.com", ANA)).target(self.target.clone());
        match &self.output {
            Some(output) => builder.step_output(Step::Escalate, output.clone()).build(),
            None => builder.build(),
        }
    }

    fn request<'r>(&'r self, event: &'r Event) -> AccessRequest<'r> {
        let key = EffectKey { run: RUN.parse().unwrap(), seq: 7 };
        AccessRequest::new(event, &self.target, &self.identity, key).with_prior(self.prior.as_ref())
    }
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target(""), ANA);
    assert_eq!(access.read_prior().await, PriorAccess::None);
    for _ in 0..2 {
        let output = access.grant().await.unwrap();
        assert_eq!(
            output,
            json!({ "repo": "acme/api", "repo_id": API, "user_id": "501", "login": "AnaB", "permission": "push", "status": "granted" })
        );
        assert_eq!(fake.direct(ANA).as_deref(), Some("write"));
        assert_eq!(strategy.list_current(&target("")).await.unwrap().unwrap(), ["501"]);
    }
    assert_eq!(fake.changes(), ["PUT /repos/acme/api/collaborators/AnaB"]);
    assert_eq!(access.read_prior().await, PriorAccess::Sufficient);
    for _ in 0..2 {
        access.revoke().await.unwrap();
        assert_eq!(fake.direct(ANA), None);
        assert!(strategy.list_current(&target("")).await.unwrap().unwrap().is_empty());
    }
    // Somebody who never had it.
    Access::new(&strategy, target(""), BOB).revoke().await.unwrap();
    assert_eq!((strategy.revocation_scope(), strategy.enforces_end()), (RevocationScope::AllSessions, false));
}

#[tokio::test]
async fn answers_that_are_lost_change_nothing() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("maintain"), ANA);
    fake.state().lost_answers = 1;
    assert_eq!(access.grant().await.unwrap()["status"], "granted");
    assert_eq!(fake.changes().len(), 2);
    fake.state().lost_answers = 1;
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(ANA), None);
}

/// GH01: a login is nobody's identity. It is read from the id before each step.
#[tokio::test]
async fn follows_the_account_and_not_the_login() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    // Ana has renamed herself, and Eve has taken the login.
    fake.state().users.get_mut(&ANA).unwrap().login = "ana-new".into();
    fake.state().users.get_mut(&EVE).unwrap().login = "AnaB".into();
    fake.state().users.get_mut(&EVE).unwrap().is_member = true;
    let mut access = Access::new(&strategy, target("push"), ANA);
    assert_eq!(access.grant().await.unwrap()["login"], "ana-new");
    assert_eq!((fake.direct(ANA).as_deref(), fake.direct(EVE)), (Some("write"), None));

    // Again, between the grant and its end.
    fake.api(|repo| drop(repo.direct.insert(EVE, "admin".into())));
    fake.state().users.get_mut(&ANA).unwrap().login = "ana-newer".into();
    fake.state().users.get_mut(&EVE).unwrap().login = "ana-new".into();
    access.revoke().await.unwrap();
    assert_eq!((fake.direct(ANA), fake.direct(EVE).as_deref()), (None, Some("admin")));

    // An identity that is a login is refused, and the hint has the id.
    let by_login = Access { identity: "bob".into(), ..Access::new(&strategy, target("push"), BOB) };
    for identity in ["bob", "nobody-of-this-name", "+502", "0502", " 502", ""] {
        let mut access = Access { identity: identity.into(), ..Access::new(&strategy, target("push"), BOB) };
        let error = access.grant().await.unwrap_err();
        assert_eq!((error.kind(), code(&error)), (ErrorKind::Identity, "GitHub:NOT_A_USER_ID".to_owned()), "{identity}");
    }
    fake.changes();
    let error = by_login.revoke().await.unwrap_err();
    assert!(error.hint().unwrap().contains("`502`"), "{error}");
    assert!(fake.changes().is_empty());
    let ana = User::from_email("ana@example.com").unwrap();
    assert_eq!(strategy.fetch_remote_identity(&ana).await.unwrap(), None);
}

/// GH01: a login that changes hands during the calls. What was sent is taken back.
#[tokio::test]
async fn refuses_logins_that_lead_to_another_account() {
    let replay = Replay::new();
    let github = GitHub::builder(ORG).token("ghp_token").connection(replay.connection()).build().unwrap();
    let strategy = GitHubStrategy::new(github);
    let begin = || {
        replay.get("/repos/acme/api").reply(Reply::json(json!({ "id": API, "name": "api", "full_name": "acme/api" })));
        replay.get("/user/501").reply(Reply::json(json!({ "id": ANA, "login": "anab" })));
        replay.get("/orgs/acme/members/anab").reply(Reply::status(204));
    };
    let permission = "/repos/acme/api/collaborators/anab/permission";
    begin();
    let eve = json!({ "id": EVE, "login": "anab", "role_name": "read" });
    replay.get(permission).reply(Reply::json(json!({ "permission": "read", "user": eve })));
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Identity, "GitHub:IDENTITY_CHANGED".to_owned()));

    begin();
    replay.get(permission).reply(Reply::json(json!({ "message": "Not Found" })).with_status(404));
    replay.get("/repos/acme/api/collaborators").reply(Reply::json(json!([])));
    replay.get("/repos/acme/api/invitations").times(2).reply(Reply::json(json!([])));
    let invitation = json!({ "id": 77, "invitee": { "id": EVE, "login": "anab" }, "permissions": "write" });
    replay.put("/repos/acme/api/collaborators/anab").reply(Reply::json(invitation).with_status(201));
    replay.delete("/repos/acme/api/invitations/77").reply(Reply::status(204));
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:IDENTITY_CHANGED");
    replay.check().unwrap();
}

/// GH01: a login that changes hands between the look-up and the grant. The wrong account is removed, and a failure to remove it is no
/// failure that left nothing.
#[tokio::test]
async fn takes_back_what_the_wrong_account_got() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("push"), ANA);
    fake.state().meanwhile = Some(bob_takes_over);
    let error = access.grant().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Identity, "GitHub:IDENTITY_CHANGED".to_owned()));
    assert!(!error.is_outcome_unknown() && error.hint().unwrap().contains("account `502` got the role by mistake, and was removed"), "{error:?}");
    assert_eq!((fake.direct(ANA), fake.direct(BOB)), (None, None));
    assert_eq!(fake.changes(), ["PUT /repos/acme/api/collaborators/AnaB", "DELETE /repos/acme/api/collaborators/AnaB"]);
    // The account is found by its id.
    assert_eq!(access.grant().await.unwrap()["login"], "ana-new");
    assert_eq!((fake.direct(ANA).as_deref(), fake.direct(BOB)), (Some("write"), None));

    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.state().meanwhile = Some(|state| {
        bob_takes_over(state);
        state.refuses_removals = true;
    });
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:IDENTITY_CHANGED");
    assert!(error.is_outcome_unknown() && error.hint().unwrap().contains("account `502` got the role by mistake, and could not"), "{error:?}");
    assert_eq!(fake.direct(BOB).as_deref(), Some("write"));
}

fn bob_takes_over(state: &mut State) {
    state.users.get_mut(&ANA).unwrap().login = "ana-new".into();
    state.users.get_mut(&BOB).unwrap().login = "AnaB".into();
}

/// A role that was given, and cannot be read, is revoked at the end: whatever the reason, the outcome is unknown.
#[tokio::test]
async fn a_grant_that_cannot_be_read_back_may_have_been_made() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("push"), ANA);
    fake.state().meanwhile = Some(|state| state.rejects_token = true);
    let error = access.grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:AUTH_FAILED");
    assert_eq!(fake.direct(ANA).as_deref(), Some("write"));
    assert!(error.is_outcome_unknown(), "{error:?}");

    // The first read still succeeds, and shows nothing.
    let replay = Replay::new();
    let github = GitHub::builder(ORG).token("ghp_token").connection(replay.connection()).build().unwrap();
    let strategy = GitHubStrategy::new(github);
    let (permission, ana) = ("/repos/acme/api/collaborators/anab/permission", json!({ "id": ANA, "login": "anab" }));
    replay.get("/repos/acme/api").reply(Reply::json(json!({ "id": API, "name": "api", "full_name": "acme/api" })));
    replay.get("/user/501").reply(Reply::json(&ana));
    replay.get("/orgs/acme/members/anab").reply(Reply::status(204));
    replay.get(permission).times(2).reply(Reply::json(json!({ "permission": "none", "role_name": "", "user": ana })));
    replay.get("/repos/acme/api/collaborators").reply(Reply::json(json!([])));
    replay.get("/repos/acme/api/invitations").times(2).reply(Reply::json(json!([])));
    replay.put("/repos/acme/api/collaborators/anab").reply(Reply::status(204));
    replay.get(permission).reply(Reply::json(json!({ "message": "Bad credentials" })).with_status(401));
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert!(code(&error) == "GitHub:AUTH_FAILED" && error.is_outcome_unknown(), "{error:?}");
    replay.check().unwrap();
}

/// GH02: GitHub spells logins and names in lists as it likes.
#[tokio::test]
async fn names_have_no_case() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let elsewhere = target("push").with_setting("repo_name", "API");
    let mut access = Access::new(&strategy, elsewhere.clone(), ANA);
    assert_eq!(access.grant().await.unwrap()["repo"], "acme/api");
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(ANA), None);
    assert_eq!(strategy.resource(&elsewhere), strategy.resource(&target("admin")));
    let other = target("push").with_setting("repo_name", "web");
    assert_ne!(strategy.resource(&other), strategy.resource(&target("push")));
    let levels = ["", "push", "write", "pull", "Auditor"].map(|permission| strategy.level(&target(permission)).unwrap());
    assert_eq!(levels, ["push", "push", "push", "pull", "Auditor"]);
}

/// GH03: the repository is found by its id, even if another one has taken its name.
#[tokio::test]
async fn follows_the_repository_and_not_its_name() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("push"), ANA);
    access.grant().await.unwrap();
    fake.state().rename_repo(API, "api-legacy");
    assert_eq!(access.revoke().await.unwrap()["repo"], "acme/api-legacy");
    assert_eq!(fake.direct(ANA), None);

    let mut access = Access::new(&strategy, target("push").with_setting("repo_name", "api-legacy"), ANA);
    access.grant().await.unwrap();
    fake.state().rename_repo(API, "api-old");
    fake.state().add_repo(2_000, "api-legacy");
    fake.state().repos.get_mut(&2_000).unwrap().direct.insert(ANA, "admin".into());
    assert_eq!(access.revoke().await.unwrap()["repo_id"], API);
    assert_eq!(fake.direct(ANA), None);
    assert_eq!(fake.state().repos[&2_000].direct[&ANA], "admin");

    // What was read before the grant was another repository.
    fake.api(|repo| drop(repo.direct.insert(BOB, "read".into())));
    let mut access = Access::new(&strategy, target("push").with_setting("repo_name", "api-old"), BOB);
    access.read_prior().await;
    fake.state().rename_repo(API, "api-older");
    fake.state().old_names.clear();
    fake.state().add_repo(2_001, "api-old");
    let error = access.grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:REPOSITORY_CHANGED");
    assert!(fake.state().repos[&2_001].direct.is_empty());

    // One that was deleted is no proof that the configuration is right.
    let access = Access::new(&strategy, target("push").with_setting("repo_name", "gone"), ANA);
    let error = access.revoke().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:REPOSITORY_NOT_FOUND");
    assert!(error.hint().unwrap().contains("written off"));
}

/// GH03: a repository that was transferred is not granted any more, and is revoked where it is now.
#[tokio::test]
async fn does_not_grant_repositories_of_another_owner() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("push"), ANA);
    access.grant().await.unwrap();
    fake.api(|repo| repo.owner = "umbrella".into());
    fake.state().old_names.insert("api".into(), API);
    let error = access.grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:REPOSITORY_CHANGED");
    assert!(error.message().contains("`umbrella/api`"), "{error}");
    assert_eq!(code(&strategy.check(&target("push")).await.unwrap_err()), "GitHub:REPOSITORY_CHANGED");
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(ANA), None);
}

/// GH04: an organization without a seat.
#[tokio::test]
async fn reports_that_no_seat_is_left() {
    let fake = FakeGitHub::start().await;
    fake.state().has_no_seat = true;
    let strategy = GitHubStrategy::new(fake.client());
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:NO_SEAT");
    assert_eq!(fake.changes().len(), 1);
}

/// GH06: a grant does not bring in accounts from outside, unless the target says so. GH04: who was invited is not granted yet.
#[tokio::test]
async fn keeps_outsiders_out() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let error = Access::new(&strategy, target("push"), EVE).grant().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Forbidden, "GitHub:NOT_A_MEMBER".to_owned()));
    assert!(error.hint().unwrap().contains("allow_outside"));
    assert!(fake.changes().is_empty());
    fake.state().token_is_outside = true;
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:TOKEN_NOT_A_MEMBER");
    assert!(fake.changes().is_empty());
    assert!(strategy.check(&target("push")).await.is_err());

    let outside = target("push").with_setting("allow_outside", "true");
    let mut access = Access::new(&strategy, outside.clone(), EVE);
    for _ in 0..2 {
        let output = access.grant().await.unwrap();
        assert_eq!((&output["status"], &output["invitation_id"]), (&json!("invited"), &json!(9_000)));
    }
    assert_eq!(fake.changes(), ["PUT /repos/acme/api/collaborators/eve"]);
    // Not accepted: nobody has access yet, and the end takes the invitation back.
    assert!(strategy.list_current(&outside).await.unwrap().unwrap().is_empty());
    access.revoke().await.unwrap();
    fake.api(|repo| assert!(repo.invitations.is_empty()));

    // Accepted in the meantime.
    access.grant().await.unwrap();
    fake.api(|repo| {
        repo.invitations.clear();
        repo.direct.insert(EVE, "write".into());
    });
    assert_eq!(access.grant().await.unwrap()["status"], "granted");
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(EVE), None);
    strategy.check(&outside).await.unwrap();
    let odd = target("push").with_setting("allow_outside", "yes");
    assert_eq!(Access::new(&strategy, odd, EVE).grant().await.unwrap_err().kind(), ErrorKind::Configuration);
}

/// GH05: which of the two happened is read, and not concluded from the status.
#[tokio::test]
async fn reads_what_a_grant_has_done() {
    let user = |login: &str| json!({ "id": ANA, "login": login });
    let invitation = json!({ "id": 5, "invitee": user("ana_corp"), "permissions": "write", "expired": false });
    let has = json!({ "permission": "write", "role_name": "write", "user": user("ana_corp") });
    let has_not = json!({ "permission": "none", "role_name": "none", "user": user("ana_corp") });
    for (answer, later, invitations, expected) in [
        (Reply::json(&invitation).with_status(201), &has, json!([]), Ok("granted")),
        (Reply::status(204), &has_not, json!([{ "id": 4, "invitee": null }, invitation]), Ok("invited")),
        (Reply::status(204), &has_not, json!([]), Err("GitHub:NOT_LISTED")),
    ] {
        let replay = Replay::new();
        let github = GitHub::builder(ORG).token("ghp_token").connection(replay.connection()).build().unwrap();
        let strategy = GitHubStrategy::new(github);
        replay.get("/repos/acme/api").reply(Reply::json(json!({ "id": API, "name": "api", "full_name": "acme/api" })));
        replay.get("/user/501").reply(Reply::json(user("ana_corp")));
        replay.get("/orgs/acme/members/ana_corp").reply(Reply::status(204));
        replay.get("/repos/acme/api/collaborators/ana_corp/permission").reply(Reply::json(&has_not));
        replay.get("/repos/acme/api/collaborators").reply(Reply::json(json!([])));
        replay.get("/repos/acme/api/invitations").times(2).reply(Reply::json(json!([])));
        replay.put("/repos/acme/api/collaborators/ana_corp").reply(answer);
        replay.get("/repos/acme/api/collaborators/ana_corp/permission").always().reply(Reply::json(later));
        if expected != Ok("granted") {
            replay.get("/repos/acme/api/invitations").always().reply(Reply::json(&invitations));
        }
        let granted = Access::new(&strategy, target("push"), ANA).grant().await;
        match (granted, expected) {
            (Ok(output), Ok(status)) => assert_eq!(output["status"], status),
            (Err(error), Err(expected)) => {
                assert_eq!(code(&error), expected);
                // It may become visible later, so it is revoked.
                assert!(error.is_outcome_unknown() && error.is_retryable(), "{error}");
                assert!(replay.elapsed().as_secs() >= 7);
            }
            (granted, _) => panic!("{granted:?}"),
        }
        replay.check().unwrap();
    }
}

/// GH10: a partial response decides nothing.
#[tokio::test]
async fn partial_responses_grant_nothing() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.state().sso = Some("partial-results; organizations=21955855");
    let mut access = Access::new(&strategy, target("push"), ANA);
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:SSO_REQUIRED");
    assert_eq!(code(&strategy.list_current(&target("push")).await.unwrap_err()), "GitHub:SSO_REQUIRED");
    assert_eq!(code(&access.revoke().await.unwrap_err()), "GitHub:SSO_REQUIRED");
    assert!(fake.changes().is_empty());
}

/// GH12: the invitation is on the second page, after some without a user.
#[tokio::test]
async fn takes_back_invitations_among_many() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| {
        for id in 1..=130 {
            repo.invitations.push(json!({ "id": id, "invitee": null, "permissions": "write" }));
        }
        repo.invite(131, EVE, "EVE", "write");
    });
    // Her account is gone, so that the removal of a collaborator does not cancel it.
    fake.state().users.remove(&EVE);
    Access::new(&strategy, target("push"), EVE).revoke().await.unwrap();
    assert_eq!(fake.changes(), ["DELETE /repos/acme/api/invitations/131"]);
    fake.api(|repo| assert_eq!(repo.invitations.len(), 130));
}

#[tokio::test]
async fn suspended_and_deleted_users_get_nothing() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("push"), ANA);
    access.grant().await.unwrap();
    fake.state().users.get_mut(&ANA).unwrap().is_suspended = true;
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:USER_DEPROVISIONED");
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(ANA), None);

    access.grant().await.unwrap_err();
    fake.state().users.remove(&ANA);
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:USER_NOT_FOUND");
    // Nobody is left who could have access.
    access.revoke().await.unwrap();
}

/// A user whom something adds again.
#[tokio::test]
async fn a_revocation_that_lists_the_user_has_failed() {
    let replay = Replay::new();
    let github = GitHub::builder(ORG).token("ghp_token").connection(replay.connection()).build().unwrap();
    let strategy = GitHubStrategy::new(github);
    replay.get("/repos/acme/api").reply(Reply::json(json!({ "id": API, "name": "api", "full_name": "acme/api" })));
    let listed = json!([{ "id": ANA, "login": "anab", "role_name": "write" }]);
    replay.get("/repos/acme/api/collaborators").always().reply(Reply::json(listed));
    replay.get("/repos/acme/api/invitations").always().reply(Reply::json(json!([])));
    replay.delete("/repos/acme/api/collaborators/anab").reply(Reply::status(204));
    let error = Access::new(&strategy, target("push"), ANA).revoke().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, "GitHub:STILL_COLLABORATOR".to_owned()));
    assert!(error.hint().unwrap().contains("Terraform"));
    replay.check().unwrap();
}

#[tokio::test]
async fn checks_targets_without_a_change() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    strategy.check(&target("push")).await.unwrap();
    assert!(fake.changes().is_empty());
    let named = |name: &str| target("push").with_setting("repo_name", name);
    assert_eq!(code(&strategy.check(&named("gone")).await.unwrap_err()), "GitHub:REPOSITORY_NOT_FOUND");
    let error = strategy.check(&named("acme/api")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.hint().unwrap().contains("without the organization"));
    let elsewhere = AccessTarget::new(ORG, "okta_group", "api".parse().unwrap()).with_setting("repo_name", "api");
    assert_eq!(strategy.check(&elsewhere).await.unwrap_err().kind(), ErrorKind::Configuration);
    // Whether a custom role exists is known if the organization shows its own.
    strategy.check(&target("wirte")).await.unwrap();
    fake.api(|repo| assert!(repo.custom.insert("Auditor", "read").is_none()));
    strategy.check(&target("auditor")).await.unwrap();
    assert_eq!(code(&strategy.check(&target("wirte")).await.unwrap_err()), "GitHub:ROLE_NOT_FOUND");
    let picked = AccessTarget::new(ORG, "github_repo", "any".parse().unwrap()).with_field_binding("repo_name");
    strategy.check(&picked).await.unwrap();
    let wrong = GitHubStrategy::new(fake.builder().token("ghp_S3CRETwrong").build().unwrap());
    for target in [target("push"), picked] {
        assert_eq!(code(&wrong.check(&target).await.unwrap_err()), "GitHub:AUTH_FAILED");
    }
}
