//! Delivery of the log to destinations: complete and in order, whatever they do.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::audit;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::config::Config;
use sym_sdk::engine::{MemoryStore, Store, WorkerLimits, Workers};
use sym_sdk::model::{RunId, RunStatus};
use sym_sdk::runtime::{AuditAnchors, Builder, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::RecordingStrategy;

use super::collector::{Behaviour, Collector};
use super::{config, plain, requested};
use crate::support::GRACE;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

struct World {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
    store: Arc<dyn Store>,
}

impl World {
    async fn new(destinations: &[&Collector]) -> Self {
        Self::on(Arc::new(MemoryStore::new()), destinations).await
    }

    async fn on(store: Arc<dyn Store>, destinations: &[&Collector]) -> Self {
        Self::with(store, config().await, |builder| {
            destinations.iter().fold(builder, |builder, each| builder.audit_destination((*each).clone()))
        })
        .await
    }

    async fn with(store: Arc<dyn Store>, config: Config, change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
        let strategy = RecordingStrategy::new();
        let builder = Runtime::builder(config)
            .registry(plain())
            .clock(clock.clone())
            .store(store.clone())
            .delivery(sym_sdk::testing::RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())));
        let runtime = change(builder).build().await.unwrap();
        Self { runtime, clock, store }
    }

    fn start(&self) -> Workers {
        self.runtime.start(WorkerLimits::default())
    }

    async fn request(&self) -> RunId {
        self.request_in("prod").await
    }

    async fn request_in(&self, flow: &str) -> RunId {
        let request = Submission::request(flow, "ana@example.com").input("duration", "30s");
        let run = self.runtime.submit(request).await.unwrap().run;
        self.let_workers_run().await;
        run
    }

    /// Runs a request until its access is granted.
    async fn grant(&self) -> RunId {
        let run = self.request().await;
        self.runtime.directory().contact("ben@example.com").await.unwrap();
        self.runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        self.let_workers_run().await;
        assert_eq!(self.status(run).await, RunStatus::Escalated);
        run
    }

    async fn status(&self, run: RunId) -> RunStatus {
        self.runtime.run(run).await.unwrap().state.run.status()
    }

    /// Lets all tasks run. They run on this thread and wait for nothing else.
    async fn let_workers_run(&self) {
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
    }

    async fn advance(&self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.let_workers_run().await;
            self.clock.advance_to(self.clock.next_sleeper().unwrap_or(end).min(end));
        }
        self.let_workers_run().await;
    }

    /// Returns the numbers of all records.
    async fn all(&self) -> Vec<u64> {
        (1..=self.store.audit_head().await.unwrap().seq).collect()
    }

    async fn behind(&self) -> Vec<u64> {
        self.runtime.audit_progress().await.unwrap().iter().map(|progress| progress.behind).collect()
    }
}

