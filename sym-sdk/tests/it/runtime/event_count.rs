//! Handlers count what happened before.

use sym_sdk::directory::MemoryDirectory;
use sym_sdk::error::codes;
use sym_sdk::testing::Harness;

use super::*;

/// Two requests an hour for one target are enough.
#[hook]
async fn on_request(event: &Event, directory: &Directory) -> Result<Option<NextEvent>> {
    let requests = directory.event_count(event, Step::Request).on_target().within(HOUR).await?;
    Ok((requests > 2).then(|| ApprovalTemplate::deny().reason(format!("{requests} requests"))))
}

async fn request(harness: &mut Harness, by: &str, target: &str) -> RunStatus {
    let run = harness.request("prod").by(by).target(target).duration("10m").await.unwrap();
    harness.status(run).await.unwrap()
}

async fn harness() -> Harness {
    let builder = Harness::builder().access_flow("prod", ["admins", "readers"]);
    builder.handlers(handlers![get_permissions, get_request_notifications, on_request]).build().await.unwrap()
}

#[tokio::test]
async fn a_hook_limits_requests() {
    let mut harness = harness().await;
    assert_eq!(request(&mut harness, "ana@example.com", "admins").await, RunStatus::Requested);
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(request(&mut harness, "ana@example.com", "admins").await, RunStatus::Requested);
    assert_eq!(request(&mut harness, "ana@example.com", "admins").await, RunStatus::Denied);
    assert_eq!(request(&mut harness, "ana@example.com", "readers").await, RunStatus::Requested, "another target");
    assert_eq!(request(&mut harness, "ben@example.com", "admins").await, RunStatus::Requested, "another requester");
    harness.advance(HOUR).await.unwrap();
    // The one denied counts: it was asked for. An hour ago is within the hour.
    assert_eq!(request(&mut harness, "ana@example.com", "admins").await, RunStatus::Denied);
    harness.advance(Duration::from_nanos(1)).await.unwrap();
    assert_eq!(request(&mut harness, "ana@example.com", "admins").await, RunStatus::Requested);
}

#[tokio::test]
async fn all_can_be_asked_for() {
    #[hook]
    fn on_approve(event: &Event) -> Result<()> {
        if event.user().username() == "cy@example.com" { Err(Error::handler("not Cy")) } else { Ok(()) }
    }
    #[hook]
    async fn after_deescalate(event: &Event, directory: &Directory, store: &KeyValue) -> Result<()> {
        let approvals = || directory.event_count(event, Step::Approve);
        let approver = event.actor(Step::Approve).unwrap();
        let counts = [
            approvals().await?,
            approvals().include_errored().await?,
            approvals().of(approver).await?,
            approvals().since(event.timestamp()).await?,
            approvals().until(event.timestamp() - HOUR).include_errored().await?,
            directory.event_count(event, Step::Deescalate).await?,
        ];
        store.put("counts", counts).await
    }
    let values = KeyValue::new(sym_sdk::directory::MemoryKeyValue::new());
    let (builder, store) = (Harness::builder().access_flow("prod", ["admins"]), values.clone());
    let handlers = handlers![get_permissions, get_request_notifications, on_approve, after_deescalate];
    let builder = builder.handlers(handlers).runtime(move |builder| builder.key_value(store));
    let mut harness = builder.build().await.unwrap();
    for approver in ["ben@example.com", "cy@example.com", "ben@example.com"] {
        let run = harness.request("prod").duration("1h").await.unwrap();
        harness.approve_as(run, approver).await.unwrap();
        harness.run_to_end().await.unwrap();
    }
    assert_eq!(values.fetch("counts").await.unwrap().unwrap(), serde_json::json!([2, 3, 0, 0, 3, 2]));
}

/// As in a unit test of a handler.
#[tokio::test]
async fn without_a_runtime_there_is_nothing_to_count() {
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
    let ana = User::from_email("ana@example.com").unwrap();
    let event = Event::builder(flow, Step::Request, ana).build();
    let error = directory.event_count(&event, Step::Request).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, &codes::CONFIGURATION));
    let error = directory.event_count(&event, Step::Request).on_target().await.unwrap_err();
    assert_eq!(*error.code(), codes::UNKNOWN_TARGET);
}
