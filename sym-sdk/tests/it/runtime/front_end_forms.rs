//! Forms for front ends: without a Run, options while somebody types, open forms, settling and sending them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::poll;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::audit::AuditKind;
use sym_sdk::config;
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::forms::{FieldOption, FieldSpec, FieldType, PromptForm};
use sym_sdk::model::{ChannelType, RunId, Source};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FieldError, FormSnapshot, OpenForm, OpenForms, Runtime, Settling};
use sym_sdk::testing::Harness;

use super::{get_permissions, get_request_notifications};

#[derive(Default)]
struct Calls {
    prefetch: AtomicUsize,
    on_change: AtomicUsize,
    prefetch_fails: AtomicBool,
    on_change_fails: AtomicBool,
}

#[prefetch(field = "database")]
fn databases(event: &Event, calls: State<Arc<Calls>>) -> Result<Vec<FieldOption>> {
    calls.prefetch.fetch_add(1, Ordering::Relaxed);
    if calls.prefetch_fails.load(Ordering::Relaxed) {
        return Err(Error::handler("no route to 10.0.0.7"));
    }
    let mine = format!("db of {}", event.user().username());
    Ok(vec![FieldOption::try_from("eu-main")?, FieldOption::try_from("us-main")?, FieldOption::try_from(mine)?])
}

/// Shows the incident, and sets a value that people do not see.
#[on_change(field = "urgency")]
fn on_change_urgency(form: &mut PromptForm, calls: State<Arc<Calls>>) -> Result<()> {
    calls.on_change.fetch_add(1, Ordering::Relaxed);
    if calls.on_change_fails.load(Ordering::Relaxed) {
        return Err(Error::handler("nobody is on call"));
    }
    let is_high = form.field("urgency")?.is("high");
    form.field_mut("incident")?.visible = is_high;
    form.field_mut("page")?.value = Some(if is_high { "yes" } else { "no" }.into());
    Ok(())
}

fn field(name: &str) -> config::PromptField {
    config::PromptField {
        name: name.into(),
        field_type: "string".into(),
        required: false,
        ..config::PromptField::default()
    }
}

async fn harness() -> (Harness, Arc<Calls>) {
    let calls = Arc::new(Calls::default());
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases, on_change_urgency];
    let harness = Harness::builder().access_flow("prod", ["admins"]).declare(|config| {
        let allowed_values = Some(vec!["low".into(), "high".into()]);
        config.flows[0].params.prompt_fields = vec![
            config::PromptField { required: true, label: Some("Reason".into()), ..field("reason") },
            config::PromptField { prefetch: true, ..field("database") },
            config::PromptField { on_change: true, allowed_values, ..field("urgency") },
            config::PromptField { visible: false, ..field("incident") },
            config::PromptField { visible: false, ..field("page") },
        ];
        config.flows[0].params.additional_header_text = Some("Be quick.".into());
    });
    let harness = harness.handlers(handlers).state(calls.clone()).guest("gus@example.com").build().await.unwrap();
    (harness, calls)
}

async fn user(harness: &Harness, email: &str) -> Arc<User> {
    harness.runtime().directory().get_or_create_user_by_email(email).await.unwrap()
}

