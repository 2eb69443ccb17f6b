//! Under which id the requester gets access: the directory's, the reducer's, the service's, in this order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use expect_test::expect;
use sym_sdk::error::codes;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::model::{RunId, UserIdentity};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Actor, Submission};
use sym_sdk::testing::Harness;

use super::{HOUR, plain};

/// The reducers' answers, by e-mail address, and the recorded queries.
#[derive(Default)]
struct Answers {
    identity: BTreeMap<&'static str, &'static str>,
    lookup: BTreeMap<&'static str, &'static str>,
    asked: Mutex<Vec<String>>,
}

impl Answers {
    fn identity(email: &'static str, id: &'static str) -> Self {
        Self { identity: [(email, id)].into(), ..Self::default() }
    }

    fn lookup(email: &'static str, known_as: &'static str) -> Self {
        Self { lookup: [(email, known_as)].into(), ..Self::default() }
    }

    fn note(&self, reducer: &str, query: &IdentityQuery) {
        let asked = format!("{reducer} {} {} {}", query.service(), query.external_id(), query.user().username());
        self.asked.lock().unwrap().push(asked);
    }
}

#[reducer]
fn get_identity(query: &IdentityQuery, answers: State<Arc<Answers>>) -> Option<String> {
    answers.note("get_identity", query);
    answers.identity.get(query.user().username()).map(|id| (*id).to_owned())
}

#[reducer]
fn get_identity_lookup(query: &IdentityQuery, answers: State<Arc<Answers>>) -> Option<String> {
    answers.note("get_identity_lookup", query);
    answers.lookup.get(query.user().username()).map(|email| (*email).to_owned())
}

struct World {
    harness: Harness,
    answers: Arc<Answers>,
}

impl World {
    async fn new(handlers: Registry, answers: Answers) -> Self {
        let answers = Arc::new(answers);
        let known = UserIdentity::new("test", "test", "id-of-the-directory");
        let dora = User::from_email("dora@example.com").unwrap();
        let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers);
        let builder = builder.state(answers.clone()).user(dora.with_identity(known));
        Self { harness: builder.build().await.unwrap(), answers }
    }

    async fn get_access(&mut self, email: &str) -> RunId {
        let run = self.harness.request("prod").by(email).duration("1h").await.unwrap();
        self.harness.approve_as(run, "ben@example.com").await.unwrap();
        run
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.answers.asked.lock().unwrap())
    }

    /// Returns the identity that the directory has now.
    async fn known(&self, email: &str) -> Option<String> {
        let user = self.harness.runtime().directory().user_by_email(email).await.unwrap().unwrap();
        user.identity("test", Some("test")).map(|identity| identity.user_id().to_owned())
    }
}

fn reducers() -> Registry {
    plain().merge(handlers![get_identity, get_identity_lookup])
}

