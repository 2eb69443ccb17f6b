//! Metrics and log events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use sym_sdk::engine::MemoryStore;
use sym_sdk::runtime::Submission;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::fixture::Fixture;

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn metrics_count_work_and_show_stuck_runs() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    fixture.strategy.fail_revocations(1);
    let runtime = fixture.start().await;
    fixture.granted(&runtime).await;
    // Access ends two minutes late, after a warning that is late, too, and the revocation fails.
    fixture.clock.advance(HOUR + Duration::from_secs(120));
    assert_eq!(runtime.drive().unwrap().measure_backlog().await.unwrap().late, 2);
    runtime.run_until_idle().await.unwrap();
    let backlog = runtime.drive().unwrap().measure_backlog().await.unwrap();
    assert_eq!((backlog.due, backlog.stuck), (0, 1), "the next attempt is scheduled");

    let seen = snapshotter.snapshot().into_vec();
    let value = |kind: MetricKind, name: &str, labels: &[(&str, &str)]| {
        let is = |key: &metrics::Key| {
            key.name() == name
                && labels
                    .iter()
                    .all(|(name, value)| key.labels().any(|label| label.key() == *name && label.value() == *value))
        };
        let found = seen.iter().find(|(key, ..)| key.kind() == kind && is(key.key()));
        match &found.unwrap_or_else(|| panic!("no {name} with {labels:?}")).3 {
            DebugValue::Counter(count) => *count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.iter().map(|value| value.into_inner()).fold(0.0, f64::max),
        }
    };
    let effects =
        |kind, outcome| value(MetricKind::Counter, "sym_effects_total", &[("kind", kind), ("outcome", outcome)]);
    assert_eq!(effects("grant", "granted"), 1.0);
    assert_eq!(effects("revoke", "failed"), 1.0);
    let submitted = [("kind", "submitted"), ("reply", "accepted")];
    assert_eq!(value(MetricKind::Counter, "sym_inputs_total", &submitted), 1.0);
    assert!(value(MetricKind::Counter, "sym_commits_total", &[("result", "written")]) > 3.0);
    assert_eq!(value(MetricKind::Histogram, "sym_timer_lateness_seconds", &[("kind", "expire")]), 120.0);
    assert_eq!(value(MetricKind::Gauge, "sym_stuck", &[]), 1.0);
    assert_eq!(value(MetricKind::Gauge, "sym_due", &[]), 0.0);
    assert_eq!(value(MetricKind::Histogram, "sym_effect_duration_seconds", &[("kind", "grant")]), 0.0);
}

#[tokio::test]
async fn each_effect_has_a_span_with_its_outcome() {
    let spans = Spans::default();
    // With a single subscriber, a span that another thread without one meets first would be cached as disabled.
    let _second = tracing::Dispatch::new(Spans::default());
    let _subscribed = tracing::subscriber::set_default(spans.clone());
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    fixture.strategy.fail_grants(1);
    let runtime = fixture.start().await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    let spans = spans.0.lock().unwrap();
    let with = |fields: &[&str]| spans.iter().any(|span| fields.iter().all(|field| span.contains(field)));
    assert!(with(&[
        "effect ",
        &format!("run={run}"),
        "event=escalate",
        "kind=\"grant\"",
        "attempt=1",
        "outcome=\"failed\""
    ]));
    assert!(with(&["effect ", "event=request", "kind=\"hook\"", "handler=", "on_request", "outcome=\"hook\""]));
    assert!(with(&["input ", "kind=\"submitted\""]), "{spans:?}");
}

/// Collects the fields of spans as text.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

impl Spans {
    fn note(&self, span: &Id, fields: impl FnOnce(&mut Text)) {
        let mut text = Text(String::new());
        fields(&mut text);
        let index = usize::try_from(span.into_u64()).unwrap() - 1;
        self.0.lock().unwrap()[index].push_str(&text.0);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.0.lock().unwrap();
        spans.push(span.metadata().name().to_owned());
        let id = Id::from_u64(u64::try_from(spans.len()).unwrap());
        drop(spans);
        self.note(&id, |text| span.record(text));
        id
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.note(span, |text| values.record(text));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
