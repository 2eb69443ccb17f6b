//! The interface through which the runtime reaches people: each front end implements [`Delivery`].
//!
//! The runtime decides who hears of a request and when; a delivery decides what that looks like, and says whether it arrived. It
//! gets a [`RequestView`], which holds all that may be shown and nothing of the engine's state, so the same request looks the
//! same whichever effect it is delivered for.

mod erased;
mod foreign_text;
#[cfg(feature = "cli")]
mod scripted;
mod simulated;
mod view;

use std::sync::Arc;

pub(crate) use erased::DynDelivery;
#[cfg(feature = "mcp")]
pub(crate) use foreign_text::visible_text;
pub use foreign_text::{MAX_AGENT_TEXT_CHARS, MAX_AGENT_TEXT_LINES, agent_text, reveal_hidden};
#[cfg(feature = "cli")]
pub(crate) use scripted::{ScriptedDelivery, Undeliverable};
pub use simulated::SimulatedDelivery;
pub use view::RequestView;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User};
use crate::routing::Destination;

/// The outgoing half of a front end: delivers requests to destinations, updates those messages as the request progresses,
/// and sends notices to people.
///
/// Calls are at least once: after a crash the same call can be repeated. An error for which
/// [`is_retryable`](crate::Error::is_retryable) holds is retried for about a day; for a few seconds if it is a delivery that another
/// notification follows, which is then delivered. A form is retried for a minute and a half.
///
/// Implement the methods as `async fn`.
pub trait Delivery: Send + Sync + 'static {
    /// Returns the name of the front end, such as `slack`.
    fn name(&self) -> &str;

    /// Returns whether this front end stands behind all others, in whatever order they were added: it gets what no other reaches. By default
    /// it does not.
    fn is_fallback(&self) -> bool {
        false
    }

    /// Returns whether this front end can reach the destination. The runtime uses the first front end that can.
    fn reaches(&self, destination: &Destination) -> bool;

    /// Delivers a request to a destination.
    fn deliver(
        &self,
        request: &RequestView,
        destination: &Destination,
    ) -> impl Future<Output = Result<DeliveryReceipt>> + Send;

    /// Returns whether an action in the message `acted` is one in the message that was delivered as `delivered`. By default the references
    /// are to be equal.
    ///
    /// Override it if a message can get another reference, for example because its channel gets another id.
    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool {
        delivered == acted
    }

    /// Returns the address at which people see a delivered message. By default there is none.
    ///
    /// It is shown beside the request wherever that is not in the message itself, so nothing fails without it: a front end that has to ask
    /// its service for the address remembers it, and returns `None` if it gets none.
    fn link(&self, message: &MessageRef) -> impl Future<Output = Option<String>> + Send {
        let _ = message;
        std::future::ready(None)
    }

    /// Updates a delivered message to the request's current state.
    ///
    /// # Errors
    /// [`message_gone`] if the message no longer exists, or nobody can see it any more. The message of an open request is delivered again
    /// then, and nothing else follows.
    fn update(&self, request: &RequestView, message: &MessageRef) -> impl Future<Output = Result<()>> + Send;

    /// Reminds those who see a delivered message that it waits for a decision: with a reply in its thread, for example.
    ///
    /// By default there are no reminders, which is recorded.
    ///
    /// # Errors
    /// [`message_gone`] as for [`update`](Self::update): the message that is delivered again reminds as well.
    fn remind(&self, request: &RequestView, message: &MessageRef) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, message);
        let text = format!("front end `{}` sends no reminders", self.name());
        std::future::ready(Err(Error::new(ErrorKind::Configuration, codes::INVALID_DESTINATION, text)))
    }

    /// Returns whether this front end sends receipts: see [`send_receipt`](Self::send_receipt). By default it does not.
    fn sends_receipts(&self) -> bool {
        false
    }

    /// Sends the requester a receipt: one message in which they follow the request. It is sent once the request was delivered, and
    /// [updated](Self::update_receipt) with the messages of the request; [`RequestView::receipt`] says which it is.
    fn send_receipt(&self, request: &RequestView, to: &User) -> impl Future<Output = Result<MessageRef>> + Send {
        let _ = (request, to);
        async { Err(no_receipts()) }
    }

    /// Updates a receipt to the request's current state.
    ///
    /// # Errors
    /// [`message_gone`] if the message no longer exists. It is sent again then, whatever became of the request.
    fn update_receipt(&self, request: &RequestView, message: &MessageRef) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, message);
        async { Ok(()) }
    }

    /// Returns whether this front end can reach the user.
    fn reaches_user(&self, user: &User) -> bool;

    /// Sends a notice to a user.
    fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> impl Future<Output = Result<()>> + Send;

    /// Returns whether this front end can reach the error destination of an environment, such as `#sym-errors`. By default it can.
    ///
    /// A front end whose [`alert`](Self::alert) notifies nobody must return `false`: an alert that every front end declines is
    /// recorded as undelivered.
    fn reaches_error_destination(&self, destination: &str) -> bool {
        let _ = destination;
        true
    }

    /// Sends an error to the error destination of the flow's environment. `Ok` confirms that the destination has it.
    fn alert(
        &self,
        request: &RequestView,
        destination: &str,
        error: &EffectError,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Returns whether this front end shows forms to people who ask for one through this channel.
    fn opens_forms_for(&self, channel: ChannelType) -> bool;

    /// Shows a form.
    fn open_form(&self, request: &RequestView, form: &PromptForm) -> impl Future<Output = Result<()>> + Send;
}

