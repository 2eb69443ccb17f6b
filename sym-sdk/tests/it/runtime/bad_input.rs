//! Invalid input is rejected with a clear error and a code, and changes nothing.

use expect_test::{Expect, expect};
use serde_json::json;
use sym_sdk::audit::AuditKind;
use sym_sdk::config::{FlowParams, PromptField};
use sym_sdk::error::codes;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FlowRequest, Submission};
use sym_sdk::testing::Harness;

use super::plain;

async fn harness() -> Harness {
    let field = |name: &str, field_type: &str| PromptField {
        name: name.into(),
        field_type: field_type.into(),
        required: false,
        ..Default::default()
    };
    let builder = Harness::builder().access_flow("prod", ["admins", "readers"]).approval_flow("deploy");
    builder
        .declare(|config| {
            config.organization.slug = "acme".into();
            config.flows[0].params = FlowParams {
                prompt_fields: vec![
                    PromptField {
                        name: "urgency".into(),
                        field_type: "string".into(),
                        allowed_values: Some(vec!["high".into(), "low".into()]),
                        ..Default::default()
                    },
                    field("tickets", "int_list"),
                    field("dry_run", "bool"),
                    PromptField {
                        name: "duration".into(),
                        field_type: "duration".into(),
                        allowed_values: Some(vec!["1h".into(), "1d".into()]),
                        ..Default::default()
                    },
                ],
                ..config.flows[0].params.clone()
            };
        })
        .handlers(plain())
        .build()
        .await
        .unwrap()
}

fn good() -> FlowRequest {
    let request = Submission::request("prod", "ana@example.com");
    request.input("urgency", "low").input("target_srn", "admins").input("duration", "1h")
}

/// The submission is refused with this error, and leaves nothing behind but one entry: no Run, no user.
async fn refused(submission: impl Into<Submission>, expected: Expect) {
    let mut harness = harness().await;
    let error = harness.simulation_mut().submit(submission).await.unwrap_err();
    expected.assert_eq(&error.report().to_string());
    let runtime = harness.runtime();
    assert!(runtime.runs(Default::default(), 10).await.unwrap().is_empty(), "there is a Run");
    assert!(runtime.directory().users().await.unwrap().is_empty(), "somebody was added");
    let [entry] = &*runtime.audit(None, 10).await.unwrap() else { panic!("it is not on the record once") };
    let AuditKind::SubmissionRefused { error: recorded, .. } = &entry.kind else { panic!("{entry:?}") };
    assert_eq!(recorded.code, *error.code());
    assert_eq!(runtime.next_due().await.unwrap(), None, "something is to be done");
}

#[tokio::test]
async fn the_good_request_is_taken() {
    let mut harness = harness().await;
    let receipt = harness.simulation_mut().submit(good()).await.unwrap();
    assert_eq!(harness.status(receipt.run).await.unwrap(), RunStatus::Requested);
}

