//! The view of operators: the alerts that the front end was asked to deliver, and the gauges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use sym_sdk::machine::EffectError;
use sym_sdk::model::RunId;

/// The alerts and gauges of a world. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Operators(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// The alerts, by Run and message.
    alerts: BTreeSet<(RunId, String)>,
    gauges: BTreeMap<String, Arc<Value>>,
}

impl Operators {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an alert about a Run.
    pub(crate) fn alerted(&self, run: RunId, error: &EffectError) {
        self.lock().alerts.insert((run, error.to_string()));
    }

    /// Returns whether there was an alert about this failure of the Run.
    pub(crate) fn were_alerted_of(&self, run: RunId, error: &EffectError) -> bool {
        self.lock().alerts.contains(&(run, error.to_string()))
    }

    /// Returns whether there was an alert about the Run.
    pub(crate) fn were_alerted(&self, run: RunId) -> bool {
        self.lock().alerts.iter().any(|(alerted, _)| *alerted == run)
    }

    /// Returns the value of a gauge that was ever set.
    pub(crate) fn gauge(&self, name: &str) -> Option<f64> {
        self.lock().gauges.get(name).map(|value| value.get())
    }
}

/// The value of a gauge.
#[derive(Default)]
struct Value(AtomicU64);

impl Value {
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl GaugeFn for Value {
    fn increment(&self, value: f64) {
        self.set(self.get() + value);
    }

    fn decrement(&self, value: f64) {
        self.set(self.get() - value);
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

/// Records gauges, and nothing else.
impl Recorder for Operators {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.lock().gauges.entry(key.name().to_owned()).or_default().clone())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
