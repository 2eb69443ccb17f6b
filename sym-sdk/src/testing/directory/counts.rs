//! Conformance of event counts.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{DirectoryStores, at, person};
use crate::audit::{AuditEntry, AuditKind};
use crate::directory::{EventFilter, EventQuery};
use crate::engine::{Commit, Committed, InputKey, Store};
use crate::error::{ErrorKind, Result, codes};
use crate::machine::{Action, EffectError, EventRecord, Input, InputBody, Rules, Transition, step};
use crate::model::{AccessTarget, Channel, ChannelType, EventId, Flow, Hooks, RunId, Slug, Step, TargetId, UserId};

const ANA: &str = "ana@example.com";

/// A requested Run, and the entries of its events.
struct Requested {
    run: RunId,
    transition: Transition,
    version: u64,
}

/// Returns an id for a Run or an event.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

impl Requested {
    fn new(number: u128, flow: &str, requester: &str, target: &str) -> Self {
        let flow = Flow::builder(Slug::lossy(flow), "acme").build();
        let run = RunId::from_uuid(id(number));
        let body = InputBody::Submitted {
            event: EventId::from_uuid(id(number * 100)),
            actor: Arc::new(person(requester)),
            channel: Channel::new(ChannelType::Api),
            action: Action::Request(Box::default()),
        };
        let input = Input::new(run, flow.srn().clone(), at(0), body);
        let mut transition = step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input);
        transition.effects.clear();
        for entry in &mut transition.audit {
            let target = AccessTarget::new("acme", "test", Slug::lossy(target));
            entry.event = Arc::new(EventRecord { target: Some(target), ..EventRecord::clone(&entry.event) });
        }
        Self { run, transition, version: 0 }
    }

    /// Returns an audit entry of another event, which is numbered within the Run.
    fn entry(&self, event: u128, name: Step, at: Timestamp, kind: AuditKind) -> AuditEntry {
        let mut entry = self.transition.audit.first().expect("the entry of the request").clone();
        let event = EventId::from_uuid(id(self.run.as_uuid().as_u128() * 100 + event));
        let actor = Arc::new(person("approver@example.com"));
        entry.event = Arc::new(EventRecord { id: event, name, at, actor, ..EventRecord::clone(&entry.event) });
        entry.kind = kind;
        entry
    }

    async fn commit(&mut self, store: &dyn Store, entries: Vec<AuditEntry>) -> Result<()> {
        let commit = self.committing(self.version, entries);
        assert_eq!(store.commit(commit).await?, Committed::WRITTEN);
        self.version += 1;
        Ok(())
    }

    fn committing(&self, version: u64, entries: Vec<AuditEntry>) -> Commit {
        let key = InputKey::new(format!("{}:{}", self.run, self.version));
        let mut commit = Commit::new(self.run, version, key, self.transition.clone());
        if version > 0 || !entries.is_empty() {
            commit.audit = entries;
        }
        commit
    }

    /// Commits the request.
    async fn request(&mut self, store: &dyn Store) -> Result<()> {
        self.commit(store, Vec::new()).await
    }
}

fn target(name: &str) -> EventFilter {
    EventFilter::Target(TargetId::from_name("test", name))
}

fn flow(name: &str) -> EventFilter {
    EventFilter::Flow(name.to_owned())
}

fn of(requester: &str, event: Step, filter: EventFilter) -> EventQuery {
    EventQuery::new(UserId::from_email(requester), event, filter)
}

pub(super) async fn filters_by_requester_flow_and_target(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    {
        let store = open().await.runs;
        for (number, name, requester, target) in [
            (1, "prod", ANA, "db"),
            (2, "prod", ANA, "web"),
            (3, "stage", ANA, "db"),
            (4, "prod", "ben@example.com", "db"),
        ] {
            let mut run = Requested::new(number, name, requester, target);
            run.request(&*store).await?;
            // Decisions count for the requester, not for the approver.
            let approved = run.entry(1, Step::Approve, at(1), AuditKind::Received);
            run.commit(&*store, vec![approved]).await?;
        }
    }
    let store = open().await.runs;
    for event in [Step::Request, Step::Approve] {
        for (filter, expected) in [
            (flow("prod"), 2),
            (flow("stage"), 1),
            (flow("other"), 0),
            (target("db"), 2),
            (target("web"), 1),
            (target("other"), 0),
        ] {
            let counted = store.count_events(&of(ANA, event, filter.clone())).await?;
            assert_eq!(counted, expected, "{event} {filter:?}");
        }
    }
    assert_eq!(store.count_events(&of(ANA, Step::Deny, flow("prod"))).await?, 0);
    assert_eq!(store.count_events(&of("ben@example.com", Step::Request, target("db"))).await?, 1);
    assert_eq!(store.count_events(&of("approver@example.com", Step::Approve, flow("prod"))).await?, 0);
    Ok(())
}

