//! A directory that fails when a decision asks for its people.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::directory::*;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::handlers;
use sym_sdk::model::{TokenId, UserIdentity};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::*;

#[hook]
fn on_approve() {}

/// A directory whose bulk look-up fails on demand.
struct Failing {
    users: MemoryDirectory,
    fails: AtomicBool,
}

impl Failing {
    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl DirectoryStore for Failing {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.users.user(id)
    }

    fn users_with_ids<'a>(&'a self, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        if self.fails.load(Ordering::SeqCst) {
            let message = "the directory is unavailable";
            let error = Error::new(ErrorKind::Unavailable, codes::STORE, message);
            return Box::pin(std::future::ready(Err(error)));
        }
        self.users.users_with_ids(ids)
    }

    fn user_by_username<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.users.user_by_username(name)
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.users.user_by_identity(identity)
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.users.users()
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.users.insert_user(user)
    }

    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.users.put_users(users)
    }

    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.users.change_user(id, change)
    }

    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.users.delete_user(id, now)
    }

    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>> {
        self.users.insert_token(token)
    }

    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.users.token(id)
    }

    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>> {
        self.users.tokens(bot)
    }

    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.users.revoke_token(id, now)
    }
}
fn with_failing_directory() -> (World, Arc<Failing>) {
    let users = Arc::new(Failing { users: MemoryDirectory::new(), fails: AtomicBool::new(false) });
    (World::on(Arc::new(MemoryStore::new()), users.clone()), users)
}

#[tokio::test]
async fn approval_without_the_directory_is_an_error_that_can_be_retried() {
    let (world, users) = with_failing_directory();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    let before = runtime.run(run).await.unwrap().version;
    users.fail(true);
    let error = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the directory is unavailable"));
    assert!(error.is_retryable());
    assert_eq!(runtime.run(run).await.unwrap().version, before, "nothing is decided");
    users.fail(false);
    approve(&runtime, run, "ben").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
}

/// With a hook, the approval is accepted before the people are looked up.
#[tokio::test]
async fn approver_is_told_that_the_directory_failed_before_the_hook() {
    let (world, users) = with_failing_directory();
    let handlers = handlers![get_permissions, on_approve, get_request_notifications];
    let runtime = world.start_with(handlers).await;
    let run = request(&runtime, "1h").await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    users.fail(true);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Requested, "nothing is decided");
    assert_eq!(
        world.messages_to("ben"),
        ["nothing was decided, because people could not be looked up: the directory is unavailable"]
    );
    users.fail(false);
    approve(&runtime, run, "ben").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
}
