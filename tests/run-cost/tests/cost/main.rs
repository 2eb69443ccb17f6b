//! The cost of a Run, in the store and in allocations, from its request to the revocation.
//!
//! The counts are exact, unlike times: [`Cost::MAX`] is what they were when they were last changed. A change that makes a Run dearer
//! fails here, and so does one that makes it cheaper by more than the headroom, so that the gain is kept.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and prints what it counts")]

mod flow;

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use rusqlite::Connection;
use sym_sdk::engine::SqliteStore;

use flow::Flow;

/// The number of Runs whose mean counts. Pages of the file are only filled by many.
const RUNS: u32 = 40;

/// The cost of one Run.
#[derive(Debug)]
struct Cost {
    /// Commits: each writes the state after one input or several, which are submissions, outcomes of effects and timers.
    commits: f64,
    /// Transactions that have changed the file: commits, and leases that are taken apart from one.
    transactions: f64,
    /// Rows that are left in the file, of all tables.
    rows: f64,
    /// Kilobytes by which the file grows.
    kib: f64,
    /// Allocations of the engine in memory, with its handlers, front end and strategy, in a build without optimization.
    allocations: f64,
}

impl Cost {
    const MAX: Self = Self { commits: 16.0, transactions: 20.0, rows: 34.0, kib: 15.5, allocations: 1_660.0 };

    fn figures(&self) -> [(&'static str, f64); 5] {
        [
            ("commits", self.commits),
            ("transactions", self.transactions),
            ("rows", self.rows),
            ("KiB", self.kib),
            ("allocations", self.allocations),
        ]
    }
}

/// Below this part of what a figure may be at most, the bar is lowered.
const HEADROOM: f64 = 0.95;

#[tokio::test]
async fn a_run_costs_what_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let flow = Flow::start(Some(store.clone())).await;
    // The first Run also creates what later ones share.
    flow.play().await;
    let before = Stored::read(&path);
    for _ in 0..RUNS {
        flow.play().await;
    }
    let after = Stored::read(&path);
    drop(flow);
    store.close().await.unwrap();

    let each = |before: u64, after: u64| (after - before) as f64 / f64::from(RUNS);
    let cost = Cost {
        commits: each(before.commits, after.commits),
        transactions: each(before.transactions, after.transactions),
        rows: each(before.rows, after.rows),
        kib: each(before.bytes, after.bytes) / 1024.0,
        allocations: allocations(),
    };
    let bars = Cost::MAX.figures();
    println!("a Run costs {cost:.1?}");
    for ((name, value), (_, most)) in cost.figures().into_iter().zip(bars) {
        assert!(value <= most, "a Run costs {value:.1} {name}, which is more than {most}");
        assert!(value > most * HEADROOM, "a Run costs only {value:.1} {name}: lower the bar from {most}");
    }
}

/// Returns the allocations of a Run on the engine in memory, which stays on this thread.
fn allocations() -> f64 {
    let flow = now(Flow::start(None));
    now(flow.play());
    let counted = allocation_counter::measure(|| {
        for _ in 0..RUNS {
            now(flow.play());
        }
    });
    counted.count_total as f64 / f64::from(RUNS)
}

/// The content of a file.
struct Stored {
    commits: u64,
    transactions: u64,
    rows: u64,
    bytes: u64,
}

impl Stored {
    fn read(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        let number = |query: &str| connection.query_row(query, (), |row| row.get::<_, i64>(0)).unwrap().cast_unsigned();
        let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(tables.iter().any(|table| table == "audit"), "{tables:?}");
        Self {
            commits: number("SELECT sum(version) FROM runs"),
            transactions: transactions(path),
            rows: tables.iter().map(|table| number(&format!("SELECT count(*) FROM \"{table}\""))).sum(),
            bytes: number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"),
        }
    }
}

/// Returns the number of transactions that have changed a file which is open, as SQLite counts them in the shared-memory file beside it.
fn transactions(path: &Path) -> u64 {
    /// The offset of the counter in the header of the index of the write-ahead log.
    const CHANGES: usize = 8;
    let shared = std::fs::read(path.with_extension("db-shm")).unwrap();
    let count = shared[CHANGES..].first_chunk().unwrap();
    u32::from_ne_bytes(*count).into()
}

/// Returns the value of a future that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
