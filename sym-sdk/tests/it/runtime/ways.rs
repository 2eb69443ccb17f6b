//! One event's way, from the request to its end.

use expect_test::expect;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{HOUR, plain};

/// Every hook of the approval template, each noting that it was called.
mod noting {
    use sym_sdk::integration::Outbox;
    use sym_sdk::prelude::*;

    macro_rules! noting {
        ($($name:ident)*) => {$(
            #[hook]
            pub(super) fn $name(event: &Event, notes: State<Outbox>) {
                let asked_by = event.requester().map(User::username).unwrap_or_default();
                notes.record("note", stringify!($name), format!("{}, asked by {asked_by}", event.user().username()));
            }
        )*};
    }

    noting! {
        on_prompt after_prompt on_request after_request on_request_forward after_request_forward
        on_request_expire after_request_expire on_approve after_approve on_deny after_deny
        on_escalate after_escalate on_deescalate after_deescalate
    }
}

fn with_notes() -> sym_sdk::handler::Registry {
    plain().merge(handlers![
        noting::on_prompt,
        noting::after_prompt,
        noting::on_request,
        noting::after_request,
        noting::on_request_forward,
        noting::after_request_forward,
        noting::on_request_expire,
        noting::after_request_expire,
        noting::on_approve,
        noting::after_approve,
        noting::on_deny,
        noting::after_deny,
        noting::on_escalate,
        noting::after_escalate,
        noting::on_deescalate,
        noting::after_deescalate,
    ])
}

fn notes(harness: &Harness) -> Vec<String> {
    harness.outbox().sent().into_iter().map(|sent| format!("{}: {}", sent.to, sent.text)).collect()
}

