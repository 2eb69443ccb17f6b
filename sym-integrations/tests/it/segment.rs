//! The log destination `segment`, against a server of the test's own.

use secrecy::SecretString;
use serde_json::Value;
use sym_integrations::segment::SegmentDestination;
use sym_sdk::audit::AuditDestination;
use sym_sdk::error::ErrorKind;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::log_destinations::{anchor, lines, lines_with_target_setting, unreadable_line};

fn to(server: &MockServer) -> SegmentDestination {
    let url = format!("{}/v1/batch", server.uri());
    SegmentDestination::with_url("test", &url, "Access", &SecretString::from("hunter2")).unwrap()
}

async fn accepting() -> MockServer {
    let server = MockServer::start().await;
    // `hunter2:` in Base64: the key is the user name, and the password is empty.
    let batch = Mock::given(method("POST")).and(path("/v1/batch")).and(header("authorization", "Basic aHVudGVyMjo="));
    batch.respond_with(ResponseTemplate::new(200).set_body_string(r#"{"success":true}"#)).mount(&server).await;
    server
}

async fn events(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let bodies = requests.iter().map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
    bodies.flat_map(|body| body["batch"].as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn an_anchor_is_an_event_of_its_own_kind() {
    let server = accepting().await;
    let anchor = anchor(&lines().await);
    to(&server).deliver_anchor(&anchor).await.unwrap();
    let [event] = &*events(&server).await else { panic!("one event") };
    assert_eq!((&event["type"], &event["event"]), (&"track".into(), &"Access".into()));
    assert_eq!((&event["messageId"], &event["anonymousId"]), (&anchor.id().to_string().into(), &"sym-sdk".into()));
    assert_eq!(event["timestamp"], anchor.at().to_string());
    assert_eq!(event["properties"], serde_json::from_str::<Value>(&anchor.to_line()).unwrap());
}

/// SG01: Segment answers 200 to events that it drops, so nothing may be missing.
#[tokio::test]
async fn events_have_all_that_segment_needs_to_keep_them() {
    let server = accepting().await;
    let lines = lines().await;
    let segment = to(&server);
    assert_eq!(segment.deliver(&lines).await.unwrap(), lines.len());
    segment.deliver(&lines[..1]).await.unwrap();
    let events = events(&server).await;
    for (event, line) in events.iter().zip(&lines) {
        assert_eq!((&event["type"], &event["event"]), (&"track".into(), &"Access".into()));
        assert_eq!(event["messageId"], line.id().to_string());
        assert_eq!(event["userId"], "ana@example.com");
        assert_eq!(event["timestamp"], line.record().entry().unwrap().at.to_string());
        assert_eq!(event["properties"], serde_json::from_str::<Value>(line.as_str()).unwrap());
    }
    assert_eq!(events.last().unwrap()["messageId"], events[0]["messageId"], "a repeated event has the same id");
}

/// SG01: nobody is known to have done it, and Segment drops events of nobody.
#[tokio::test]
async fn an_entry_that_cannot_be_read_is_an_event_of_an_unknown_user() {
    let server = accepting().await;
    let line = unreadable_line().await;
    assert_eq!(to(&server).deliver(std::slice::from_ref(&line)).await.unwrap(), 1);
    let [event] = &*events(&server).await else { panic!("one event") };
    assert_eq!((&event["anonymousId"], &event["userId"]), (&"unknown".into(), &Value::Null));
    assert_eq!(event["messageId"], line.id().to_string());
    assert_eq!(event["properties"], serde_json::from_str::<Value>(line.as_str()).unwrap());
}

/// SG02: 32 KB an event and 500 KB a request, decimal; one large event does not block the others.
#[tokio::test]
async fn events_and_requests_stay_within_the_limits() {
    let server = accepting().await;
    let lines = lines_with_target_setting(&"é".repeat(15_000)).await;
    let many: Vec<_> = lines.iter().cycle().take(64).cloned().collect();
    assert_eq!(to(&server).deliver(&many).await.unwrap(), many.len());
    let requests = server.received_requests().await.unwrap();
    assert!(requests.len() > 1 && requests.iter().all(|request| request.body.len() <= 500_000));
    let events = events(&server).await;
    assert!(events.iter().all(|event| event.to_string().len() <= 32_000));
    assert!(events.iter().any(|event| event["properties"]["truncated"] == true));
    assert_eq!(events.len(), many.len());
}

/// SG02: errors are text.
#[tokio::test]
async fn an_error_in_text_is_an_error_of_the_configuration() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(400).set_body_string("malformed hunter2");
    Mock::given(method("POST")).respond_with(refused).mount(&server).await;
    let error = to(&server).deliver(&lines().await).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Configuration, Some(400)));
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn empty_names_and_keys_are_refused() {
    let key = |key: &str| SecretString::from(key);
    for (event, write_key) in [("", "k"), (" ", "k"), ("Access", ""), ("Access", "hunter2\n"), ("Access", " hunter2")] {
        let error = SegmentDestination::new("test", event, &key(write_key)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
