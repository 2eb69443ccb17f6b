//! The cost of one click: the calls to the store, and the reads of the user who clicks.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditEntry, AuditHead, AuditRecord};
use sym_sdk::directory::{
    Directory, DirectoryStore, EventQuery, Inserted, MemoryDirectory, StoredToken, UserChange,
};
use sym_sdk::engine::*;
use sym_sdk::machine::{EffectKey, EntitlementKey, InputReply};
use sym_sdk::model::{RunId, RunStatus, TokenId, UserId, UserIdentity};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};

use super::denials::asked;
use super::restart::configuration;
use super::{SIGNING_SECRET, World, builder, get_permissions, get_request_notifications, text};

type Log<T> = Mutex<Vec<T>>;
type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A store that records the names of the calls.
#[derive(Default)]
struct RecordingStore {
    store: MemoryStore,
    calls: Log<&'static str>,
}

impl RecordingStore {
    fn recorded(&self, call: &'static str) -> &MemoryStore {
        self.calls.lock().unwrap().push(call);
        &self.store
    }

    fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Store for RecordingStore {
    fn load(&self, run: RunId) -> StoreFuture<'_, Option<StoredRun>> {
        self.recorded("load").load(run)
    }

    fn recorded_reply(&self, key: &InputKey) -> StoreFuture<'_, Option<InputReply>> {
        self.recorded("recorded_reply").recorded_reply(key)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Committed> {
        self.recorded("commit").commit(commit)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Vec<Claimed>> {
        self.recorded("claim").claim(claim)
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> StoreFuture<'_, ()> {
        self.recorded("release").release(key, claims, not_before)
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> StoreFuture<'_, usize> {
        self.recorded("clamp_future_due_times").clamp_future_due_times(latest)
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> StoreFuture<'_, Vec<DueTimer>> {
        self.recorded("due_timers").due_timers(now, limit)
    }

    fn next_due(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.recorded("next_due").next_due()
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> StoreFuture<'_, Backlog> {
        self.recorded("backlog").backlog(now, late)
    }

    fn holders(&self, key: &EntitlementKey) -> StoreFuture<'_, Vec<RunId>> {
        self.recorded("holders").holders(key)
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.recorded("runs").runs(filter, limit)
    }

    fn prune(&self, before: Timestamp, limit: usize) -> StoreFuture<'_, usize> {
        self.recorded("prune").prune(before, limit)
    }

    fn runs_missing_expiry(&self, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.recorded("runs_missing_expiry").runs_missing_expiry(limit)
    }

    fn access_health(&self, late: Timestamp) -> StoreFuture<'_, AccessHealth> {
        self.recorded("access_health").access_health(late)
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> StoreFuture<'_, Vec<AuditEntry>> {
        self.recorded("audit").audit(run, limit)
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> StoreFuture<'a, u64> {
        self.recorded("count_events").count_events(count)
    }

    fn audit_after(&self, seq: u64, limit: usize) -> StoreFuture<'_, Vec<AuditRecord>> {
        self.recorded("audit_after").audit_after(seq, limit)
    }

    fn audit_before(&self, run: RunId, seq: u64) -> StoreFuture<'_, Vec<AuditRecord>> {
        self.recorded("audit_before").audit_before(run, seq)
    }

    fn audit_head(&self) -> StoreFuture<'_, AuditHead> {
        self.recorded("audit_head").audit_head()
    }

    fn audit_cursor(&self, destination: &str) -> StoreFuture<'_, u64> {
        self.recorded("audit_cursor").audit_cursor(destination)
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> StoreFuture<'_, ()> {
        self.recorded("set_audit_cursor").set_audit_cursor(destination, seq)
    }
}

