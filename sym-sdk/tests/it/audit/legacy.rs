//! Logs of schema 1, whose entries contain their events and whose lines are covered in part: they verify as what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use sym_sdk::audit::{self, AuditRecord, ChainErrorKind, Verifier, VerifyError};
use sym_sdk::engine::{Committed, SqliteStore, Store};
use tempfile::TempDir;

use super::requested;

/// Opens a copy of the golden database of schema 1, which migrates it.
async fn migrated() -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schema-1.db"), &path).unwrap();
    let store = SqliteStore::open(path).await.unwrap();
    (dir, store)
}

#[tokio::test]
async fn entries_of_schema_1_verify_and_are_counted() {
    let (_dir, store) = migrated().await;
    let before = audit::verify(&store).await.unwrap();
    assert!(before.records > 30);
    assert_eq!(before.legacy, before.records);
    assert_eq!(store.commit(requested(1)).await.unwrap(), Committed::WRITTEN);
    let after = audit::verify(&store).await.unwrap();
    assert!(after.records > before.records);
    assert_eq!(after.legacy, before.legacy);

    let lines: String =
        audit::lines(&store, 0, usize::MAX).await.unwrap().iter().map(|line| format!("{}\n", line.as_str())).collect();
    assert_eq!(audit::verify_lines(lines.as_bytes()).unwrap(), after);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["actor"]["username"], first["audit"]["entry"]["event"]["actor"]["username"]);
    assert_eq!(
        first["run"]["actors"][first["event"]["type"].as_str().unwrap()]["username"],
        first["actor"]["username"]
    );
}

/// Otherwise, a forger could leave out what the current form covers.
#[tokio::test]
async fn refuses_the_earlier_form_after_the_current_one() {
    let (_dir, store) = migrated().await;
    let legacy = store.audit_after(0, 1).await.unwrap().remove(0);
    let mut records = super::records(2).await;
    let head = records.last().unwrap().head();
    let next = head.followed_by(legacy.text());
    records.push(AuditRecord::new(next.seq, head.hash, next.hash, legacy.text()));
    let mut verifier = Verifier::new();
    let broken = records.iter().find_map(|record| verifier.check(record).err()).unwrap();
    assert_eq!((broken.seq, &broken.kind), (Some(next.seq), &ChainErrorKind::Downgraded));
    assert_eq!(
        sym_sdk::Error::from(VerifyError::from(broken)).message(),
        format!(
            "audit entry {} has the form of an earlier version, and comes after an entry of the current one",
            next.seq
        )
    );
}

/// The lines of a log name the actors of all steps so far, although the entries of schema 1 name only that of their event.
#[tokio::test]
async fn lines_of_schema_1_have_the_actors_of_all_completed_steps() {
    let (_dir, store) = migrated().await;
    let mut completed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut most = 0;
    for line in audit::lines(&store, 0, usize::MAX).await.unwrap() {
        let line: Value = serde_json::from_str(line.as_str()).unwrap();
        let (run, step) = (line["run"]["id"].to_string(), line["event"]["type"].as_str().unwrap().to_owned());
        let kind = &line["audit"]["entry"]["kind"];
        let steps = completed.entry(run).or_default();
        if kind == "completed" {
            steps.insert(step.clone());
        }
        let actors = line["run"]["actors"].as_object().unwrap();
        assert!(steps.iter().all(|step| actors.contains_key(step)), "{steps:?} in {actors:?}");
        if kind.get("refused").is_none() {
            assert!(actors.contains_key(&step), "{line}");
        }
        most = most.max(steps.len());
    }
    assert!(most > 2);
}