fn entered(json: Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

/// Returns the errors as a front end shows them: the field, the code and the text.
fn shown(runtime: &Runtime, errors: &[FieldError]) -> Vec<String> {
    let flow = runtime.flow("prod").unwrap();
    let shown = errors.iter().map(|error| {
        format!("{}: {} {}", error.field.as_deref().unwrap_or("request"), error.code(), error.text(&flow))
    });
    shown.collect()
}

// Forms without a Run.

#[tokio::test]
async fn a_form_has_fields_options_and_a_header() {
    let (harness, _) = harness().await;
    let ana = user(&harness, "ana@example.com").await;
    let shown = harness.runtime().flow_form("prod", &ana).await.unwrap();
    assert!(shown.errors.is_empty());
    assert_eq!(shown.flow.name(), "prod");
    assert_eq!(shown.form.additional_header_text.as_deref(), Some("Be quick."));
    let fields: Vec<_> = shown
        .form
        .fields()
        .iter()
        .map(|field| (field.name(), field.visible, field.current_allowed_values.len()))
        .collect();
    let expected = [
        ("target_id", true, 1),
        ("reason", true, 0),
        ("database", true, 3),
        ("urgency", true, 2),
        ("incident", false, 0),
        ("page", false, 0),
        ("duration", true, 3),
    ];
    assert_eq!(fields, expected);
    assert!(harness.runtime().runs(Default::default(), 10).await.unwrap().is_empty(), "no Run is begun");
}

/// One reducer that fails does not hide the form, and operators learn which it was.
#[tokio::test]
async fn a_failing_prefetch_reducer_is_reported_at_its_field() {
    let (harness, calls) = harness().await;
    let ana = user(&harness, "ana@example.com").await;
    calls.prefetch_fails.store(true, Ordering::Relaxed);
    let shown = harness.runtime().flow_form("prod", &ana).await.unwrap();
    assert!(shown.form.field("database").unwrap().current_allowed_values.is_empty());
    assert_eq!(shown.form.field("urgency").unwrap().current_allowed_values.len(), 2);
    let [error] = shown.errors.as_slice() else { panic!("{:?}", shown.errors) };
    assert_eq!((error.field.as_deref(), error.error.kind()), (Some("database"), ErrorKind::Handler));
    let handler = error.handler.as_ref().unwrap();
    assert_eq!(handler.name(), "databases");
    assert!(handler.file().ends_with("front_end_forms.rs") && handler.line() > 0);
    // Its message is not for the person who fills in the form.
    assert_eq!(error.text(&shown.flow), "Something went wrong (SymSDK:HANDLER_FAILED). Please try again.");

    let error = harness.runtime().preview_form("prod", &ana).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handler);
}

