//! Delivery of notifications and forms to Slack.
//!
//! The reason why a decision was refused is shown below the message, visible only to the user who clicked; a failure to prepare a
//! form is shown in its view. Everything else is a message.

use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::model::{ChannelType, Step, User, UserType};
use sym_sdk::routing::Destination;
use url::Url;

use super::form_open::{ViewRef, show_new};
use super::notice_message::{is_in_receipt, notice_message};
use super::receipt_message::receipt_message;
use super::request_message::request_message;
use super::request_text::LabelledText;
use super::response::is_refusal;
use super::{SlackApp, form_view, text_layout};
use crate::slack;
use crate::slack::Recipient;
use crate::slack::blocks::{Block, Message, Mrkdwn, RichText, Spans};

impl Delivery for SlackApp {
    fn name(&self) -> &str {
        super::NAME
    }

    fn reaches(&self, destination: &Destination) -> bool {
        matches!(destination, Destination::Slack(_))
    }

    async fn deliver(&self, request: &RequestView, destination: &Destination) -> Result<DeliveryReceipt> {
        let Destination::Slack(destination) = destination else { return Ok(DeliveryReceipt::OptedOut) };
        let accounts = self.known_accounts(request).await;
        let message = request_message(request, &accounts, true)?;
        let posted = self.post(Recipient::from(destination), &message).await.map_err(wait_if_locked_out)?;
        Ok(DeliveryReceipt::Delivered(MessageRef::from(&posted)))
    }

    /// A channel gets another id when it is shared with another organization, or becomes private. Its messages keep their timestamps, by
    /// which they are recognized: Slack signs what was clicked, and only the app's own messages name a Run. Later messages go to the new
    /// id.
    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool {
        if delivered == acted {
            return true;
        }
        match (slack::MessageRef::try_from(delivered), slack::MessageRef::try_from(acted)) {
            (Ok(delivered), Ok(acted)) if delivered.ts() == acted.ts() => {
                self.note_moved_channel(delivered.channel(), acted.channel());
                true
            }
            _ => false,
        }
    }

    async fn update(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        let accounts = self.known_accounts(request).await;
        let content = request_message(request, &accounts, request.is_current(message))?;
        let message = self.present_ref(&slack::MessageRef::try_from(message)?);
        self.replace(&message, &content).await
    }

    fn sends_receipts(&self) -> bool {
        true
    }

    async fn send_receipt(&self, request: &RequestView, to: &User) -> Result<MessageRef> {
        let content = self.receipt(request).await?;
        let posted = self.post(Recipient::from(to), &content).await?;
        Ok(MessageRef::from(&posted))
    }

    async fn update_receipt(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        let content = self.receipt(request).await?;
        self.replace(&slack::MessageRef::try_from(message)?, &content).await
    }

    async fn remind(&self, _: &RequestView, message: &MessageRef) -> Result<()> {
        let message = self.present_ref(&slack::MessageRef::try_from(message)?);
        let text = "This request is still waiting for a decision.";
        self.slack().send_thread_message(&message, text).await.map(drop)
    }

    fn reaches_user(&self, user: &User) -> bool {
        user.user_type() == UserType::Normal
    }

    async fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        if self.show_in_form(request, notice).await? {
            return Ok(());
        }
        let is_requester = request.event().requester().is_some_and(|requester| requester.is_same(to));
        if is_requester && is_in_receipt(request, notice) {
            return Ok(());
        }
        let message = notice_message(request, notice, &self.known_accounts(request).await)?;
        let is_refusal = matches!(notice, Notice::Refused { .. } | Notice::Ignored { .. });
        if is_refusal && self.show_in_channel(request, to, &message).await? {
            return Ok(());
        }
        self.post(Recipient::from(to), &message).await.map(drop)
    }

    async fn alert(&self, request: &RequestView, destination: &str, error: &EffectError) -> Result<()> {
        let event = request.event();
        let (flow, step) = (event.flow().label(), event.name());
        let (run, code) = (event.run().id().to_string(), error.code.to_string());
        let text = Mrkdwn::new().bold(flow).text(format!(": {step} of Run ")).code(&run);
        let text = text.text(" failed with ").code(&code).text("\n").quote(error.to_string());
        let sentence = Spans::new().bold(flow).text(format!(": {step} of Run ")).code(run);
        let sentence: Block = RichText::section(sentence.text(" failed with ").code(code)).into();
        let quoted = LabelledText::without_label(Spans::new().text(error.to_string()));
        let quoted = text_layout::fit(&[quoted], std::slice::from_ref(&sentence));
        let message = Message::new(text, [sentence].into_iter().chain(quoted.blocks))?;
        let channel = slack::channel(destination)?;
        self.post(Recipient::from(&channel), &message).await.map(drop)
    }

    fn opens_forms_for(&self, channel: ChannelType) -> bool {
        channel == ChannelType::Slack
    }

    async fn open_form(&self, request: &RequestView, form: &PromptForm) -> Result<()> {
        let opened = request.event().timestamp();
        match show_new(self, request, form.clone(), opened).await {
            // The user closed the view before the form was prepared.
            Err(error) if is_gone(&error) => Ok(()),
            shown => shown,
        }
    }
}

