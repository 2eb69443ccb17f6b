//! A runtime on an engine that is not the local one: it executes effects as it commits them, without claims, leases or workers,
//! and its timers are fired from outside.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{self, AuditDestination, AuditEntry, AuditHead, AuditLine, AuditLog, AuditRecord};
use sym_sdk::directory::{EventQuery, EventSource};
use sym_sdk::engine::*;
use sym_sdk::error::Result;
use sym_sdk::machine::{EffectKey, Input, InputBody, InputReply};
use sym_sdk::model::{EventId, RunId, RunStatus};
use sym_sdk::runtime::Submission;
use tokio::sync::Notify;

use super::fixture::{Fixture, noon};
use super::{GRACE, until};

/// Uses a store as its tables, and nothing else of the local engine.
struct InlineEngine {
    tables: Arc<MemoryStore>,
    context: EngineContext,
    commits: Notify,
    submitted: AtomicUsize,
}

impl InlineEngine {
    /// Delivers an input, and then executes the effects that it asks for, and those that their outcomes ask for.
    async fn deliver(
        &self,
        key: InputKey,
        input: Input,
        settles: Option<EffectKey>,
        fired: Option<(TimerKey, u64)>,
    ) -> Result<InputReply> {
        let (run, flow) = (input.run, input.flow.clone());
        let stored = self.tables.load(run).await?;
        let transition = self.context.handler.step(stored.as_ref().map(|stored| &*stored.state), &input)?;
        let (effects, reply) = (transition.effects.clone(), transition.reply.clone());
        let mut commit = Commit::new(run, stored.map_or(0, |stored| stored.version), key, transition);
        (commit.settles, commit.fired) = (settles, fired);
        let committed = self.tables.commit(commit).await?;
        match committed {
            Committed::Written { .. } => {}
            Committed::Duplicate(reply) => return Ok(reply),
            other => panic!("nothing else writes, but the commit was {other:?}"),
        }
        self.commits.notify_waiters();
        for effect in effects {
            let (key, state) = (effect.key, self.tables.load(run).await?.unwrap().state);
            let outcome = self.context.handler.execute(effect, state, Vec::new()).await;
            let body = InputBody::EffectDone { seq: key.seq, outcome };
            let input = Input::new(run, flow.clone(), self.context.clock.now(), body);
            Box::pin(self.deliver(InputKey::effect(key), input, Some(key), None)).await?;
        }
        Ok(reply)
    }

    async fn fire_due_timers(&self) {
        let now = self.context.clock.now();
        for DueTimer { key, generation, .. } in self.tables.due_timers(now, 10).await.unwrap() {
            let flow = self.tables.load(key.run).await.unwrap().unwrap().state.flow.clone();
            let input = Input::new(key.run, flow, now, InputBody::TimerFired { kind: key.kind, generation });
            self.deliver(InputKey::timer(key, generation), input, None, Some((key, generation))).await.unwrap();
        }
    }
}

impl Engine for InlineEngine {
    fn submit(&self, key: InputKey, input: Input) -> BoxFuture<'_, Result<InputReply>> {
        self.submitted.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.deliver(key, input, None, None))
    }

    fn recorded_reply<'a>(&'a self, key: &'a InputKey) -> BoxFuture<'a, Result<Option<InputReply>>> {
        Box::pin(async { Ok(self.tables.recorded_reply(key).await?) })
    }

    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>>> {
        Box::pin(async move { Ok(self.tables.load(run).await?) })
    }
}

impl EngineRecords for InlineEngine {
    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>>> {
        Box::pin(async move { Ok(self.tables.runs(filter, limit).await?) })
    }

    fn run_of_event(&self, event: EventId) -> BoxFuture<'_, Result<Option<RunId>>> {
        Box::pin(async move { Ok(self.tables.run_of_event(event).await?) })
    }

    fn find_audit<'a>(&'a self, query: &'a AuditQuery) -> BoxFuture<'a, Result<AuditPage>> {
        Box::pin(async move { Ok(self.tables.find_audit(query).await?) })
    }

    fn changes_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Change>>> {
        Box::pin(async move { Ok(self.tables.changes_after(seq, limit).await?) })
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>>> {
        Box::pin(async move { Ok(self.tables.audit(run, limit).await?) })
    }

    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth>> {
        Box::pin(async move { Ok(self.tables.access_health(late).await?) })
    }

    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>>> {
        Box::pin(async move { Ok(self.tables.runs_missing_expiry(limit).await?) })
    }

    fn prune(&self, older_than: Duration) -> BoxFuture<'_, Result<usize>> {
        Box::pin(async move { Ok(self.tables.prune(self.context.clock.now() - older_than, usize::MAX).await?) })
    }

    fn audit_cursor<'a>(&'a self, destination: &'a str) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async { Ok(self.tables.audit_cursor(destination).await?) })
    }

    fn set_audit_cursor<'a>(&'a self, destination: &'a str, seq: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(self.tables.set_audit_cursor(destination, seq).await?) })
    }

    fn next_commit(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.commits.notified())
    }
}

