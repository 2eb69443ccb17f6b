//! Channels that get another id or another name: what is known of them outlives the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::Message;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::BoxFuture;
use sym_sdk::directory::{KeyPath, KeyValue, KeyValueStore, MemoryKeyValue};
use sym_sdk::engine::MemoryStore;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};

use super::decisions::status;
use super::restart::configuration;
use super::{SIGNING_SECRET, World, builder, get_permissions, get_request_notifications};

/// Values in memory, which can refuse to be written.
#[derive(Default)]
struct Values {
    values: MemoryKeyValue,
    is_full: AtomicBool,
}

impl KeyValueStore for Values {
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>> {
        self.values.fetch(path)
    }

    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>> {
        if self.is_full.load(Ordering::Relaxed) {
            return Box::pin(async { Err(Error::handler("the disk is full")) });
        }
        self.values.put(path, value)
    }

    fn delete<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<bool>> {
        self.values.delete(path)
    }

    fn paths<'a>(&'a self, namespace: Option<&'a KeyPath>) -> BoxFuture<'a, Result<Vec<KeyPath>>> {
        self.values.paths(namespace)
    }
}

/// A workspace, and consecutive processes on the same store and the same values.
struct Processes {
    world: World,
    store: Arc<MemoryStore>,
    values: Arc<Values>,
    runtime: Runtime,
}

impl Processes {
    async fn start() -> Self {
        let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
        let world = World::new(builder(Vec::new()).handlers(handlers)).await;
        let runtime = world.harness.runtime().clone();
        let mut processes = Self { world, store: Arc::default(), values: Arc::default(), runtime };
        processes.restart().await;
        processes
    }

    /// Starts a new process. The previous one and everything in its memory is gone.
    async fn restart(&mut self) {
        let before = &self.runtime;
        let slack = self.world.fake.client().directory(before.directory().clone()).build().unwrap();
        let app = SlackApp::new(slack, SigningSecret::new(SIGNING_SECRET.into()).unwrap());
        let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
        let values = KeyValue::from(self.values.clone() as Arc<dyn KeyValueStore>);
        let builder = Runtime::builder(configuration(builder(Vec::new()))).registry(handlers).delivery(app.clone());
        let builder = builder.simulated().directory(before.directory().clone()).clock(before.clock().clone());
        let runtime = builder.store(self.store.clone()).key_value(values).build().await.unwrap();
        self.world.router = app.router(runtime.clone());
        (self.world.app, self.runtime) = (app, runtime);
    }

    async fn submit(&self, submission: impl Into<Submission>) -> RunId {
        let run = self.runtime.submit(submission).await.unwrap().run;
        self.runtime.run_until_idle().await.unwrap();
        run
    }

    async fn request(&self) -> RunId {
        let request = Submission::request("prod", "ana@example.com");
        self.submit(request.input("target_id", "admins").input("duration", "1h")).await
    }

    /// Gives the channel of requests another id, and does not tell the app.
    async fn move_channel(&self) {
        // There is no app that could be told: the events of these tests are made by hand.
        self.world.fake.change_channel_id("CACCESS", "C0NEWID").await.unwrap_err();
    }

    async fn tell_of_move(&self) -> StatusCode {
        let moved = json!({ "type": "channel_id_changed", "old_channel_id": "CACCESS", "new_channel_id": "C0NEWID" });
        self.world.event(moved).await.status
    }

    fn card(&self) -> Message {
        self.world.only_in_channel("C0NEWID")
    }
}

/// S03: messages of a channel with another id are updated there, also by a process that did not hear of it.
#[tokio::test]
async fn the_new_id_of_a_channel_outlives_a_restart() {
    let mut all = Processes::start().await;
    let run = all.request().await;
    all.move_channel().await;
    assert_eq!(all.tell_of_move().await, StatusCode::OK);
    all.restart().await;
    all.submit(Submission::deny(run, "ben@example.com")).await;
    assert!(status(all.card().raw()).starts_with("Denied by <@U0BEN>"), "{:?}", all.card());
}

