//! The log destinations `kinesis_firehose` and `kinesis_data_stream`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sym_integrations::audit_format::AuditFormat;
use sym_integrations::aws_kinesis::{KinesisDestination, StreamKind};
use sym_integrations::http::Connection;
use sym_sdk::audit::{self, AuditDestination, AuditLine};
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{self, Config, Reference};
use sym_sdk::engine::MemoryStore;
use sym_sdk::error::ErrorKind;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Plugin, Runtime};
use sym_sdk::testing::Harness;
use wiremock::ResponseTemplate;

use crate::aws::fake::{Answer, FakeAws, Operation, json_failure};
use crate::GRACE;
use crate::aws::support::code;
use crate::http::support::{at, leap};
use crate::log_destinations::{anchor, is_anchored, lines, lines_with_target_setting};

const STREAM: &str = "SymAuditLog";

/// The records that a stream has stored, in order, and those that it refuses.
#[derive(Clone, Default)]
struct State {
    stored: Vec<String>,
    /// The numbers of records of each call.
    calls: Vec<usize>,
    refusals: BTreeMap<String, usize>,
    keys: Vec<String>,
}

impl State {
    fn put(&mut self, call: &Operation) -> Value {
        let records = call.arguments["Records"].as_array().unwrap().clone();
        self.calls.push(records.len());
        let is_firehose = call.name == "PutRecordBatch";
        let mut failed = 0;
        let outcomes: Vec<_> = records
            .iter()
            .map(|record| {
                let data = String::from_utf8(STANDARD.decode(record["Data"].as_str().unwrap()).unwrap()).unwrap();
                self.keys.extend(record["PartitionKey"].as_str().map(str::to_owned));
                let refused = self.refusals.iter_mut().find(|(text, left)| **left > 0 && data.contains(text.as_str()));
                if let Some((_, left)) = refused {
                    *left -= 1;
                    failed += 1;
                    let code =
                        if is_firehose { "ServiceUnavailableException" } else { "ProvisionedThroughputExceededException" };
                    return json!({ "ErrorCode": code, "ErrorMessage": "slow down", "RecordId": null });
                }
                self.stored.push(data);
                match is_firehose {
                    true => json!({ "RecordId": "r", "ErrorCode": null }),
                    false => json!({ "SequenceNumber": "1", "ShardId": "shard-0" }),
                }
            })
            .collect();
        match is_firehose {
            true => json!({ "FailedPutCount": failed, "RequestResponses": outcomes, "Encrypted": false }),
            false => json!({ "FailedRecordCount": failed, "Records": outcomes }),
        }
    }
}

async fn start() -> FakeAws<State> {
    FakeAws::start(State::default(), |state, call| Answer::Json(state.put(call))).await
}

struct Stream {
    clock: Arc<VirtualClock>,
    destination: KinesisDestination,
}

impl Stream {
    fn of(fake: &FakeAws<State>, kind: StreamKind) -> Self {
        let clock = at("2024-02-29T12:00:00Z");
        let context = fake.context_builder().connection(Connection::default().with_clock(clock.clone())).build().unwrap();
        Self { clock, destination: KinesisDestination::new("test", &context, kind, STREAM).unwrap() }
    }

    /// Waits between calls pass at once.
    async fn deliver(&self, lines: &[AuditLine]) -> Result<usize> {
        leap(&self.clock, |wait| wait < Duration::from_secs(9), self.destination.deliver(lines)).await
    }
}

const KINDS: [StreamKind; 2] = [StreamKind::Firehose, StreamKind::DataStream];

fn text(lines: &[AuditLine]) -> Vec<String> {
    lines.iter().map(|line| format!("{}\n", line.as_str())).collect()
}

/// KF05: Firehose joins records as they are, so each ends with exactly one line break. KF04: the key is the Run's id.
#[tokio::test]
async fn entries_are_json_lines_with_the_run_as_their_key() {
    let lines = lines().await;
    for kind in KINDS {
        let fake = start().await;
        let stream = Stream::of(&fake, kind);
        assert_eq!(stream.deliver(&lines).await.unwrap(), lines.len());
        assert_eq!(fake.state().stored, text(&lines), "{kind:?}");
        let operations = fake.operations();
        let (scope, name, member) = match kind {
            StreamKind::Firehose => ("firehose/eu-central-1", "PutRecordBatch", "DeliveryStreamName"),
            _ => ("kinesis/eu-central-1", "PutRecords", "StreamName"),
        };
        assert_eq!((operations[0].scope.as_str(), operations[0].name.as_str()), (scope, name));
        assert_eq!(operations[0].text(member), STREAM);
        if kind == StreamKind::DataStream {
            let runs: Vec<_> = lines.iter().map(|line| line.record().entry().unwrap().run.to_string()).collect();
            assert_eq!(fake.state().keys, runs);
        }
    }
}

