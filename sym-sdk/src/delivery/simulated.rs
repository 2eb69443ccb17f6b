//! A delivery that reaches everyone and sends nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Delivery, DeliveryReceipt, RequestView};
use crate::error::Result;
use crate::forms::PromptForm;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// Accepts everything and sends nothing, for simulations. The timeline shows what would have been sent.
#[derive(Debug, Default)]
pub struct SimulatedDelivery {
    sent: AtomicU64,
}

impl Delivery for SimulatedDelivery {
    fn name(&self) -> &str {
        "simulated"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    async fn deliver(&self, _: &RequestView, _: &Destination) -> Result<DeliveryReceipt> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(DeliveryReceipt::Delivered(MessageRef::new(self.name(), number.to_string())))
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        Ok(())
    }

    async fn remind(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        Ok(())
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    async fn message(&self, _: &RequestView, _: &User, _: &Notice) -> Result<()> {
        Ok(())
    }

    async fn alert(&self, _: &RequestView, _: &str, _: &EffectError) -> Result<()> {
        Ok(())
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        Ok(())
    }
}
