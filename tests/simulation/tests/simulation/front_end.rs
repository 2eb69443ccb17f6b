//! A front end that displays nothing, and fails like any other.

use std::sync::Arc;

use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::error::Result;
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::{EffectError, EffectKind, MessageRef, Notice};
use sym_sdk::model::{ChannelType, User};
use sym_sdk::routing::Destination;

use crate::fault::Place;
use crate::world::World;

/// A front end that reaches everybody.
pub(crate) struct FrontEnd(pub(crate) World);

impl FrontEnd {
    async fn call(&self, point: &'static str) -> Result<()> {
        self.0.call(Place::FrontEnd, point, || ()).await
    }
}

impl Delivery for FrontEnd {
    fn name(&self) -> &str {
        "simulated"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    async fn deliver(&self, _: &RequestView, _: &Destination) -> Result<DeliveryReceipt> {
        self.call("deliver").await?;
        if self.0.once_in(10) {
            return Ok(DeliveryReceipt::OptedOut);
        }
        Ok(DeliveryReceipt::Delivered(MessageRef::new(self.name(), "somewhere")))
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        self.call("update").await
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    async fn message(&self, view: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        let kind = EffectKind::Message { to: Arc::new(to.clone()), notice: notice.clone() };
        self.0.check_told(view.event().run().id(), &kind);
        self.call("message").await
    }

    async fn alert(&self, view: &RequestView, _: &str, error: &EffectError) -> Result<()> {
        let run = view.event().run().id();
        self.0.check_told(run, &EffectKind::Alert { error: error.clone() });
        self.0.operators.alerted(run, error);
        self.call("alert").await
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        self.call("form").await
    }
}