impl SlackApp {
    /// Builds the receipt of a request.
    async fn receipt(&self, request: &RequestView) -> Result<Message> {
        let delivered = request.current_deliveries().find_map(|d| slack::MessageRef::try_from(&d.message).ok());
        let link = match delivered.filter(|_| request.can_decide()) {
            Some(message) => self.permalink(&self.present_ref(&message)).await,
            None => None,
        };
        receipt_message(request, &self.known_accounts(request).await, link.as_ref())
    }

    /// Returns the address of a message. A receipt is sent without one if Slack gives none, as for a direct message to somebody else.
    pub(super) async fn permalink(&self, message: &slack::MessageRef) -> Option<Url> {
        if let Some(known) = self.0.permalinks.get(&message.to_string()) {
            return Some(known);
        }
        if message.channel().starts_with('D') {
            return None;
        }
        match self.slack().api().permalink(message).await {
            Ok(link) => {
                self.0.permalinks.insert(message.to_string(), link.clone(), |_| false);
                Some(link)
            }
            Err(error) => {
                tracing::debug!(%error, "Slack gave no address of a message");
                None
            }
        }
    }

    /// Replaces the content of a message.
    async fn replace(&self, message: &slack::MessageRef, content: &Message) -> Result<()> {
        let update = self.slack().api().update_message(message).text(content.fallback()).blocks(content.blocks());
        match update.await {
            // The message or its channel was deleted, or the message can no longer be edited.
            Err(error) if is_gone(&error) => Ok(()),
            updated => updated.map(drop),
        }
    }

    async fn post(&self, to: Recipient<'_>, message: &Message) -> Result<slack::MessageRef> {
        let channel = self.present_channel(self.slack().post_channel(&to).await?);
        match self.post_to(&channel, message).await {
            Ok(posted) => {
                if channel.starts_with('#') {
                    self.0.channel_ids.insert(channel, posted.channel().to_owned(), |_| false);
                }
                Ok(posted)
            }
            Err(error) if *error.code() == slack::codes::CHANNEL_NOT_FOUND => match self.0.channel_ids.get(&channel) {
                // It was renamed, which its id survives.
                Some(id) => {
                    tracing::warn!(%channel, id, "a Slack channel has another name than in the configuration");
                    self.post_to(&self.present_channel(id), message).await
                }
                None => Err(error),
            },
            failed => failed,
        }
    }

    async fn post_to(&self, channel: &str, message: &Message) -> Result<slack::MessageRef> {
        let post = self.slack().api().post_message(channel).text(message.fallback()).unfurl(false);
        post.blocks(message.blocks()).await
    }

    /// Shows a notice about a form in the view that waits for the form. Returns whether there is such a view.
    async fn show_in_form(&self, request: &RequestView, notice: &Notice) -> Result<bool> {
        let event = match notice {
            Notice::Failed { event, .. } | Notice::Ignored { event, .. } => *event,
            Notice::Refused { .. } => request.event().name(),
            _ => return Ok(false),
        };
        let run = request.event().run().id();
        let view = request.form().filter(|_| event == Step::Prompt).and_then(ViewRef::from_form_ref);
        let Some(view) = view else { return Ok(false) };
        let flow = request.event().flow();
        let content = form_view::failed(flow.label(), &notice.text(flow.label()), run)?;
        match view.update(self.slack(), content).await {
            Err(error) if is_gone(&error) => Ok(false),
            updated => updated.map(|shown| shown.is_some()),
        }
    }

    /// Shows a message below the request's latest message, visible only to this user. Returns whether that was possible.
    async fn show_in_channel(&self, request: &RequestView, to: &User, message: &Message) -> Result<bool> {
        let clicked = request.event().channel().kind() == ChannelType::Slack;
        let last = request.messages().filter_map(|message| slack::MessageRef::try_from(message).ok()).last();
        let Some(last) = last.filter(|_| clicked) else { return Ok(false) };
        let user = self.slack().account_id(to).await?;
        let last = self.present_ref(&last);
        let shown = self.slack().api().post_ephemeral(last.channel(), user).text(message.fallback());
        match shown.blocks(message.blocks()).await {
            Err(error) if is_refusal(&error) => Ok(false),
            shown => shown.map(|()| true),
        }
    }
}

/// Turns the error of an app that Slack does not admit any more into one that is retried. It says nothing about the destination: the request
/// waits until an operator has installed the app again or replaced its token.
fn wait_if_locked_out(error: Error) -> Error {
    const LOCKED_OUT: [&str; 2] = ["MISSING_SCOPE", "NOT_ALLOWED_TOKEN_TYPE"];
    if error.kind() != ErrorKind::Unauthorized && !LOCKED_OUT.contains(&error.code().name()) {
        return error;
    }
    let waiting = Error::new(ErrorKind::Unavailable, error.code().clone(), error.message()).with_service(super::NAME);
    let waiting = match error.hint() {
        Some(hint) => waiting.with_hint(hint),
        None => waiting,
    };
    waiting.with_source(error)
}

/// Returns whether a message or view can no longer be changed.
fn is_gone(error: &Error) -> bool {
    const FINAL_ERRORS: [&str; 4] = ["IS_ARCHIVED", "CANT_UPDATE_MESSAGE", "EDIT_WINDOW_CLOSED", "NOT_IN_CHANNEL"];
    error.kind() == ErrorKind::NotFound || FINAL_ERRORS.contains(&error.code().name())
}
