//! Forms that survive a restart of the process that showed them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::config::{Config, PromptField};
use sym_sdk::engine::MemoryStore;
use sym_sdk::forms::{FieldOption, PromptForm};
use sym_sdk::handler::Registry;
use sym_sdk::machine::{EffectKind, RunState};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::testing::HarnessBuilder;
use tokio::sync::Semaphore;

use super::views::{admins, change, element, prefetched, run_of, suggestion};
use super::{SIGNING_SECRET, World, builder, field, get_permissions, get_request_notifications, option, reason, text};
use crate::GRACE;

/// A workspace, and consecutive processes on the same store.
struct Processes {
    world: World,
    store: Arc<MemoryStore>,
    runtime: Runtime,
}

impl Processes {
    async fn start(fields: Vec<PromptField>, handlers: Registry) -> Self {
        let world =
            World::new(builder(Vec::new()).handlers(sym_sdk::handlers![get_permissions, get_request_notifications]))
                .await;
        let runtime = world.harness.runtime().clone();
        let mut processes = Self { world, store: Arc::default(), runtime };
        processes.restart(fields, handlers).await;
        processes
    }

    /// Starts a new process. The previous one and everything in its memory is gone.
    async fn restart(&mut self, fields: Vec<PromptField>, handlers: Registry) {
        self.restart_with(configuration(builder(fields)), handlers).await;
    }

    async fn restart_with(&mut self, config: Config, handlers: Registry) {
        let before = &self.runtime;
        let slack = self.world.fake.client().directory(before.directory().clone()).build().unwrap();
        let app = SlackApp::new(slack, SigningSecret::new(SIGNING_SECRET.into()).unwrap());
        let builder = Runtime::builder(config).registry(handlers).delivery(app.clone()).simulated();
        let builder = builder.directory(before.directory().clone()).clock(before.clock().clone());
        let runtime = builder.store(self.store.clone()).build().await.unwrap();
        self.world.router = app.router(runtime.clone());
        (self.world.app, self.runtime) = (app, runtime);
    }

    /// Runs everything that is due now.
    async fn work(&self) {
        self.runtime.run_until_idle().await.unwrap();
    }

    /// Opens the form of `prod` and returns its view.
    async fn open(&self) -> Value {
        let updates = self.world.fake.calls("views.update").len();
        self.world.command("U0ANA", "req prod").await;
        self.shown(updates + 1).await
    }

    /// Waits for this number of view updates, and returns the last view.
    async fn shown(&self, updates: usize) -> Value {
        let work = async {
            while self.world.fake.calls("views.update").len() < updates {
                tokio::task::yield_now().await;
                self.work().await;
            }
            // The response to the update has been processed by then.
            self.work().await;
        };
        tokio::time::timeout(GRACE, work).await.expect("the view is updated");
        self.world.fake.view()
    }

    async fn suggest(&self, account: &str, view: &Value, block: &str, typed: &str) -> Value {
        let answer = self.world.interact(&suggestion(account, view, block, typed)).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body["options"].clone()
    }

    async fn submit(&self, view: &Value, values: Value) -> Value {
        self.world.submit("U0ANA", view, values).await.body
    }

    async fn state(&self, view: &Value) -> Arc<RunState> {
        self.runtime.run(run_of(view)).await.unwrap().state
    }
}

pub(super) fn configuration(builder: HarnessBuilder) -> Config {
    let mut seen = Config::default();
    drop(builder.declare(|config| seen = config.clone()));
    seen
}

/// Returns a value that is too long for Slack.
fn long(number: usize) -> String {
    format!("{}{number}", "👩‍👩‍👧‍👦".repeat(7))
}

static ROWS_ASKED: AtomicUsize = AtomicUsize::new(0);
static REVERSED: AtomicBool = AtomicBool::new(false);

#[prefetch(field = "rows")]
async fn rows() -> Result<Vec<FieldOption>> {
    ROWS_ASKED.fetch_add(1, Ordering::Relaxed);
    tokio::task::yield_now().await;
    let mut rows: Vec<_> = (0..200).map(|n| FieldOption::new(long(n), format!("Row {n}"))).collect::<Result<_>>()?;
    if REVERSED.load(Ordering::Relaxed) {
        rows.reverse();
    }
    Ok(rows)
}

