//! The log destination `datadog`, against a server of the test's own.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use sym_integrations::audit_format::AuditFormat;
use sym_integrations::datadog::DatadogDestination;
use sym_sdk::audit::AuditDestination;
use sym_sdk::clock::VirtualClock;
use sym_sdk::error::ErrorKind;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::log_destinations::{anchor, is_failure, lines, lines_with_a_failure, lines_with_target_setting};

const INTAKE: &str = "/api/v2/logs";

fn key() -> SecretString {
    SecretString::from("hunter2")
}

fn to(server: &MockServer) -> DatadogDestination {
    DatadogDestination::with_url("test", &format!("{}{INTAKE}", server.uri()), &key()).unwrap()
}

async fn accepting() -> MockServer {
    let server = MockServer::start().await;
    let intake = Mock::given(method("POST")).and(path(INTAKE)).and(header("dd-api-key", "hunter2"));
    intake.respond_with(ResponseTemplate::new(202).set_body_string("{}")).mount(&server).await;
    server
}

async fn logs(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().flat_map(|request| serde_json::from_slice::<Vec<Value>>(&request.body).unwrap()).collect()
}

#[tokio::test]
async fn an_anchor_is_a_log_of_its_own_kind() {
    let server = accepting().await;
    let anchor = anchor(&lines().await);
    let datadog = to(&server).tags("env:prod").clock(Arc::new(VirtualClock::at(anchor.at())));
    datadog.deliver_anchor(&anchor).await.unwrap();
    let [log] = &*logs(&server).await else { panic!("one log") };
    assert_eq!(log["sym"], serde_json::from_str::<Value>(&anchor.to_line()).unwrap());
    assert_eq!((&log["sym"]["type"], &log["status"], &log["ddtags"]), (&"anchor".into(), &"info".into(), &"env:prod".into()));
    assert_eq!(log["message"], format!("anchor of entry {}", anchor.head().seq));
    assert_eq!(log["timestamp"], anchor.at().as_millisecond());
}

/// DD03: the entry is one attribute, so that its members do not meet Datadog's own.
#[tokio::test]
async fn the_entry_is_one_attribute_beside_those_of_datadog() {
    let server = accepting().await;
    let lines = lines().await;
    let at = lines[0].record().entry().unwrap().at;
    let datadog = to(&server).service("access").tags("env:prod").clock(Arc::new(VirtualClock::at(at)));
    assert_eq!(datadog.deliver(&lines).await.unwrap(), lines.len());
    let logs = logs(&server).await;
    assert_eq!(logs.len(), lines.len());
    for (log, line) in logs.iter().zip(&lines) {
        assert_eq!(log["sym"], serde_json::from_str::<Value>(line.as_str()).unwrap());
        assert_eq!((&log["ddsource"], &log["service"]), (&"sym".into(), &"access".into()));
        assert_eq!((&log["status"], &log["ddtags"]), (&"info".into(), &"env:prod".into()));
        assert_eq!(log["timestamp"], line.record().entry().unwrap().at.as_millisecond());
        for reserved in ["host", "date", "id", "type", "state", "late"] {
            assert!(log[reserved].is_null(), "{reserved}");
        }
    }
    let bodies: String = server.received_requests().await.unwrap().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
    assert!(lines.iter().all(|line| bodies.contains(line.as_str())), "the entry is sent byte for byte");
}

/// DD02: Datadog drops logs that are older than 18 hours.
#[tokio::test]
async fn entries_after_an_outage_of_a_day_are_sent_without_their_time() {
    let server = accepting().await;
    let lines = lines().await;
    let clock = VirtualClock::at(lines[0].record().entry().unwrap().at);
    clock.advance(Duration::from_secs(24 * 60 * 60));
    to(&server).clock(Arc::new(clock)).deliver(&lines).await.unwrap();
    for log in logs(&server).await {
        assert_eq!(log["late"], true);
        assert!(log["timestamp"].is_null());
        assert!(log["sym"]["audit"]["entry"]["at"].is_string(), "the time is in the entry");
    }
}

/// DD01: Datadog answers 202 to entries above 1 MB, and cuts them.
#[tokio::test]
async fn entries_that_would_be_cut_are_reduced() {
    let server = accepting().await;
    let lines = lines_with_target_setting(&"x".repeat(1_000_000)).await;
    assert_eq!(to(&server).deliver(&lines).await.unwrap(), lines.len());
    let logs = logs(&server).await;
    let reduced: Vec<_> = logs.iter().filter(|log| log["sym"]["truncated"] == true).collect();
    assert!(!reduced.is_empty());
    assert!(logs.iter().all(|log| log.to_string().len() < 1_000_000));
    assert!(logs.iter().zip(&lines).all(|(log, line)| log["sym"]["id"] == line.id().to_string()));
}

