//! Files that cannot be used: each is refused with what is wrong and what to do.

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

/// The path as it stands in messages, without symbolic links.
fn shown(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}

#[tokio::test]
async fn a_second_one_is_told_who_has_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = open(&dir).await;
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    let own = std::process::id();
    assert_eq!(
        error.to_string(),
        format!(
            "the store refuses: `{}` is in use by this process ({own}), which has it open already; stop that, or give \
             this program a file of its own",
            shown(&path).display()
        )
    );
    let error = Error::from(error);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, &codes::STORE));
    write(&store, commit(run_id(1), 0, "the first is not disturbed")).await;
    drop(store);
    open(&dir).await;
}

/// Another process is anybody who has the lock and has left a number.
#[cfg(unix)]
#[tokio::test]
async fn another_process_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let lock = dir.path().join("runs.db.lock");
    std::fs::write(&lock, "4711\n").unwrap();
    let held = std::fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    let error = refused(&dir.path().join("runs.db")).await;
    assert!(error.to_string().contains("is in use by process 4711; stop that"), "{error}");
    held.unlock().unwrap();
    open(&dir).await;
}

#[cfg(unix)]
#[tokio::test]
async fn another_name_of_the_file_is_no_way_around_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(&dir).await;
    let other = dir.path().join("other.db");
    std::os::unix::fs::symlink(dir.path().join("runs.db"), &other).unwrap();
    assert!(refused(&other).await.to_string().contains("is in use by"));
}

#[tokio::test]
async fn a_lock_file_that_was_left_behind_is_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("runs.db.lock"), "1\n").unwrap();
    open(&dir).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
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
async fn a_read_only_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    drop(open(&dir).await);
    let mut permissions = path.metadata().unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    let expected = format!("`{}` is read-only; make it and its directory writable", shown(&path).display());
    assert_eq!(error.to_string(), format!("the store refuses: {expected}"));
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere").join("runs.db");
    let error = refused(&path).await;
    let expected = format!("the store refuses: `{}` cannot be opened: ", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let letter = "Dear Ana, this is not a database. ".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Corrupt(_)));
    assert!(error.to_string().contains("is not a database, or is damaged"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Refused(_)));
    assert!(error.to_string().contains("is a database of another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
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
        "has schema 900, and this program knows schemas up to {known}; run the version that wrote it, or a later one"
    );
    assert!(error.to_string().ends_with(&expected), "{error}");
    assert_eq!(version("PRAGMA user_version"), Some(900));
}

/// Writes nonsense over the middle of the file.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn after_an_unclean_stop_damage_is_found_at_the_start() {
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
async fn damage_under_a_running_store_is_told_as_such() {
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
    assert!(error.to_string().contains(&run_id(1).to_string()), "it names the Run: {error}");
}

#[tokio::test]
async fn an_effect_that_cannot_be_read_holds_up_no_others() {
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
