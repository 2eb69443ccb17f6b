//! Flows and their forms.

use serde_json::{Value, json};
use sym_sdk::config::{Flow as FlowConfig, PromptField};
use sym_sdk::handlers;
use sym_sdk::prelude::*;

use super::TestApi;

#[prefetch(field = "database")]
fn prefetch_database(user: &User) -> Result<Vec<FieldOption>> {
    let names = ["reproduce", "my-prod-db", "prod-eu", "prod", "staging"];
    names.into_iter().map(|name| FieldOption::new(format!("{name}-of-{}", user.username()), name)).collect()
}

#[on_change(field = "urgency")]
fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
    let is_urgent = form.field("urgency")?.is("urgent");
    form.field_mut("incident")?.visible = is_urgent;
    Ok(())
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

async fn start() -> TestApi {
    TestApi::with(Default::default(), |builder| {
        let mut flow = FlowConfig { name: "form".to_owned(), ..FlowConfig::default() };
        let field = |name: &str| PromptField {
            name: name.to_owned(),
            field_type: "string".to_owned(),
            required: false,
            ..PromptField::default()
        };
        flow.params.prompt_fields = vec![
            PromptField { prefetch: true, required: true, ..field("database") },
            PromptField { on_change: true, ..field("urgency") },
            PromptField { visible: false, ..field("incident") },
        ];
        builder.flow(flow).handlers(handlers![get_permissions, prefetch_database, on_change_urgency])
    })
    .await
}

fn field<'a>(form: &'a Value, name: &str) -> &'a Value {
    form["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap()
}

#[tokio::test]
async fn a_form_has_its_options_and_follows_its_changes() {
    let api = start().await;
    let form = api.post(&api.ci, "/flows/form/form", json!({})).await.ok();
    assert_eq!(field(&form, "database")["options_total"], 5);
    assert_eq!(field(&form, "database")["options"][0], json!({ "value": "reproduce-of-ci", "label": "reproduce" }));
    assert_eq!(field(&form, "incident")["visible"], false);
    let body = json!({ "inputs": { "urgency": "urgent" }, "changed": ["urgency"] });
    let changed = api.post(&api.ci, "/flows/form/form/change", body).await.ok();
    assert_eq!(
        (&field(&changed, "incident")["visible"], &field(&changed, "urgency")["value"]),
        (&json!(true), &json!("urgent"))
    );
    let unknown = api.post(&api.ci, "/flows/form/form/change", json!({ "changed": ["nothing"] })).await;
    assert_eq!(unknown.problem(), (400, "SymSDK:UNKNOWN_FIELD".to_owned()));
    let too_many = json!({ "changed": vec!["urgency"; 101] });
    let refused = api.post(&api.ci, "/flows/form/form/change", too_many).await;
    assert_eq!(refused.problem(), (400, "SymSDK:TOO_LARGE".to_owned()));
    assert_eq!(api.get(&api.ops, "/runs").await.ok()["runs"], json!([]), "no Run was begun");
}

#[tokio::test]
async fn options_match_what_is_typed_the_best_first() {
    let api = start().await;
    let labels = async |query: &str| {
        let found = api.get(&api.ci, &format!("/flows/form/fields/database/options{query}")).await.ok();
        let labels: Vec<_> = found["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|option| option["label"].as_str().unwrap().to_owned())
            .collect();
        labels
    };
    assert_eq!(labels("?q=PROD&limit=3").await, ["prod", "prod-eu", "my-prod-db"]);
    assert_eq!(labels("?q=nothing").await, Vec::<String>::new());
    assert_eq!(labels("").await.len(), 5);
    let too_many = api.get(&api.ci, "/flows/form/fields/database/options?limit=101").await;
    assert_eq!(too_many.problem().0, 400);
}

#[tokio::test]
async fn a_preview_has_the_errors_by_field_and_begins_nothing() {
    let api = start().await;
    let preview = api.post(&api.ci, "/flows/form/preview", json!({ "inputs": { "urgency": "low" } })).await.ok();
    assert_eq!(preview["is_valid"], false);
    assert_eq!(
        (&preview["errors"][0]["field"], &preview["errors"][0]["code"]),
        (&json!("database"), &json!("SymSDK:MISSING_FIELD"))
    );
    let valid = json!({ "inputs": { "database": "prod-of-ci" } });
    assert_eq!(api.post(&api.ci, "/flows/form/preview", valid.clone()).await.ok()["is_valid"], true);
    let preview = api.post(&api.ci, "/flows/form/preview", valid.clone()).await.ok();
    assert_eq!(
        (&preview["deciders"]["level"], &preview["deciders"]["approvals_needed"]),
        (&json!("member"), &json!(1))
    );
    assert!(preview["deciders"]["reducer"].as_str().unwrap().starts_with("get_permissions ("), "{preview}");
    let other = json!({ "inputs": { "database": "prod-of-ops" } });
    assert_eq!(
        api.post(&api.ci, "/flows/form/preview", other).await.ok()["errors"][0]["field"],
        "database",
        "it is not theirs"
    );
    assert_eq!(api.get(&api.ops, "/runs").await.ok()["runs"], json!([]));
}

#[tokio::test]
async fn a_flow_says_what_a_request_consists_of() {
    let api = TestApi::start().await;
    let flow = api.get(&api.ci, "/flows/prod").await.ok();
    assert_eq!((&flow["name"], &flow["gives_access"]), (&json!("prod"), &json!(true)));
    let targets: Vec<_> =
        flow["targets"].as_array().unwrap().iter().map(|target| target["name"].as_str().unwrap()).collect();
    assert_eq!(targets, ["prod-db", "staging"]);
    assert_eq!(flow["targets"][0]["srn"], api.target());
}
