//! Secrets in the outputs of steps: the hook of the step reads them, and nothing else does.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::model::{RunId, SecretOutput};
use sym_sdk::prelude::*;
use sym_sdk::strategy::GrantResult;
use sym_sdk::testing::Harness;

use super::{HOUR, plain, with_alerts};

const PASSWORD: &str = "correct-horse-battery";

/// The output of a strategy.
#[derive(Serialize)]
struct Role {
    name: &'static str,
    password: SecretOutput,
}

fn role() -> StepOutput {
    StepOutput::new(Role { name: "tmp_ana", password: SecretOutput::new(PASSWORD) }).unwrap()
}

mod reading {
    use sym_sdk::integration::Outbox;
    use sym_sdk::prelude::*;

    use super::{ExposeSecret, SecretString};

    #[derive(Debug, Deserialize)]
    pub(super) struct Login {
        name: String,
        password: SecretString,
    }

    #[hook]
    pub(super) fn after_escalate(login: StepOutput<Login>, outbox: State<Outbox>) {
        outbox.record("dm", "ana", format!("{} / {}", login.name, login.password.expose_secret()));
        outbox.record("debug", "ana", format!("{login:?} {:?}", login.0));
    }

    #[hook]
    pub(super) fn on_deescalate(event: &Event, outbox: State<Outbox>) {
        outbox.record("later", "", format!("{}", event.step_output(Step::Escalate).unwrap().0));
        outbox.record("debug", "", format!("{event:?}"));
    }
}

mod careless {
    use sym_sdk::prelude::*;

    #[derive(Deserialize)]
    pub(super) struct Login {
        #[serde(rename = "password")]
        _password: u32,
    }

    #[hook]
    pub(super) fn after_escalate(_login: StepOutput<Login>) {}
}

mod generated {
    use sym_sdk::integration::Outbox;
    use sym_sdk::prelude::*;

    use super::{ExposeSecret, SecretString};

    #[hook]
    pub(super) fn after_escalate(token: StepOutput<SecretString>, outbox: State<Outbox>) {
        outbox.record("dm", "ana", token.expose_secret());
    }
}

async fn granted(harness: &mut Harness) -> RunId {
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

async fn harness(hooks: sym_sdk::handler::Registry, output: StepOutput) -> Harness {
    let outbox = sym_sdk::integration::Outbox::new();
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).handlers(plain().merge(hooks));
    let harness = builder.state(outbox.clone()).outbox(outbox).build().await.unwrap();
    harness.strategy("test").unwrap().set_output(output);
    harness
}

/// Everything of a Run that is stored, shown or sent.
async fn traces(harness: &Harness, run: RunId) -> String {
    let state = harness.run(run).await.unwrap();
    let lines = sym_sdk::audit::lines(&**harness.runtime().engine(), 0, usize::MAX).await.unwrap();
    let lines: Vec<_> = lines.iter().map(|line| line.as_str().to_owned()).collect();
    let alerts = harness.delivery().alerts();
    format!(
        "{} {state:?} {lines:?} {alerts:?} {:?}",
        serde_json::to_string(&*state).unwrap(),
        harness.delivery().messages()
    )
}

/// Low findings of the safety review: step outputs may hold credentials.
#[tokio::test]
async fn the_hook_of_the_step_reads_a_secret_that_nothing_else_has() {
    let mut harness = harness(handlers![reading::after_escalate, reading::on_deescalate], role()).await;
    let run = granted(&mut harness).await;
    let sent = harness.outbox().sent();
    assert_eq!(sent[0].text, format!("tmp_ana / {PASSWORD}"));
    assert!(!sent[1].text.contains(PASSWORD), "{}", sent[1].text);
    assert!(!traces(&harness, run).await.contains(PASSWORD));

    harness.advance(HOUR).await.unwrap();
    let sent = harness.outbox().sent();
    let later = sent.iter().find(|sent| sent.service == "later").unwrap();
    assert!(later.text.contains("tmp_ana"), "{}", later.text);
    let copies = sent.iter().filter(|sent| sent.service != "dm");
    assert!(copies.clone().all(|sent| !sent.text.contains(PASSWORD)), "{:?}", copies.collect::<Vec<_>>());
    assert!(!traces(&harness, run).await.contains(PASSWORD));
}

