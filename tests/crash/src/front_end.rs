//! A front end that reaches everyone and displays nothing.

use std::sync::Arc;

use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::error::codes;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::prelude::*;

use crate::flows::BROKEN;
use crate::points::Points;

/// A front end with crash points around each call.
#[derive(Debug)]
pub struct FrontEnd {
    points: Arc<Points>,
}

impl FrontEnd {
    /// Creates a front end.
    pub fn new(points: Arc<Points>) -> Self {
        Self { points }
    }

    fn done<T>(&self, what: &'static str, result: Result<T>) -> Result<T> {
        let what = format!("effect {what}");
        self.points.before(&what);
        self.points.after(&what);
        result
    }
}

impl Delivery for FrontEnd {
    fn name(&self) -> &str {
        "crash"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    async fn deliver(&self, request: &RequestView, destination: &Destination) -> Result<DeliveryReceipt> {
        let dir = destination.label();
        let result = if dir.contains(BROKEN) {
            Err(Error::new(ErrorKind::Unavailable, codes::INVALID_DESTINATION, "the front end is down"))
        } else {
            let reference = format!("{dir}/{}", request.event().run().id());
            Ok(DeliveryReceipt::Delivered(MessageRef::new(self.name(), reference)))
        };
        self.done("deliver", result)
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        self.done("update", Ok(()))
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    async fn message(&self, _: &RequestView, _: &User, _: &Notice) -> Result<()> {
        self.done("message", Ok(()))
    }

    async fn alert(&self, _: &RequestView, _: &str, _: &EffectError) -> Result<()> {
        self.done("alert", Ok(()))
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        self.done("open form", Ok(()))
    }
}
