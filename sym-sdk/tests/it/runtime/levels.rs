//! A resource with several levels: an identity has it at one of them at a time.

use std::time::Duration;

use expect_test::expect;
use sym_sdk::audit::AuditKind;
use sym_sdk::engine::WorkerLimits;
use sym_sdk::error::codes;
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Reconcile, Submission};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope};
use sym_sdk::testing::{Harness, HarnessBuilder, RecordingStrategy};
use tokio::sync::Barrier;

use super::{GRACE, HOUR, MINUTE, plain, with_alerts};

/// The real time after which a test counts as hanging.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The repository `api` at the levels `push` and `admin`.
fn builder(strategy: impl AccessStrategy) -> HarnessBuilder {
    let builder = Harness::builder().access_flow("prod", ["push", "admin"]).declare(|config| {
        for target in &mut config.targets {
            target.settings.insert("repository".into(), "api".into());
            target.settings.insert("role".into(), target.name.clone());
        }
    });
    with_alerts(builder).admin("ada@example.com").handlers(plain()).idle_timeout(GRACE).strategy("test", strategy)
}

async fn harness() -> (Harness, RecordingStrategy) {
    let strategy = RecordingStrategy::new().with_levels("role");
    (builder(strategy.clone()).build().await.unwrap(), strategy)
}

fn target(harness: &Harness, name: &str) -> AccessTarget {
    let flow = harness.runtime().flow("prod").unwrap();
    let targets = flow.strategy().unwrap().targets();
    targets.iter().find(|target| *target.name() == *name).unwrap().clone()
}

async fn requested(harness: &mut Harness, who: &str, target: &str, duration: &str) -> RunId {
    harness.request("prod").by(who).target(target).duration(duration).await.unwrap()
}

async fn approved(harness: &mut Harness, target: &str, duration: &str) -> RunId {
    let run = requested(harness, "ana@example.com", target, duration).await;
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

fn granted(strategy: &RecordingStrategy) -> Vec<(String, String)> {
    strategy.granted().into_iter().map(|(target, identity)| (target.name().to_string(), identity)).collect()
}

async fn error(harness: &Harness, run: RunId) -> (String, String) {
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    let error = state.error.clone().unwrap();
    (error.code.to_string(), error.message)
}

#[tokio::test]
async fn a_request_at_another_level_is_refused_while_the_first_gives_access() {
    let (mut harness, strategy) = harness().await;
    let first = approved(&mut harness, "push", "1h").await;
    harness.advance(10 * MINUTE).await.unwrap();
    let second = approved(&mut harness, "admin", "1h").await;
    let (code, message) = error(&harness, second).await;
    assert_eq!(code, codes::OTHER_LEVEL_ACTIVE.to_string());
    expect!["ana@example.com has push at level `push` through another request, which ends at 2024-02-29 13:00:00 UTC, and cannot have it at level `admin` at the same time"]
        .assert_eq(&message);
    assert_eq!(strategy.calls().len(), 1, "the service was not called for it");
    let told: Vec<_> = harness.delivery().messages().into_iter().filter(|(_, text)| text.contains(&message)).collect();
    expect![[r#"
        [
            (
                "ana@example.com",
                "Your request for prod was closed without access: ana@example.com has push at level `push` through another request, which ends at 2024-02-29 13:00:00 UTC, and cannot have it at level `admin` at the same time. Make a new request if you still need it",
            ),
            (
                "ben@example.com",
                "this request is closed, and no access is granted: ana@example.com has push at level `push` through another request, which ends at 2024-02-29 13:00:00 UTC, and cannot have it at level `admin` at the same time",
            ),
        ]
    "#]]
    .assert_debug_eq(&told);
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Escalated);
    harness.advance(HOUR).await.unwrap();
    assert!(granted(&strategy).is_empty());
}

#[tokio::test]
async fn another_level_is_granted_once_the_first_has_ended() {
    let (mut harness, strategy) = harness().await;
    approved(&mut harness, "push", "1h").await;
    harness.advance(HOUR + MINUTE).await.unwrap();
    let second = approved(&mut harness, "admin", "1h").await;
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Escalated);
    assert_eq!(granted(&strategy), [("admin".to_owned(), "ana@example.com".to_owned())]);
}

/// The revocation would take the second access, or leave the first one to it.
#[tokio::test]
async fn another_level_is_refused_until_the_revocation_is_confirmed() {
    let (mut harness, strategy) = harness().await;
    approved(&mut harness, "admin", "1h").await;
    strategy.fail_revocations(4);
    harness.advance(HOUR).await.unwrap();
    let second = approved(&mut harness, "push", "1h").await;
    let (_, message) = error(&harness, second).await;
    expect!["ana@example.com has admin at level `admin` through another request, whose access is being revoked, and cannot have it at level `push` at the same time"]
        .assert_eq(&message);
    harness.advance(HOUR).await.unwrap();
    assert!(granted(&strategy).is_empty());
    let third = approved(&mut harness, "push", "1h").await;
    assert_eq!(harness.status(third).await.unwrap(), RunStatus::Escalated);
}

#[tokio::test]
async fn the_same_level_is_shared_and_other_people_have_their_own() {
    let (mut harness, strategy) = harness().await;
    approved(&mut harness, "push", "1h").await;
    let same = approved(&mut harness, "push", "1h").await;
    assert_eq!(harness.status(same).await.unwrap(), RunStatus::Escalated);
    let other = requested(&mut harness, "cho@example.com", "admin", "1h").await;
    harness.approve_as(other, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(other).await.unwrap(), RunStatus::Escalated);
    harness.advance(2 * HOUR).await.unwrap();
    assert!(granted(&strategy).is_empty());
}

/// Standing access is not the request's to give, and does not end with it.
#[tokio::test]
async fn standing_access_at_one_level_does_not_keep_another_from_being_granted() {
    let (mut harness, strategy) = harness().await;
    strategy.grant_externally(&target(&harness, "push"), "ana@example.com");
    let first = approved(&mut harness, "push", "1h").await;
    assert!(harness.run(first).await.unwrap().access.grant().unwrap().is_standing);
    let second = approved(&mut harness, "admin", "1h").await;
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Escalated);
}

