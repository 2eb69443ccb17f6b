//! SQLite alone, replaying the rows that Runs have written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sym_sdk::engine::WorkerLimits;
use sym_sdk::strategy::SimulatedStrategy;

use crate::flow::{self, Desk};

/// The rows that were written for some Runs.
pub(crate) struct Sample {
    runs: usize,
    /// The changes of each write.
    calls: Vec<Vec<Change>>,
    /// The number of commits among the writes; the others are leases.
    commits: usize,
    statements: Vec<String>,
}

/// A statement and its values.
struct Change {
    statement: usize,
    values: Vec<Value>,
}

/// The columns of a table.
struct Table {
    name: String,
    columns: Vec<String>,
    key: Vec<usize>,
}

/// The maximum number of columns of a table.
const MAX_COLUMNS: usize = 32;

impl Sample {
    /// Executes Runs on a file with triggers that record each row.
    pub(crate) async fn record(runs: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        flow::open(&path).await.close().await.unwrap();
        let tables = record_changes(&Connection::open(&path).unwrap());

        let store = flow::open(&path).await;
        let desk = Desk::default();
        let runtime = flow::runtime(&store, &desk, Arc::new(SimulatedStrategy::new())).await;
        let workers = runtime.start(WorkerLimits::default());
        for _ in 0..runs.div_ceil(8) {
            futures_util::future::join_all((0..8).map(|who| flow::whole(&runtime, &desk, who))).await;
        }
        workers.shutdown(Duration::from_secs(10)).await;
        drop(runtime);
        store.close().await.unwrap();
        Self::read(&Connection::open(&path).unwrap(), &tables, runs.div_ceil(8) * 8)
    }

    fn read(connection: &Connection, tables: &[Table], runs: usize) -> Self {
        let mut sample = Self { runs, calls: vec![Vec::new()], commits: 0, statements: Vec::new() };
        let mut known = HashMap::new();
        let mut statement = connection.prepare("SELECT * FROM bench_changes ORDER BY number").unwrap();
        let mut rows = statement.query(()).unwrap();
        let mut leasing = false;
        while let Some(row) = rows.next().unwrap() {
            let table = &tables[row.get::<_, u32>("tbl").unwrap() as usize];
            let operation: String = row.get("operation").unwrap();
            let changed: i64 = row.get("changed").unwrap();
            let values: Vec<Value> = (0..table.columns.len()).map(|column| row.get(column + 4).unwrap()).collect();
            let (sql, values) = table.statement(&operation, changed, values);
            let statement = *known.entry(sql).or_insert_with_key(|sql| {
                sample.statements.push(sql.clone());
                sample.statements.len() - 1
            });
            let is_lease = table.name == "effects" && operation == "update";
            if leasing != is_lease {
                sample.calls.push(Vec::new());
            }
            leasing = is_lease;
            // Each commit writes its Run. What it deletes before counts as part of the commit before it.
            if table.name == "runs" {
                sample.commits += 1;
                sample.calls.push(Vec::new());
            }
            sample.calls.last_mut().unwrap().push(Change { statement, values });
        }
        sample.calls.retain(|call| !call.is_empty());
        sample
    }

    /// Summarizes the writes of one Run.
    pub(crate) fn summary(&self) -> String {
        let rows: usize = self.calls.iter().map(Vec::len).sum();
        let of_a_run = |count: usize| count as f64 / self.runs as f64;
        format!(
            "each {:.1} commits, {:.1} leases, {:.0} rows",
            of_a_run(self.commits),
            of_a_run(self.calls.len() - self.commits),
            of_a_run(rows)
        )
    }

    /// Returns the Runs per second with this number of writes per transaction.
    pub(crate) fn in_groups_of(&self, calls: usize) -> f64 {
        self.in_transactions(self.calls.len().div_ceil(calls))
    }

    /// Returns the Runs per second with this number of commits per transaction, along with their leases.
    pub(crate) fn with_commits_per_transaction(&self, commits: f64) -> f64 {
        self.in_transactions(((self.commits as f64 / commits) as usize).clamp(1, self.calls.len()))
    }