/// A directory that records who is read, and by what.
#[derive(Clone, Default)]
struct RecordingDirectory(Arc<(MemoryDirectory, Log<(&'static str, String)>)>);

impl RecordingDirectory {
    fn recorded(&self, call: &'static str, who: impl ToString) -> &MemoryDirectory {
        self.0.1.lock().unwrap().push((call, who.to_string()));
        &self.0.0
    }

    /// Returns how a person was read, since the last time this was called.
    fn take_reads(&self, of: &[String]) -> Vec<&'static str> {
        let reads = std::mem::take(&mut *self.0.1.lock().unwrap());
        reads.into_iter().filter(|(_, who)| of.contains(who)).map(|(call, _)| call).collect()
    }
}

impl DirectoryStore for RecordingDirectory {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.recorded("user", id).user(id)
    }

    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.recorded("user_by_username", username).user_by_username(username)
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.recorded("user_by_identity", identity.user_id()).user_by_identity(identity)
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.0.0.users()
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.0.0.insert_user(user)
    }

    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.0.0.put_users(users)
    }

    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.0.0.change_user(id, change)
    }

    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.0.0.delete_user(id, now)
    }

    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>> {
        self.0.0.insert_token(token)
    }

    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.0.0.token(id)
    }

    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>> {
        self.0.0.tokens(bot)
    }

    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.0.0.revoke_token(id, now)
    }
}

/// From Slack's signed request to the durable decision.
#[tokio::test]
async fn a_click_reads_the_run_once_and_the_user_once() {
    let mut world = World::with_reason().await;
    let (store, users) = (Arc::new(RecordingStore::default()), RecordingDirectory::default());
    let directory = Directory::new(users.clone(), ["example.com"]);
    let slack = world.fake.client().directory(directory.clone()).build().unwrap();
    let app = SlackApp::new(slack, SigningSecret::new(SIGNING_SECRET.into()).unwrap());
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let runtime = Runtime::builder(configuration(builder(Vec::new()))).registry(handlers).delivery(app.clone());
    let runtime = runtime.simulated().directory(directory).clock(world.harness.runtime().clock().clone());
    let runtime = runtime.store(store.clone()).build().await.unwrap();
    world.router = app.router(runtime.clone());
    let ben = ["U0BEN".to_owned(), "ben@example.com".to_owned(), UserId::from_email("ben@example.com").to_string()];
    let known = User::from_email("ben@example.com").unwrap();
    runtime.directory().put_user(known).await.unwrap();
    let request = async || {
        let request = Submission::request("prod", "ana@example.com").input("target_id", "admins").input("duration", "1h");
        let run = runtime.submit(request).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        store.take_calls();
        users.take_reads(&[]);
        run
    };

    // The first click links the account to a user.
    let run = request().await;
    assert_eq!(world.click("U0BEN", "approve", run).await.status, StatusCode::OK);
    assert_eq!(store.take_calls(), ["load", "recorded_reply", "commit"]);

    for (button, status) in [("approve", RunStatus::Escalated), ("deny", RunStatus::Denied)] {
        let run = request().await;
        let mut click = world.clicked("U0BEN", button, run);
        // Without it, Deny asks for a reason.
        click["state"] = json!({ "values": { "decision_message": { "text": { "value": "as agreed" } } } });
        assert_eq!(world.interact(&click).await.status, StatusCode::OK);
        assert_eq!(store.take_calls(), ["load", "recorded_reply", "commit"], "{button}");
        assert_eq!(users.take_reads(&ben), ["user_by_identity"], "{button}");
        runtime.run_until_idle().await.unwrap();
        assert_eq!(runtime.run(run).await.unwrap().state.run.status(), status);
    }

    // Asking for the reason of a denial reads both once, and so does the denial.
    let run = request().await;
    let view = asked(&mut world, run).await;
    assert_eq!(store.take_calls(), ["load"]);
    assert_eq!(users.take_reads(&ben), ["user_by_identity"]);
    assert_eq!(world.submit("U0BEN", &view, json!({ "reason": text("no") })).await.body, Value::Null);
    assert_eq!(store.take_calls(), ["load", "recorded_reply", "commit"]);
    assert_eq!(users.take_reads(&ben), ["user_by_identity"]);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(runtime.run(run).await.unwrap().state.run.status(), RunStatus::Denied);
}