#[tokio::test]
async fn guests_get_no_forms() {
    let (harness, calls) = harness().await;
    let (gus, runtime) = (user(&harness, "gus@example.com").await, harness.runtime());
    let form = runtime.flow("prod").unwrap().prompt_form();
    let refusals = [
        runtime.flow_form("prod", &gus).await.map(drop),
        runtime.preview_form("prod", &gus).await.map(drop),
        runtime.check_form("prod", &gus, &form, &Map::new()).await.map(drop),
        runtime.change_form("prod", &gus, "urgency", form.clone()).await.map(drop),
        runtime.field_options("prod", "database", &gus, "", 10).await.map(drop),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code(), &codes::NOT_PERMITTED);
    }
    assert_eq!((calls.prefetch.load(Ordering::Relaxed), calls.on_change.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn flows_that_do_not_admit_a_channel_are_not_requestable_there() {
    let harness = Harness::builder().approval_flow("api-only").approval_flow("open").declare(|config| {
        config.flows[0].params.allowed_sources = Some(vec![Source::Api.to_string()]);
    });
    let harness = harness.handlers(super::plain()).build().await.unwrap();
    let ana = user(&harness, "ana@example.com").await;
    let names = async |channel| {
        let flows = harness.runtime().requestable_flows(&ana, channel).await.unwrap();
        flows.iter().map(|flow| flow.name().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(ChannelType::Api).await, ["api-only", "open"]);
    assert_eq!(names(ChannelType::Slack).await, ["open"]);
}

// Options while somebody types.

#[tokio::test]
async fn options_are_fetched_once_for_a_user_and_a_minute() {
    let (mut harness, calls) = harness().await;
    let (ana, ben) = (user(&harness, "ana@example.com").await, user(&harness, "ben@example.com").await);
    let search = async |harness: &Harness, user: &Arc<User>, typed: &str| {
        let options = harness.runtime().field_options("PROD", "database", user, typed, 2).await.unwrap();
        options.iter().map(|option| option.label().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search(&harness, &ana, "main").await, ["eu-main", "us-main"]);
    assert_eq!(search(&harness, &ana, "us").await, ["us-main"]);
    assert_eq!(search(&harness, &ana, "ana").await, ["db of ana@example.com"]);
    assert_eq!(calls.prefetch.load(Ordering::Relaxed), 1);
    // Others are offered others.
    assert!(search(&harness, &ben, "ana").await.is_empty());
    assert_eq!(calls.prefetch.load(Ordering::Relaxed), 2);
    harness.advance(Duration::from_secs(59)).await.unwrap();
    search(&harness, &ana, "").await;
    assert_eq!(calls.prefetch.load(Ordering::Relaxed), 2);
    harness.advance(Duration::from_secs(1)).await.unwrap();
    let (one, other) = tokio::join!(search(&harness, &ana, ""), search(&harness, &ana, "us"));
    assert_eq!((one.len(), other.len()), (2, 1));
    assert_eq!(calls.prefetch.load(Ordering::Relaxed), 3, "once for both");
}

#[tokio::test]
async fn options_without_a_reducer_and_errors_of_options() {
    let (harness, calls) = harness().await;
    let (ana, runtime) = (user(&harness, "ana@example.com").await, harness.runtime());
    let labels = async |field: &str| {
        let options = runtime.field_options("prod", field, &ana, "", 10).await.unwrap();
        options.iter().map(|option| option.label().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels("urgency").await, ["low", "high"]);
    assert_eq!(labels("target_id").await, ["admins"]);
    assert_eq!(labels("duration").await.len(), 3);
    assert_eq!(labels("reason").await, [""; 0]);
    let error = runtime.field_options("prod", "databse", &ana, "", 10).await.unwrap_err();
    assert_eq!(error.code(), &codes::UNKNOWN_FIELD);
    assert!(error.hint().unwrap().starts_with("did you mean `database`?"), "{error}");
    let error = runtime.field_options("nope", "database", &ana, "", 10).await.unwrap_err();
    assert_eq!(error.code(), &codes::UNKNOWN_FLOW);

    // A failure is not kept.
    calls.prefetch_fails.store(true, Ordering::Relaxed);
    let error = runtime.field_options("prod", "database", &ana, "", 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handler);
    assert!(error.message().starts_with("databases ("), "{error}");
    calls.prefetch_fails.store(false, Ordering::Relaxed);
    assert_eq!(labels("database").await.len(), 3);
}

// Open forms.

fn empty_form(number: u128, opened: Timestamp) -> OpenForm<u128> {
    let ana = Arc::new(User::from_email("ana@example.com").unwrap());
    let flow = "sym:flow:prod:1.0.0".parse().unwrap();
    OpenForm::new(run(number), flow, ana, opened, FormSnapshot::new(PromptForm::new(Vec::new()), number))
}

fn run(number: u128) -> RunId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
}

#[test]
fn evicts_forms_after_a_day_and_the_oldest_form_when_there_are_too_many() {
    let (forms, start) = (OpenForms::default(), Timestamp::UNIX_EPOCH);
    for number in 0..=2_000 {
        forms.insert(Arc::new(empty_form(number, start)));
    }
    assert!(forms.get(run(0)).is_none());
    assert_eq!(forms.get(run(1)).unwrap().snapshot().place, 1);
    forms.insert(Arc::new(empty_form(1, start)));
    forms.insert(Arc::new(empty_form(2_001, start + Duration::from_secs(24 * 60 * 60))));
    assert!(forms.get(run(2_000)).is_none());
    assert!(forms.get(run(2_001)).is_some());
    forms.remove(run(2_001));
    assert!(forms.get(run(2_001)).is_none());
}

#[test]
fn limits_the_number_of_options_in_open_forms() {
    let mut field = sym_sdk::forms::PromptField::from_spec(&FieldSpec::new("field", FieldType::String).unwrap());
    field.current_allowed_values = vec![FieldOption::try_from("one of many").unwrap(); 250_000];
    let form = |number: u128| {
        let empty = empty_form(number, Timestamp::UNIX_EPOCH);
        let snapshot = FormSnapshot::new(PromptForm::new(vec![field.clone()]), number);
        Arc::new(OpenForm::new(
            run(number),
            empty.flow().clone(),
            empty.user().clone(),
            Timestamp::UNIX_EPOCH,
            snapshot,
        ))
    };
    let forms = OpenForms::default();
    let kept = || (1..=4).filter(|number| forms.get(run(*number)).is_some()).collect::<Vec<_>>();
    forms.insert(form(1));
    forms.insert(form(2));
    assert_eq!(kept(), [1, 2]);
    forms.insert(form(3));
    assert_eq!(kept(), [2, 3]);
    // A rebuilt form counts as the newest. Removing a form frees its options.
    forms.insert(form(2));
    assert_eq!(kept(), [2, 3]);
    forms.remove(run(2));
    forms.insert(form(4));
    assert_eq!(kept(), [3, 4]);
}

#[tokio::test]
async fn rebuilds_a_form_once_for_concurrent_callers_and_limits_concurrent_rebuilds() {
    let (forms, rebuilds) = (OpenForms::default(), Arc::new(AtomicUsize::new(0)));
    let rebuild = |fails: bool| {
        let rebuilds = rebuilds.clone();
        move || {
            let work = async move {
                tokio::task::yield_now().await;
                rebuilds.fetch_add(1, Ordering::Relaxed);
                if fails { Err(Error::handler("no options")) } else { Ok(empty_form(1, Timestamp::UNIX_EPOCH)) }
            };
            Box::pin(work) as BoxFuture<'static, _>
        }
    };
    let (one, other) =
        tokio::join!(forms.rebuild_once(run(1), rebuild(true)), forms.rebuild_once(run(1), rebuild(true)));
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert_eq!((error.kind(), error.message()), (ErrorKind::Handler, "no options"));
    }
    assert_eq!(rebuilds.load(Ordering::Relaxed), 1);
    let (one, other) =
        tokio::join!(forms.rebuild_once(run(1), rebuild(false)), forms.rebuild_once(run(1), rebuild(false)));
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
    assert_eq!(rebuilds.load(Ordering::Relaxed), 2);
    assert!(forms.get(run(1)).is_some());

    let mut refused = 0;
    let mut waiting = Vec::new();
    for number in 0..=100 {
        let mut pending = Box::pin(forms.rebuild_once(run(number), || Box::pin(std::future::pending())));
        match poll!(&mut pending) {
            std::task::Poll::Ready(result) => {
                assert_eq!(result.unwrap_err().code(), &codes::TOO_MANY_FORMS);
                refused += 1;
            }
            std::task::Poll::Pending => waiting.push(pending),
        }
    }
    assert_eq!((refused, waiting.len()), (1, 100));
}

/// A rebuild that panics is an error for its callers, and the next one tries again.
#[tokio::test]
async fn a_rebuild_that_panics_is_no_longer_in_progress() {
    fn explode() -> Error {
        panic!("no view")
    }
    let forms = OpenForms::<u128>::default();
    let rebuild = || Box::pin(async { Err(explode()) }) as BoxFuture<'static, _>;
    let error = forms.rebuild_once(run(1), rebuild).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, &codes::HANDLER_PANICKED));
    let rebuild = || Box::pin(async { Ok(empty_form(1, Timestamp::UNIX_EPOCH)) }) as BoxFuture<'static, _>;
    forms.rebuild_once(run(1), rebuild).await.unwrap();
}

// Settling and sending.

/// Opens a form for Ana.
async fn open(harness: &mut Harness) -> OpenForm<()> {
    let ana = user(harness, "ana@example.com").await;
    let run = harness.prompt("prod", "ana@example.com").await.unwrap();
    let form = harness.delivery().forms().pop().unwrap();
    let flow = harness.runtime().flow("prod").unwrap().srn().clone();
    OpenForm::new(run, flow, ana, harness.runtime().clock().now(), FormSnapshot::new(form, ()))
}

fn filled(urgency: &str) -> Map<String, Value> {
    entered(json!({
        "reason": "INC-42", "urgency": urgency, "database": "eu-main", "target_id": "admins", "duration": "1h"
    }))
}

#[tokio::test]
async fn a_change_calls_its_handler_once_for_each_value() {
    let (mut harness, calls) = harness().await;
    let open = open(&mut harness).await;
    let runtime = harness.runtime();
    let form = open.lock().await;
    let changed = runtime.change_open_form(&form, "urgency", &entered(json!({ "urgency": "high" }))).await.unwrap();
    assert!(changed.error.is_none());
    assert!(changed.snapshot.form.field("incident").unwrap().visible);
    // The field that the handler set has a new revision. That which was entered has none.
    assert_eq!(changed.snapshot.revisions, BTreeMap::from([("page".to_owned(), 1)]));
    // The values are there at once, and what the handler changed once it is shown.
    assert!(form.snapshot().form.field("urgency").unwrap().is("high"));
    assert!(!form.snapshot().form.field("incident").unwrap().visible);
    form.set_snapshot(changed.snapshot);

    let settled = runtime.settle_form(&form, &entered(json!({ "urgency": "high" }))).await.unwrap();
    assert!(settled.errors.is_empty());
    assert_eq!(calls.on_change.load(Ordering::Relaxed), 1, "the handler has seen the value");
    let settled = runtime.settle_form(&form, &entered(json!({ "urgency": "low" }))).await.unwrap();
    assert_eq!(calls.on_change.load(Ordering::Relaxed), 2);
    assert!(!settled.form.field("incident").unwrap().visible);
    assert!(form.snapshot().form.field("incident").unwrap().visible, "what people see is not changed");
}

#[tokio::test]
async fn a_form_is_settled_before_it_is_sent() {
    let (mut harness, calls) = harness().await;
    let open = open(&mut harness).await;
    let runtime = harness.runtime().clone();
    let form = open.lock().await;
    // Nobody has told the handler.
    let settled = runtime.settle_form(&form, &filled("high")).await.unwrap();
    assert_eq!(calls.on_change.load(Ordering::Relaxed), 1);
    let key = InputKey::new("console:ana:1");
    let receipt = runtime.submit_form(&form, settled, filled("high"), open.user().clone(), Some(key.clone())).await;
    let receipt = receipt.unwrap();
    assert_eq!(receipt.run, open.run());
    let request = harness.run(open.run()).await.unwrap().request.clone().unwrap();
    assert_eq!(request.fields.get("page"), Some(&"yes".into()), "the handler has set a hidden field");
    assert_eq!(request.fields.get("urgency"), Some(&"high".into()));

    // Sent again, it is the same request, also if the form would not be valid now.
    let settled = Settling::as_shown(&form);
    let again = runtime.submit_form(&form, settled, Map::new(), open.user().clone(), Some(key)).await.unwrap();
    assert_eq!(again, receipt);
    harness.simulation_mut().settle().await.unwrap();
    let settled = runtime.settle_form(&form, &filled("high")).await.unwrap();
    let errors = runtime.submit_form(&form, settled, filled("high"), open.user().clone(), None).await.unwrap_err();
    assert_eq!((errors.len(), errors[0].field.as_deref(), errors[0].code()), (1, None, &codes::INVALID_EVENT));
}

#[tokio::test]
async fn errors_of_a_form_stand_at_their_fields_and_on_the_record() {
    let (mut harness, calls) = harness().await;
    let open = open(&mut harness).await;
    let runtime = harness.runtime().clone();
    let form = open.lock().await;
    let refuse = async |values: Map<String, Value>| {
        let settled = runtime.settle_form(&form, &values).await.unwrap();
        let errors = runtime.submit_form(&form, settled, values, open.user().clone(), None).await.unwrap_err();
        shown(&runtime, &errors)
    };
    let invalid = entered(json!({ "urgency": "low", "reason": " ", "colour": "red", "duration": "soon" }));
    let expected = [
        "request: SymSDK:UNKNOWN_FIELD Flow `prod` has no field `colour`. \
         The fields are `reason`, `database`, `urgency`, `incident`, `page`, `target_srn`, `duration`.",
        "reason: SymSDK:MISSING_FIELD Enter a reason.",
    ];
    assert_eq!(refuse(invalid).await[..2], expected);
    let mut not_offered = filled("low");
    not_offered.insert("database".into(), "db of ben@example.com".into());
    let expected = ["database: SymSDK:OPTION_NOT_ALLOWED This is not offered any more. Select another option."];
    assert_eq!(refuse(not_offered).await, expected);

    // The text that the author of a handler wrote for people is shown to them.
    calls.on_change_fails.store(true, Ordering::Relaxed);
    let expected = ["urgency: SymSDK:HANDLER_FAILED Nobody is on call."];
    assert_eq!(refuse(filled("high")).await, expected);

    let entries = runtime.audit(Some(open.run()), usize::MAX).await.unwrap();
    let refused = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::SubmissionRefused { .. }));
    assert_eq!(refused.count(), 3);
    assert!(runtime.prompt(open.run()).await.unwrap().is_form_open(), "the form stays open");
}

