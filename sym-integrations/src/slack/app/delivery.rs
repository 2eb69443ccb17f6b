//! Delivery of notifications and forms to Slack.
//!
//! The reason why a decision was refused is shown below the message, visible only to the user who clicked; a failure to prepare a
//! form is shown in its view. Everything else is a message.

use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::model::{ChannelType, Step, User, UserType};
use sym_sdk::routing::Destination;

use super::form_open::{ViewRef, show_new};
use super::notice_message::notice_message;
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
        let message = request_message(request, self.slack().workspace(), true)?;
        let posted = self.post(Recipient::from(destination), &message).await?;
        Ok(DeliveryReceipt::Delivered(MessageRef::from(&posted)))
    }

    async fn update(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        let content = request_message(request, self.slack().workspace(), request.is_current(message))?;
        let message = slack::MessageRef::try_from(message)?;
        let update = self.slack().api().update_message(&message).text(content.fallback()).blocks(content.blocks());
        match update.await {
            // The message or its channel was deleted, or the message can no longer be edited.
            Err(error) if is_gone(&error) => Ok(()),
            updated => updated.map(drop),
        }
    }

    async fn remind(&self, _: &RequestView, message: &MessageRef) -> Result<()> {
        let message = slack::MessageRef::try_from(message)?;
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
        let message = notice_message(request, notice)?;
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
    async fn post(&self, to: Recipient<'_>, message: &Message) -> Result<slack::MessageRef> {
        let channel = self.slack().post_channel(&to).await?;
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
        let shown = self.slack().api().post_ephemeral(last.channel(), user).text(message.fallback());
        match shown.blocks(message.blocks()).await {
            Err(error) if is_refusal(&error) => Ok(false),
            shown => shown.map(|()| true),
        }
    }
}

/// Returns whether a message or view can no longer be changed.
fn is_gone(error: &sym_sdk::Error) -> bool {
    const FINAL_ERRORS: [&str; 4] = ["IS_ARCHIVED", "CANT_UPDATE_MESSAGE", "EDIT_WINDOW_CLOSED", "NOT_IN_CHANNEL"];
    error.kind() == ErrorKind::NotFound || FINAL_ERRORS.contains(&error.code().name())
}
