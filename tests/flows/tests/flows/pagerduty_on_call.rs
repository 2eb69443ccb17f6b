use expect_test::expect;
use flows::clients::Slack;
use flows::{pagerduty_on_call, plain};
use sym_integrations::pagerduty::SimulatedPagerDuty;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{flow, sent};

async fn harness(outbox: &Outbox, pagerduty: SimulatedPagerDuty) -> Harness {
    let handlers = handlers![plain::get_permissions, plain::get_request_notifications, pagerduty_on_call::on_request];
    let builder = flow("pagerduty_on_call", outbox).handlers(handlers).fake(pagerduty);
    builder.client(Slack { outbox: outbox.clone() }).build().await.unwrap()
}

#[tokio::test]
async fn approves_users_on_call_and_names_the_reason() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, SimulatedPagerDuty::new().on_call_for("platform", "ana@example.com")).await;
    let run = harness.request("on-call").by("ana@example.com").field("reason", "the site is down").await.unwrap();
    expect![[r#"
        2024-02-29 UTC
        12:00:00  request          by           ana@example.com via the API
                                   inputs       reason: the site is down
                                   looked up    by on_request: “pagerduty: is_on_call ana@example.com of schedule `platform`”
                                   handler      on_request (tests/flows/src/pagerduty_on_call.rs) fired approve: “the site is down (on call)”
        12:00:00  approve          by           ana@example.com (fired by a hook)
                                   status       approved
                                   messaged     ana@example.com: “Your request for On call was approved: the site is down (on call)”

        on-call: approved
    "#]].assert_eq(&harness.golden(run));
    let other = harness.request("on-call").by("ben@example.com").field("reason", "the site is down").await.unwrap();
    assert_eq!(harness.status(other).await.unwrap(), RunStatus::Requested);
}

#[tokio::test]
async fn a_person_decides_if_pagerduty_does_not_know_the_user() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, SimulatedPagerDuty::new().without_user("ana@example.com")).await;
    let run = harness.request("on-call").by("ana@example.com").field("reason", "the site is down").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    let text = "slack to ana@example.com: Your request waits for an approver: no PagerDuty user has the e-mail address `ana@example.com` (PagerDuty:USER_NOT_FOUND, service pagerduty)";
    assert_eq!(sent(&outbox), [text]);
}