#[tokio::test]
async fn an_anchor_is_a_record_of_its_own_kind() {
    let lines = lines().await;
    for kind in KINDS {
        let fake = start().await;
        // It is refused at first, as any record can be.
        fake.state().refusals.insert(r#""type":"anchor""#.to_owned(), 1);
        let stream = Stream::of(&fake, kind);
        stream.deliver(&lines).await.unwrap();
        let anchor = anchor(&lines);
        let delivery = stream.destination.deliver_anchor(&anchor);
        leap(&stream.clock, |wait| wait < Duration::from_secs(9), delivery).await.unwrap();
        let stored = fake.state().stored.concat();
        assert!(is_anchored(&stored) && stored.ends_with(&(anchor.to_line() + "\n")), "{kind:?}");
    }
}

/// KF01: a call can store some records and refuse others. Those are sent again, and nothing counts before.
#[tokio::test]
async fn refused_records_are_sent_again() {
    let lines = lines().await;
    for kind in KINDS {
        let fake = start().await;
        let refused = lines[1].id().to_string();
        fake.state().refusals.insert(refused, 3);
        let stream = Stream::of(&fake, kind);
        assert_eq!(stream.deliver(&lines).await.unwrap(), lines.len());
        let stored = fake.state().stored.clone();
        assert_eq!(stored.len(), lines.len(), "none is stored twice");
        assert!(text(&lines).iter().all(|line| stored.contains(line)));
    }
}

/// KF02: an entry that is refused holds back the later entries of its Run.
#[tokio::test]
async fn nothing_is_sent_past_a_refused_entry_of_a_run() {
    let lines = lines().await;
    let run = |line: &AuditLine| line.record().entry().unwrap().run;
    let fake = start().await;
    fake.state().refusals.insert(lines[1].id().to_string(), 2);
    Stream::of(&fake, StreamKind::DataStream).deliver(&lines).await.unwrap();
    let stored = fake.state().stored.clone();
    for line in &lines {
        let own: Vec<_> = text(&lines.iter().filter(|other| run(other) == run(line)).cloned().collect::<Vec<_>>());
        let arrived: Vec<_> = stored.iter().filter(|text| own.contains(text)).cloned().collect();
        assert_eq!(arrived, own, "in order within the Run");
    }
    // Each entry has what consumers sort by.
    let first: Value = serde_json::from_str(&stored[0]).unwrap();
    assert!(first["audit"]["seq"].is_u64() && first["audit"]["hash"].is_string());
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

async fn lines_of_two_runs() -> Vec<AuditLine> {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(sym_sdk::handlers![get_permissions]);
    let mut harness = builder.idle_timeout(GRACE).build().await.unwrap();
    for _ in 0..2 {
        harness.request("prod").duration("1h").await.unwrap();
    }
    audit::lines(&**harness.runtime().engine(), 0, 100).await.unwrap()
}

/// KF01: what was stored although an earlier entry was refused for too long is not sent again with it.
#[tokio::test]
async fn a_delivery_counts_up_to_the_first_entry_that_is_refused() {
    let lines = lines_of_two_runs().await;
    let run = |line: &AuditLine| line.record().entry().unwrap().run;
    let others = lines.iter().filter(|line| run(line) != run(&lines[0])).count();
    assert!(others > 0);
    let fake = start().await;
    fake.state().refusals.insert(lines[0].id().to_string(), 1_000);
    let stream = Stream::of(&fake, StreamKind::Firehose);
    let error = stream.deliver(&lines).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_retryable()), ("SymSDK:AUDIT_DESTINATION", true));
    assert!(error.message().contains("ServiceUnavailableException: slow down"), "{error}");
    assert_eq!(fake.state().stored.len(), others, "the other Run is not held back");
    fake.state().refusals.clear();
    assert_eq!(stream.deliver(&lines).await.unwrap(), lines.len());
    assert_eq!(fake.state().stored.len(), lines.len(), "none is stored twice");
}

/// KF01: what was stored before the refused entry counts, and nothing after it.
#[tokio::test]
async fn entries_before_a_refused_one_are_delivered() {
    let lines = lines().await;
    let fake = start().await;
    fake.state().refusals.insert(lines[1].id().to_string(), 1_000);
    assert_eq!(Stream::of(&fake, StreamKind::DataStream).deliver(&lines).await.unwrap(), 1);
    assert_eq!(fake.state().stored, text(&lines[..1]));
}

/// KF04: throttling of the whole call is one of the same.
#[tokio::test]
async fn throttled_calls_are_repeated() {
    let lines = lines().await;
    for (kind, operation, theirs, status) in [
        (StreamKind::DataStream, "PutRecords", "ProvisionedThroughputExceededException", 400),
        (StreamKind::Firehose, "PutRecordBatch", "ServiceUnavailableException", 503),
    ] {
        let fake = start().await;
        for _ in 0..2 {
            fake.once(operation, json_failure(status, theirs, "Rate exceeded for shard"));
        }
        assert_eq!(Stream::of(&fake, kind).deliver(&lines).await.unwrap(), lines.len());
        assert_eq!(fake.state().stored, text(&lines));
    }
}