pub(super) async fn filters_by_time(stores: &DirectoryStores) -> Result<()> {
    let store = &*stores.runs;
    let mut run = Requested::new(1, "prod", ANA, "db");
    run.request(store).await?;
    let times = [10, 20, 20, 30];
    let events =
        (1..).zip(times).map(|(number, second)| run.entry(number, Step::Approve, at(second), AuditKind::Received));
    let events = events.collect();
    run.commit(store, events).await?;
    let nanosecond = jiff::SignedDuration::from_nanos(1);
    for (since, until, expected) in [
        (None, None, 4),
        (Some(at(20)), None, 3),
        (None, Some(at(20)), 3),
        (Some(at(20)), Some(at(20)), 2),
        (Some(at(20) + nanosecond), None, 1),
        (None, Some(at(20) - nanosecond), 1),
        (Some(at(31)), None, 0),
        (Some(at(30)), Some(at(10)), 0),
        (Some(Timestamp::MIN), Some(Timestamp::MAX), 4),
    ] {
        let count = EventQuery { since, until, ..of(ANA, Step::Approve, flow("prod")) };
        assert_eq!(store.count_events(&count).await?, expected, "{since:?} to {until:?}");
    }
    Ok(())
}

pub(super) async fn excludes_unsuccessful_events(stores: &DirectoryStores) -> Result<()> {
    let store = &*stores.runs;
    let error = EffectError::new(ErrorKind::Handler, codes::HANDLER_FAILED, "it failed");
    let mut run = Requested::new(1, "prod", ANA, "db");
    run.request(store).await?;
    let entry = |event, kind| run.entry(event, Step::Approve, at(1), kind);
    let begun = (1..=3).map(|event| entry(event, AuditKind::Received)).collect();
    let refused = entry(4, AuditKind::Refused { error: error.clone() });
    let ended = vec![
        entry(1, AuditKind::Completed),
        entry(2, AuditKind::Failed { error }),
        entry(3, AuditKind::Ignored { message: None }),
        refused,
    ];
    run.commit(store, begun).await?;
    let well = of(ANA, Step::Approve, flow("prod"));
    assert_eq!(store.count_events(&well).await?, 3, "events in progress are counted");
    run.commit(store, ended).await?;
    assert_eq!(store.count_events(&well).await?, 1, "failed and ignored events are not");
    let all = EventQuery { include_errored: true, ..well };
    assert_eq!(store.count_events(&all).await?, 3, "unless requested; refused events never are");
    Ok(())
}

pub(super) async fn counts_only_committed_events(stores: &DirectoryStores) -> Result<()> {
    let store = &*stores.runs;
    let mut run = Requested::new(1, "prod", ANA, "db");
    run.request(store).await?;
    let requests = of(ANA, Step::Request, flow("prod"));
    let again = run.committing(0, Vec::new());
    assert_eq!(store.commit(again).await?, Committed::Conflict);
    let known = Commit { input: InputKey::new(format!("{}:0", run.run)), ..run.committing(1, Vec::new()) };
    assert!(matches!(store.commit(known).await?, Committed::Duplicate(_)));
    assert_eq!(store.count_events(&requests).await?, 1, "only committed events are counted");
    // An event may have several entries. A hook that fires the request again may change its target.
    let told = run.entry(0, Step::Request, at(0), AuditKind::Received);
    let mut fired = run.entry(1, Step::Request, at(0), AuditKind::Received);
    let other = AccessTarget::new("acme", "test", Slug::lossy("web"));
    let actor = Arc::new(person(ANA));
    fired.event =
        Arc::new(EventRecord { target: Some(other), actor: actor.clone(), ..EventRecord::clone(&fired.event) });
    let told = AuditEntry { event: Arc::new(EventRecord { actor, ..EventRecord::clone(&told.event) }), ..told };
    run.commit(store, vec![told, fired]).await?;
    assert_eq!(store.count_events(&requests).await?, 2);
    assert_eq!(store.count_events(&of(ANA, Step::Request, target("web"))).await?, 2, "the Run has the new target");
    assert_eq!(store.count_events(&of(ANA, Step::Request, target("db"))).await?, 0);
    Ok(())
}
