//! Records and displays the form that the requester would fill in.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::cli::table::write_table;
use crate::delivery::{Delivery, DeliveryReceipt, RequestView, SimulatedDelivery};
use crate::error::Result;
use crate::forms::{PromptField, PromptForm};
use crate::handler::{HandlerKind, HandlerRecord};
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;
use crate::runtime::HandlerUsage;
use crate::sync::lock;

/// The maximum number of options to list per field.
const MAX_OPTIONS: usize = 8;

/// A form as it was opened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RecordedForm {
    #[serde(flatten)]
    form: PromptForm,
    /// The prefetch reducers of the flow.
    #[serde(skip)]
    prefetch: Vec<&'static HandlerRecord>,
}

/// A front end that records the form it is asked to open, and reaches no one. Clones share the form.
#[derive(Clone, Debug)]
pub(in crate::cli) struct FormRecorder {
    handlers: Arc<[HandlerUsage]>,
    form: Arc<Mutex<Option<RecordedForm>>>,
    rest: Arc<SimulatedDelivery>,
}

impl FormRecorder {
    /// Returns a front end for a program with these handlers.
    pub(super) fn new(handlers: Vec<HandlerUsage>) -> Self {
        Self { handlers: handlers.into(), form: Arc::default(), rest: Arc::default() }
    }

    /// Takes the form that was opened last.
    pub(super) fn take(&self) -> Option<RecordedForm> {
        lock(&self.form).take()
    }
}

impl Delivery for FormRecorder {
    fn name(&self) -> &str {
        "simulation"
    }

    fn reaches(&self, _: &Destination) -> bool {
        false
    }

    async fn deliver(&self, request: &RequestView, destination: &Destination) -> Result<DeliveryReceipt> {
        self.rest.deliver(request, destination).await
    }

    async fn update(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        self.rest.update(request, message).await
    }

    fn reaches_user(&self, _: &User) -> bool {
        false
    }

    async fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        self.rest.message(request, to, notice).await
    }

    async fn alert(&self, request: &RequestView, destination: &str, error: &EffectError) -> Result<()> {
        self.rest.alert(request, destination, error).await
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    async fn open_form(&self, request: &RequestView, form: &PromptForm) -> Result<()> {
        let flow = request.event().flow().name().as_str();
        let of_flow = self.handlers.iter().filter(|used| used.flows.iter().any(|name| name == flow));
        let prefetch = of_flow.map(|used| used.record).filter(|record| record.kind() == HandlerKind::Prefetch);
        let shown = RecordedForm { form: form.clone(), prefetch: prefetch.collect() };
        *lock(&self.form) = Some(shown);
        Ok(())
    }
}

/// Writes a table of the visible fields, with their options and the handlers that returned these.
pub(super) fn write(shown: &RecordedForm, to: &mut dyn Write) -> io::Result<()> {
    let head = ["FIELD", "LABEL", "TYPE", "OPTIONS"];
    let fields = shown.form.fields().iter().filter(|field| field.visible).map(|field| row(field, &shown.prefetch));
    write_table(to, head, fields, None)
}

fn row(field: &PromptField, prefetch: &[&HandlerRecord]) -> [String; 4] {
    let options = &field.current_allowed_values;
    let mut labels: Vec<_> = options.iter().take(MAX_OPTIONS).map(|option| option.label().to_owned()).collect();
    if options.len() > MAX_OPTIONS {
        labels.push(format!("and {} more", options.len() - MAX_OPTIONS));
    }
    let mut options = labels.join(", ");
    if let Some(record) = prefetch.iter().find(|record| record.field() == Some(field.name())) {
        options.push_str(&format!("; prefetched by {record}"));
    }
    let kind = field.field_type();
    let kind = if field.required { kind.to_string() } else { format!("{kind}, optional") };
    [field.name().to_owned(), field.label.clone(), kind, options]
}
