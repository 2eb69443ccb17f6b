//! The object-safe form of [`Delivery`], so that a runtime can hold front ends of many types while their authors write
//! `async fn`.

use super::{Delivery, DeliveryReceipt, RequestView};
use crate::error::Result;
use crate::forms::PromptForm;
use crate::future::BoxFuture;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// A [`Delivery`] whose type is erased. Implemented for every delivery.
pub(crate) trait DynDelivery: Send + Sync + 'static {
    fn name(&self) -> &str;
    fn is_fallback(&self) -> bool;
    fn reaches(&self, destination: &Destination) -> bool;
    fn deliver<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a Destination,
    ) -> BoxFuture<'a, Result<DeliveryReceipt>>;
    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool;
    #[cfg_attr(not(feature = "api"), allow(dead_code, reason = "only the API links to messages"))]
    fn link<'a>(&'a self, message: &'a MessageRef) -> BoxFuture<'a, Option<String>>;
    fn update<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>>;
    fn remind<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>>;
    fn sends_receipts(&self) -> bool;
    fn send_receipt<'a>(&'a self, request: &'a RequestView, to: &'a User) -> BoxFuture<'a, Result<MessageRef>>;
    fn update_receipt<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>>;
    fn reaches_user(&self, user: &User) -> bool;
    fn message<'a>(&'a self, request: &'a RequestView, to: &'a User, notice: &'a Notice) -> BoxFuture<'a, Result<()>>;
    fn reaches_error_destination(&self, destination: &str) -> bool;
    fn alert<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a str,
        error: &'a EffectError,
    ) -> BoxFuture<'a, Result<()>>;
    fn opens_forms_for(&self, channel: ChannelType) -> bool;
    fn open_form<'a>(&'a self, request: &'a RequestView, form: &'a PromptForm) -> BoxFuture<'a, Result<()>>;
}

impl<D: Delivery> DynDelivery for D {
    fn name(&self) -> &str {
        Delivery::name(self)
    }

    fn is_fallback(&self) -> bool {
        Delivery::is_fallback(self)
    }

    fn reaches(&self, destination: &Destination) -> bool {
        Delivery::reaches(self, destination)
    }

    fn deliver<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a Destination,
    ) -> BoxFuture<'a, Result<DeliveryReceipt>> {
        Box::pin(Delivery::deliver(self, request, destination))
    }

    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool {
        Delivery::is_same_message(self, delivered, acted)
    }

    fn link<'a>(&'a self, message: &'a MessageRef) -> BoxFuture<'a, Option<String>> {
        Box::pin(Delivery::link(self, message))
    }

    fn update<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::update(self, request, message))
    }

    fn remind<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::remind(self, request, message))
    }

    fn sends_receipts(&self) -> bool {
        Delivery::sends_receipts(self)
    }

    fn send_receipt<'a>(&'a self, request: &'a RequestView, to: &'a User) -> BoxFuture<'a, Result<MessageRef>> {
        Box::pin(Delivery::send_receipt(self, request, to))
    }

    fn update_receipt<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::update_receipt(self, request, message))
    }

    fn reaches_user(&self, user: &User) -> bool {
        Delivery::reaches_user(self, user)
    }

    fn message<'a>(&'a self, request: &'a RequestView, to: &'a User, notice: &'a Notice) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::message(self, request, to, notice))
    }

    fn reaches_error_destination(&self, destination: &str) -> bool {
        Delivery::reaches_error_destination(self, destination)
    }

    fn alert<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a str,
        error: &'a EffectError,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::alert(self, request, destination, error))
    }

    fn opens_forms_for(&self, channel: ChannelType) -> bool {
        Delivery::opens_forms_for(self, channel)
    }

    fn open_form<'a>(&'a self, request: &'a RequestView, form: &'a PromptForm) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::open_form(self, request, form))
    }
}