#[tokio::test]
async fn delivers_all_entries_in_order() {
    let log = Collector::new("log");
    let world = World::new(&[&log]).await;
    let workers = world.start();
    for _ in 0..5 {
        world.grant().await;
    }
    assert_eq!(log.seqs(), world.all().await);
    assert!(log.seqs().len() > 40);
    let verified = audit::verify_lines(log.text().as_bytes()).unwrap();
    assert_eq!(verified.head, world.store.audit_head().await.unwrap());
    assert_eq!(world.behind().await, [0]);
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn an_anchor_that_a_destination_refuses_delays_no_lines() {
    let log = Collector::new("log");
    log.refuse_anchors(true);
    let anchors = AuditAnchors::new(None).every(HOUR).to_destinations();
    let change = |builder: Builder| builder.audit_destination(log.clone()).audit_anchors(anchors);
    let world = World::with(Arc::new(MemoryStore::new()), config().await, change).await;
    world.request().await;
    let workers = world.start();
    for _ in 0..3 {
        world.grant().await;
    }
    assert_eq!(log.seqs(), world.all().await);
    assert_eq!((log.anchor_calls(), log.anchors().len()), (1, 0));
    // It is delivered again, long before the next one is due.
    log.refuse_anchors(false);
    world.advance(10 * MINUTE).await;
    assert_eq!((log.anchor_calls(), log.anchors().len()), (2, 1));
    workers.shutdown(GRACE).await;
}

/// The guarantee documented for destinations.
#[tokio::test]
async fn a_destination_that_fails_for_an_hour_loses_nothing_and_blocks_nothing() {
    let (down, up) = (Collector::new("down"), Collector::new("up"));
    down.set_behaviour(Behaviour::Responds(500));
    let world = World::new(&[&down, &up]).await;
    let workers = world.start();
    for _ in 0..12 {
        let run = world.grant().await;
        assert_eq!(up.seqs(), world.all().await, "the other destination has everything immediately");
        world.advance(HOUR / 12).await;
        assert_eq!(world.status(run).await, RunStatus::Deescalated, "Runs go on");
    }
    assert_eq!(down.seqs(), [0; 0]);
    assert_eq!(world.behind().await, [world.all().await.len() as u64, 0]);
    // The backoff grows to a minute: neither more attempts than that, nor too few to notice the recovery.
    assert!((60..140).contains(&down.calls()), "it was tried {} times", down.calls());

    down.set_behaviour(Behaviour::Accepts);
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(down.seqs(), world.all().await, "in order, without gaps or duplicates");
    assert_eq!(world.behind().await, [0, 0]);
    assert_eq!(down.text(), up.text());
    assert!(audit::verify_lines(down.text().as_bytes()).is_ok());
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn a_delivery_that_hangs_times_out_and_is_retried() {
    let (hanging, up) = (Collector::new("hanging"), Collector::new("up"));
    hanging.set_behaviour(Behaviour::Hangs);
    let world = World::new(&[&hanging, &up]).await;
    let workers = world.start();
    world.grant().await;
    assert_eq!((hanging.calls(), up.seqs()), (1, world.all().await));
    hanging.set_behaviour(Behaviour::Accepts);
    world.advance(Duration::from_secs(50)).await;
    assert_eq!(hanging.calls(), 1, "its time is not up");
    world.advance(Duration::from_secs(20)).await;
    assert_eq!(hanging.seqs(), world.all().await);

    hanging.set_behaviour(Behaviour::Hangs);
    world.grant().await;
    let shutdown = workers.shutdown(Duration::from_millis(10));
    tokio::time::timeout(GRACE, shutdown).await.expect("it does not delay the shutdown either");
}

#[tokio::test]
async fn retries_a_destination_that_panics_or_refuses() {
    let (panics, refuses) = (Collector::new("panics"), Collector::new("refuses"));
    panics.set_behaviour(Behaviour::Panics);
    refuses.set_behaviour(Behaviour::Responds(401));
    let world = World::new(&[&panics, &refuses]).await;
    let workers = world.start();
    world.grant().await;
    panics.set_behaviour(Behaviour::Accepts);
    refuses.set_behaviour(Behaviour::Accepts);
    world.advance(Duration::from_secs(20)).await;
    assert_eq!(refuses.seqs(), [0; 0], "a permanent failure is retried slowly");
    world.advance(Duration::from_secs(40)).await;
    assert_eq!(panics.seqs(), world.all().await);
    assert_eq!(refuses.seqs(), world.all().await);
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn honours_the_retry_after_of_a_destination() {
    for (asked, seconds) in [(200, 200), (86_400, 15 * 60)] {
        let busy = Collector::new("busy");
        busy.set_behaviour(Behaviour::Busy(Duration::from_secs(asked)));
        let world = World::new(&[&busy]).await;
        let workers = world.start();
        world.request().await;
        assert_eq!(busy.calls(), 1);
        busy.set_behaviour(Behaviour::Accepts);
        world.advance(Duration::from_secs(seconds - 1)).await;
        assert_eq!(busy.calls(), 1, "it asked for {asked} s");
        world.advance(Duration::from_secs(2)).await;
        assert_eq!(busy.seqs(), world.all().await);
        workers.shutdown(GRACE).await;
    }
}

#[tokio::test]
async fn does_not_redeliver_the_stored_part_of_a_batch() {
    let log = Collector::new("log");
    log.set_behaviour(Behaviour::StoresAtMost(3));
    let world = World::new(&[&log]).await;
    let workers = world.start();
    world.grant().await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(log.seqs(), world.all().await);

    // Storing no line counts as a failure, or it would be retried without a delay.
    log.set_behaviour(Behaviour::StoresAtMost(0));
    let calls = log.calls();
    world.grant().await;
    assert_eq!(log.calls(), calls + 1);
    workers.shutdown(GRACE).await;
}

/// The process ends after the destination has stored a batch and before the cursor is moved.
#[tokio::test]
async fn redelivered_lines_have_the_same_id() {
    let log = Collector::new("log");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::on(store.clone(), &[&log]).await;
    let run = world.request().await;
    world.runtime.directory().contact("ben@example.com").await.unwrap();
    world.runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    world.runtime.run_until_idle().await.unwrap();
    log.set_behaviour(Behaviour::StoresAndHangs);
    let workers = world.start();
    world.let_workers_run().await;
    workers.shutdown(Duration::ZERO).await;
    let before = log.lines();
    assert_eq!(before.len(), 10, "one batch");
    assert_eq!(world.behind().await, [world.all().await.len() as u64]);

    log.set_behaviour(Behaviour::Accepts);
    let world = World::on(store, &[&log]).await;
    let workers = world.start();
    world.let_workers_run().await;
    let lines = log.lines();
    let again: Vec<_> = lines[10..20].iter().map(|line| (line.id(), line.as_str().to_owned())).collect();
    let first: Vec<_> = before.iter().map(|line| (line.id(), line.as_str().to_owned())).collect();
    assert_eq!(again, first, "the lines are identical");
    assert_eq!(log.ids().len(), world.all().await.len(), "and ids are unique");
    let verified = audit::verify_lines(log.text().as_bytes()).unwrap();
    assert_eq!((verified.records, verified.duplicates), (world.all().await.len() as u64, 10));
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn a_new_destination_receives_the_log_from_its_start() {
    let (old, new) = (Collector::new("old"), Collector::new("new"));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::on(store.clone(), &[&old]).await;
    let workers = world.start();
    world.grant().await;
    workers.shutdown(GRACE).await;

    let world = World::on(store, &[&old, &new]).await;
    let workers = world.start();
    world.let_workers_run().await;
    assert_eq!(new.seqs(), world.all().await);
    assert_eq!(old.seqs(), world.all().await, "and the old one receives nothing twice");
    assert_eq!(new.text(), old.text());
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn two_sets_of_workers_deliver_each_line_once() {
    let log = Collector::new("log");
    let world = World::new(&[&log]).await;
    let (one, other) = (world.start(), world.start());
    world.grant().await;
    one.shutdown(GRACE).await;
    world.grant().await;
    assert_eq!(log.seqs(), world.all().await);
    other.shutdown(GRACE).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_cursors_of_destinations_survive_a_restart() {
    use sym_sdk::engine::SqliteStore;

    let dir = tempfile::tempdir().unwrap();
    let log = Collector::new("log");
    let mut seqs = 0;
    for requester in ["ana@example.com", "cleo@example.com"] {
        let store = Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap());
        let world = World::on(store.clone(), &[&log]).await;
        let run = world.runtime.submit(Submission::request("prod", requester).input("duration", "30s"));
        let run = run.await.unwrap().run;
        let workers = world.start();
        // The threads of the store run in real time.
        let done = async {
            while world.status(run).await != RunStatus::Requested || world.behind().await != [0] {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(GRACE, done).await.expect("it receives everything");
        workers.shutdown(GRACE).await;
        assert_eq!(log.seqs(), world.all().await, "each once");
        assert!(log.seqs().len() > seqs);
        seqs = log.seqs().len();
        store.close().await.unwrap();
    }
    assert!(audit::verify_lines(log.text().as_bytes()).is_ok());
}

/// A commit whose caller has gone by the time it is written notifies nobody.
#[tokio::test]
async fn delivers_entries_committed_without_a_notification() {
    let log = Collector::new("log");
    let world = World::new(&[&log]).await;
    let workers = world.start();
    world.request().await;
    assert_eq!(world.behind().await, [0]);
    world.store.commit(requested(1)).await.unwrap();
    world.advance(2 * MINUTE).await;
    assert_eq!(log.seqs(), world.all().await);
    workers.shutdown(GRACE).await;
}
