//! Tampering with the log in the database file, and the errors that report it.

use rusqlite::{Connection, params};
use sym_sdk::audit::{self, ChainError, ChainErrorKind, VerifyError};
use sym_sdk::engine::{SqliteStore, Store};
use tempfile::TempDir;

use super::fill;

/// Creates a database file with a log.
async fn log() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    fill(&store, 30).await;
    assert!(audit::verify(&store).await.unwrap().records >= 30);
    store.close().await.unwrap();
    dir
}

/// Creates a database file with a log whose texts are plain, as those of earlier versions are.
async fn plain_log() -> TempDir {
    let dir = log().await;
    let store = open(&dir).await;
    let records = store.audit_after(0, usize::MAX).await.unwrap();
    store.close().await.unwrap();
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    for record in records {
        let set = "UPDATE audit SET entry = ?2, packed = NULL WHERE seq = ?1";
        db.execute(set, params![record.seq.cast_signed(), record.text()]).unwrap();
        let event = record.event().unwrap();
        for text in event.fields.iter().chain([&event.event]) {
            let set = "UPDATE audit_texts SET text = ?2, packed = NULL WHERE hash = ?1";
            db.execute(set, params![text.hash.as_bytes(), text.text]).unwrap();
        }
    }
    dir
}

async fn open(dir: &TempDir) -> SqliteStore {
    SqliteStore::open(dir.path().join("runs.db")).await.unwrap()
}

/// Returns the error after a change of the file with plain texts.
async fn after(sql: &str) -> ChainError {
    after_in(plain_log().await, sql).await
}

async fn after_in(dir: TempDir, sql: &str) -> ChainError {
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    db.execute_batch(sql).unwrap();
    db.close().unwrap();
    broken(&open(&dir).await).await
}