/// Tests that access which was standing is the request's own once it is granted again.
#[tokio::test]
async fn standing_access_is_not_granted_again_beside_another_level() {
    let (mut harness, strategy) = harness().await;
    strategy.grant_externally(&target(&harness, "push"), "ana@example.com");
    let first = approved(&mut harness, "push", "1h").await;
    let second = approved(&mut harness, "admin", "1h").await;
    harness.runtime().reconcile(Reconcile::new().regrant_missing()).await.unwrap();
    harness.advance(MINUTE).await.unwrap();
    let audit = harness.runtime().audit(Some(first), usize::MAX).await.unwrap();
    let failed = audit.iter().find_map(|entry| match &entry.kind {
        AuditKind::RegrantFailed { error, .. } => Some(error.code.clone()),
        _ => None,
    });
    assert_eq!(failed, Some(codes::OTHER_LEVEL_ACTIVE));
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Escalated);
    assert_eq!(granted(&strategy), [("admin".to_owned(), "ana@example.com".to_owned())]);
}

/// Whoever has the resource at one level through a request is not extra at another.
#[tokio::test]
async fn reconciliation_compares_each_level_on_its_own() {
    let (mut harness, strategy) = harness().await;
    approved(&mut harness, "admin", "1h").await;
    let done = harness.runtime().reconcile(Reconcile::new()).await.unwrap();
    assert!(done.is_clean(), "{done:?}");
    assert_eq!(done.compared, 2);
    strategy.grant_externally(&target(&harness, "push"), "cho@example.com");
    let done = harness.runtime().reconcile(Reconcile::new()).await.unwrap();
    let extra: Vec<_> = done.extra.iter().map(|one| (one.target.label(), &*one.identity)).collect();
    assert_eq!(extra, [("push", "cho@example.com")]);
}

/// Has both requests find no access before either of them holds any.
#[derive(Debug)]
struct SameTime {
    strategy: RecordingStrategy,
    identified: Barrier,
}

impl AccessStrategy for SameTime {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        self.strategy.fetch_remote_identity(user).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        self.strategy.escalate(request).await
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.strategy.deescalate(request).await
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    fn resource(&self, target: &AccessTarget) -> String {
        self.strategy.resource(target)
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        self.strategy.level(target)
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        let prior = self.strategy.prior_access(target, identity).await;
        self.identified.wait().await;
        prior
    }
}

/// A target without a level is another level than one with.
#[tokio::test]
async fn a_target_that_names_no_level_does_not_share_the_access() {
    let strategy = RecordingStrategy::new().with_levels("role");
    let builder = builder(strategy.clone()).declare(|config| {
        config.targets[1].settings.remove("role");
    });
    let mut harness = builder.build().await.unwrap();
    approved(&mut harness, "push", "1h").await;
    let second = approved(&mut harness, "admin", "1h").await;
    let (code, message) = error(&harness, second).await;
    assert_eq!(code, codes::OTHER_LEVEL_ACTIVE.to_string());
    expect!["ana@example.com has push at level `push` through another request, which ends at 2024-02-29 13:00:00 UTC, and cannot have it without a level at the same time"]
        .assert_eq(&message);
    assert_eq!(strategy.calls().len(), 1);
}

/// A request is registered before its grant is asked for, so at least one of two sees the other.
#[tokio::test]
async fn two_requests_at_the_same_time_do_not_both_get_their_level() {
    let strategy = RecordingStrategy::new().with_levels("role");
    let wrapped = SameTime { strategy: strategy.clone(), identified: Barrier::new(2) };
    let mut harness = builder(wrapped).build().await.unwrap();
    let mut runs = Vec::new();
    for level in ["push", "admin"] {
        runs.push(requested(&mut harness, "ana@example.com", level, "1h").await);
    }
    for run in &runs {
        harness.runtime().submit(Submission::approve(*run, "ada@example.com")).await.unwrap();
    }
    let workers = harness.runtime().start(WorkerLimits::default());
    for run in &runs {
        let ended = async {
            while harness.status(*run).await.unwrap() == RunStatus::Approved {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TEST_TIMEOUT, ended).await.expect("both requests find no access at the same time");
    }
    workers.shutdown(TEST_TIMEOUT).await;
    let mut refused = 0;
    for run in &runs {
        let state = harness.run(*run).await.unwrap();
        refused += usize::from(state.error.as_ref().is_some_and(|error| error.code == codes::OTHER_LEVEL_ACTIVE));
    }
    assert!(refused >= 1, "{:?}", strategy.calls());
    harness.advance(2 * HOUR).await.unwrap();
    assert!(granted(&strategy).is_empty());
}
