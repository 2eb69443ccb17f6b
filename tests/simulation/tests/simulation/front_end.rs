//! A front end that displays nothing, and fails like any other.

use sym_sdk::BoxFuture;
use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::error::Result;
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::model::{ChannelType, User};
use sym_sdk::routing::Destination;

use crate::fault::Place;
use crate::world::World;

/// A front end that reaches everybody.
pub(crate) struct FrontEnd(pub(crate) World);

impl FrontEnd {
    fn call(&self, point: &'static str) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.0.call(Place::FrontEnd, point, || ()))
    }
}

impl Delivery for FrontEnd {
    fn name(&self) -> &str {
        "simulated"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    fn deliver<'a>(&'a self, _: &'a RequestView, _: &'a Destination) -> BoxFuture<'a, Result<DeliveryReceipt>> {
        Box::pin(async move {
            self.call("deliver").await?;
            if self.0.once_in(10) {
                return Ok(DeliveryReceipt::OptedOut);
            }
            Ok(DeliveryReceipt::Delivered(MessageRef::new(self.name(), "somewhere")))
        })
    }

    fn update<'a>(&'a self, _: &'a RequestView, _: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        self.call("update")
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    fn message<'a>(&'a self, _: &'a RequestView, _: &'a User, _: &'a Notice) -> BoxFuture<'a, Result<()>> {
        self.call("message")
    }

    fn alert<'a>(&'a self, _: &'a RequestView, _: &'a str, _: &'a EffectError) -> BoxFuture<'a, Result<()>> {
        self.call("alert")
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    fn open_form<'a>(&'a self, _: &'a RequestView, _: &'a PromptForm) -> BoxFuture<'a, Result<()>> {
        self.call("form")
    }
}