/// S03: so does what a click has shown.
#[tokio::test]
async fn the_new_id_that_a_click_has_shown_outlives_a_restart() {
    let mut all = Processes::start().await;
    let run = all.request().await;
    all.move_channel().await;
    let card = all.card();
    let mut click = all.world.clicked("U0BEN", "approve", run);
    click["container"] = json!({ "channel_id": "C0NEWID", "message_ts": card.ts() });
    assert_eq!(all.world.interact(&click).await.status, StatusCode::OK);
    all.runtime.run_until_idle().await.unwrap();
    assert!(status(all.card().raw()).starts_with("Approved by <@U0BEN>"));
    all.restart().await;
    all.submit(Submission::revoke(run, "ben@example.com")).await;
    assert!(status(all.card().raw()).contains("Access was revoked by <@U0BEN>"), "{:?}", all.card());
}

/// An event that could not be kept is not acknowledged, so Slack repeats it.
#[tokio::test]
async fn an_event_that_cannot_be_kept_is_not_acknowledged() {
    let mut all = Processes::start().await;
    let run = all.request().await;
    all.move_channel().await;
    all.values.is_full.store(true, Ordering::Relaxed);
    assert_eq!(all.tell_of_move().await, StatusCode::SERVICE_UNAVAILABLE);
    all.values.is_full.store(false, Ordering::Relaxed);
    assert_eq!(all.tell_of_move().await, StatusCode::OK);
    all.restart().await;
    all.submit(Submission::deny(run, "ben@example.com")).await;
    assert!(status(all.card().raw()).starts_with("Denied by <@U0BEN>"));
}

/// Slack repeats an event for some minutes only. A channel of which the app heard nothing is found by its name, once something was posted.
#[tokio::test]
async fn a_moved_channel_that_nobody_told_of_is_found_by_its_name() {
    let mut all = Processes::start().await;
    let first = all.request().await;
    all.move_channel().await;
    all.restart().await;
    let second = all.request().await;
    all.submit(Submission::deny(first, "ben@example.com")).await;
    let cards = all.world.in_channel("C0NEWID");
    assert_eq!(cards.len(), 2);
    assert!(status(cards[0].raw()).starts_with("Denied by <@U0BEN>"), "{cards:?}");
    assert!(status(cards[1].raw()).starts_with("Waiting for a decision."), "{cards:?}");
    // That is known from now on, too.
    all.restart().await;
    all.submit(Submission::deny(second, "ben@example.com")).await;
    assert!(all.world.in_channel("C0NEWID").iter().all(|card| status(card.raw()).starts_with("Denied by <@U0BEN>")));
}

/// If nothing at all is known, an open request appears where its name leads now.
#[tokio::test]
async fn an_open_request_in_a_channel_that_is_not_found_appears_again() {
    let mut all = Processes::start().await;
    let run = all.request().await;
    let former = all.world.only_in_channel("CACCESS");
    all.move_channel().await;
    all.restart().await;
    all.world.harness.simulation().clock().advance(Duration::from_secs(60 * 60));
    all.submit(Submission::remind(run, "ana@example.com")).await;
    let cards = all.world.in_channel("C0NEWID");
    assert_eq!((cards.len(), cards[0].ts()), (2, former.ts()), "{cards:?}");
    let mut click = all.world.clicked("U0BEN", "approve", run);
    click["container"] = json!({ "channel_id": "C0NEWID", "message_ts": cards[1].ts() });
    assert_eq!(all.world.interact(&click).await.status, StatusCode::OK);
    all.runtime.run_until_idle().await.unwrap();
    assert!(status(all.world.in_channel("C0NEWID")[1].raw()).starts_with("Approved by <@U0BEN>"));
}

/// A channel that is renamed keeps its id, by which it is found after a restart.
#[tokio::test]
async fn a_renamed_channel_is_found_after_a_restart() {
    let mut all = Processes::start().await;
    all.request().await;
    all.world.fake.rename_channel("CACCESS", "requests").await.unwrap_err();
    all.restart().await;
    // The fake creates channels that are named for the first time.
    all.world.fake.refuse("chat.postMessage", "channel_not_found");
    all.request().await;
    assert_eq!(all.world.in_channel("CACCESS").len(), 2);
}