#[tokio::test]
async fn the_directory_comes_first() {
    let mut world = World::new(reducers(), Answers::identity("dora@example.com", "id-of-the-reducer")).await;
    world.get_access("dora@example.com").await;
    assert_eq!(world.harness.granted(), ["admins: id-of-the-directory"]);
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn then_the_reducer_whose_answer_is_kept() {
    let mut world = World::new(reducers(), Answers::identity("ana@example.com", "id-of-the-reducer")).await;
    let run = world.get_access("ana@example.com").await;
    assert_eq!(world.harness.granted(), ["admins: id-of-the-reducer"]);
    assert_eq!(world.asked(), ["get_identity test test ana@example.com"]);
    assert_eq!(world.known("ana@example.com").await.as_deref(), Some("id-of-the-reducer"));
    let golden = world.harness.golden(run);
    assert!(golden.contains("get_identity (sym-sdk/tests/it/runtime/identity.rs) returned"), "{golden}");

    world.get_access("ana@example.com").await;
    assert!(world.asked().is_empty(), "the directory knows it now");
}

#[tokio::test]
async fn then_the_service_under_the_address_that_a_reducer_gives() {
    let mut world = World::new(reducers(), Answers::lookup("ana@example.com", "anastasia@example.com")).await;
    let strategy = world.harness.strategy("test").unwrap().clone();
    strategy.set_unknown("ana@example.com");
    strategy.set_identity("anastasia@example.com", "id-of-the-service");
    world.get_access("ana@example.com").await;
    assert_eq!(world.harness.granted(), ["admins: id-of-the-service"]);
    assert_eq!(
        world.asked(),
        ["get_identity test test ana@example.com", "get_identity_lookup test test ana@example.com"]
    );
    assert_eq!(world.known("ana@example.com").await.as_deref(), Some("id-of-the-service"));
}

#[tokio::test]
async fn then_the_service_under_the_persons_own_address() {
    for handlers in [plain(), reducers()] {
        let mut world = World::new(handlers, Answers::default()).await;
        world.harness.strategy("test").unwrap().set_identity("ana@example.com", "id-of-the-service");
        world.get_access("ana@example.com").await;
        assert_eq!(world.harness.granted(), ["admins: id-of-the-service"]);
        assert_eq!(world.known("ana@example.com").await.as_deref(), Some("id-of-the-service"));
    }
}

/// E-mail addresses are used again: an account that is known to be somebody else's is not given access for the address alone.
#[tokio::test]
async fn nor_whose_account_is_known_to_be_anothers() {
    let mut world = World::new(plain(), Answers::default()).await;
    let directory = world.harness.runtime().directory().clone();
    directory.persist_user_identity("ben@example.com", "test", "test", "id-of-the-service").await.unwrap();
    world.harness.strategy("test").unwrap().set_identity("ana@example.com", "id-of-the-service");
    let run = world.get_access("ana@example.com").await;
    world.harness.run_to_end().await.unwrap();
    let state = world.harness.run(run).await.unwrap();
    let error = state.error.as_ref().unwrap();
    assert_eq!((state.run.status(), &error.code), (RunStatus::Errored, &codes::IDENTITY_COULD_NOT_SAVE));
    expect!["the account that test `test` has for ana@example.com is known to be that of ben@example.com"]
        .assert_eq(&error.message);
    assert!(world.harness.strategy("test").unwrap().calls().is_empty());
    assert_eq!(world.known("ana@example.com").await, None);
}

/// The simulation found this: somebody who was deleted would get access to their account again under another address of theirs.
#[tokio::test]
async fn nor_whose_account_was_that_of_a_deleted_user() {
    let mut world = World::new(plain(), Answers::default()).await;
    let directory = world.harness.runtime().directory().clone();
    directory.persist_user_identity("ben@example.com", "test", "test", "id-of-the-service").await.unwrap();
    let ben = directory.user_by_email("ben@example.com").await.unwrap().unwrap();
    world.harness.strategy("test").unwrap().set_identity("ana@example.com", "id-of-the-service");
    let run = world.harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    directory.delete_user(ben.id()).await.unwrap();
    world.harness.approve_as(run, "dora@example.com").await.unwrap();
    world.harness.run_to_end().await.unwrap();
    let state = world.harness.run(run).await.unwrap();
    let error = state.error.as_ref().unwrap();
    assert_eq!((state.run.status(), &error.code), (RunStatus::Errored, &codes::IDENTITY_COULD_NOT_SAVE));
    expect!["the account that test `test` has for ana@example.com was that of a deleted user"]
        .assert_eq(&error.message);
    assert!(world.harness.strategy("test").unwrap().calls().is_empty());
    assert_eq!(world.known("ana@example.com").await, None);
}

#[tokio::test]
async fn and_nobody_is_granted_anything_whom_the_service_does_not_know() {
    let mut world = World::new(reducers(), Answers::default()).await;
    world.harness.strategy("test").unwrap().set_unknown("ana@example.com");
    let run = world.get_access("ana@example.com").await;
    world.harness.run_to_end().await.unwrap();
    let state = world.harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    let error = state.error.as_ref().unwrap();
    assert_eq!(error.code, codes::IDENTITY_NOT_FOUND);
    expect![[r#"
        ana@example.com is not known to test `test`, where access to `admins` is granted
        store the identity with `Directory::persist_user_identity`, or write a `get_identity` reducer for test"#]]
    .assert_eq(&format!("{}\n{}", error.message, error.hint.as_deref().unwrap_or_default()));
    assert!(world.harness.strategy("test").unwrap().calls().is_empty());
    assert_eq!(world.known("ana@example.com").await, None);
}

mod failing {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_identity() -> Result<Option<String>> {
        Err(Error::handler("the phone book is gone"))
    }
}

#[tokio::test]
async fn a_reducer_that_fails_fails_the_run_and_is_named() {
    let mut world = World::new(plain().merge(handlers![failing::get_identity]), Answers::default()).await;
    let run = world.get_access("ana@example.com").await;
    let state = world.harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    let message = &state.error.as_ref().unwrap().message;
    assert!(message.starts_with("get_identity (sym-sdk/tests/it/runtime/identity.rs:"), "{message}");
    assert!(message.ends_with("failed: the phone book is gone"), "{message}");
    assert!(world.harness.strategy("test").unwrap().calls().is_empty());
}

/// Access is taken away from the id that got it, whatever the directory says by then.
#[tokio::test]
async fn the_id_that_got_access_loses_it() {
    let mut world = World::new(plain(), Answers::default()).await;
    world.get_access("ana@example.com").await;
    let directory = world.harness.runtime().directory().clone();
    directory.persist_user_identity("ana@example.com", "test", "test", "another-id").await.unwrap();
    world.harness.advance(HOUR).await.unwrap();
    assert!(world.harness.granted().is_empty());
    world.get_access("ana@example.com").await;
    assert_eq!(world.harness.granted(), ["admins: another-id"]);
}

/// A front end that resolves the actor of a click saves the submission a second look-up, and no more than that: roles are those of
/// the moment.
#[tokio::test]
async fn a_resolved_actor_is_read_again_a_second_later() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    let runtime = harness.runtime().clone();
    let directory = runtime.directory();
    let cyd = User::from_email("cyd@example.com").unwrap();
    let cyd = directory.put_user(cyd.with_role(UserRole::Member)).await.unwrap();
    directory.put_identity(cyd.id(), UserIdentity::new("slack", "T1", "U1")).await.unwrap();
    let resolve = || runtime.actor_by_identity("slack", "T1", "U1");

    assert_eq!(runtime.actor_by_identity("slack", "T1", "U2").await.unwrap(), None);
    let actor = resolve().await.unwrap().unwrap();
    let Actor::Resolved(resolved) = &actor else { panic!("{actor:?}") };
    assert_eq!((resolved.user().username(), resolved.user().role()), ("cyd@example.com", UserRole::Member));

    directory.set_role(cyd.id(), UserRole::Guest).await.unwrap();
    harness.advance(Duration::from_millis(1_001)).await.unwrap();
    let error = runtime.submit(Submission::approve(run, actor.clone())).await.unwrap_err();
    assert_eq!(error.code(), &codes::NOT_PERMITTED);
    directory.delete_user(cyd.id()).await.unwrap();
    let error = runtime.submit(Submission::approve(run, actor)).await.unwrap_err();
    assert_eq!(error.code(), &codes::UNKNOWN_USER);
    assert_eq!(resolve().await.unwrap(), None);
}