impl<D: Delivery> Delivery for Arc<D> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn is_fallback(&self) -> bool {
        (**self).is_fallback()
    }

    fn reaches(&self, destination: &Destination) -> bool {
        (**self).reaches(destination)
    }

    async fn deliver(&self, request: &RequestView, destination: &Destination) -> Result<DeliveryReceipt> {
        (**self).deliver(request, destination).await
    }

    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool {
        (**self).is_same_message(delivered, acted)
    }

    async fn link(&self, message: &MessageRef) -> Option<String> {
        (**self).link(message).await
    }

    async fn update(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        (**self).update(request, message).await
    }

    async fn remind(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        (**self).remind(request, message).await
    }

    fn sends_receipts(&self) -> bool {
        (**self).sends_receipts()
    }

    async fn send_receipt(&self, request: &RequestView, to: &User) -> Result<MessageRef> {
        (**self).send_receipt(request, to).await
    }

    async fn update_receipt(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        (**self).update_receipt(request, message).await
    }

    fn reaches_user(&self, user: &User) -> bool {
        (**self).reaches_user(user)
    }

    async fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        (**self).message(request, to, notice).await
    }

    fn reaches_error_destination(&self, destination: &str) -> bool {
        (**self).reaches_error_destination(destination)
    }

    async fn alert(&self, request: &RequestView, destination: &str, error: &EffectError) -> Result<()> {
        (**self).alert(request, destination, error).await
    }

    fn opens_forms_for(&self, channel: ChannelType) -> bool {
        (**self).opens_forms_for(channel)
    }

    async fn open_form(&self, request: &RequestView, form: &PromptForm) -> Result<()> {
        (**self).open_form(request, form).await
    }
}

/// Creates the error for a message that does not exist any more, `SymSDK:MESSAGE_GONE`. See [`Delivery::update`].
///
/// ```
/// use sym_sdk::delivery::message_gone;
/// use sym_sdk::error::codes;
///
/// let error = message_gone("the channel of the message was archived");
/// assert_eq!(*error.code(), codes::MESSAGE_GONE);
/// ```
pub fn message_gone(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::NotFound, codes::MESSAGE_GONE, message)
}

fn no_receipts() -> Error {
    Error::new(ErrorKind::Internal, codes::INVALID_DESTINATION, "this front end sends no receipts")
}

/// The result of a delivery that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryReceipt {
    /// The message was delivered, and can be updated by this reference.
    Delivered(MessageRef),
    /// The recipient has opted out of notifications. This does not count as a failure.
    OptedOut,
}