#[tokio::test]
async fn options_are_fetched_again_once_and_keep_their_meaning() {
    let fields = || vec![prefetched("rows")];
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications, rows];
    let mut all = Processes::start(fields(), handlers()).await;
    let view = all.open().await;
    let seventeen = all.suggest("U0ANA", &view, "rows:0", "row 17").await[0]["value"].as_str().unwrap().to_owned();
    assert!(seventeen.starts_with('#'), "{seventeen}");
    assert_eq!(ROWS_ASKED.load(Ordering::Relaxed), 1);

    // The options are in another order.
    REVERSED.store(true, Ordering::Relaxed);
    all.restart(fields(), handlers()).await;
    assert_eq!(all.suggest("U0BEN", &view, "rows:0", "row 17").await, json!([]));
    let both =
        tokio::join!(all.suggest("U0ANA", &view, "rows:0", "row 17"), all.suggest("U0ANA", &view, "rows:0", "row 17"),);
    assert_eq!(both.0, both.1);
    assert_eq!(both.0[0]["value"], seventeen.as_str());
    assert_eq!(ROWS_ASKED.load(Ordering::Relaxed), 2, "once for all");
    assert_eq!(all.suggest("U0BEN", &view, "rows:0", "row 17").await, json!([]));

    let values = json!({ "target_id:0": admins(&view), "rows:0": option(&seventeen), "duration:0": option("3600") });
    assert_eq!(all.submit(&view, values).await, Value::Null);
    all.work().await;
    let state = all.state(&view).await;
    assert_eq!(state.request.as_ref().unwrap().fields.text("rows").unwrap(), long(17));
}

#[on_change]
fn on_change_severity(form: &mut PromptForm) -> Result<()> {
    let severe = form.field("severity")?.is("Severe");
    form.field_mut("incident")?.visible = severe;
    form.field_mut("queue")?.value = severe.then(|| "pager".into());
    if severe {
        form.field_mut("note")?.value = Some("filled in by code".into());
    }
    Ok(())
}

fn severity() -> Vec<PromptField> {
    let severity = PromptField {
        allowed_values: Some(vec!["Normal".into(), "Severe".into()]),
        on_change: true,
        ..field("severity", "string")
    };
    let incident = PromptField { visible: false, required: false, ..field("incident", "string") };
    let queue = PromptField { visible: false, required: false, ..field("queue", "string") };
    vec![severity, incident, queue, field("note", "string"), reason()]
}

#[tokio::test]
async fn a_change_after_a_restart_starts_from_the_view() {
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications, on_change_severity];
    let mut all = Processes::start(severity(), handlers()).await;
    let view = all.open().await;
    let values = json!({ "severity:0": option("Severe"), "reason:0": text("typed"), "note:0": text("mine") });
    all.world.interact(&change(&view, &values, "severity:0")).await;
    let severe = all.shown(2).await;
    assert_eq!(element(&severe, "note:1")["initial_value"], "filled in by code");

    // Submitted after a restart: values set in hidden fields are included, and typed values are kept.
    all.restart(severity(), handlers()).await;
    let values = json!({
        "target_id:0": admins(&severe), "duration:0": option("3600"), "severity:0": option("Severe"),
        "incident:0": text("42"), "note:1": text("mine after all"), "reason:0": text("typed later"),
    });
    assert_eq!(all.submit(&severe, values.clone()).await, Value::Null);
    all.work().await;
    let state = all.state(&severe).await;
    let fields = &state.request.as_ref().unwrap().fields;
    let sent = ["queue", "incident", "note", "reason"].map(|name| fields.text(name).unwrap().to_owned());
    assert_eq!(sent, ["pager", "42", "mine after all", "typed later"]);

    // Changed after a restart: the update continues from what the view shows.
    let mut all = Processes::start(severity(), handlers()).await;
    let view = all.open().await;
    let before = json!({ "severity:0": option("Severe"), "note:0": text("mine") });
    all.world.interact(&change(&view, &before, "severity:0")).await;
    let severe = all.shown(2).await;
    all.restart(severity(), handlers()).await;
    let values = json!({ "severity:0": option("Severe"), "note:1": text("mine after all"), "reason:0": text("typed") });
    all.world.interact(&change(&severe, &values, "severity:0")).await;
    all.world.fake.called("views.update", 3).await;
    let view = all.world.fake.view();
    assert_eq!(element(&view, "note:2")["initial_value"], "filled in by code");
    assert_eq!(element(&view, "reason:0")["initial_value"], "typed");
    assert_eq!(element(&view, "incident:0")["type"], "plain_text_input");
}

