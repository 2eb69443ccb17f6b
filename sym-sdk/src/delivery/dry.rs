//! A front end that reaches everyone and sends nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Delivery, DeliveryReceipt, RequestView};
use crate::error::Result;
use crate::forms::PromptForm;
use crate::future::BoxFuture;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// Accepts everything and sends nothing, for simulations: what would have been sent stands in the timeline.
#[derive(Debug, Default)]
pub struct DryDelivery {
    sent: AtomicU64,
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Delivery for DryDelivery {
    fn name(&self) -> &str {
        "dry"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    fn deliver<'a>(&'a self, _: &'a RequestView, _: &'a Destination) -> BoxFuture<'a, Result<DeliveryReceipt>> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        done(DeliveryReceipt::Delivered(MessageRef::new(self.name(), number.to_string())))
    }

    fn update<'a>(&'a self, _: &'a RequestView, _: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    fn message<'a>(&'a self, _: &'a RequestView, _: &'a User, _: &'a Notice) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn alert<'a>(&'a self, _: &'a RequestView, _: &'a str, _: &'a EffectError) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    fn open_form<'a>(&'a self, _: &'a RequestView, _: &'a PromptForm) -> BoxFuture<'a, Result<()>> {
        done(())
    }
}