#[tokio::test]
async fn an_unknown_flow() {
    refused(
        Submission::request("prd", "ana@example.com"),
        expect![[r#"
            there is no flow `prd` (SymSDK:UNKNOWN_FLOW)
              help: did you mean `prod`?"#]],
    )
    .await;
    refused(
        Submission::request("something else", "ana@example.com"),
        expect![[r#"
            there is no flow `something else` (SymSDK:UNKNOWN_FLOW)
              help: there are: deploy, prod"#]],
    )
    .await;
    refused(
        Submission::request("other:flow:prod:latest", "ana@example.com"),
        expect!["flow `other:flow:prod:latest` is of another organization; this one is `acme` (SymSDK:UNKNOWN_FLOW)"],
    )
    .await;
    refused(
        Submission::request("acme:flow:prod:7.0.0", "ana@example.com"),
        expect![[r#"
            flow `prod` has version 1.0.0, not 7.0.0 (SymSDK:UNKNOWN_FLOW)
              help: name version `latest`"#]],
    )
    .await;
    refused(
        Submission::request("acme:access_target:prod:latest", "ana@example.com"),
        expect![[r#"
            `acme:access_target:prod:latest` is not an SRN: it has 4 parts (SymSDK:INVALID_SRN)
              help: expected `org:model:type:slug:version[:identifier]`"#]],
    )
    .await;
}

#[tokio::test]
async fn an_unknown_target() {
    refused(
        good().input("target_srn", "admin"),
        expect![[r#"
            `admin` is not a target of flow `prod` (SymSDK:UNKNOWN_TARGET)
              help: the targets are `admins`, `readers`; write a name, or an SRN such as `acme:access_target:test:admins:latest:af73ea36-aa46-5a0d-84b2-95e9f4661545`"#]],
    )
    .await;
    refused(good().input("target_srn", 7), expect!["`target_srn` must be text (SymSDK:UNKNOWN_TARGET)"]).await;
    refused(
        good().input("target_srn", ""),
        expect![[r#"
            flow `prod` needs field `target_srn`, and the request leaves it empty (SymSDK:MISSING_FIELD)
              help: the targets are `admins`, `readers`; write a name, or an SRN such as `acme:access_target:test:admins:latest:af73ea36-aa46-5a0d-84b2-95e9f4661545`"#]],
    )
    .await;
}

/// A target is named by its name or its SRN, under each of the names that a request or a simulation uses.
#[tokio::test]
async fn a_target_is_named_by_name_or_srn() {
    for input in ["target_srn", "target_id", "target"] {
        for target in ["readers", "acme:access_target:test:readers:latest"] {
            let mut harness = harness().await;
            let request = good().input("target_srn", serde_json::Value::Null).input(input, target);
            let receipt = harness
                .simulation_mut()
                .submit(request)
                .await
                .unwrap_or_else(|error| panic!("{input} = {target}: {error}"));
            let run = harness.runtime().run(receipt.run).await.unwrap();
            let request = run.state.request.as_ref().unwrap();
            assert_eq!(request.target.as_ref().unwrap().name().as_str(), "readers");
        }
    }
    refused(
        good().input("target_srn", "readers").input("target", "admins"),
        expect![
            "the request names two targets, `readers` in `target_srn` and `admins` in `target` (SymSDK:UNKNOWN_TARGET)"
        ],
    )
    .await;
}

#[tokio::test]
async fn an_unknown_field() {
    refused(
        good().input("urgenci", "low"),
        expect![[r#"
            flow `prod` has no field `urgenci` (SymSDK:UNKNOWN_FIELD)
              help: did you mean `urgency`? the fields are `urgency`, `tickets`, `dry_run`, `duration`, `target_srn`"#]],
    )
    .await;
}

#[tokio::test]
async fn a_missing_field() {
    refused(
        good().input("urgency", ""),
        expect!["flow `prod` needs field `urgency`, and the request leaves it empty (SymSDK:MISSING_FIELD)"],
    )
    .await;
}

#[tokio::test]
async fn a_wrong_field_type() {
    refused(good().input("urgency", 3), expect!["field `urgency` expects text, got `3` (SymSDK:INVALID_FIELD_VALUE)"])
        .await;
    refused(
        good().input("tickets", json!([1, "two"])),
        expect![[r#"field `tickets` expects a list of whole numbers, got `[1,"two"]` (SymSDK:INVALID_FIELD_VALUE)"#]],
    )
    .await;
    refused(
        good().input("dry_run", "perhaps"),
        expect![[r#"field `dry_run` expects `true` or `false`, got `"perhaps"` (SymSDK:INVALID_FIELD_VALUE)"#]],
    )
    .await;
}

#[tokio::test]
async fn an_option_that_is_not_allowed() {
    refused(
        good().input("urgency", "medium"),
        expect![[r#"
            field `urgency` does not allow `medium` (SymSDK:OPTION_NOT_ALLOWED)
              help: choose one of `high`, `low`"#]],
    )
    .await;
}

#[tokio::test]
async fn a_duration_that_is_not_offered() {
    refused(
        good().input("duration", "2h"),
        expect![[r#"
            flow `prod` does not offer a duration of 2h (SymSDK:INVALID_DURATION)
              help: the durations offered are `1h`, `1d`"#]],
    )
    .await;
    refused(
        good().input("duration", -5),
        expect![[r#"
            field `duration` expects a whole number of seconds above zero, or text such as `30m`, got `-5` (SymSDK:INVALID_FIELD_VALUE)
              help: the durations offered are `1h`, `1d`"#]],
    )
    .await;
    refused(
        good().input("duration", "soon"),
        expect![[r#"
            field `duration`: expected a duration such as `30m`, got `soon` (SymSDK:INVALID_DURATION)
              help: the durations offered are `1h`, `1d`"#]],
    )
    .await;
}

/// W11.
#[tokio::test]
async fn takes_a_duration_that_states_whole_seconds() {
    let mut harness = harness().await;
    for hour in [json!(3600), json!(3600.0), json!("3600"), json!("1h"), json!(" 1h\u{a0}")] {
        let receipt = harness.simulation_mut().submit(good().input("duration", hour.clone())).await;
        let run = harness.run(receipt.unwrap_or_else(|error| panic!("{hour}: {error}")).run).await.unwrap();
        assert_eq!(run.request.as_ref().unwrap().duration, Some(std::time::Duration::from_secs(3600)), "{hour}");
    }
    refused(
        good().input("duration", 3600.5),
        expect![[r#"
            field `duration` expects a whole number of seconds above zero, or text such as `30m`, got `3600.5` (SymSDK:INVALID_FIELD_VALUE)
              help: the durations offered are `1h`, `1d`"#]],
    )
    .await;
    refused(
        good().input("duration", "5"),
        expect![[r#"
            flow `prod` does not offer a duration of 5s (SymSDK:INVALID_DURATION)
              help: the durations offered are `1h`, `1d`"#]],
    )
    .await;
}

/// W14.
#[tokio::test]
async fn a_required_field_with_nothing_visible() {
    for blank in [" ", "\n\t", "\u{a0}", "\u{200b}", "\u{3164}\u{feff}"] {
        refused(
            good().input("urgency", blank),
            expect!["flow `prod` needs field `urgency`, and the request leaves it empty (SymSDK:MISSING_FIELD)"],
        )
        .await;
    }
}

#[tokio::test]
async fn texts_are_trimmed_and_composed() {
    let mut harness = harness().await;
    let request = good().input("target_srn", "admins\u{200b}").input("urgency", " low\u{a0}");
    let run = harness.simulation_mut().submit(request).await.unwrap().run;
    let state = harness.run(run).await.unwrap();
    let request = state.request.as_ref().unwrap();
    assert_eq!(request.fields.get("urgency"), Some(&"low".into()));
    assert_eq!(request.target.as_ref().unwrap().name().as_str(), "admins");
    let denial = Submission::deny(run, "ben@example.com").message(" rene\u{301}\u{200b} ");
    harness.simulation_mut().submit(denial).await.unwrap();
    let decision = harness.run(run).await.unwrap().decision.clone().unwrap();
    assert_eq!(decision.decision_message.as_deref(), Some("rené"));
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    refused(good().input("urgency", "medium").input("colour", "red").input("duration", "2h"), expect![[r#"
        the request for flow `prod` has 3 errors: flow `prod` has no field `colour`; field `urgency` does not allow `medium`; flow `prod` does not offer a duration of 2h (SymSDK:UNKNOWN_FIELD)
          help: choose one of `high`, `low`; the durations offered are `1h`, `1d`; the fields are `urgency`, `tickets`, `dry_run`, `duration`, `target_srn`"#]]).await;
}

#[tokio::test]
async fn faults_of_a_form_are_told_field_by_field() {
    let harness = harness().await;
    let ana = harness.runtime().directory().get_or_create_user_by_email("ana@example.com").await.unwrap();
    let form = harness.runtime().preview_form("prod", &ana).await.unwrap();
    let check = async |inputs: serde_json::Value| {
        let faults = harness.runtime().check_form("prod", &ana, &form, inputs.as_object().unwrap()).await.unwrap();
        faults.into_iter().map(|fault| (fault.field, fault.error.code().clone())).collect::<Vec<_>>()
    };
    let fault = |field: &str, code| (Some(field.to_owned()), code);
    assert_eq!(
        check(json!({ "urgency": "medium", "colour": "red", "tickets": ["x"], "duration": "2h" })).await,
        [
            (None, codes::UNKNOWN_FIELD),
            fault("urgency", codes::OPTION_NOT_ALLOWED),
            fault("tickets", codes::INVALID_FIELD_VALUE),
            fault("target_id", codes::MISSING_FIELD),
            fault("duration", codes::INVALID_DURATION),
        ]
    );
    assert_eq!(
        check(json!({ "target_id": "admins", "duration": "1h" })).await,
        [fault("urgency", codes::MISSING_FIELD)]
    );
    assert_eq!(check(json!({ "urgency": "low", "target_id": "admins", "duration": "1h" })).await, []);
    assert_eq!(check(json!({ "urgency": "x".repeat(70_000) })).await, [(None, codes::TOO_LARGE)]);
    let error = harness.runtime().check_form("nope", &ana, &form, &serde_json::Map::new()).await.unwrap_err();
    assert_eq!(error.code(), &codes::UNKNOWN_FLOW);
}

#[tokio::test]
async fn a_user_of_a_foreign_domain() {
    let foreign = Submission::request("deploy", "eve@elsewhere.test");
    refused(
        foreign,
        expect![[r#"
            eve@elsewhere.test is not a known user (SymSDK:UNKNOWN_USER)
              help: their e-mail domain is not one of the organization's; an administrator can add them"#]],
    )
    .await;
    refused(
        Submission::prompt("deploy", "eve@elsewhere.test"),
        expect![[r#"
            eve@elsewhere.test is not a known user (SymSDK:UNKNOWN_USER)
              help: their e-mail domain is not one of the organization's; an administrator can add them"#]],
    )
    .await;
    refused(
        Submission::request("deploy", "not an address"),
        expect![[r#"
            expected an email address, got `not an address` (SymSDK:INVALID_EMAIL)
              help: it contains ' '"#]],
    )
    .await;
}

#[tokio::test]
async fn a_decision_on_no_request() {
    let nowhere = RunId::from_uuid(uuid::Uuid::from_u128(7));
    refused(
        Submission::approve(nowhere, "ana@example.com"),
        expect!["there is no Run 00000000-0000-0000-0000-000000000007 (SymSDK:UNKNOWN_RUN)"],
    )
    .await;
}

#[tokio::test]
async fn fields_that_are_too_large() {
    let text = "x".repeat(70_000);
    refused(
        good().input("urgency", text),
        expect!["the fields of the request take 70052 bytes as JSON; at most 65536 are taken (SymSDK:TOO_LARGE)"],
    )
    .await;
}

#[tokio::test]
async fn somebody_who_may_not_is_refused_on_the_record() {
    let mut harness = harness().await;
    let run = harness.simulation_mut().submit(good()).await.unwrap().run;
    let before = harness.run(run).await.unwrap();
    let own = harness.approve_as(run, "ana@example.com").await.unwrap_err();
    expect!["requesters cannot approve their own request (SymSDK:SELF_APPROVAL)"].assert_eq(&own.to_string());
    let foreign = harness.approve_as(run, "eve@elsewhere.test").await.unwrap_err();
    expect!["eve@elsewhere.test is not permitted to decide this request (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&foreign.to_string());
    let early = harness.revoke_as(run, "ben@example.com").await.unwrap_err();
    expect!["only an escalated request can be revoked; this one is requested (DeescalateAPI:INVALID_RUN)"]
        .assert_eq(&early.to_string());
    assert_eq!(harness.run(run).await.unwrap().run, before.run);
    let golden = harness.golden(run);
    expect![[r#"
        refused      ana@example.com: requesters cannot approve their own request (SymSDK:SELF_APPROVAL)
        12:00:00  approve          refused      eve@elsewhere.test: eve@elsewhere.test is not permitted to decide this request (SymSDK:NOT_PERMITTED)
        12:00:00  deescalate       refused      ben@example.com: only an escalated request can be revoked; this one is requested (DeescalateAPI:INVALID_RUN)

        prod: requested
    "#]].assert_eq(&golden[golden.find("refused").unwrap()..]);
}
