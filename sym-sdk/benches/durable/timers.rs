//! Many pending timers, and some that fall due.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sym_sdk::engine::WorkerLimits;
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, SimulatedStrategy};

use crate::flow::{self, Desk};

/// The time from the start to the first due timer.
const HEAD_START: Duration = Duration::from_secs(2);

/// The number of the requester whose Run is copied; each copy has another requester.
const TEMPLATE: usize = 0;

/// The due time of timers that stay pending.
const FAR: &str = "2100-01-01T00:00:00Z";

/// The time within which all due timers must have fired.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Prints the cost of pending timers, and the lateness of due ones.
pub(crate) async fn measure(timers: u64, due: u64, due_in: Duration) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let template = make_one(&path).await;
    let start = Instant::now();
    template.copy(&path, timers);
    println!("\n{timers} pending timers, made in {:.0?}", start.elapsed());

    let before = resident();
    let start = Instant::now();
    let store = flow::open(&path).await;
    let opened = start.elapsed();
    let runtime = flow::runtime(&store, &Desk::default(), Arc::new(SimulatedStrategy::new())).await;
    let workers = runtime.start(WorkerLimits::default());
    let next = runtime.next_due().await.unwrap();
    assert_eq!(next, Some(FAR.parse().unwrap()));
    println!(
        "  start: {:.0?} to open the file, {:.0?} until workers wait for the first",
        opened,
        start.elapsed() - opened
    );
    println!("  memory: {:.0} MiB resident, {:.0} MiB more than before", resident(), resident() - before);
    workers.shutdown(TIMEOUT).await;
    drop(runtime);
    store.close().await.unwrap();

    let asked = Asked::default();
    let first = Timestamp::now() + start.elapsed() + HEAD_START;
    let ends = |number: u64| first + due_in.mul_f64(number as f64 / due as f64);
    template.make_due(&path, due, ends);
    let store = flow::open(&path).await;
    let runtime = flow::runtime(&store, &Desk::default(), Arc::new(asked.clone())).await;
    let ready = Timestamp::now();
    assert!(ready < first, "the start took until {ready}, and the first timer fell due at {first}");
    let workers = runtime.start(WorkerLimits::default());
    let give_up = Instant::now() + HEAD_START + due_in + TIMEOUT;
    while (asked.calls().len() as u64) < due && Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    workers.shutdown(TIMEOUT).await;
    let late = |(number, at): (u64, Timestamp)| at.duration_since(ends(number)).unsigned_abs();
    let mut times: Vec<_> = asked.calls().into_iter().map(late).collect();
    assert_eq!(times.len() as u64, due, "some timers have not fired in time");
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "  {due} ends of access in {due_in:.0?}, lateness of the revocation: p50 {:.1?}, p99 {:.1?}, max {:.1?}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    drop(runtime);
    store.close().await.unwrap();
}

/// The Run that is copied: its id and the end of its access, both as in its state.
struct Template {
    run: String,
    until: String,
}

async fn make_one(path: &Path) -> Template {
    let store = flow::open(path).await;
    let desk = Desk::default();
    let runtime = flow::runtime(&store, &desk, Arc::new(SimulatedStrategy::new())).await;
    let workers = runtime.start(WorkerLimits::default());
    let (run, _) = flow::granted(&runtime, &desk, TEMPLATE).await;
    workers.shutdown(TIMEOUT).await;
    let until = runtime.run(run).await.unwrap().state.access.grant().and_then(|grant| grant.until).unwrap();
    drop(runtime);
    store.close().await.unwrap();
    Template { run: run.to_string(), until: until.to_string() }
}

