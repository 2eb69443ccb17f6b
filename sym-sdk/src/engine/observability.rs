//! Metrics and traces of a running engine.
//!
//! Metrics go to the recorder of the [`metrics`] facade: install an exporter, such as one for Prometheus, before the runtime is
//! started. Without one they cost next to nothing. Times are in seconds, by the engine's clock.
//!
//! | name | type | labels | description |
//! | --- | --- | --- | --- |
//! | `sym_inputs_total` | counter | `kind`, `reply` | inputs delivered: `submitted`, `effect_done`, `timer_fired`, `rearm`, `clock_set_back` |
//! | `sym_effects_total` | counter | `kind`, `outcome` | effects executed, such as `revoke` with `revoked` or `failed` |
//! | `sym_commits_total` | counter | `result` | commits, by result: `written`, `duplicate`, `conflict`, `failed` |
//! | `sym_worker_panics_total` | counter | `worker` | restarts of workers that panicked |
//! | `sym_effect_duration_seconds` | histogram | `kind` | duration of effects |
//! | `sym_commit_duration_seconds` | histogram | | time until the store has made a commit durable |
//! | `sym_effect_lateness_seconds` | histogram | `lane` | delay between the due time of a scheduled effect and its start |
//! | `sym_timer_lateness_seconds` | histogram | `kind` | delay between the due time of a timer and its firing |
//! | `sym_due` | gauge | | effects and timers that are due and not in progress |
//! | `sym_late` | gauge | | those of them that have been due for more than a minute |
//! | `sym_oldest_due_seconds` | gauge | | time for which the oldest of them has been due |
//! | `sym_stuck` | gauge | | Runs whose revocation has failed and is not confirmed yet, or is deferred by a hook |
//! | `sym_store_writable` | gauge | | 1, or 0 while the store does not take writes |
//! | `sym_unwritten` | gauge | | outcomes and ends of access that the store has not taken yet |
//!
//! Gauges are set every 15 seconds while workers are running. Alert on `sym_stuck`, `sym_late` and `sym_unwritten`.
//!
//! Log events are those of [`tracing`]. Each effect is executed in a span `effect` with the fields `run`, `event`, `key`,
//! `kind`, `attempt`, `handler` and `outcome`, and each input is delivered in a span `input` with `run`, `key` and `kind`.

use std::time::Duration;

use jiff::Timestamp;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tracing::field::Empty;
use tracing::{Span, debug_span, info_span};

use super::health::Backlog;
use super::store::{Claimed, DueTimer};
use crate::machine::{Effect, Input, InputBody, InputReply, Outcome};

/// Effects and timers that have been due for longer than this are late.
pub(super) const LATE_AFTER: Duration = Duration::from_secs(60);

/// Describes the metrics to the recorder, so that whoever reads them sees their units and descriptions.
///
/// Call it after a recorder was installed; `server::PrometheusMetrics` does.
pub fn describe() {
    describe_counter!("sym_inputs_total", "Inputs delivered");
    describe_counter!("sym_effects_total", "Effects executed, by kind and outcome");
    describe_counter!("sym_commits_total", "Commits, by result: written, duplicate, conflict or failed");
    describe_counter!("sym_worker_panics_total", "Restarts of workers that panicked");
    describe_histogram!("sym_effect_duration_seconds", Unit::Seconds, "Duration of effects");
    describe_histogram!("sym_commit_duration_seconds", Unit::Seconds, "Time until the store has made a commit durable");
    let lateness = "Delay between the due time of a scheduled effect and its start";
    describe_histogram!("sym_effect_lateness_seconds", Unit::Seconds, lateness);
    let lateness = "Delay between the due time of a timer and its firing";
    describe_histogram!("sym_timer_lateness_seconds", Unit::Seconds, lateness);
    describe_gauge!("sym_due", "Effects and timers that are due and not in progress");
    describe_gauge!("sym_late", "Effects and timers that have been due for more than a minute");
    let oldest = "Time for which the oldest effect or timer that is due has been due";
    describe_gauge!("sym_oldest_due_seconds", Unit::Seconds, oldest);
    let stuck = "Runs whose revocation has failed and is not confirmed yet, or is deferred by a hook";
    describe_gauge!("sym_stuck", stuck);
    describe_gauge!("sym_store_writable", "1, or 0 while the store does not take writes");
    describe_gauge!("sym_unwritten", "Outcomes and ends of access that the store has not taken yet");
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    // Negative if the clock went back meanwhile.
    Duration::try_from(to.duration_since(from)).unwrap_or_default().as_secs_f64()
}