/// KF03: an entry above the limit of a record would make the stream refuse the whole call. It is reduced.
#[tokio::test]
async fn entries_that_are_too_large_are_reduced() {
    let lines = lines_with_target_setting(&"é".repeat(700_000)).await;
    for (kind, max) in [(StreamKind::Firehose, 1_024_000), (StreamKind::DataStream, (1 << 20) - 36)] {
        let fake = start().await;
        assert_eq!(Stream::of(&fake, kind).deliver(&lines).await.unwrap(), lines.len());
        let stored = fake.state().stored.clone();
        assert!(stored.iter().all(|entry| entry.len() <= max && entry.ends_with("}\n")));
        let reduced = stored.iter().filter(|entry| serde_json::from_str::<Value>(entry).unwrap()["truncated"] == true);
        assert!(reduced.count() > 0);
    }
}

#[tokio::test]
async fn reports_what_is_wrong_with_a_stream() {
    let lines = lines().await;
    for (theirs, kind, hint) in [
        ("ResourceNotFoundException", ErrorKind::NotFound, "`stream_name`"),
        ("AccessDeniedException", ErrorKind::Forbidden, "kinesis:PutRecords"),
        ("KMSDisabledException", ErrorKind::InvalidInput, "the key"),
    ] {
        let fake = start().await;
        fake.once("PutRecords", json_failure(400, theirs, "said so"));
        let error = Stream::of(&fake, StreamKind::DataStream).deliver(&lines).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.hint().unwrap().contains(hint) && !error.is_retryable());
    }
    // An answer that says nothing about some of the records confirms none.
    for body in [json!({}), json!({ "Records": [] }), json!({ "Records": null, "FailedRecordCount": 0 })] {
        let fake = start().await;
        fake.once("PutRecords", ResponseTemplate::new(200).set_body_json(body));
        let error = Stream::of(&fake, StreamKind::DataStream).deliver(&lines[..1]).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSKinesis:INVALID_RESPONSE", ErrorKind::Decode));
    }
    // A record without an id is not stored.
    let fake = start().await;
    let body = json!({ "Records": [{ "SequenceNumber": null, "ErrorCode": null }] });
    fake.once("PutRecords", ResponseTemplate::new(200).set_body_json(body));
    assert_eq!(Stream::of(&fake, StreamKind::DataStream).deliver(&lines[..1]).await.unwrap(), 1);
    assert_eq!(fake.state().stored.len(), 1);
}

#[tokio::test]
async fn entries_can_be_in_ocsf() {
    let lines = lines().await;
    let fake = start().await;
    let destination = KinesisDestination::new("test", &fake.context(), StreamKind::Firehose, STREAM).unwrap();
    destination.format(AuditFormat::Ocsf).deliver(&lines).await.unwrap();
    let first: Value = serde_json::from_str(&fake.state().stored[0]).unwrap();
    assert_eq!(first["metadata"]["version"], "1.5.0");
}

#[tokio::test]
async fn all_includes_the_types() {
    let build = async |kind: &str, settings: &[(&str, &str)], integration: Option<&str>| {
        let mut config = Config {
            organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
            environments: vec![config::Environment {
                name: "main".into(),
                log_destinations: vec!["archive".into()],
                ..config::Environment::default()
            }],
            flows: vec![config::Flow {
                name: "prod".into(),
                environment: "main".into(),
                ..config::Flow::default()
            }],
            ..Config::default()
        };
        config.integrations.push(config::Integration {
            kind: "permission_context".into(),
            name: "context".into(),
            settings: [("region".to_owned(), "eu-central-1".to_owned())].into(),
            ..config::Integration::default()
        });
        config.log_destinations.push(config::LogDestination {
            kind: kind.into(),
            name: "archive".into(),
            integration: integration.map(|name| Reference::typed("permission_context", name)),
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..config::LogDestination::default()
        });
        let builder = Runtime::builder(config).registry(sym_sdk::handlers![get_permissions]).store(Arc::new(MemoryStore::new()));
        sym_integrations::all().install(builder).build().await.map(drop).map_err(|error| error.to_string())
    };
    for kind in ["kinesis_firehose", "kinesis_data_stream"] {
        build(kind, &[("stream_name", STREAM), ("format", "ocsf")], Some("context")).await.unwrap();
        assert!(build(kind, &[], Some("context")).await.unwrap_err().contains("stream_name"));
        assert!(build(kind, &[("stream_name", STREAM)], None).await.is_err());
        let arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/x";
        let error = build(kind, &[("stream_name", arn)], Some("context")).await.unwrap_err();
        assert!(error.contains("is not the name of a stream"), "{error}");
    }
}
