//! Shows the form that a requester would fill in.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::BoxFuture;
use crate::delivery::{Delivery, DeliveryReceipt, DryDelivery, RequestView};
use crate::error::Result;
use crate::forms::{PromptField, PromptForm};
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// As many options are listed.
const OPTIONS: usize = 8;

/// A front end that keeps the form it is to show, and reaches nobody. Clones share the form.
#[derive(Clone, Debug, Default)]
pub(super) struct FormKeeper {
    form: Arc<Mutex<Option<PromptForm>>>,
    rest: Arc<DryDelivery>,
}

impl FormKeeper {
    /// The form that was shown last.
    pub(super) fn take(&self) -> Option<PromptForm> {
        self.form.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Delivery for FormKeeper {
    fn name(&self) -> &str {
        "simulation"
    }

    fn reaches(&self, _: &Destination) -> bool {
        false
    }

    fn deliver<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a Destination,
    ) -> BoxFuture<'a, Result<DeliveryReceipt>> {
        self.rest.deliver(request, destination)
    }

    fn update<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        self.rest.update(request, message)
    }

    fn reaches_user(&self, _: &User) -> bool {
        false
    }

    fn message<'a>(&'a self, request: &'a RequestView, to: &'a User, notice: &'a Notice) -> BoxFuture<'a, Result<()>> {
        self.rest.message(request, to, notice)
    }

    fn alert<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a str,
        error: &'a EffectError,
    ) -> BoxFuture<'a, Result<()>> {
        self.rest.alert(request, destination, error)
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    fn open_form<'a>(&'a self, _: &'a RequestView, form: &'a PromptForm) -> BoxFuture<'a, Result<()>> {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner) = Some(form.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Writes the fields that the requester would see.
pub(super) fn write(form: &PromptForm, to: &mut dyn Write) -> io::Result<()> {
    let head = ["FIELD", "LABEL", "TYPE", "OPTIONS"].map(str::to_owned);
    let rows: Vec<_> =
        std::iter::once(head).chain(form.fields().iter().filter(|field| field.visible).map(row)).collect();
    super::write_table(to, &rows)
}

fn row(field: &PromptField) -> [String; 4] {
    let options = &field.current_allowed_values;
    let mut labels: Vec<_> = options.iter().take(OPTIONS).map(|option| option.label().to_owned()).collect();
    if options.len() > OPTIONS {
        labels.push(format!("and {} more", options.len() - OPTIONS));
    }
    let kind =
        if field.required { field.field_type().to_string() } else { format!("{}, optional", field.field_type()) };
    [field.name().to_owned(), field.label.clone(), kind, labels.join(", ")]
}
