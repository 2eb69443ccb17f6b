//! Files that cannot be opened, and the errors that say what to do.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sym_sdk::engine::{SqliteStore, Store, StoreError};
use sym_sdk::error::{Error, ErrorKind, codes};

use super::{commit, copy_files, open, run_id, write};

async fn refused(path: &Path) -> StoreError {
    match SqliteStore::open(path).await {
        Ok(store) => panic!("{store:?} was opened"),
        Err(error) => error,
    }
}

/// The path as messages show it, without symbolic links.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}

#[tokio::test]
async fn second_store_is_told_who_has_the_file_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = open(&dir).await;
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    let own = std::process::id();
    assert_eq!(
        error.to_string(),
        format!(
            "the store refused: `{}` is in use by this process ({own}), which already has it open; stop that program, or \
             use another file",
            canonical(&path).display()
        )
    );
    let error = Error::from(error);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, &codes::STORE));
    write(&store, commit(run_id(1), 0, "the first store still works")).await;
    drop(store);
    open(&dir).await;
}

/// Stands for another process: a lock that is held, and a file with a process id.
#[cfg(unix)]
#[tokio::test]
async fn error_names_the_process_that_has_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let lock = dir.path().join("runs.db.lock");
    std::fs::write(&lock, "4711\n").unwrap();
    let held = std::fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    let error = refused(&dir.path().join("runs.db")).await;
    assert!(error.to_string().contains("is in use by process 4711; stop that program"), "{error}");
    held.unlock().unwrap();
    open(&dir).await;
}

/// Safety finding 11: whoever removed the lock file let a second program in, which took the leases of the first.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_removed_lock_file_lets_nobody_else_in() {
    let dir = tempfile::tempdir().unwrap();
    let (path, lock) = (dir.path().join("runs.db"), dir.path().join("runs.db.lock"));
    let store = open(&dir).await;
    std::fs::remove_file(&lock).unwrap();
    let error = refused(&path).await;
    assert!(error.to_string().contains("is in use by this process, which already has it open"), "{error}");
    store.close().await.unwrap();

    // Stands for another process: locks on descriptors of their own exclude each other.
    let held = std::fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let _ = std::fs::remove_file(&lock);
    let error = refused(&path).await;
    assert!(error.to_string().contains("is in use by another process, although its lock file is gone"), "{error}");
    held.unlock().unwrap();
    open(&dir).await;
}

#[cfg(unix)]
#[tokio::test]
async fn symbolic_links_share_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(&dir).await;
    let other = dir.path().join("other.db");
    std::os::unix::fs::symlink(dir.path().join("runs.db"), &other).unwrap();
    assert!(refused(&other).await.to_string().contains("is in use by"));
}

#[tokio::test]
async fn stale_lock_file_does_not_block() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("runs.db.lock"), "1\n").unwrap();
    open(&dir).await;
}

#[cfg(unix)]
#[tokio::test]
async fn new_files_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    write(&store, commit(run_id(1), 0, "first")).await;
    for name in ["runs.db", "runs.db-wal", "runs.db.lock"] {
        let mode = dir.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn refuses_read_only_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    drop(open(&dir).await);
    let mut permissions = path.metadata().unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    let expected = format!("`{}` is read-only; make it and its directory writable", canonical(&path).display());
    assert_eq!(error.to_string(), format!("the store refused: {expected}"));
}

#[tokio::test]
async fn does_not_create_missing_directories() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere").join("runs.db");
    let error = refused(&path).await;
    let expected = format!("the store refused: `{}` cannot be opened: ", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

/// A new store would know of no access that has to end.
#[tokio::test]
async fn does_not_take_the_place_of_a_store_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (path, reserve) = (dir.path().join("runs.db"), dir.path().join("runs.db.reserve"));
    let log = dir.path().join("runs.db-wal");
    open(&dir).await.close().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let canonical = canonical(dir.path());
    let lost = |rest: &str| {
        format!(
            "the store refused: `{0}/runs.db` does not exist, but `{0}/{rest}`, which belongs to it, does; restore the store from a \
             backup, because only it knows which access has to end, or remove `{0}/{rest}` to begin with an empty one",
            canonical.display()
        )
    };
    assert_eq!(refused(&path).await.to_string(), lost("runs.db.reserve"));
    assert!(!path.exists());
    std::fs::remove_file(&reserve).unwrap();
    std::fs::write(&log, "the last changes").unwrap();
    assert_eq!(refused(&path).await.to_string(), lost("runs.db-wal"));
    std::fs::remove_file(&log).unwrap();
    open(&dir).await;
}

#[tokio::test]
async fn refuses_and_keeps_files_that_are_not_databases() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let letter = "Dear Ana, this is not a database. ".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Corrupt(_)));
    assert!(error.to_string().contains("is damaged or not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn refuses_and_keeps_databases_of_other_programs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    assert!(error.to_string().contains("is the database of another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn refuses_and_keeps_newer_schemas() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    drop(open(&dir).await);
    let version = |pragma: &str| {
        let connection = Connection::open(&path).unwrap();
        connection.query_row(pragma, (), |row| row.get::<_, i64>(0)).ok()
    };
    let known = version("PRAGMA user_version").unwrap();
    version("PRAGMA user_version = 900");
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    let expected = format!(
        "has schema version 900, but this program supports versions up to {known}; run the version that wrote the file, or a \
         later one"
    );
    assert!(error.to_string().ends_with(&expected), "{error}");
    assert_eq!(version("PRAGMA user_version"), Some(900));
}

/// Overwrites the middle of the file.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn damage_is_found_on_open_after_an_unclean_stop() {
    let (dir, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(&dir).await;
    for number in 1..=50 {
        write(&store, commit(run_id(number), 0, &number.to_string())).await;
    }
    drop(store);
    let store = open(&dir).await;
    copy_files(&dir, &image);
    drop(store);
    let path = image.path().join("runs.db");
    damage(&path);
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert!(error.to_string().ends_with("; restore it from a backup"), "{error}");
}

#[tokio::test]
async fn unreadable_rows_are_reported_as_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    write(&store, commit(run_id(1), 0, "first")).await;
    store.close().await.unwrap();
    let connection = Connection::open(dir.path().join("runs.db")).unwrap();
    connection.execute("UPDATE runs SET state = '{}'", ()).unwrap();
    drop(connection);
    let store = open(&dir).await;
    let error = store.load(run_id(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)));
    assert!(error.to_string().contains(&run_id(1).to_string()), "the error names the Run: {error}");
}

#[tokio::test]
async fn unreadable_effect_does_not_block_others() {
    use sym_sdk::engine::Claim;
    use sym_sdk::machine::Lane;

    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let mut first = commit(run_id(1), 0, "first");
    first.effects = vec![super::effect(run_id(1), 1), super::effect(run_id(1), 2)];
    write(&store, first).await;
    store.close().await.unwrap();
    let connection = Connection::open(dir.path().join("runs.db")).unwrap();
    connection.execute("UPDATE effects SET effect = '{}' WHERE seq = 1", ()).unwrap();
    drop(connection);
    let store = open(&dir).await;
    let claimed = store.claim(Claim::new(Lane::Decide, super::at(0), super::LEASE, 10)).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.effect.key.seq).collect::<Vec<_>>(), [2]);
}
