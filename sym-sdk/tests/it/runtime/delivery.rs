//! Recipients of notifications, failed deliveries, and missing answers.

use expect_test::expect;
use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::forms::PromptForm;
use sym_sdk::handlers;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{MINUTE, get_permissions, plain, with_alerts};

mod forwarding {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_request_notifications() -> Result<Vec<Notification>> {
        let first = Notification::to(SlackChannelName::new("#first")?).timeout(10 * super::MINUTE);
        let second = Notification::to(SlackChannelName::new("#second")?).timeout(10 * super::MINUTE);
        Ok(vec![first, second])
    }
}

mod legacy {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_approvers() -> Result<Fallback> {
        let destinations = [SlackChannelName::new("#first")?, SlackChannelName::new("#second")?];
        Fallback::new(destinations.map(RequestDestination::from))
    }
}

async fn forwarding() -> Harness {
    let builder = Harness::builder().approval_flow("deploy");
    with_alerts(builder)
        .handlers(handlers![get_permissions, forwarding::get_request_notifications])
        .build()
        .await
        .unwrap()
}

fn told(harness: &Harness) -> Vec<String> {
    harness.delivery().delivered().into_iter().map(|(_, destination)| destination).collect()
}

#[tokio::test]
async fn a_request_goes_on_to_the_next_when_nobody_answers_and_then_expires() {
    let mut harness = forwarding().await;
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    harness.run_to_end().await.unwrap();
    assert_eq!(told(&harness), ["#first", "#second"]);
    expect![[r#"
        2024-02-29 UTC
        12:00:00  request          by           ana@example.com via the API
                                   handler      get_permissions (sym-sdk/tests/it/runtime/mod.rs) returned
                                   handler      get_request_notifications (sym-sdk/tests/it/runtime/delivery.rs) returned
                                   routed       approvers: members; viewers: admins; notify: #first, then #second
                                   status       requested
                                   notified     #first
        12:10:00  request_forward  by           ana@example.com (no response in time)
                                   status       forwarded
                                   notified     #second
        12:20:00  request_expire   by           ana@example.com (no response in time)
                                   status       expired
                                   messaged     ana@example.com: “Your request for deploy has expired: nobody acted on it in time”

        deploy: expired
    "#]].assert_eq(&harness.golden(run));
    let late = harness.approve_as(run, "ben@example.com").await.unwrap_err();
    expect!["this request has expired; nobody acted on it in time (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&late.to_string());
}

#[tokio::test]
async fn a_decision_stops_the_forwarding() {
    let mut harness = forwarding().await;
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    harness.advance(15 * MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Forwarded);
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    assert_eq!(told(&harness), ["#first", "#second"]);
    assert!(harness.delivery().updated().iter().any(|(_, status)| *status == RunStatus::Approved));
}

#[tokio::test]
async fn a_destination_that_cannot_be_told_gives_way_to_the_next_at_once() {
    let mut harness = forwarding().await;
    harness.delivery().fail_for("#first");
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Forwarded);
    assert_eq!(told(&harness), ["#second"]);
    assert_eq!(harness.delivery().alerts().len(), 1);
}

#[tokio::test]
async fn a_request_that_nobody_can_be_told_of_expires_and_the_requester_hears_of_it() {
    let mut harness = forwarding().await;
    harness.delivery().fail_for("#first");
    harness.delivery().fail_for("#second");
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Expired);
    let (to, text) = harness.delivery().messages().pop().unwrap();
    assert_eq!(to, "ana@example.com");
    expect![
        "Your request for deploy is closed: nobody could be notified of it. Contact an administrator, then request again"
    ]
    .assert_eq(&text);
}

#[tokio::test]
async fn a_destination_that_is_down_for_a_moment_is_told_later() {
    let mut harness = forwarding().await;
    harness.delivery().fail_times("#first", 2);
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    assert!(told(&harness).is_empty());
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(told(&harness), ["#first"]);
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
}

#[tokio::test]
async fn a_destination_that_wants_no_notifications_is_no_failure() {
    let mut harness = forwarding().await;
    harness.delivery().opt_out("#first");
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    assert!(harness.delivery().alerts().is_empty());
    harness.advance(10 * MINUTE).await.unwrap();
    assert_eq!(told(&harness), ["#second"]);
}

#[tokio::test]
async fn a_legacy_fallback_goes_on_after_a_failure() {
    let builder = Harness::builder().approval_flow("deploy").handlers(handlers![legacy::get_approvers]);
    let mut harness = builder.build().await.unwrap();
    harness.delivery().fail_for("#first");
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    assert_eq!(told(&harness), ["#second"]);
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
}

#[tokio::test]
async fn a_person_who_cannot_be_messaged_does_not_hold_up_the_run() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    harness.delivery().fail_for("ana@example.com");
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.timeline().entries().iter().any(|entry| entry.kind == "reported"));
}

/// A front end that reaches everybody, and was added before all others, but stands behind them.
struct LastResort;

impl Delivery for LastResort {
    fn name(&self) -> &str {
        "last-resort"
    }

    fn is_fallback(&self) -> bool {
        true
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    async fn deliver(&self, _: &RequestView, _: &Destination) -> Result<DeliveryReceipt> {
        Err(Error::handler("another one reaches this"))
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        Ok(())
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    async fn message(&self, _: &RequestView, _: &User, _: &Notice) -> Result<()> {
        Err(Error::handler("another one reaches them"))
    }

    async fn alert(&self, _: &RequestView, _: &str, _: &EffectError) -> Result<()> {
        Ok(())
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        false
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_fallback_gets_what_no_other_reaches() {
    let builder = Harness::builder().approval_flow("deploy").delivery(LastResort);
    let builder = builder.handlers(handlers![get_permissions, forwarding::get_request_notifications]);
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("deploy").by("ana@example.com").await.unwrap();
    harness.run_to_end().await.unwrap();
    assert_eq!(told(&harness), ["#first", "#second"]);
    assert_eq!(harness.delivery().messages().len(), 1, "{}", harness.golden(run));
}
