//! The SQLite store and the directory in memory give the same results for random sequences of calls.

use std::fmt::Debug;

use futures_util::future;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use sym_sdk::directory::*;
use sym_sdk::model::{SessionId, TokenId, User, UserId, UserIdentity, UserRole};
use uuid::Uuid;

use super::{at, open};

/// A call. There are few names and ids, so that calls interact.
#[derive(Clone, Debug)]
enum Call {
    Insert(User),
    Admit(User),
    Restore(UserId),
    Put(Vec<User>),
    Change(UserId, UserChange),
    Delete(UserId),
    Find(UserId, String, UserIdentity),
    Issue(u128, UserId, i64),
    Revoke(u128),
    BeginSession(u128, UserId, bool),
    UseSession(u128),
    EndSession(u128),
    EndSessionsOf(UserId),
    BeginSignIn(u8),
    TakeSignIn(u8),
    Fetch(KeyPath),
    PutValue(KeyPath, u8),
    DeleteValue(KeyPath),
    Paths(KeyPath),
}

fn user_id() -> impl Strategy<Value = UserId> {
    (1..5_u128).prop_map(|number| UserId::from_uuid(Uuid::from_u128(number)))
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["ana@x.io", "ANA@x.io", "j\u{fc}@x.io", "j\u{dc}@x.io", "\u{212a}@x.io", "k@x.io"])
}

fn identity() -> impl Strategy<Value = UserIdentity> {
    let text = |texts: &[&'static str]| prop::sample::select(texts.to_vec());
    (text(&["slack", "Slack", "okta"]), text(&["T1", "t1", "T2"]), text(&["U1", "u1"]))
        .prop_map(|(service, instance, account)| UserIdentity::new(service, instance, account))
}

fn user() -> impl Strategy<Value = User> {
    (user_id(), name(), any::<bool>(), prop::collection::vec(identity(), 0..3)).prop_map(
        |(id, name, is_bot, identities)| {
            let user = if is_bot { User::bot(id, name) } else { User::person(id, name).unwrap() };
            identities.into_iter().fold(user, User::with_identity)
        },
    )
}

fn path() -> impl Strategy<Value = KeyPath> {
    let names = prop::sample::select(vec!["a", "A", "b", "a-", "a/", "a_", "\u{e4}"]);
    prop::collection::vec(names, 1..4).prop_map(|names| names.join(".").parse().unwrap())
}

fn change() -> impl Strategy<Value = UserChange> {
    prop_oneof![
        Just(UserChange::Role(UserRole::Admin)),
        Just(UserChange::Name { first: "Ana".to_owned(), last: String::new() }),
        any::<bool>().prop_map(UserChange::Locked),
        identity().prop_map(UserChange::PutIdentity),
        identity().prop_map(|identity| UserChange::DeleteIdentity {
            service: identity.service().to_owned(),
            service_id: identity.service_id().to_owned(),
        }),
    ]
}

/// Ids and names within a batch are distinct.
fn batch(mut users: Vec<User>) -> Call {
    let mut distinct: Vec<User> = Vec::new();
    users.retain(|user| {
        let is_new = distinct.iter().all(|other| other.id() != user.id() && other != user);
        distinct.extend(is_new.then(|| user.clone()));
        is_new
    });
    Call::Put(users)
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => user().prop_map(Call::Insert),
        1 => user().prop_map(Call::Admit),
        1 => user_id().prop_map(Call::Restore),
        3 => prop::collection::vec(user(), 1..3).prop_map(batch),
        3 => (user_id(), change()).prop_map(|(id, change)| Call::Change(id, change)),
        1 => user_id().prop_map(Call::Delete),
        3 => (user_id(), name(), identity()).prop_map(|(id, name, identity)| Call::Find(id, name.to_owned(), identity)),
        2 => (0..6_u128, user_id(), 0..3_i64).prop_map(|(id, bot, at)| Call::Issue(id, bot, at)),
        1 => (0..6_u128).prop_map(Call::Revoke),
        3 => (0..6_u128, user_id(), any::<bool>()).prop_map(|(id, user, cli)| Call::BeginSession(id, user, cli)),
        1 => (0..6_u128).prop_map(Call::UseSession),
        1 => (0..6_u128).prop_map(Call::EndSession),
        1 => user_id().prop_map(Call::EndSessionsOf),
        1 => (0..3_u8).prop_map(Call::BeginSignIn),
        1 => (0..3_u8).prop_map(Call::TakeSignIn),
        1 => path().prop_map(Call::Fetch),
        4 => (path(), any::<u8>()).prop_map(|(path, value)| Call::PutValue(path, value)),
        2 => path().prop_map(Call::DeleteValue),
        1 => path().prop_map(Call::Paths),
    ]
}