    fn in_transactions(&self, transactions: usize) -> f64 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bare.db");
        let make = async { flow::open(&path).await.close().await };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(make).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA synchronous = full; PRAGMA fullfsync = on").unwrap();
        let mut statements: Vec<_> = self.statements.iter().map(|sql| connection.prepare(sql).unwrap()).collect();
        let start = Instant::now();
        for transaction in 0..transactions {
            let part = |number: usize| number * self.calls.len() / transactions;
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            for change in self.calls[part(transaction)..part(transaction + 1)].iter().flatten() {
                statements[change.statement].execute(params_from_iter(&change.values)).unwrap();
            }
            connection.execute_batch("COMMIT").unwrap();
        }
        self.runs as f64 / start.elapsed().as_secs_f64()
    }
}

/// Creates triggers that record each row that is written from now on.
fn record_changes(connection: &Connection) -> Vec<Table> {
    let columns: String = (0..MAX_COLUMNS).map(|column| format!(", c{column}")).collect();
    let table = format!("CREATE TABLE bench_changes (number INTEGER PRIMARY KEY, tbl, operation, changed{columns})");
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let names: Vec<String> =
        connection.prepare(names).unwrap().query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    connection.execute_batch(&table).unwrap();
    let tables: Vec<_> = names.into_iter().map(|name| Table::read(connection, name)).collect();
    for (number, table) in tables.iter().enumerate() {
        for operation in ["insert", "update", "delete"] {
            connection.execute_batch(&table.trigger(number, operation)).unwrap();
        }
    }
    tables
}

impl Table {
    fn read(connection: &Connection, name: String) -> Self {
        let mut table = Self { name, columns: Vec::new(), key: Vec::new() };
        let mut columns = connection.prepare("SELECT name, pk FROM pragma_table_info(?1)").unwrap();
        let mut rows = columns.query([&table.name]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            if row.get::<_, i64>("pk").unwrap() > 0 {
                table.key.push(table.columns.len());
            }
            table.columns.push(row.get("name").unwrap());
        }
        assert!(table.columns.len() <= MAX_COLUMNS, "table `{}` has more columns than are recorded", table.name);
        table
    }

    fn trigger(&self, number: usize, operation: &str) -> String {
        let Self { name, columns, .. } = self;
        let row = if operation == "delete" { "OLD" } else { "NEW" };
        let columns_of_changes: String = (0..columns.len()).map(|column| format!(", c{column}")).collect();
        let values: String = columns.iter().map(|column| format!(", {row}.{column}")).collect();
        let changed = match operation {
            "update" => {
                let bit = |(bit, column): (usize, &String)| format!("((NEW.{column} IS NOT OLD.{column}) << {bit})");
                columns.iter().enumerate().map(bit).collect::<Vec<_>>().join(" + ")
            }
            _ => "0".to_owned(),
        };
        format!(
            "CREATE TRIGGER bench_{operation}_{name} AFTER {operation} ON {name} BEGIN
                INSERT INTO bench_changes (tbl, operation, changed{columns_of_changes})
                VALUES ({number}, '{operation}', {changed}{values});
             END"
        )
    }

    /// Returns the statement that makes the same change, and its values.
    fn statement(&self, operation: &str, changed: i64, values: Vec<Value>) -> (String, Vec<Value>) {
        let Self { name, columns, key } = self;
        let equations = |of: &[usize], separator: &str| {
            of.iter().map(|column| format!("{} = ?", columns[*column])).collect::<Vec<_>>().join(separator)
        };
        let condition = if key.is_empty() { String::new() } else { format!(" WHERE {}", equations(key, " AND ")) };
        let pick = |of: &[usize]| of.iter().map(|column| values[*column].clone()).collect::<Vec<_>>();
        match operation {
            "insert" => {
                let values_of_row = vec!["?"; columns.len()].join(", ");
                (format!("INSERT OR REPLACE INTO {name} VALUES ({values_of_row})"), values)
            }
            "update" => {
                let changed: Vec<_> = (0..columns.len()).filter(|column| changed & (1 << column) != 0).collect();
                let changed = if changed.is_empty() { key.clone() } else { changed };
                let sql = format!("UPDATE {name} SET {}{condition}", equations(&changed, ", "));
                (sql, [pick(&changed), pick(key)].concat())
            }
            _ => (format!("DELETE FROM {name}{condition}"), pick(key)),
        }
    }
}