#[tokio::test]
async fn an_output_can_be_secret_as_a_whole() {
    let mut harness = harness(handlers![generated::after_escalate], StepOutput::secret(PASSWORD)).await;
    let run = granted(&mut harness).await;
    assert_eq!(harness.outbox().sent()[0].text, PASSWORD);
    assert!(!traces(&harness, run).await.contains(PASSWORD));
}

/// A function behind a strategy has no types of this crate.
#[tokio::test]
async fn a_function_marks_what_is_secret_in_its_json() {
    let output = StepOutput(
        json!({ "name": "tmp_ana", "password": { "sym:secret": PASSWORD }, "all": [{ "sym:secret": PASSWORD }] }),
    );
    let mut harness = harness(handlers![reading::after_escalate], output).await;
    let run = granted(&mut harness).await;
    assert_eq!(harness.outbox().sent()[0].text, format!("tmp_ana / {PASSWORD}"));
    assert!(!traces(&harness, run).await.contains(PASSWORD));
}

#[tokio::test]
async fn a_secret_that_no_hook_reads_is_not_kept() {
    let mut harness = harness(handlers![], role()).await;
    let run = granted(&mut harness).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert!(!traces(&harness, run).await.contains(PASSWORD));
}

/// The hook of the step is not called when access is granted again.
#[tokio::test]
async fn a_secret_of_a_repeated_grant_is_not_kept() {
    let mut harness = harness(handlers![reading::after_escalate], role()).await;
    let run = granted(&mut harness).await;
    let target = harness.runtime().flow("prod").unwrap().strategy().unwrap().targets()[0].clone();
    harness.strategy("test").unwrap().revoke_externally(&target, "ana@example.com");
    let again = sym_sdk::runtime::Reconcile::new().regrant_missing();
    harness.runtime().reconcile(again).await.unwrap();
    harness.advance(std::time::Duration::from_secs(60)).await.unwrap();
    assert_eq!(harness.granted().len(), 1);
    let state = harness.run(run).await.unwrap();
    assert!(!serde_json::to_string(&*state).unwrap().contains("sym:in-memory"), "{state:?}");
    assert_eq!(harness.outbox().sent().iter().filter(|sent| sent.service == "dm").count(), 1);
}

/// The message of a JSON parser quotes what it did not expect.
#[tokio::test]
async fn a_hook_that_expects_something_else_does_not_disclose_the_secret() {
    let mut harness = harness(handlers![careless::after_escalate], role()).await;
    let run = granted(&mut harness).await;
    let traces = traces(&harness, run).await;
    assert!(traces.contains("the output of step `escalate` cannot be deserialized"), "{traces}");
    assert!(!traces.contains(PASSWORD));
}

#[test]
fn results_of_strategies_do_not_show_their_outputs() {
    let granted = GrantResult::granted().with_output(role());
    let shown = format!("{granted:?} {:?} {:?}", role(), SecretOutput::new(PASSWORD));
    assert!(!shown.contains(PASSWORD), "{shown}");
}

/// Without a runtime, as in the test of a handler.
#[test]
fn a_handler_in_a_test_reads_marked_secrets() {
    let flow = Flow::builder(Slug::parse("prod").unwrap(), "acme").build();
    let event = Event::builder(flow, Step::Escalate, User::system()).step_output(Step::Escalate, role().0).build();
    let context = Context::builder().event(event).build();
    let login = StepOutput::<std::collections::BTreeMap<String, SecretString>>::from_context(&context).unwrap();
    assert_eq!(login["password"].expose_secret(), PASSWORD);
    assert_eq!(codes::OUTPUT_SECRET_UNAVAILABLE.to_string(), "SymSDK:OUTPUT_SECRET_UNAVAILABLE");
}