#[tokio::test]
async fn an_access_request_calls_each_hook_once_and_in_order() {
    let outbox = Outbox::new();
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(with_notes());
    let mut harness = builder.state(outbox.clone()).outbox(outbox).build().await.unwrap();
    let run = harness.prompt("prod", "ana@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Prompted);
    harness.request("prod").by("ana@example.com").form(run).duration("1h").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(HOUR - std::time::Duration::from_nanos(1)).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    harness.advance(std::time::Duration::from_nanos(1)).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
    expect![[r#"
        on_prompt: ana@example.com, asked by 
        after_prompt: ana@example.com, asked by 
        on_request: ana@example.com, asked by ana@example.com
        after_request: ana@example.com, asked by ana@example.com
        on_approve: ben@example.com, asked by ana@example.com
        on_escalate: ben@example.com, asked by ana@example.com
        after_approve: ben@example.com, asked by ana@example.com
        after_escalate: ben@example.com, asked by ana@example.com
        on_deescalate: ben@example.com, asked by ana@example.com
        after_deescalate: ben@example.com, asked by ana@example.com"#]]
    .assert_eq(&notes(&harness).join("\n"));
}

#[tokio::test]
async fn an_approval_only_request_ends_with_its_approval() {
    let mut harness = Harness::builder().approval_flow("deploy").handlers(plain()).build().await.unwrap();
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    harness.advance(HOUR).await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.run_to_end().await.unwrap();
    expect![[r#"
        2024-02-29 UTC
        12:00:00  request          by           ana@example.com via the API
                                   handler      get_permissions (sym-sdk/tests/it/runtime/mod.rs) returned
                                   handler      get_request_notifications (sym-sdk/tests/it/runtime/mod.rs) returned
                                   routed       approvers: members; viewers: admins; notify: #requests
                                   status       requested
                                   notified     #requests
        13:00:00  approve          by           ben@example.com via the API
                                   status       approved
                                   messaged     ana@example.com: “ben@example.com approved your request for deploy”

        deploy: approved
    "#]]
    .assert_eq(&harness.golden(run));
}

#[tokio::test]
async fn a_denial_ends_a_request_and_tells_the_requester_why() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.deny_as(run, "ben@example.com").message("not today").await.unwrap();
    let refused = harness.approve_as(run, "cho@example.com").await.unwrap_err();
    expect!["this request was already denied by ben@example.com (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&refused.to_string());
    harness.run_to_end().await.unwrap();
    assert!(harness.granted().is_empty());
    expect![[r#"
        2024-02-29 UTC
        12:00:00  request          by           ana@example.com via the API
                                   inputs       admins for 1h
                                   handler      get_permissions (sym-sdk/tests/it/runtime/mod.rs) returned
                                   handler      get_request_notifications (sym-sdk/tests/it/runtime/mod.rs) returned
                                   routed       approvers: members; viewers: admins; notify: #requests
                                   status       requested
                                   notified     #requests
        12:00:00  deny             by           ben@example.com via the API: “not today”
                                   status       denied
                                   messaged     ana@example.com: “ben@example.com denied your request for prod: not today”
        12:00:00  approve          refused      cho@example.com: this request was already denied by ben@example.com (SymSDK:ALREADY_DECIDED)

        prod: denied
    "#]].assert_eq(&harness.golden(run));
}

#[tokio::test]
async fn access_can_be_revoked_before_its_time() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.revoke_as(run, "cho@example.com").await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(harness.strategy("test").unwrap().calls().len(), 2);
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.strategy("test").unwrap().calls().len(), 2, "the timer of a revoked access is stale");
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    let again = harness.revoke_as(run, "cho@example.com").await.unwrap_err();
    expect!["only an escalated request can be revoked; this one is deescalated (DeescalateAPI:INVALID_RUN)"]
        .assert_eq(&again.to_string());
}

mod auto_approve {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_request(event: &Event) -> Option<NextEvent> {
        let urgent = event.fields().text("urgency").ok()? == "high";
        urgent.then(|| ApprovalTemplate::approve().reason("urgent, and on call"))
    }
}

#[tokio::test]
async fn two_requests_in_one_timeline_are_numbered() {
    let mut harness = Harness::builder()
        .flow(sym_sdk::config::Flow {
            name: "prod".into(),
            params: sym_sdk::config::FlowParams {
                prompt_fields: vec![sym_sdk::config::PromptField {
                    name: "urgency".into(),
                    field_type: "string".into(),
                    allowed_values: Some(vec!["high".into(), "low".into()]),
                    ..Default::default()
                }],
                ..Default::default()
            },
            ..Default::default()
        })
        .handlers(plain().merge(handlers![auto_approve::on_request]))
        .build()
        .await
        .unwrap();
    harness.request("prod").by("ana@example.com").field("urgency", "low").await.unwrap();
    harness.advance(13 * HOUR).await.unwrap();
    harness.request("prod").by("bo\u{308}rge@example.com").field("urgency", "high").await.unwrap();
    expect![[r#"
        2024-02-29 UTC
        12:00:00  #1 request          by           ana@example.com via the API
                                      inputs       urgency: low
                                      handler      on_request (sym-sdk/tests/it/runtime/ways.rs) continued
                                      handler      get_permissions (sym-sdk/tests/it/runtime/mod.rs) returned
                                      handler      get_request_notifications (sym-sdk/tests/it/runtime/mod.rs) returned
                                      routed       approvers: members; viewers: admins; notify: #requests
                                      status       requested
                                      notified     #requests

        2024-03-01 UTC
        01:00:00  #2 request          by           börge@example.com via the API
                                      inputs       urgency: high
                                      handler      on_request (sym-sdk/tests/it/runtime/ways.rs) fired approve: “urgent, and on call”
        01:00:00  #2 approve          by           börge@example.com (fired by a hook)
                                      status       approved
                                      messaged     börge@example.com: “Your request for prod was approved: urgent, and on call”

        #1 prod: requested
        #2 prod: approved
    "#]].assert_eq(&harness.timeline().without_lines().to_string());

    let json = harness.timeline().to_json();
    let fired = json.as_array().unwrap().iter().find(|line| line["details"]["audit"]["handler_called"].is_object());
    expect![[r#""continued""#]].assert_eq(
        &serde_json::to_string_pretty(&fired.unwrap()["details"]["audit"]["handler_called"]["result"]).unwrap(),
    );
}

#[tokio::test]
async fn the_same_requests_give_the_same_history() {
    async fn history() -> serde_json::Value {
        let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
        for email in ["ana@example.com", "ben@example.com", "cho@example.com"] {
            let run = harness.request("prod").by(email).duration("1h").await.unwrap();
            harness.approve_as(run, "dee@example.com").await.unwrap();
        }
        harness.run_to_end().await.unwrap();
        harness.timeline().to_json()
    }
    assert_eq!(history().await, history().await);
}
