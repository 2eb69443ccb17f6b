//! A delivery that reaches everyone and sends nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Delivery, DeliveryReceipt, DynDelivery, RequestView};
use crate::error::Result;
use crate::forms::PromptForm;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// Accepts everything and sends nothing, for simulations. The timeline shows what would have been sent.
///
/// It stands behind the other front ends: alerts, which go to all, are left to those that reach their destination. A simulated one would
/// confirm what another could not deliver.
#[derive(Default)]
pub struct SimulatedDelivery {
    sent: AtomicU64,
    others: Vec<Arc<dyn DynDelivery>>,
}

impl SimulatedDelivery {
    pub(crate) fn behind(others: Vec<Arc<dyn DynDelivery>>) -> Self {
        Self { sent: AtomicU64::default(), others }
    }
}

impl fmt::Debug for SimulatedDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDelivery").field("sent", &self.sent).finish_non_exhaustive()
    }
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
        Ok(DeliveryReceipt::Delivered(MessageRef::new(Delivery::name(self), number.to_string())))
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

    fn reaches_error_destination(&self, destination: &str) -> bool {
        !self.others.iter().any(|other| other.reaches_error_destination(destination))
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
