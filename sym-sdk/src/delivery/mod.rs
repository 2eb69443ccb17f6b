//! How people are reached: each front end is a [`Delivery`].

mod dry;
mod view;

pub use dry::DryDelivery;
pub use view::RequestView;

use crate::error::Result;
use crate::forms::PromptForm;
use crate::future::BoxFuture;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// A front end, as far as the runtime needs it: tells destinations of requests, keeps those messages up to date, tells
/// people what became of what they did.
///
/// A call may come again with the same content after a crash. An error whose
/// [`is_retryable`](crate::Error::is_retryable) holds is tried again a few times; then the next notification is sent.
pub trait Delivery: Send + Sync + 'static {
    /// The name of the front end, such as `slack`.
    fn name(&self) -> &str;

    /// Whether it can reach this destination. The first front end that can is taken.
    fn reaches(&self, destination: &Destination) -> bool;

    /// Tells the destination of a request.
    fn deliver<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a Destination,
    ) -> BoxFuture<'a, Result<DeliveryReceipt>>;

    /// Brings a message that was delivered up to date. A message that is gone is no error.
    fn update<'a>(&'a self, request: &'a RequestView, message: &'a MessageRef) -> BoxFuture<'a, Result<()>>;

    /// Whether it can reach this person.
    fn reaches_user(&self, user: &User) -> bool;

    /// Tells a person.
    fn message<'a>(&'a self, request: &'a RequestView, to: &'a User, notice: &'a Notice) -> BoxFuture<'a, Result<()>>;

    /// Tells the error destination of the flow's environment, such as `#sym-errors`.
    fn alert<'a>(
        &'a self,
        request: &'a RequestView,
        destination: &'a str,
        error: &'a EffectError,
    ) -> BoxFuture<'a, Result<()>>;

    /// Whether it shows forms to people who ask for one through this channel.
    fn opens_forms_for(&self, channel: ChannelType) -> bool;

    /// Shows the form.
    fn open_form<'a>(&'a self, request: &'a RequestView, form: &'a PromptForm) -> BoxFuture<'a, Result<()>>;
}

/// What came of telling a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryReceipt {
    /// It was told; the message stands here.
    Delivered(MessageRef),
    /// The person wants no notifications. That is no failure.
    OptedOut,
}
