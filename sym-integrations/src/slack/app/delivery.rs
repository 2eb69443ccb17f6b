//! How people in Slack are told.

use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::model::{ChannelType, Step, User, UserType};
use sym_sdk::routing::Destination;

use super::answer::is_refusal;
use super::card::card;
use super::open::Place;
use super::{SlackApp, modal, notice};
use crate::slack;
use crate::slack::Recipient;
use crate::slack::blocks::{Message, Mrkdwn, Section};

impl Delivery for SlackApp {
    fn name(&self) -> &str {
        super::NAME
    }

    fn reaches(&self, destination: &Destination) -> bool {
        matches!(destination, Destination::Slack(_))
    }

    async fn deliver(&self, request: &RequestView, destination: &Destination) -> Result<DeliveryReceipt> {
        let Destination::Slack(destination) = destination else { return Ok(DeliveryReceipt::OptedOut) };
        let card = card(request, self.slack().workspace(), true)?;
        let posted = self.post(Recipient::from(destination), &card).await?;
        Ok(DeliveryReceipt::Delivered(MessageRef::from(&posted)))
    }

    async fn update(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        let card = card(request, self.slack().workspace(), request.is_current(message))?;
        let message = slack::MessageRef::try_from(message)?;
        let update = self.slack().api().update_message(&message).text(card.fallback()).blocks(card.blocks());
        match update.await {
            // The message or its channel is gone, or is not to be changed any more.
            Err(error) if is_gone(&error) => Ok(()),
            updated => updated.map(drop),
        }
    }

    fn reaches_user(&self, user: &User) -> bool {
        user.user_type() == UserType::Normal
    }

    async fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        if self.told_in_form(request, notice).await? {
            return Ok(());
        }
        let message = notice::message(request, notice)?;
        let is_answer = matches!(notice, Notice::Refused { .. } | Notice::Ignored { .. });
        if is_answer && self.told_in_channel(request, to, &message).await? {
            return Ok(());
        }
        self.post(Recipient::from(to), &message).await.map(drop)
    }

    async fn alert(&self, request: &RequestView, destination: &str, error: &EffectError) -> Result<()> {
        let event = request.event();
        let text = Mrkdwn::new()
            .bold(event.flow().label())
            .text(format!(": {} of Run ", event.name()))
            .code(event.run().id().to_string())
            .text(" failed with ")
            .code(error.code.to_string())
            .text("\n")
            .quote(error.to_string());
        let message = Message::new(text.clone(), [Section::new(text)])?;
        let channel = slack::channel(destination)?;
        self.post(Recipient::from(&channel), &message).await.map(drop)
    }

    fn opens_forms_for(&self, channel: ChannelType) -> bool {
        channel == ChannelType::Slack
    }

    async fn open_form(&self, request: &RequestView, form: &PromptForm) -> Result<()> {
        let opened = request.event().timestamp();
        match self.show_new(request, form.clone(), opened).await {
            // It was closed before it was there.
            Err(error) if is_gone(&error) => Ok(()),
            shown => shown,
        }
    }
}

impl SlackApp {
    async fn post(&self, to: Recipient<'_>, message: &Message) -> Result<slack::MessageRef> {
        let channel = self.slack().channel_of(&to).await?;
        let post = self.slack().api().post_message(channel).text(message.fallback()).unfurl(false);
        post.blocks(message.blocks()).await
    }

    /// Shows in the form that waits for it why there is none. Says whether there is such a form.
    async fn told_in_form(&self, request: &RequestView, notice: &Notice) -> Result<bool> {
        let event = match notice {
            Notice::Failed { event, .. } | Notice::Ignored { event, .. } => *event,
            Notice::Refused { .. } => request.event().name(),
            _ => return Ok(false),
        };
        let run = request.event().run().id();
        let place = request.form().filter(|_| event == Step::Prompt).and_then(Place::of);
        let Some(place) = place else { return Ok(false) };
        let flow = request.event().flow();
        let view = modal::failed(flow.label(), &notice.text(flow.label()), run)?;
        match self.update(&place, view).await {
            Err(error) if is_gone(&error) => Ok(false),
            updated => updated.map(|shown| shown.is_some()),
        }
    }

    /// Tells whoever clicked on a message of the request below it, where nobody else sees it. Says whether that could be done.
    async fn told_in_channel(&self, request: &RequestView, to: &User, message: &Message) -> Result<bool> {
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

/// Whether what was to be changed is there no more.
fn is_gone(error: &sym_sdk::Error) -> bool {
    const FINAL: [&str; 4] = ["IS_ARCHIVED", "CANT_UPDATE_MESSAGE", "EDIT_WINDOW_CLOSED", "NOT_IN_CHANNEL"];
    error.kind() == ErrorKind::NotFound || FINAL.contains(&error.code().name())
}