async fn broken(store: &SqliteStore) -> ChainError {
    match audit::verify(store).await {
        Err(VerifyError::Chain(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn detects_a_changed_entry() {
    let error = after("UPDATE audit SET entry = replace(entry, 'acme', 'evil') WHERE seq = 12").await;
    assert_eq!(error.seq, Some(12));
    assert!(error.to_string().starts_with("audit entry 12 was changed: its hash is "), "{error}");
    let error = after("UPDATE audit SET entry = 'gone' WHERE seq = 12").await;
    assert_eq!(error.seq, Some(12), "even one that cannot be parsed");
}

#[tokio::test]
async fn plain_texts_of_earlier_versions_verify() {
    let dir = plain_log().await;
    assert!(audit::verify(&open(&dir).await).await.unwrap().records >= 30);
}

#[tokio::test]
async fn detects_changes_of_packed_texts() {
    for change in
        ["x'00'", "(SELECT packed FROM audit WHERE seq = 13)", "substr(packed, 1, length(packed) - 1)", "NULL"]
    {
        let error = after_in(log().await, &format!("UPDATE audit SET packed = {change} WHERE seq = 12")).await;
        assert_eq!(error.seq, Some(12), "{change}");
        assert!(matches!(error.kind, ChainErrorKind::Changed { .. }), "{change}: {error}");
    }
    for change in ["x'00'", "(SELECT packed FROM audit_texts WHERE rowid = 2)", "NULL"] {
        let error = after_in(log().await, &format!("UPDATE audit_texts SET packed = {change} WHERE rowid = 1")).await;
        assert_eq!((error.seq, error.kind), (Some(1), ChainErrorKind::EventChanged), "{change}");
    }
    let error = after_in(log().await, "DELETE FROM audit_texts WHERE rowid = 3").await;
    assert_eq!((error.seq.is_some(), error.kind), (true, ChainErrorKind::EventMissing));
}

/// An event and its fields are stored apart from the entries that refer to them.
#[tokio::test]
async fn detects_changed_and_missing_events() {
    let error = after("UPDATE audit_texts SET text = replace(text, 'ana@', 'eve@')").await;
    assert_eq!((error.seq, error.kind), (Some(1), ChainErrorKind::EventChanged));
    let error = after("DELETE FROM audit_texts WHERE rowid = 3").await;
    assert_eq!((error.seq.is_some(), error.kind), (true, ChainErrorKind::EventMissing));
    let error = after("UPDATE audit SET event = (SELECT hash FROM audit_texts WHERE rowid = 1) WHERE seq = 12").await;
    assert_eq!((error.seq, error.kind), (Some(12), ChainErrorKind::EventChanged), "the event of another entry");
    let forge = "UPDATE audit_texts SET hash = randomblob(32) WHERE rowid = 1";
    assert_eq!(after(forge).await.kind, ChainErrorKind::EventMissing);
}

#[tokio::test]
async fn detects_a_removed_entry() {
    let error = after("DELETE FROM audit WHERE seq = 12").await;
    assert_eq!(error.to_string(), "audit entry 13 was found where entry 12 was expected");
}

#[tokio::test]
async fn detects_swapped_entries() {
    let swap = "UPDATE audit SET seq = 1000 WHERE seq = 12; UPDATE audit SET seq = 12 WHERE seq = 13;
                UPDATE audit SET seq = 13 WHERE seq = 1000";
    let error = after(swap).await;
    assert_eq!(error.seq, Some(12));
    assert!(matches!(error.kind, ChainErrorKind::Unlinked { .. }), "{error}");
}

#[tokio::test]
async fn detects_a_forged_hash() {
    let error = after("UPDATE audit SET hash = zeroblob(32) WHERE seq = 12").await;
    assert_eq!(error.seq, Some(12));
    assert!(matches!(error.kind, ChainErrorKind::Changed { .. }), "{error}");
    let error = after("UPDATE audit SET prev = zeroblob(32) WHERE seq = 12").await;
    assert_eq!(error.seq, Some(12));
    assert!(matches!(error.kind, ChainErrorKind::Unlinked { .. }), "{error}");
}

/// The program verifies the end of the log when it starts, however long the log is.
#[tokio::test]
async fn the_tail_is_verified_without_the_rest() {
    let dir = plain_log().await;
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    db.execute_batch("UPDATE audit SET entry = replace(entry, 'acme', 'evil') WHERE seq = 12").unwrap();
    drop(db);
    let store = open(&dir).await;
    let head = store.audit_head().await.unwrap();
    let verified = audit::verify_tail(&store, head.seq - 12).await.unwrap();
    assert_eq!((verified.first, verified.head), (Some(13), head));
    assert!(audit::verify_tail(&store, head.seq - 11).await.is_err());
    assert!(audit::verify_tail(&store, u64::MAX).await.is_err());
}

/// Appending to a truncated log does not repair it.
#[tokio::test]
async fn detects_a_truncated_log_permanently() {
    let dir = log().await;
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    let last: i64 = db.query_row("SELECT max(seq) FROM audit", (), |row| row.get(0)).unwrap();
    db.execute("DELETE FROM audit WHERE seq > ?1", [last - 3]).unwrap();
    let last = last.cast_unsigned();
    db.close().unwrap();

    let store = open(&dir).await;
    let error = broken(&store).await;
    assert_eq!((error.seq, error.kind), (Some(last - 2), ChainErrorKind::TailMissing { last }));
    assert_eq!(store.commit(super::requested(1_000)).await.unwrap(), sym_sdk::engine::Committed::WRITTEN);
    let error = broken(&store).await;
    assert_eq!((error.seq, error.kind), (Some(last + 1), ChainErrorKind::Missing { expected: last - 2 }));
}

#[tokio::test]
async fn a_malformed_record_is_an_error_of_the_store() {
    let dir = log().await;
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    db.execute("UPDATE audit SET hash = x'00' WHERE seq = 12", ()).unwrap();
    db.close().unwrap();
    let error = audit::verify(&open(&dir).await).await.unwrap_err();
    assert!(matches!(error, VerifyError::Log(_)), "{error}");
}
