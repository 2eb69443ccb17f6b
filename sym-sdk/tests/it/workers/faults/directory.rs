//! A directory that hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::directory::*;
use sym_sdk::engine::{MemoryStore, RunFilter, WorkerLimits};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::model::{TokenId, UserIdentity};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};

use super::super::GRACE;
use super::super::fixture::Fixture;
use super::{HOUR, advance_during, advance_until, advance_until_status, request};

#[derive(Clone, Default)]
struct Hanging {
    users: Arc<MemoryDirectory>,
    hangs: Arc<AtomicBool>,
}

impl Hanging {
    fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }

    fn ask<'a, T: Send + 'a>(&'a self, call: impl FnOnce() -> BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        if self.hangs.load(Ordering::SeqCst) { Box::pin(std::future::pending()) } else { call() }
    }
}

impl DirectoryStore for Hanging {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.ask(|| self.users.user(id))
    }

    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.ask(|| self.users.user_by_username(username))
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.ask(|| self.users.user_by_identity(identity))
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.ask(|| self.users.users())
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.ask(|| self.users.insert_user(user))
    }

    fn admit_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.ask(|| self.users.admit_user(user))
    }

    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.ask(|| self.users.put_users(users))
    }

    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.ask(|| self.users.change_user(id, change))
    }

    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.ask(|| self.users.delete_user(id, now))
    }

    fn deleted_user<'a>(&'a self, by: DeletedBy<'a>) -> BoxFuture<'a, Result<Option<DeletedUser>>> {
        self.ask(|| self.users.deleted_user(by))
    }

    fn deleted_users(&self) -> BoxFuture<'_, Result<Vec<DeletedUser>>> {
        self.ask(|| self.users.deleted_users())
    }

    fn restore_user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.ask(|| self.users.restore_user(id))
    }

    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>> {
        self.ask(|| self.users.insert_token(token))
    }

    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.ask(|| self.users.token(id))
    }

    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>> {
        self.ask(|| self.users.tokens(bot))
    }

    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.ask(|| self.users.revoke_token(id, now))
    }
}

async fn with_directory() -> (Fixture, Runtime, Hanging) {
    let (fixture, users) = (Fixture::new(Arc::new(MemoryStore::new())), Hanging::default());
    let directory = Directory::new(users.clone(), ["example.com"]);
    let runtime = fixture.builder().directory(directory).build().await.unwrap();
    (fixture, runtime, users)
}

#[tokio::test]
async fn submission_times_out_and_leaves_nothing() {
    let (fixture, runtime, users) = with_directory().await;
    let held = fixture.granted(&runtime).await;
    let before = runtime.run(held).await.unwrap().version;
    users.hang(true);
    let submissions = [
        Submission::from(Submission::prompt("prod", "cho@example.com")),
        Submission::request("prod", "cho@example.com").input("duration", "1h").into(),
        Submission::revoke(held, "ana@example.com").into(),
    ];
    for submission in &submissions {
        let error = advance_during(&fixture, runtime.submit(submission.clone())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, &codes::HANDLER_TIMED_OUT));
        assert_eq!(error.message(), "the directory took longer than its limit of 10s");
    }
    assert_eq!(runtime.run(held).await.unwrap().version, before);
    assert_eq!(runtime.runs(RunFilter::default(), 10).await.unwrap().len(), 1);
    users.hang(false);
    for submission in submissions {
        runtime.submit(submission).await.unwrap();
    }
}

#[tokio::test]
async fn users_that_cannot_be_looked_up_are_granted_nothing_and_access_ends() {
    let (fixture, runtime, users) = with_directory().await;
    let held = fixture.granted(&runtime).await;
    let unknown = request(&runtime, "cho@example.com", "1h").await;
    users.hang(true);
    let workers = runtime.start(WorkerLimits::default());
    advance_until_status(&fixture, &runtime, unknown, RunStatus::Errored).await;
    let error = runtime.run(unknown).await.unwrap().state.error.clone().unwrap();
    assert_eq!(error.code, codes::HANDLER_TIMED_OUT);
    assert_eq!(error.message, "the directory took longer than its limit of 10s");

    fixture.clock.advance(HOUR);
    advance_until(&fixture, "the end of the access", || fixture.strategy.granted().is_empty()).await;
    advance_until_status(&fixture, &runtime, held, RunStatus::Deescalated).await;
    let grants = fixture.strategy.calls().iter().filter(|call| call.is_grant).count();
    assert_eq!(grants, 1);
    users.hang(false);
    let later = request(&runtime, "cho@example.com", "1h").await;
    advance_until_status(&fixture, &runtime, later, RunStatus::Escalated).await;
    workers.shutdown(GRACE).await;
}