pub(super) fn effect_span(effect: &Effect) -> Span {
    info_span!(
        "effect",
        run = %effect.key.run,
        event = %effect.event.name,
        key = %effect.key,
        kind = effect.kind.name(),
        attempt = effect.attempt,
        handler = Empty,
        outcome = Empty,
    )
}

pub(super) fn input_span(key: &str, input: &Input) -> Span {
    debug_span!("input", run = %input.run, key, kind = kind_of(input))
}

pub(super) fn effect_started(claimed: &Claimed, now: Timestamp) {
    if let Some(due) = claimed.effect.not_before {
        let lane = claimed.effect.lane().name();
        histogram!("sym_effect_lateness_seconds", "lane" => lane).record(seconds(due, now));
    }
}

pub(super) fn effect_ended(span: &Span, kind: &'static str, outcome: &Outcome, started: Timestamp, now: Timestamp) {
    counter!("sym_effects_total", "kind" => kind, "outcome" => outcome.name()).increment(1);
    histogram!("sym_effect_duration_seconds", "kind" => kind).record(seconds(started, now));
    span.record("outcome", outcome.name());
    if let Some(handler) = outcome.handler() {
        span.record("handler", tracing::field::display(handler));
    }
}

pub(super) fn timer_fired(timer: &DueTimer, now: Timestamp) {
    histogram!("sym_timer_lateness_seconds", "kind" => timer.key.kind.name()).record(seconds(timer.at, now));
}

pub(super) fn commit_ended(result: &'static str, started: Timestamp, now: Timestamp) {
    counter!("sym_commits_total", "result" => result).increment(1);
    histogram!("sym_commit_duration_seconds").record(seconds(started, now));
}

pub(super) fn input_delivered(input: &Input, reply: &InputReply) {
    let reply = match reply {
        InputReply::Accepted { .. } => "accepted",
        InputReply::Refused { .. } => "refused",
        InputReply::Stale => "stale",
    };
    counter!("sym_inputs_total", "kind" => kind_of(input), "reply" => reply).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers, and no backlog is that long")]
pub(super) fn backlog(backlog: &Backlog, now: Timestamp) {
    gauge!("sym_due").set(backlog.due as f64);
    gauge!("sym_late").set(backlog.late as f64);
    gauge!("sym_stuck").set(backlog.stuck as f64);
    gauge!("sym_oldest_due_seconds").set(backlog.oldest.map_or(0.0, |oldest| seconds(oldest, now)));
}

pub(super) fn worker_panicked(worker: &'static str) {
    counter!("sym_worker_panics_total", "worker" => worker).increment(1);
}

pub(super) fn store_writable(writable: bool) {
    gauge!("sym_store_writable").set(if writable { 1.0 } else { 0.0 });
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers, and there are never that many")]
pub(super) fn unwritten(inputs: usize) {
    gauge!("sym_unwritten").set(inputs as f64);
}

fn kind_of(input: &Input) -> &'static str {
    match input.body {
        InputBody::Submitted { .. } => "submitted",
        InputBody::SubmissionRefused(_) => "submission_refused",
        InputBody::EffectDone { .. } => "effect_done",
        InputBody::Resumed => "resumed",
        InputBody::FlowRemoved => "flow_removed",
        InputBody::RevocationBlocked { .. } => "revocation_blocked",
        InputBody::TimerFired { .. } => "timer_fired",
        InputBody::Rearm => "rearm",
        InputBody::ClockWentBack => "clock_set_back",
        InputBody::UserAction(_) => "user_action",
        InputBody::AccountEvent(_) => "account_event",
    }
}