/// Requests the form of `prod`, and stops the process before the form is shown.
async fn ask(all: &Processes) -> (Value, RunId) {
    all.world.command("U0ANA", "req prod").await;
    loop {
        tokio::task::yield_now().await;
        let runs = all.runtime.runs(Default::default(), 10).await.unwrap();
        let asked =
            runs.iter().find(|run| run.state.pending.values().any(|pending| pending.kind == EffectKind::OpenForm));
        if let Some(asked) = asked {
            return (all.world.fake.view(), asked.state.run.id());
        }
    }
}

#[tokio::test]
async fn a_form_in_preparation_is_shown_after_a_restart() {
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut all = Processes::start(vec![reason()], handlers()).await;
    let (loading, run) = ask(&all).await;
    all.restart(vec![reason()], handlers()).await;
    all.work().await;
    let view = all.world.fake.view();
    assert_eq!((&view["id"], run_of(&view)), (&loading["id"], run));
    let values = json!({ "target_id:0": admins(&view), "reason:0": text("x"), "duration:0": option("3600") });
    assert_eq!(all.submit(&view, values).await, Value::Null);

    // Newer content of the view stays.
    let mut all = Processes::start(vec![reason()], handlers()).await;
    let (loading, _) = ask(&all).await;
    let other =
        json!({ "type": "modal", "title": { "type": "plain_text", "text": "Other" }, "blocks": loading["blocks"] });
    let slack = all.world.fake.client().build().unwrap();
    slack.api().update_view(loading["id"].as_str().unwrap(), other).await.unwrap();
    all.restart(vec![reason()], handlers()).await;
    all.work().await;
    assert_eq!(all.world.fake.view()["title"]["text"], "Other");
}

#[prefetch(field = "lost")]
fn lost() -> Result<Vec<FieldOption>> {
    Err(Error::handler("the list is s3cret"))
}

#[tokio::test]
async fn a_failure_is_shown_in_the_view_after_a_restart() {
    let fields = || vec![prefetched("lost")];
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications, lost];
    let mut all = Processes::start(fields(), handlers()).await;
    let (loading, run) = ask(&all).await;
    all.restart(fields(), handlers()).await;
    all.work().await;
    let view = all.world.fake.view();
    assert_eq!((&view["id"], run_of(&view)), (&loading["id"], run));
    assert!(view["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("The form of "), "{view}");
    assert_eq!(view["blocks"][1]["elements"][0]["action_id"], "retry");
    assert!(all.world.fake.calls("chat.postMessage").is_empty());
}

static SLOW: Semaphore = Semaphore::const_new(1);

#[prefetch(field = "slow")]
async fn slow() -> Result<Vec<FieldOption>> {
    SLOW.acquire().await.unwrap().forget();
    Ok(vec![FieldOption::new("one", "One")?])
}

#[tokio::test]
async fn slow_options_are_available_for_the_next_keystroke() {
    let fields = || vec![prefetched("slow")];
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications, slow];
    let mut all = Processes::start(fields(), handlers()).await;
    let view = all.open().await;
    all.restart(fields(), handlers()).await;
    let (router, typing) =
        (all.world.router.clone(), all.world.signed("/options", &suggestion("U0ANA", &view, "slow:0", "o")));
    let typing = tokio::spawn(async move { tower::ServiceExt::oneshot(router, typing).await.unwrap() });
    let clock = all.world.harness.simulation().clock().clone();
    while clock.next_sleeper().is_none() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(2_600));
    let body = axum::body::to_bytes(typing.await.unwrap().into_body(), 1 << 20).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "options": [] }));

    SLOW.add_permits(1);
    let found = all.suggest("U0ANA", &view, "slow:0", "o").await;
    assert_eq!(found[0]["value"], "one");
    assert_eq!(SLOW.available_permits(), 0, "asked once");
}

