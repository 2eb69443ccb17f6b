//! The directory, key-value store and event counts of the SQLite store.

use std::sync::Arc;

use secrecy::ExposeSecret;
use sym_sdk::directory::{Directory, DirectoryStore, KeyValueStore, MemoryDirectory, PendingSignIn, SessionKind};
use sym_sdk::engine::SqliteStore;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime};
use sym_sdk::simulation::Simulation;
use sym_sdk::testing::{DirectoryStores, check_directory};

use super::open;
use super::restart::config;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

#[tokio::test]
async fn conforms_to_the_directory_contract() {
    let dir = tempfile::tempdir().unwrap();
    let open = async |number| {
        let store = SqliteStore::open(dir.path().join(format!("{number}.db"))).await.unwrap();
        DirectoryStores::all_in(Arc::new(store))
    };
    check_directory(open).await.unwrap();
}

#[tokio::test]
async fn tokens_are_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir).await);
    let directory = Directory::from_store(store.clone(), ["example.com"]);
    let bot = directory.create_bot("ci").await.unwrap();
    let issued = directory.issue_token(bot.id(), "build", Duration::from_secs(60)).await.unwrap();
    let contains = |part: &[u8]| {
        std::fs::read_dir(dir.path()).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(part.len()).any(|window| window == part)
        })
    };
    let (_, secret) = issued.secret.expose_secret().rsplit_once('_').unwrap();
    assert!(contains(b"build"), "the token was written");
    assert!(!contains(&secret.as_bytes()[..16]), "also not in parts");
    store.close().await.unwrap();
    assert!(!contains(&secret.as_bytes()[..16]));
}

#[tokio::test]
async fn secrets_of_sessions_and_sign_ins_are_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir).await);
    let directory = Directory::from_store(store.clone(), ["example.com"]);
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    let (_, session) = directory.begin_session(ana.id(), SessionKind::Browser).await.unwrap();
    let return_path = "/console/inbox".parse().unwrap();
    let sign_in = directory.begin_sign_in(PendingSignIn::Browser { return_path }).await.unwrap();
    store.close().await.unwrap();
    let contains = |part: &[u8]| {
        std::fs::read_dir(dir.path()).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(part.len()).any(|window| window == part)
        })
    };
    assert!(contains(b"/console/inbox"), "the sign-in was written");
    let (_, secret) = session.expose_secret().rsplit_once('_').unwrap();
    let (state, nonce, verifier) = (sign_in.state(), sign_in.nonce(), sign_in.verifier());
    for secret in [secret, &state, &nonce, verifier.expose_secret(), sign_in.secret().expose_secret()] {
        assert!(!contains(&secret.as_bytes()[..16]));
    }
}

#[tokio::test]
async fn errors_name_unreadable_rows() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let directory = Directory::from_store(Arc::new(store), ["example.com"]);
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap().id();
    drop(directory);
    let path = dir.path().join("runs.db");
    let damage = rusqlite::Connection::open(&path).unwrap();
    damage.execute("UPDATE users SET user = '{}'", ()).unwrap();
    damage.execute("INSERT INTO key_value VALUES ('a.b', '{')", ()).unwrap();
    drop(damage);

    let store = open(&dir).await;
    let error = store.user(ana).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, &codes::STORE));
    assert!(error.message().contains(&ana.to_string()), "{error}");
    let error = store.fetch(&"a.b".parse().unwrap()).await.unwrap_err();
    assert!(error.message().contains("`a.b`"), "{error}");
}

/// An explicit directory is used, whatever the order of calls; the file is the default.
#[tokio::test]
async fn runtime_uses_the_file_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir).await);
    let users = async |builder: Builder| {
        let runtime = builder.build().await.unwrap();
        runtime.directory().get_or_create_user_by_email("ana@example.com").await.unwrap();
        store.users().await.unwrap().len()
    };
    let own = || Directory::new(MemoryDirectory::new(), ["example.com"]);
    let builder = || Runtime::builder(config()).registry(handlers![get_permissions]).simulated();
    assert_eq!(users(builder().store(store.clone())).await, 0, "only for Runs");
    assert_eq!(users(builder().directory(own()).sqlite(store.clone())).await, 0);
    assert_eq!(users(builder().sqlite(store.clone()).directory(own())).await, 0);
    let start = "2024-02-29T12:00:00Z".parse().unwrap();
    let simulation = Simulation::start(builder().sqlite(store.clone()), start, Outbox::new()).await.unwrap();
    simulation.runtime().directory().get_or_create_user_by_email("eve@example.com").await.unwrap();
    assert_eq!(store.users().await.unwrap().len(), 0, "a simulation leaves no traces");
    assert_eq!(users(builder().sqlite(store.clone())).await, 1);
}

#[tokio::test]
async fn directory_calls_to_a_closed_store_fail() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir).await);
    store.close().await.unwrap();
    let directory = Directory::from_store(store, ["example.com"]);
    let error = directory.get_or_create_user_by_email("ana@example.com").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
}
