//! The log events of the server.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// A subscriber that collects the events of this thread from a module of `sym_sdk`: level, message and fields.
#[derive(Clone)]
pub(super) struct Events {
    module: &'static str,
    events: Arc<Mutex<Vec<String>>>,
}

impl Events {
    /// Collects events until what is returned beside them is dropped.
    pub(super) fn of(module: &'static str) -> (Self, (DefaultGuard, Dispatch)) {
        let events = Self { module, events: Arc::default() };
        // With a single subscriber, an event that another thread without one meets first would be cached as disabled.
        let second = Dispatch::new(events.clone());
        (events.clone(), (tracing::subscriber::set_default(events), second))
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0.push_str(&format!(" {value:?}")),
            name => self.0.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == self.module {
            let mut text = Text(event.metadata().level().to_string());
            event.record(&mut text);
            self.events.lock().unwrap().push(text.0);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
