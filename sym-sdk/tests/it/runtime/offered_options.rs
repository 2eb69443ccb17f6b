//! Options bind: what was not offered cannot be requested (safety finding 2).

use sym_sdk::config::{PromptField, Target};
use sym_sdk::error::{Error, codes};
use sym_sdk::forms::{FieldOption, PromptForm};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;
use sym_sdk::testing::Harness;

use super::{get_permissions, get_request_notifications};

#[prefetch(field = "group")]
fn groups(event: &Event) -> Result<Vec<FieldOption>> {
    let mut groups = vec![FieldOption::new("00g1", "Readers")?, FieldOption::new("00g2", "Writers")?];
    if event.user().username() == "ada@example.com" {
        groups.push(FieldOption::new("00g-SUPER-ADMINS", "Super admins")?);
    }
    Ok(groups)
}

#[prefetch(field = "teams")]
fn teams() -> Result<Vec<FieldOption>> {
    Ok(vec![FieldOption::new("t1", "Team one")?, FieldOption::try_from("t2")?])
}

fn prefetched(name: &str, kind: &str) -> PromptField {
    PromptField {
        name: name.into(),
        field_type: kind.into(),
        prefetch: true,
        required: false,
        ..PromptField::default()
    }
}

/// Starts a flow with a field for a group and one for teams.
async fn harness(group: PromptField) -> Harness {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, groups, teams];
    let harness = Harness::builder().access_flow("prod", ["admins"]).declare(move |config| {
        config.flows[0].params.prompt_fields = vec![group, prefetched("teams", "str_list")];
    });
    harness.handlers(handlers).build().await.unwrap()
}

async fn request(harness: &mut Harness, name: &str, value: serde_json::Value) -> Result<RunId, Error> {
    let request = harness.request("prod").by("ana@example.com").target("admins").duration("1h");
    request.field(name, value).await
}

#[tokio::test]
async fn a_value_that_was_not_offered_is_refused() {
    let mut harness = harness(prefetched("group", "string")).await;
    let error = request(&mut harness, "group", "00g-SUPER-ADMINS".into()).await.unwrap_err();
    assert_eq!(error.code(), &codes::OPTION_NOT_ALLOWED);
    assert_eq!(error.message(), "field `group` does not offer `00g-SUPER-ADMINS`");
    assert_eq!(error.hint(), Some("choose one of `00g1`, `00g2`"));
    // One member of a list is enough.
    let error = request(&mut harness, "teams", serde_json::json!(["t2", "t3"])).await.unwrap_err();
    assert_eq!(error.message(), "field `teams` does not offer `t3`");

    let run = request(&mut harness, "group", "00g1".into()).await.unwrap();
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.request.as_ref().unwrap().labels.get("group", "00g1"), Some("Readers"));
}

/// The reducer is called for the requester: others may be offered more.
#[tokio::test]
async fn options_are_those_of_the_requester() {
    let mut harness = harness(prefetched("group", "string")).await;
    let request = harness.request("prod").by("ada@example.com").target("admins").duration("1h");
    request.field("group", "00g-SUPER-ADMINS").await.unwrap();
}

#[tokio::test]
async fn the_form_that_was_shown_determines_the_options() {
    let harness = harness(prefetched("group", "string")).await;
    let ana = harness.runtime().directory().get_or_create_user_by_email("ana@example.com").await.unwrap();
    let mut form = harness.runtime().preview_form("prod", &ana).await.unwrap();
    // An `on_change` handler has narrowed the options.
    form.field_mut("group").unwrap().current_allowed_values.truncate(1);
    let inputs = |group: &str| {
        let inputs = serde_json::json!({ "group": group, "target_id": "admins", "duration": "1h" });
        inputs.as_object().unwrap().clone()
    };
    let faults = harness.runtime().check_form("prod", &ana, &form, &inputs("00g2")).await.unwrap();
    let faults: Vec<_> = faults.iter().map(|fault| (fault.field.as_deref(), fault.error.code())).collect();
    assert_eq!(faults, [(Some("group"), &codes::OPTION_NOT_ALLOWED)]);
    let submit = async |group: &str| {
        let request = Submission::request("prod", ana.clone()).inputs(inputs(group)).shown_form(form.clone());
        harness.runtime().submit(request).await
    };
    assert_eq!(submit("00g2").await.unwrap_err().code(), &codes::OPTION_NOT_ALLOWED);
    submit("00g1").await.unwrap();

    let without_field =
        PromptForm::new(form.fields().iter().filter(|field| field.name() != "group").cloned().collect());
    let request = Submission::request("prod", ana).inputs(inputs("00g1")).shown_form(without_field);
    let error = harness.runtime().submit(request).await.unwrap_err();
    assert_eq!(error.code(), &codes::OPTION_NOT_ALLOWED, "a form without the field has offered nothing for it");
}

#[tokio::test]
async fn options_can_be_suggestions() {
    let mut harness = harness(PromptField { prefetch_binds: false, ..prefetched("group", "string") }).await;
    let run = request(&mut harness, "group", "00g9".into()).await.unwrap();
    assert!(harness.run(run).await.unwrap().request.as_ref().unwrap().labels.is_empty());
}

/// The value of a setting decides what is granted.
#[tokio::test]
async fn options_of_a_setting_cannot_be_suggestions() {
    let field = PromptField { prefetch_binds: false, ..prefetched("group", "string") };
    let handlers = sym_sdk::handlers![get_permissions, groups];
    let harness = Harness::builder().access_flow("prod", ["admins"]).declare(move |config| {
        config.flows[0].params.prompt_fields = vec![field];
        for target in &mut config.targets {
            *target = Target { field_bindings: vec!["group".into()], ..target.clone() };
        }
    });
    let error = harness.handlers(handlers).build().await.unwrap_err().to_string();
    assert!(error.contains("field `group` fills a setting of target `admins`, so its options bind"), "{error}");
}
