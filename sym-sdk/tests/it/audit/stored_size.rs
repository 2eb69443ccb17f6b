//! The size of the log: an event is stored once, however many entries it has, and so are the fields of a request.

use rusqlite::Connection;
use serde_json::Value;
use sym_sdk::audit;
use sym_sdk::config::PromptField;
use sym_sdk::engine::SqliteStore;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

use super::{config, plain};

const FIELD_BYTES: u64 = 12_000;

/// Safety finding 4: a request of 12 KB took 216 KB in the log.
#[tokio::test]
async fn a_large_request_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let mut config = config().await;
    let (name, field_type) = ("reason".into(), "string".into());
    config.flows[0].params.prompt_fields.push(PromptField { name, field_type, ..Default::default() });
    let clock = std::sync::Arc::new(sym_sdk::clock::VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
    let store = std::sync::Arc::new(SqliteStore::open(&path).await.unwrap());
    let runtime = Runtime::builder(config)
        .registry(plain())
        .simulated()
        .strategy_type(StrategyType::new("test", |_| Ok(SimulatedStrategy::default())))
        .clock(clock.clone())
        .sqlite(store.clone())
        .build()
        .await
        .unwrap();
    let reason = "x".repeat(usize::try_from(FIELD_BYTES).unwrap());
    let request =
        Submission::request("prod", "ana@example.com").input("duration", "30s").input("reason", reason.clone());
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    // Refused decisions are events of their own, with the fields of the request.
    for _ in 0..10 {
        runtime.submit(Submission::approve(run, "ana@example.com")).await.unwrap_err();
    }
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    clock.advance(std::time::Duration::from_secs(60));
    runtime.run_until_idle().await.unwrap();

    let entries = runtime.audit(Some(run), usize::MAX).await.unwrap();
    assert!(entries.len() > 20, "{}", entries.len());
    for entry in &entries {
        assert_eq!(entry.event.fields.to_json()["reason"], reason, "readers see the fields of each entry");
    }
    for line in audit::lines(&*store, 0, usize::MAX).await.unwrap() {
        let line: Value = serde_json::from_str(line.as_str()).unwrap();
        assert_eq!(line["fields"]["reason"], reason, "and so do destinations");
    }
    audit::verify(&*store).await.unwrap();

    let db = Connection::open(&path).unwrap();
    let number = |sql: &str| db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap().cast_unsigned();
    let with_fields = number("SELECT count(DISTINCT fields) FROM audit_texts WHERE fields IS NOT NULL");
    assert_eq!(with_fields, 1, "the fields are stored once");
    let events = number("SELECT count(*) FROM audit_texts") - with_fields;
    // The approval has two: its last entry also names the actor of the escalation.
    assert_eq!(events, 15, "request, approve, escalate, deescalate, and 10 refusals");
    // Of entries that are not packed, those of refusals are among them.
    let chained = number("SELECT max(length(entry)) FROM audit");
    assert!((1..=1_024).contains(&chained), "{chained}");
    let packed = number("SELECT max(length(packed)) FROM audit");
    assert!((1..=512).contains(&packed), "{packed}");
    let texts = "SELECT sum(length(text)) + sum(ifnull(length(packed), 0)) FROM audit_texts";
    let entries_and_texts =
        format!("SELECT (SELECT sum(length(entry)) + sum(ifnull(length(packed), 0)) FROM audit) + ({texts})");
    let total = number(&entries_and_texts);
    let before: usize = entries.iter().map(|entry| serde_json::to_string(entry).unwrap().len()).sum();
    assert!(
        total <= FIELD_BYTES + 1_024 * entries.len() as u64 + 2_048 * events,
        "{total}; entries with their events have {before}"
    );
    assert!(before as u64 > FIELD_BYTES * entries.len() as u64);
}
