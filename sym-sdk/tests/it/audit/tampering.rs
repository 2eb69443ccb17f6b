//! What somebody with access to the file can do to the log, and what is said of it.

use rusqlite::Connection;
use sym_sdk::audit::{self, ChainError, ChainErrorKind, VerifyError};
use sym_sdk::engine::{SqliteStore, Store};
use tempfile::TempDir;

use super::fill;

/// A closed file with a log.
async fn log() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    fill(&store, 30).await;
    assert!(audit::verify(&store).await.unwrap().records >= 30);
    store.close().await.unwrap();
    dir
}

async fn open(dir: &TempDir) -> SqliteStore {
    SqliteStore::open(dir.path().join("runs.db")).await.unwrap()
}

/// What is said once this was done to the file.
async fn after(sql: &str) -> ChainError {
    let dir = log().await;
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
async fn a_changed_entry_is_named() {
    let told = after("UPDATE audit SET entry = replace(entry, 'ana@', 'eve@') WHERE seq = 12").await;
    assert_eq!(told.seq, Some(12));
    assert!(told.to_string().starts_with("audit entry 12 was changed: its hash is "), "{told}");
    let told = after("UPDATE audit SET entry = 'gone' WHERE seq = 12").await;
    assert_eq!(told.seq, Some(12), "also one that cannot be read");
}

#[tokio::test]
async fn a_removed_entry_is_named() {
    let told = after("DELETE FROM audit WHERE seq = 12").await;
    assert_eq!(told.to_string(), "audit entry 13 comes where entry 12 was expected");
}

#[tokio::test]
async fn swapped_entries_are_named() {
    let swap = "UPDATE audit SET seq = 1000 WHERE seq = 12; UPDATE audit SET seq = 12 WHERE seq = 13;
                UPDATE audit SET seq = 13 WHERE seq = 1000";
    let told = after(swap).await;
    assert_eq!(told.seq, Some(12));
    assert!(matches!(told.kind, ChainErrorKind::Unlinked { .. }), "{told}");
}

#[tokio::test]
async fn a_forged_hash_is_named() {
    let told = after("UPDATE audit SET hash = zeroblob(32) WHERE seq = 12").await;
    assert_eq!(told.seq, Some(12));
    assert!(matches!(told.kind, ChainErrorKind::Changed { .. }), "{told}");
    let told = after("UPDATE audit SET prev = zeroblob(32) WHERE seq = 12").await;
    assert_eq!(told.seq, Some(12));
    assert!(matches!(told.kind, ChainErrorKind::Unlinked { .. }), "{told}");
}

/// A cut is not healed by what is appended to it.
#[tokio::test]
async fn a_tail_that_was_cut_off_is_named_for_ever() {
    let dir = log().await;
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    let last: i64 = db.query_row("SELECT max(seq) FROM audit", (), |row| row.get(0)).unwrap();
    db.execute("DELETE FROM audit WHERE seq > ?1", [last - 3]).unwrap();
    let last = last.cast_unsigned();
    db.close().unwrap();

    let store = open(&dir).await;
    let told = broken(&store).await;
    assert_eq!((told.seq, told.kind), (Some(last - 2), ChainErrorKind::TailMissing { last }));
    assert_eq!(store.commit(super::requested(1_000)).await.unwrap(), sym_sdk::engine::Committed::Written);
    let told = broken(&store).await;
    assert_eq!((told.seq, told.kind), (Some(last + 1), ChainErrorKind::Missing { expected: last - 2 }));
}

#[tokio::test]
async fn a_record_that_is_not_of_the_right_form_is_an_error_of_the_store() {
    let dir = log().await;
    let db = Connection::open(dir.path().join("runs.db")).unwrap();
    db.execute("UPDATE audit SET hash = x'00' WHERE seq = 12", ()).unwrap();
    db.close().unwrap();
    let error = audit::verify(&open(&dir).await).await.unwrap_err();
    assert!(matches!(error, VerifyError::Log(_)), "{error}");
}
