//! Submissions that are refused before they reach the machine are on the record (safety finding 10).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sym_sdk::audit::{self, AuditEntry, AuditKind};
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::FlowsFilter;
use sym_sdk::engine::SqliteStore;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Actor, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

use super::*;
use crate::support::access_flow;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Hides all flows from one person.
#[reducer]
fn get_flows(user: &User, flows: &Flows) -> Vec<Arc<Flow>> {
    if user.username() == "hal@example.com" { Vec::new() } else { flows.to_vec() }
}

struct World {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
}

impl World {
    async fn at(path: &Path) -> Self {
        let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
        let strategy = RecordingStrategy::new();
        let mut config = access_flow("test");
        config.flows_filter = Some(FlowsFilter::default());
        config.organization.domains = vec!["example.com".into()];
        let runtime = Runtime::builder(config)
            .registry(handlers![get_permissions, get_flows])
            .clock(clock.clone())
            .sqlite(Arc::new(SqliteStore::open(path).await.unwrap()))
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .build()
            .await
            .unwrap();
        Self { runtime, clock }
    }

    async fn entries(&self) -> Vec<AuditEntry> {
        self.runtime.audit(None, usize::MAX).await.unwrap()
    }

    /// Submits something that is refused, and returns the error and what is new on the record.
    async fn refused(&self, submission: impl Into<Submission>) -> (Error, Vec<AuditEntry>) {
        let before = self.entries().await.len();
        let error = self.runtime.submit(submission).await.unwrap_err();
        (error, self.entries().await.split_off(before))
    }

    /// The refusal is on the record once, with this code, action and actor.
    async fn is_recorded(
        &self,
        submission: impl Into<Submission>,
        code: ErrorCode,
        action: ActionKind,
        actor: (&str, bool),
    ) -> AuditEntry {
        let (error, entries) = self.refused(submission).await;
        assert_eq!(*error.code(), code, "{error}");
        let [entry] = &*entries else { panic!("expected one entry, got {entries:?}") };
        let AuditKind::SubmissionRefused { action: recorded, is_known_actor, error, omitted: 0 } = &entry.kind else {
            panic!("{entry:?}");
        };
        assert_eq!((*recorded, &error.code), (action, &code));
        assert_eq!((entry.event.actor.username(), *is_known_actor), actor);
        entry.clone()
    }
}

fn request(actor: impl Into<Actor>) -> sym_sdk::runtime::FlowRequest {
    Submission::request("prod", actor)
        .input("duration", "1h")
        .channel(Channel::new(ChannelType::Web).with_identifier("web-1"))
}

fn eve_user() -> User {
    User::from_email("eve@elsewhere.test").unwrap()
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn each_kind_of_refusal_is_recorded_once() {
    let dir = dir();
    let world = World::at(&dir.path().join("runs.db")).await;
    let ana = ("ana@example.com", true);
    let run = world.runtime.submit(request("ana@example.com")).await.unwrap().run;
    world.runtime.run_until_idle().await.unwrap();

    // A hidden flow.
    let entry = world
        .is_recorded(request("hal@example.com"), codes::NOT_PERMITTED, ActionKind::Request, ("hal@example.com", true))
        .await;
    assert_eq!((entry.flow.slug(), entry.event.channel.identifier()), ("prod", Some("web-1")));
    // Somebody who is not known, by address, by id and by account.
    let eve = request("Eve@elsewhere.test");
    let entry = world.is_recorded(eve, codes::UNKNOWN_USER, ActionKind::Request, ("eve@elsewhere.test", false)).await;
    assert_ne!(entry.event.actor.id(), UserId::from_email("eve@elsewhere.test"), "a claim is not a user");
    let id = UserId::from_email("nobody@example.com");
    world.is_recorded(request(id), codes::UNKNOWN_USER, ActionKind::Request, (&id.to_string(), false)).await;
    let account = UserIdentity::new("slack", "T1", "U1");
    world.is_recorded(request(account), codes::UNKNOWN_USER, ActionKind::Request, ("slack/T1/U1", false)).await;
    // A flow that does not exist, and a Run that does not.
    let unknown = Submission::request("prd", "ana@example.com");
    let entry = world.is_recorded(unknown, codes::UNKNOWN_FLOW, ActionKind::Request, ana).await;
    assert_eq!(entry.flow.slug(), "unknown-flow");
    let unknown = Submission::revoke(run_id(99), "ana@example.com");
    let entry = world.is_recorded(unknown, codes::UNKNOWN_RUN, ActionKind::Revoke, ana).await;
    assert_eq!(entry.run, run_id(99));
    // A channel that is reserved for code.
    let reserved = request("ana@example.com").channel(Channel::new(ChannelType::Sdk));
    world.is_recorded(reserved, codes::INVALID_EVENT, ActionKind::Request, ana).await;
    // A message that is not one of the request's. The Run stays as it is.
    let before = world.runtime.run(run).await.unwrap();
    let wrong = Submission::deny(run, "ana@example.com").in_message(MessageRef::new("test", "elsewhere"));
    let entry = world.is_recorded(wrong, codes::UNKNOWN_MESSAGE, ActionKind::Deny, ana).await;
    assert_eq!((entry.run, entry.flow.slug()), (run, "prod"));
    let after = world.runtime.run(run).await.unwrap();
    assert_eq!((after.version, &after.state), (before.version, &before.state));

    audit::verify(&**world.runtime.engine()).await.unwrap();
}

/// Nothing that was entered is recorded, and neither is the error's message, which may quote it.
#[tokio::test]
async fn what_was_entered_is_not_recorded() {
    let dir = dir();
    let world = World::at(&dir.path().join("runs.db")).await;
    let invalid = request("ana@example.com").input("duration", "swordfish").input("target_srn", "swordfish");
    let (error, entries) = world.refused(invalid).await;
    assert!(error.to_string().contains("swordfish"), "{error}");
    assert_eq!(entries.len(), 1);
    let lines = audit::lines(&**world.runtime.engine(), 0, 10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].as_str().contains("swordfish"), "{}", lines[0].as_str());
}

