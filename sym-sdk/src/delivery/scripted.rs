//! Front ends that deliver nothing to some destinations, for simulations of what goes wrong.
//!
//! A wrapper, because what cannot be delivered cannot be delivered by any front end: requests go to the first one that reaches a
//! destination, but alerts to all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{DeliveryReceipt, DynDelivery, RequestView};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::future::BoxFuture;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;
use crate::sync::lock;

/// The channels, users and error destinations to which nothing can be delivered. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undeliverable(Arc<Mutex<BTreeMap<String, bool>>>);

impl Undeliverable {
    /// Sets the destinations, in place of those before.
    pub(crate) fn set(&self, destinations: &[String]) {
        *lock(&self.0) = destinations.iter().map(|to| (normalized(to), false)).collect();
    }

    /// Returns whether something was to be delivered to one of the destinations since they were set.
    pub(crate) fn was_tried(&self, to: &str) -> bool {
        lock(&self.0).get(&normalized(to)).copied().unwrap_or_default()
    }

    /// Fails if nothing can be delivered there, and remembers that something was to be.
    fn check(&self, to: &str) -> Result<()> {
        let mut destinations = lock(&self.0);
        let Some(was_tried) = destinations.get_mut(&normalized(to)) else { return Ok(()) };
        *was_tried = true;
        let message = format!("scripted: nothing can be delivered to {to}");
        Err(Error::new(ErrorKind::NotFound, codes::SCRIPTED_FAILURE, message))
    }
}

/// Returns the name of a channel or a user as it is compared.
fn normalized(name: &str) -> String {
    name.trim().trim_start_matches('#').to_lowercase()
}

/// A front end that does what another one does, unless the destination is undeliverable.
pub(crate) struct ScriptedDelivery {
    inner: Arc<dyn DynDelivery>,
    undeliverable: Undeliverable,
}

impl ScriptedDelivery {
    /// Wraps a front end.
    pub(crate) fn new(inner: Arc<dyn DynDelivery>, undeliverable: Undeliverable) -> Self {
        Self { inner, undeliverable }
    }
}

impl DynDelivery for ScriptedDelivery {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn is_fallback(&self) -> bool {
        self.inner.is_fallback()
    }

    fn reaches(&self, destination: &Destination) -> bool {
        self.inner.reaches(destination)
    }

    fn deliver<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a Destination,
    ) -> BoxFuture<'a, Result<DeliveryReceipt>> {
        Box::pin(async move {
            self.undeliverable.check(&destination.label())?;
            self.inner.deliver(request, destination).await
        })
    }

    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool {
        self.inner.is_same_message(delivered, acted)
    }

    fn link<'a>(&'a self, message: &'a MessageRef) -> BoxFuture<'a, Option<String>> {
        self.inner.link(message)
    }

    fn update<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        self.inner.update(request, message)
    }

    fn remind<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        self.inner.remind(request, message)
    }

    fn sends_receipts(&self) -> bool {
        self.inner.sends_receipts()
    }

    fn send_receipt<'a>(&'a self, request: &'a RequestView, to: &'a User) -> BoxFuture<'a, Result<MessageRef>> {
        Box::pin(async move {
            self.undeliverable.check(to.username())?;
            self.inner.send_receipt(request, to).await
        })
    }

    fn update_receipt<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        self.inner.update_receipt(request, message)
    }

    fn reaches_user(&self, user: &User) -> bool {
        self.inner.reaches_user(user)
    }

    fn message<'a>(&'a self, request: &'a RequestView, to: &'a User, notice: &'a Notice) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.undeliverable.check(to.username())?;
            self.inner.message(request, to, notice).await
        })
    }

    fn reaches_error_destination(&self, destination: &str) -> bool {
        self.inner.reaches_error_destination(destination)
    }

    fn alert<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a str,
        error: &'a EffectError,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.undeliverable.check(destination)?;
            self.inner.alert(request, destination, error).await
        })
    }

    fn opens_forms_for(&self, channel: ChannelType) -> bool {
        self.inner.opens_forms_for(channel)
    }

    fn open_form<'a>(&'a self, request: &'a RequestView, form: &'a PromptForm) -> BoxFuture<'a, Result<()>> {
        self.inner.open_form(request, form)
    }
}