impl Template {
    /// Copies the Run a number of times, and deletes the original.
    fn copy(&self, path: &Path, times: u64) {
        let connection = Connection::open(path).unwrap();
        let far: Timestamp = FAR.parse().unwrap();
        // A journal would take as much space again.
        connection.execute_batch("PRAGMA synchronous = off; PRAGMA journal_mode = off; BEGIN").unwrap();
        let columns = |table: &str, with: &dyn Fn(&str) -> String| {
            let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
            let names = names.query_map([table], |row| row.get::<_, String>(0)).unwrap();
            names.map(|name| with(&name.unwrap())).collect::<Vec<_>>().join(", ")
        };
        let runs = columns("runs", &|name| match name {
            "id" => "id_of_copy".to_owned(),
            "state" => "replace(replace(replace(state, :run, text_of_copy), :until, :far), :person, number || :person)"
                .to_owned(),
            other => other.to_owned(),
        });
        let timers = columns("timers", &|name| match name {
            "run" => "id_of_copy".to_owned(),
            "at" => far.as_nanosecond().to_string(),
            other => other.to_owned(),
        });
        let holders = columns("holders", &|name| match name {
            "run" => "id_of_copy".to_owned(),
            "entitlement" => "replace(entitlement, :person, number || :person)".to_owned(),
            other => other.to_owned(),
        });
        for (table, values) in [("runs", runs), ("timers", timers), ("holders", holders)] {
            let sql = format!(
                "WITH RECURSIVE numbers (number) AS (
                    SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < :times),
                 copies AS MATERIALIZED (
                    SELECT number, printf('00000000-0000-7000-8000-%012x', number) AS text_of_copy,
                        unhex(printf('00000000000070008000%012x', number)) AS id_of_copy FROM numbers)
                 INSERT INTO {table} SELECT {values} FROM copies CROSS JOIN {table}
                 WHERE :run IS NOT NULL AND :until IS NOT NULL AND :far IS NOT NULL AND :person IS NOT NULL"
            );
            let values = rusqlite::named_params! {
                ":times": times.cast_signed(), ":run": self.run, ":until": self.until, ":far": FAR,
                ":person": flow::person(TEMPLATE),
            };
            connection.execute(&sql, values).unwrap();
        }
        for (table, id) in [("runs", "id"), ("timers", "run"), ("holders", "run")] {
            let sql = format!("DELETE FROM {table} WHERE {id} = unhex(replace(?1, '-', ''))");
            connection.execute(&sql, [&self.run]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }

    /// Sets the ends of the first copies.
    fn make_due(&self, path: &Path, count: u64, at: impl Fn(u64) -> Timestamp) {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        let id = "unhex(printf('00000000000070008000%012x', ?1))";
        let sql = format!("UPDATE timers SET at = ?2 WHERE run = {id}");
        let mut timers = connection.prepare(&sql).unwrap();
        let sql = format!("UPDATE runs SET state = replace(state, ?2, ?3) WHERE id = {id}");
        let mut runs = connection.prepare(&sql).unwrap();
        for number in 0..count {
            let at = at(number);
            timers.execute(params![number.cast_signed(), i64::try_from(at.as_nanosecond()).unwrap()]).unwrap();
            runs.execute(params![number.cast_signed(), FAR, at.to_string()]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
}

/// A strategy that records the time and the copy of each revocation.
#[derive(Clone, Debug, Default)]
struct Asked(Arc<Mutex<Vec<(u64, Timestamp)>>>);

impl Asked {
    fn calls(&self) -> Vec<(u64, Timestamp)> {
        self.0.lock().unwrap().clone()
    }
}

impl AccessStrategy for Asked {
    async fn fetch_remote_identity(&self, _: &User) -> Result<Option<String>> {
        Ok(None)
    }

    async fn escalate(&self, _: &AccessRequest<'_>) -> Result<GrantResult> {
        Ok(GrantResult::granted())
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        const NUMBER: u128 = (1 << 48) - 1;
        let number = request.event().run().id().as_uuid().as_u128() & NUMBER;
        self.0.lock().unwrap().push((u64::try_from(number).unwrap(), Timestamp::now()));
        Ok(None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }
}

/// Returns the resident memory of this process in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}
