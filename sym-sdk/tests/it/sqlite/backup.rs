//! Backups of a file in use, and read-only stores.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sym_sdk::engine::{Claim, RunFilter, SqliteStore, Store, StoreError};
use sym_sdk::machine::Lane;

use super::{LEASE, at, commit, effect, open, run_id, write};

#[tokio::test]
async fn backup_is_a_snapshot_despite_concurrent_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir).await);
    for number in 1..=200 {
        let mut commit = commit(run_id(number), 0, &number.to_string());
        commit.effects = vec![effect(run_id(number), 1)];
        write(&*store, commit).await;
    }
    assert_eq!(store.claim(Claim::new(Lane::Decide, at(0), LEASE, 1)).await.unwrap().len(), 1);
    let (stop, other) = (Arc::new(AtomicBool::new(false)), store.clone());
    let writing = tokio::spawn({
        let stop = stop.clone();
        async move {
            let mut number = 1_000_u128;
            while !stop.load(Ordering::SeqCst) {
                write(&*other, commit(run_id(number), 0, &number.to_string())).await;
                number += 1;
            }
            usize::try_from(number - 1_000).unwrap()
        }
    });
    let copy = dir.path().join("copy.db");
    let steps = Arc::new(Mutex::new(Vec::new()));
    let noted = steps.clone();
    store.backup_with(&copy, move |progress| noted.lock().unwrap().push(progress)).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let written = writing.await.unwrap();

    let steps = steps.lock().unwrap().clone();
    assert!(steps.is_sorted_by_key(|progress| progress.copied));
    assert!(steps.last().is_some_and(|last| last.copied == last.total && last.total > 0), "{steps:?}");
    assert_eq!(sidecar_files(&copy), Vec::<String>::new(), "a backup is one file");

    let restored = SqliteStore::open(&copy).await.unwrap();
    let runs = restored.runs(RunFilter::default(), usize::MAX).await.unwrap().len();
    assert!((200..=200 + written).contains(&runs), "{runs} of 200 and {written}");
    let entries = commit(run_id(1), 0, "any").audit.len();
    let audit = restored.audit(None, usize::MAX).await.unwrap().len();
    assert_eq!(audit, runs * entries, "each commit is in the copy as a whole");
    let due = restored.claim(Claim::new(Lane::Decide, at(0), LEASE, 1_000)).await.unwrap();
    assert_eq!(due.len(), 200, "leases are not copied");
}

/// The names of other files that start with the name of this one.
fn sidecar_files(path: &Path) -> Vec<String> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let files = path.parent().unwrap().read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.filter(|file| file.starts_with(name) && file != name).collect()
}

#[tokio::test]
async fn failed_backup_overwrites_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let letter = dir.path().join("letter");
    std::fs::write(&letter, "Dear Ana").unwrap();
    let error = store.backup(&letter).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)));
    let expected = format!("`{}` already exists; choose another name, or remove it", letter.display());
    assert_eq!(error.to_string(), format!("the store refused: {expected}"));
    assert_eq!(std::fs::read_to_string(&letter).unwrap(), "Dear Ana");

    let nowhere = dir.path().join("nowhere").join("copy.db");
    assert!(matches!(store.backup(&nowhere).await, Err(StoreError::Refused(_))));
    assert!(!nowhere.exists());

    let copy = dir.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert!(store.backup(&copy).await.unwrap_err().to_string().contains("already exists"));
}

#[cfg(unix)]
#[tokio::test]
async fn backups_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.db");
    open(&dir).await.backup(&copy).await.unwrap();
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn read_only_store_reads_a_file_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = open(&dir).await;
    let reader = SqliteStore::open_read_only(&path).await.unwrap();
    write(&store, commit(run_id(1), 0, "first")).await;
    assert!(reader.load(run_id(1)).await.unwrap().is_some(), "later writes are visible");
    let error = reader.commit(commit(run_id(2), 0, "second")).await.unwrap_err();
    assert_eq!(error.to_string(), "the store refused: it is opened read-only");
    assert!(reader.claim(Claim::new(Lane::Decide, at(0), LEASE, 1)).await.is_err());
    reader.backup(dir.path().join("copy.db")).await.unwrap();
    reader.close().await.unwrap();
    write(&store, commit(run_id(2), 0, "second")).await;
    store.close().await.unwrap();

    let reader = SqliteStore::open_read_only(&path).await.unwrap();
    assert_eq!(reader.runs(RunFilter::default(), 10).await.unwrap().len(), 2, "also when no other process has it open");
}

#[tokio::test]
async fn read_only_store_requires_the_current_schema() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let error = SqliteStore::open_read_only(&path).await.unwrap_err();
    assert!(error.to_string().ends_with("runs.db` does not exist"), "{error}");
    for opened in [SqliteStore::open_read_only(dir.path()).await, SqliteStore::open(dir.path()).await] {
        let error = opened.unwrap_err().to_string();
        assert!(error.ends_with("is a directory; choose a file in it"), "{error}");
    }
    assert!(!path.exists());
    open(&dir).await.close().await.unwrap();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 900).unwrap();
    let error = SqliteStore::open_read_only(&path).await.unwrap_err();
    assert!(error.to_string().contains("has schema version 900"), "{error}");
}