impl AuditLog for InlineEngine {
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        self.tables.records_after(seq, limit)
    }

    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        self.tables.run_records_before(run, seq)
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead>> {
        self.tables.head()
    }
}

impl std::fmt::Debug for InlineEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InlineEngine")
    }
}

/// Events of an engine that counts none.
struct NoEvents;

impl EventSource for NoEvents {
    fn count_events<'a>(&'a self, _: &'a EventQuery) -> BoxFuture<'a, Result<u64>> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// Keeps a handle to the engine that it creates.
#[derive(Clone, Default)]
struct InlineFactory(Arc<OnceLock<Arc<InlineEngine>>>);

impl EngineFactory for InlineFactory {
    fn event_source(&self) -> Arc<dyn EventSource> {
        Arc::new(NoEvents)
    }

    fn create(self: Box<Self>, context: EngineContext) -> BoxFuture<'static, Result<Arc<dyn Engine>>> {
        Box::pin(async move {
            let (tables, commits, submitted) = (Arc::default(), Notify::new(), AtomicUsize::new(0));
            let engine = Arc::new(InlineEngine { tables, context, commits, submitted });
            assert!(self.0.set(engine.clone()).is_ok(), "one engine is created");
            Ok(engine as Arc<dyn Engine>)
        })
    }
}

/// Counts the audit entries that it is given.
#[derive(Clone, Default)]
struct CountingDestination(Arc<AtomicUsize>);

impl AuditDestination for CountingDestination {
    fn name(&self) -> &str {
        "counting"
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        self.0.fetch_add(lines.len(), Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(lines.len())))
    }
}

#[tokio::test]
async fn runtime_works_on_another_engine() {
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    let (factory, destination) = (InlineFactory::default(), CountingDestination::default());
    let builder = fixture.builder().engine(factory.clone()).audit_destination(destination.clone());
    let runtime = builder.build().await.unwrap();
    let engine = factory.0.get().unwrap();
    assert!(runtime.drive().is_none(), "nothing in this process drives it");
    let workers = runtime.start(WorkerLimits::default());
    assert!(workers.are_running());

    let request = || Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new("once"));
    let receipt = runtime.submit(request()).await.unwrap();
    assert_eq!(runtime.submit(request()).await.unwrap().run, receipt.run);
    assert_eq!(engine.submitted.load(Ordering::SeqCst), 2, "it is up to the engine to recognize a repeated key");
    assert_eq!(runtime.run(receipt.run).await.unwrap().state.run.status(), RunStatus::Escalated);
    assert_eq!(fixture.strategy.granted().len(), 1);
    assert_eq!(runtime.health().await.unwrap().total(), 1);
    assert!(!runtime.run_one().await.unwrap());
    assert_eq!(runtime.next_due().await.unwrap(), None);

    fixture.clock.set(noon() + Duration::from_secs(60 * 60));
    engine.fire_due_timers().await;
    assert_eq!(runtime.run(receipt.run).await.unwrap().state.run.status(), RunStatus::Deescalated);
    assert_eq!(fixture.strategy.granted().len(), 0);
    assert_eq!(runtime.runs(RunFilter::default(), 10).await.unwrap().len(), 1);

    let records = audit::verify(&**runtime.engine()).await.unwrap().records;
    let records = usize::try_from(records).unwrap();
    until("all records are delivered", || destination.0.load(Ordering::SeqCst) == records).await;
    workers.shutdown(GRACE).await;
    assert_eq!(runtime.audit_progress().await.unwrap()[0].behind, 0);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(runtime.prune(Duration::ZERO).await.unwrap(), 1);
    assert!(fixture.store.runs(RunFilter::default(), 10).await.unwrap().is_empty(), "the builder's store is not used");
}