/// The complete result: users with all their fields, errors with their text.
fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

async fn answer(call: &Call, number: i64, users: &dyn DirectoryStore, values: &dyn KeyValueStore) -> String {
    let session_id = |id| SessionId::from_uuid(Uuid::from_u128(id));
    let token_id = |id| TokenId::from_uuid(Uuid::from_u128(id));
    match call.clone() {
        Call::Insert(user) => text(users.insert_user(user).await),
        Call::Admit(user) => text(users.admit_user(user).await),
        Call::Restore(id) => text(users.restore_user(id).await),
        Call::Put(batch) => text(users.put_users(batch).await),
        Call::Change(id, change) => text(users.change_user(id, change).await),
        Call::Delete(id) => text(users.delete_user(id, at(number)).await),
        Call::Find(id, name, identity) => {
            let found =
                (users.user(id).await, users.user_by_username(&name).await, users.user_by_identity(&identity).await);
            let by = [DeletedBy::Id(id), DeletedBy::Username(&name), DeletedBy::Account(&identity)];
            let deleted = future::join_all(by.map(|by| users.deleted_user(by))).await;
            let deleted = (deleted, users.deleted_users().await);
            text((
                found,
                deleted,
                users.users().await,
                users.tokens(None).await,
                users.tokens(Some(id)).await,
                users.sessions_of(id).await,
            ))
        }
        Call::Issue(id, bot, second) => {
            // An id is issued once.
            if users.token(token_id(id)).await.unwrap().is_some() {
                return String::new();
            }
            let token = Token::new(token_id(id), bot, id.to_string(), at(second), Timestamp::MAX);
            text(users.insert_token(StoredToken::new(token, TokenHash::from_bytes([7; 32]))).await)
        }
        Call::Revoke(id) => text(users.revoke_token(token_id(id), at(number)).await),
        Call::BeginSession(id, user, is_cli) => {
            if users.session(session_id(id)).await.unwrap().is_some() {
                return String::new();
            }
            let kind = if is_cli { SessionKind::CommandLine } else { SessionKind::Browser };
            let session = Session::new(session_id(id), user, kind, at(number), at(number + 30));
            text(users.insert_session(StoredSession::new(session, TokenHash::from_bytes([7; 32]))).await)
        }
        Call::UseSession(id) => {
            let Some(stored) = users.session(session_id(id)).await.unwrap() else { return String::new() };
            let mut session = stored.session;
            session.last_used_at = at(number);
            text((users.record_session_use(session).await, users.session(session_id(id)).await))
        }
        Call::EndSession(id) => text(users.end_session(session_id(id)).await),
        Call::EndSessionsOf(id) => text(users.end_sessions_of(id).await),
        Call::BeginSignIn(hash) => {
            // A hash is used once.
            users.take_pending_sign_in([hash; 32], Timestamp::MIN).await.unwrap();
            let pending = PendingSignIn::Browser { return_path: format!("/{number}").parse().unwrap() };
            text(users.insert_pending_sign_in([hash; 32], pending, at(number), at(number + 5)).await)
        }
        Call::TakeSignIn(hash) => text(users.take_pending_sign_in([hash; 32], at(number)).await),
        Call::Fetch(path) => text(values.fetch(&path).await),
        Call::PutValue(path, value) => text(values.put(&path, json!(value)).await),
        Call::DeleteValue(path) => text(values.delete(&path).await),
        Call::Paths(path) => text((values.paths(Some(&path)).await, values.paths(None).await)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_same_calls_give_the_same_answers(calls in prop::collection::vec(call(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let file = open(&dir).await;
            let (users, values) = (MemoryDirectory::new(), MemoryKeyValue::new());
            for (number, call) in (0..).zip(&calls) {
                let expected = answer(call, number, &users, &values).await;
                assert_eq!(answer(call, number, &file, &file).await, expected, "{call:?}");
            }
        });
    }
}
