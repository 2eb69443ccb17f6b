//! Throughput of Runs from request to revocation.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sym_sdk::engine::WorkerLimits;
use sym_sdk::strategy::SimulatedStrategy;

use crate::flow::{self, Desk};

/// The number of Runs, and of the writes for them.
pub(crate) struct Measured {
    runs: u64,
    time: Duration,
    commits: u64,
    transactions: u64,
    bytes: u64,
    /// Includes those before the measurement.
    in_file: u64,
}

impl Measured {
    pub(crate) fn runs_per_second(&self) -> f64 {
        self.runs as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn commits_per_second(&self) -> f64 {
        self.commits as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn commits_per_transaction(&self) -> f64 {
        self.commits as f64 / self.transactions as f64
    }

    pub(crate) fn bytes_per_run(&self) -> f64 {
        self.bytes as f64 / self.in_file as f64
    }
}

/// Makes Runs for a while with a number of users, each of whom makes one after the other.
pub(crate) async fn measure(in_flight: usize, time: Duration) -> Measured {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = flow::open(&path).await;
    let desk = Desk::default();
    let runtime = flow::runtime(&store, &desk, Arc::new(SimulatedStrategy::new())).await;
    let workers = runtime.start(WorkerLimits::default());
    // Creates the users and warms up.
    let everyone = (0..in_flight).map(|who| flow::whole(&runtime, &desk, who));
    futures_util::future::join_all(everyone).await;

    let (transactions, commits) = (transactions(&path), commits(&path));
    let runs = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let people: Vec<_> = (0..in_flight)
        .map(|who| {
            let (runtime, desk, runs) = (runtime.clone(), desk.clone(), runs.clone());
            tokio::spawn(async move {
                while start.elapsed() < time {
                    flow::whole(&runtime, &desk, who).await;
                    runs.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for person in people {
        person.await.unwrap();
    }
    let time = start.elapsed();
    let transactions = u64::from(self::transactions(&path).wrapping_sub(transactions));
    let commits = self::commits(&path) - commits;
    workers.shutdown(Duration::from_secs(10)).await;
    drop(runtime);
    store.close().await.unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    let runs = runs.load(Ordering::Relaxed);
    Measured { runs, time, commits, transactions, bytes, in_file: runs + in_flight as u64 }
}

/// Returns the number of transactions that have changed the file, which SQLite counts in the shared-memory file.
fn transactions(path: &Path) -> u32 {
    const CHANGES: u64 = 8;
    let mut shared = path.as_os_str().to_owned();
    shared.push("-shm");
    let mut count = [0; 4];
    std::fs::File::open(shared).unwrap().read_exact_at(&mut count, CHANGES).unwrap();
    u32::from_ne_bytes(count)
}

/// Returns the number of commits, each of which writes a new version of its Run.
fn commits(path: &Path) -> u64 {
    let connection = Connection::open(path).unwrap();
    let count = connection.query_row("SELECT sum(version) FROM runs", (), |row| row.get::<_, i64>(0));
    count.unwrap().cast_unsigned()
}