#[tokio::test]
async fn nobody_else_sends_a_form() {
    let (mut harness, _) = harness().await;
    let open = open(&mut harness).await;
    let ben = user(&harness, "ben@example.com").await;
    let form = open.lock().await;
    let errors =
        harness.runtime().submit_form(&form, Settling::as_shown(&form), filled("low"), ben, None).await.unwrap_err();
    let text = "request: SymSDK:NOT_PERMITTED Only ana@example.com, who opened the form, can submit it.";
    assert_eq!(shown(harness.runtime(), &errors), [text]);
}

#[tokio::test]
async fn a_form_is_rebuilt_with_what_its_front_end_shows() {
    let (mut harness, calls) = harness().await;
    let run = open(&mut harness).await.run();
    let revisions = BTreeMap::from([("reason".to_owned(), 0), ("incident".to_owned(), 2)]);
    let shown = |_: &FormSnapshot<&str>| entered(json!({ "reason": "INC-42", "urgency": "high", "incident": "42" }));
    let open = harness.runtime().rebuild_form(run, "tab 7", revisions, shown).await.unwrap();
    let snapshot = open.snapshot();
    assert_eq!((snapshot.place, snapshot.revision("incident")), ("tab 7", 2));
    assert_eq!(open.user().username(), "ana@example.com");
    let values = snapshot.form.values();
    let value = |field: &str| values.get(field).map(ToString::to_string);
    assert_eq!(
        ["reason", "urgency", "incident", "page"].map(value),
        ["INC-42", "high", "42", "yes"].map(|v| Some(v.to_owned()))
    );
    assert!(snapshot.form.field("incident").unwrap().visible);
    // The handler was called for the value, and is not called again.
    let form = open.lock().await;
    harness.runtime().settle_form(&form, &filled("high")).await.unwrap();
    assert_eq!(calls.on_change.load(Ordering::Relaxed), 1);

    let error = harness.runtime().rebuild_form(super::front_end_forms::run(7), (), BTreeMap::new(), |_: &_| Map::new());
    assert_eq!(error.await.unwrap_err().code(), &codes::UNKNOWN_RUN);
}