/// The machine records what it refuses, once.
#[tokio::test]
async fn refusals_of_the_machine_are_recorded_as_before() {
    let dir = dir();
    let world = World::at(&dir.path().join("runs.db")).await;
    let run = world.runtime.submit(request("ana@example.com")).await.unwrap().run;
    world.runtime.run_until_idle().await.unwrap();
    let (_, entries) = world.refused(Submission::approve(run, "ana@example.com")).await;
    assert!(matches!(&*entries, [AuditEntry { kind: AuditKind::Refused { .. }, .. }]), "{entries:?}");
}

/// A refused submission that is repeated is recorded once, and can still be accepted once its reason is gone.
#[tokio::test]
async fn a_repeated_submission_is_recorded_once() {
    let dir = dir();
    let world = World::at(&dir.path().join("runs.db")).await;
    let eve = || request("eve@elsewhere.test").key(InputKey::new("web:1"));
    assert_eq!(world.refused(eve()).await.1.len(), 1);
    assert_eq!(world.refused(eve()).await.1.len(), 0);
    world.runtime.directory().put_user(eve_user()).await.unwrap();
    let run = world.runtime.submit(eve()).await.unwrap().run;
    let events = world.runtime.events(run).await.unwrap();
    assert_eq!(events.len(), 2, "the refusal is an event of its own: {events:?}");
}

#[tokio::test]
async fn a_flood_is_recorded_in_part_and_counted() {
    let dir = dir();
    let world = World::at(&dir.path().join("runs.db")).await;
    for _ in 0..1_000 {
        world.runtime.submit(request("eve@elsewhere.test")).await.unwrap_err();
    }
    assert_eq!(world.entries().await.len(), 25);
    world.clock.advance(Duration::from_secs(60 * 60));
    let (_, entries) = world.refused(request("eve@elsewhere.test")).await;
    assert!(matches!(entries[0].kind, AuditKind::SubmissionRefused { omitted: 360, .. }), "{entries:?}");
    let counted: u64 = world
        .entries()
        .await
        .iter()
        .map(|entry| match entry.kind {
            AuditKind::SubmissionRefused { omitted, .. } => omitted + 1,
            _ => 0,
        })
        .sum();
    assert_eq!(counted, 1_001);
    audit::verify(&**world.runtime.engine()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_survives_a_restart() {
    let dir = dir();
    let path = dir.path().join("runs.db");
    let world = World::at(&path).await;
    world.runtime.submit(request("eve@elsewhere.test")).await.unwrap_err();
    let before = world.entries().await;
    drop(world);
    let world = World::at(&path).await;
    assert_eq!(world.entries().await, before);
    audit::verify(&**world.runtime.engine()).await.unwrap();
}

/// Front ends record what they refuse by themselves. Failures are no refusals.
#[tokio::test]
async fn front_ends_record_their_own_refusals() {
    let dir = dir();
    let world = World::at(&dir.path().join("runs.db")).await;
    let outsider = || Submission::approve(run_id(7), UserIdentity::new("slack", "T9", "U9"));
    let failed = Error::new(ErrorKind::Unavailable, codes::STORE, "the service is down");
    world.runtime.record_refusal(outsider(), &failed).await;
    assert!(world.entries().await.is_empty());
    let refused = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, "your account is deactivated");
    world.runtime.record_refusal(outsider(), &refused).await;
    let [entry] = &*world.entries().await else { panic!("it is not on the record once") };
    assert_eq!((entry.run, entry.event.actor.username()), (run_id(7), "slack/T9/U9"));
}

/// Safety findings 4 and 10: whoever asks too often is refused, and that is on the record, too.
#[tokio::test]
async fn requests_beyond_the_rate_are_on_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::at(&dir.path().join("sym.db")).await;
    for _ in 0..60 {
        let run = world.runtime.submit(request("ana@example.com")).await.unwrap().run;
        world.runtime.submit(Submission::deny(run, "ana@example.com")).await.unwrap();
        world.runtime.run_until_idle().await.unwrap();
    }
    let recorded = world.is_recorded(
        request("ana@example.com"),
        codes::TOO_MANY_REQUESTS,
        ActionKind::Request,
        ("ana@example.com", true),
    );
    recorded.await;
    // A flood of them is recorded in part.
    let before = world.entries().await.len();
    for _ in 0..1_000 {
        world.runtime.submit(request("ana@example.com")).await.unwrap_err();
    }
    assert!(world.entries().await.len() - before < 30);
}
