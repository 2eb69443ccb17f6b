//! A front end that reaches everyone and displays nothing.

use std::sync::Arc;

use sym_sdk::BoxFuture;
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

    fn done<'a, T: Send + 'a>(&'a self, what: &'static str, result: Result<T>) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let what = format!("effect {what}");
            self.points.before(&what);
            self.points.after(&what);
            result
        })
    }
}

impl Delivery for FrontEnd {
    fn name(&self) -> &str {
        "crash"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    fn deliver<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a Destination,
    ) -> BoxFuture<'a, Result<DeliveryReceipt>> {
        let dir = destination.label();
        let result = if dir.contains(BROKEN) {
            Err(Error::new(ErrorKind::Unavailable, codes::INVALID_DESTINATION, "the front end is down"))
        } else {
            let reference = format!("{dir}/{}", request.event().run().id());
            Ok(DeliveryReceipt::Delivered(MessageRef::new(self.name(), reference)))
        };
        self.done("deliver", result)
    }

    fn update<'a>(&'a self, _: &'a RequestView, _: &'a MessageRef) -> BoxFuture<'a, Result<()>> {
        self.done("update", Ok(()))
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    fn message<'a>(&'a self, _: &'a RequestView, _: &'a User, _: &'a Notice) -> BoxFuture<'a, Result<()>> {
        self.done("message", Ok(()))
    }

    fn alert<'a>(&'a self, _: &'a RequestView, _: &'a str, _: &'a EffectError) -> BoxFuture<'a, Result<()>> {
        self.done("alert", Ok(()))
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    fn open_form<'a>(&'a self, _: &'a RequestView, _: &'a PromptForm) -> BoxFuture<'a, Result<()>> {
        self.done("open form", Ok(()))
    }
}