#[tokio::test]
async fn a_closed_form_has_no_options_and_cannot_be_submitted() {
    let fields = || vec![prefetched("rows_of_old")];
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications, rows_of_old];
    let mut all = Processes::start(fields(), handlers()).await;
    let view = all.open().await;
    all.restart(fields(), handlers()).await;
    let values = json!({ "target_id:0": admins(&view), "rows_of_old:0": option("one"), "duration:0": option("3600") });
    let payload = all.world.submission("U0ANA", &view, values.clone());
    assert_eq!(all.world.interact(&payload).await.body, Value::Null);
    // Slack redelivers the submission to a process that does not have the form in memory.
    all.restart(fields(), handlers()).await;
    assert_eq!(all.world.interact(&payload).await.body, Value::Null);
    all.work().await;
    assert_eq!(all.runtime.runs(Default::default(), 10).await.unwrap().len(), 1);

    const FORM_CLOSED: &str = "This form was already submitted, or is no longer open. Start a new request.";
    let expect_over = async |all: &Processes, view: &Value| {
        assert_eq!(all.suggest("U0ANA", view, "rows_of_old:0", "").await, json!([]));
        let answer = all.submit(view, values.clone()).await;
        assert_eq!(answer["errors"]["target_id:0"], FORM_CLOSED);
        let changed = all.world.interact(&change(view, &values, "rows_of_old:0")).await;
        assert_eq!((changed.status, changed.body), (StatusCode::OK, Value::Null));
    };
    expect_over(&all, &view).await;
    all.runtime.submit(Submission::deny(run_of(&view), "ana@example.com")).await.unwrap();
    all.work().await;
    expect_over(&all, &view).await;
    all.world.harness.simulation().clock().advance(Duration::from_secs(1_000));
    assert_eq!(all.runtime.prune(Duration::ZERO).await.unwrap(), 1);
    expect_over(&all, &view).await;
    let mut unknown = view.clone();
    unknown["private_metadata"] = json!("00000000-0000-4000-8000-000000000001");
    expect_over(&all, &unknown).await;
}

#[prefetch(field = "rows_of_old")]
fn rows_of_old() -> Result<Vec<FieldOption>> {
    Ok(vec![FieldOption::new("one", "One")?])
}

#[tokio::test]
async fn reports_a_flow_that_was_changed_or_removed() {
    let handlers = || sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut all = Processes::start(vec![reason()], handlers()).await;
    let view = all.open().await;
    // `reason` was renamed to `why`, and `ticket` was added.
    all.restart(vec![field("why", "string"), field("ticket", "string")], handlers()).await;
    let values = json!({ "target_id:0": admins(&view), "reason:0": text("x"), "duration:0": option("3600") });
    let answer = all.submit(&view, values.clone()).await;
    let errors = answer["errors"].as_object().unwrap();
    let all_at_once = errors["target_id:0"].as_str().unwrap();
    for fault in ["no field `reason`", "needs field `why`", "needs field `ticket`"] {
        assert!(all_at_once.contains(fault), "{all_at_once}");
    }
    assert_eq!(errors.len(), 1, "Slack takes errors at blocks of the view only: {errors:?}");

    // A removed field that was left empty is not an error.
    all.restart(Vec::new(), handlers()).await;
    let empty = json!({
        "target_id:0": admins(&view), "reason:0": { "value": { "type": "plain_text_input", "value": null } }, "duration:0": option("3600"),
    });
    assert_eq!(all.submit(&view, empty).await, Value::Null);

    let mut all = Processes::start(vec![reason()], handlers()).await;
    let view = all.open().await;
    let mut config = configuration(builder(Vec::new()).approval_flow("docs"));
    config.flows.remove(0);
    all.restart_with(config, handlers()).await;
    let answer = all.submit(&view, values).await;
    assert!(answer["errors"]["target_id:0"].as_str().unwrap().contains("`prod`"), "{answer}");
    assert_eq!(all.suggest("U0ANA", &view, "reason:0", "").await, json!([]));
    assert!(all.state(&view).await.request.is_none());
}
