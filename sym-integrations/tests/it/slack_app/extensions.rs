//! Extensions of access in Slack: a message of their own, in which they are decided.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::World;
use super::cards::quotations;

fn texts(message: &Value) -> String {
    message["blocks"].to_string()
}

#[tokio::test]
async fn an_extension_is_decided_in_its_own_message() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let (of_request, _) = world.fake.message();
    world.harness.advance(Duration::from_secs(60)).await.unwrap();
    let extend = world.harness.extend_as(run, "ana@example.com", Duration::from_secs(600));
    extend.reason("one more <!channel>").await.unwrap();
    world.settle().await;
    let (of_extension, posted) = world.fake.message();
    assert_ne!(of_request["message_ts"], of_extension["message_ts"], "a message of its own");
    let text = texts(&posted);
    assert!(text.contains(" asks for more time for ") && text.contains("Extend by") && text.contains("10m"), "{text}");
    assert!(text.contains("Waiting for a decision.") && text.contains("The access ends "), "{text}");
    assert_eq!(quotations(&posted).pop().as_deref(), Some("one more <!channel>"));

    // Somebody clicks in the old message, which their Slack has not updated yet.
    let mut payload = world.clicked("U0BEN", "approve", run);
    payload["container"]["message_ts"] = of_request["message_ts"].clone();
    let before = world.harness.run(run).await.unwrap().access_until();
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    world.settle().await;
    assert_eq!(world.harness.run(run).await.unwrap().access_until(), before);

    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let state = world.harness.run(run).await.unwrap();
    // At most the longest duration that the flow offers from the decision on, which is a minute after the grant.
    assert_eq!(state.access_until().unwrap(), before.unwrap() + Duration::from_secs(60));
    let updated = world.fake.calls("chat.update");
    let updated: Vec<_> = updated.iter().filter(|update| update["ts"] == of_extension["message_ts"]).collect();
    let text = texts(updated.last().unwrap());
    assert!(text.contains("Approved by <@U0BEN>") && text.contains("Access until "), "{text}");
    let told = world.fake.calls("chat.postMessage").into_iter().rfind(|post| post["channel"] == "U0ANA").unwrap();
    let text = told["text"].as_str().unwrap();
    assert!(text.starts_with("You have access to *admins* until <!date^") && text.ends_with(". *ben@example.com* extended it."), "{text}");
    let text = texts(&told);
    assert!(text.contains(r#""user_id":"U0BEN""#) && text.contains(r#""type":"date""#), "people are mentioned, times are local: {text}");
}