/// DD01: requests are at most 5 MB before compression, and are halved if the server finds them too large.
#[tokio::test]
async fn requests_stay_within_the_limits_or_are_halved() {
    let server = accepting().await;
    let lines = lines_with_target_setting(&"x".repeat(900_000)).await;
    let lines: Vec<_> = lines.iter().filter(|line| line.as_str().len() > 900_000).cycle().take(8).cloned().collect();
    assert_eq!(to(&server).deliver(&lines).await.unwrap(), lines.len());
    let requests = server.received_requests().await.unwrap();
    assert!(requests.len() > 1 && requests.iter().all(|request| request.body.len() <= 5_000_000));

    let strict = MockServer::start().await;
    let is_large = |request: &Request| serde_json::from_slice::<Vec<Value>>(&request.body).unwrap().len() > 2;
    Mock::given(is_large).respond_with(ResponseTemplate::new(413)).with_priority(1).mount(&strict).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).mount(&strict).await;
    let lines = crate::log_destinations::lines().await;
    assert_eq!(to(&strict).deliver(&lines).await.unwrap(), lines.len());
    let accepted = strict.received_requests().await.unwrap();
    let accepted = accepted.iter().map(|request| serde_json::from_slice::<Vec<Value>>(&request.body).unwrap());
    let kept: Vec<_> = accepted.filter(|logs| logs.len() <= 2).flatten().map(|log| log["sym"]["audit"]["seq"].clone()).collect();
    assert_eq!(kept, lines.iter().map(|line| Value::from(line.seq())).collect::<Vec<_>>(), "in order, each once");
}

/// Entries that were accepted before a failure count, and nothing is sent past it.
#[tokio::test]
async fn a_failure_between_halves_ends_the_delivery() {
    let lines = lines_with_target_setting(&"x".repeat(900_000)).await;
    let lines: Vec<_> = lines.iter().filter(|line| line.as_str().len() > 900_000).cycle().take(8).cloned().collect();
    let server = MockServer::start().await;
    let is_large = |request: &Request| serde_json::from_slice::<Vec<Value>>(&request.body).unwrap().len() > 2;
    Mock::given(is_large).respond_with(ResponseTemplate::new(413)).with_priority(1).mount(&server).await;
    let accepted = Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).with_priority(2);
    accepted.up_to_n_times(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).with_priority(3).mount(&server).await;
    assert_eq!(to(&server).deliver(&lines).await.unwrap(), 2);
    let requests = server.received_requests().await.unwrap();
    let sizes: Vec<_> =
        requests.iter().map(|request| serde_json::from_slice::<Vec<Value>>(&request.body).unwrap().len()).collect();
    assert_eq!(sizes, [5, 2, 3, 1]);
}

/// The status of a log tells failures from the rest.
#[tokio::test]
async fn entries_of_failures_are_errors() {
    let server = accepting().await;
    let lines = lines_with_a_failure().await;
    to(&server).deliver(&lines).await.unwrap();
    for (log, line) in logs(&server).await.iter().zip(&lines) {
        assert_eq!(log["status"], if is_failure(line) { "error" } else { "info" });
    }
}

/// DD04: a wrong site or key is a fault of the configuration, which no retry mends.
#[tokio::test]
async fn a_refused_key_names_the_site_and_the_setting() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(403).set_body_string("hunter2")).mount(&server).await;
    let error = to(&server).deliver(&lines().await).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Forbidden, false));
    assert!(error.hint().unwrap().contains("`site`") && error.hint().unwrap().contains("`api_key_secret`"));
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn sites_are_host_names() {
    for good in ["datadoghq.com", "us5.datadoghq.com", "ap1.datadoghq.com", "ddog-gov.com"] {
        DatadogDestination::new("test", good, &key()).unwrap();
    }
    for bad in ["", "https://datadoghq.com", "app.datadoghq.eu", "api.datadoghq.eu", "datadoghq.com/x", "a b", "a@b"] {
        let error = DatadogDestination::new("test", bad, &key()).unwrap_err();
        assert!(error.to_string().contains(bad) && error.kind() == ErrorKind::Configuration, "{error}");
    }
    let error = DatadogDestination::new("test", "datadoghq.com", &SecretString::from("")).unwrap_err();
    assert!(error.to_string().contains("empty"));
}

#[tokio::test]
async fn the_entry_can_be_an_event_of_ocsf() {
    let server = accepting().await;
    to(&server).format(AuditFormat::Ocsf).deliver(&lines().await).await.unwrap();
    assert!(logs(&server).await.iter().all(|log| log["sym"]["category_uid"] == 3));
}
