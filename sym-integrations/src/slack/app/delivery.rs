//! Delivery of notifications and forms to Slack.
//!
//! The reason why a decision was refused is shown below the message, visible only to the user who clicked; a failure to prepare a
//! form is shown in its view. Everything else is a message.
//!
//! A message can vanish: somebody deletes it, archives its channel, or removes the app. That is [reported](message_gone), and the machine
//! decides whether the message is sent again. One that is there, and that Slack does not let the app edit any more, gets a reply in its
//! thread that says what became of the request.

use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView, message_gone};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::model::{ChannelType, Step, User, UserType};
use sym_sdk::routing::Destination;
use url::Url;

use super::form_open::{ViewRef, show_new};
use super::known_accounts::KnownAccounts;
use super::notice_message::{is_in_receipt, notice_message};
use super::request_text::LabelledText;
use super::{SlackApp, form_view, receipt_message, request_message, text_layout};
use crate::slack;
use crate::slack::Recipient;
use crate::slack::api::UNKNOWN_TS;
use crate::slack::blocks::{Block, Message, Mrkdwn, RichText, Spans};

/// The result of replacing the content of a message.
enum Replaced {
    Done,
    /// The message does not exist any more, or nobody can see it.
    Gone(Error),
    /// The message is there, and cannot be edited.
    Frozen(Error),
}

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
        let page = self.run_page(request.event().run().id());
        let message = request_message::request_message(request, &accounts, true, page.as_ref())?;
        let posted = self.post(Recipient::from(destination), &message).await.map_err(wait_if_locked_out)?;
        Ok(DeliveryReceipt::Delivered(MessageRef::from(&posted)))
    }

    /// A channel gets another id when it is shared with another organization, or becomes private. Its messages keep their timestamps, by
    /// which they are recognized: Slack signs what was clicked, and only the app's own messages name a Run. Later messages go to the new
    /// id. A message that Slack posted without saying which is any of the Run in its channel.
    fn is_same_message(&self, delivered: &MessageRef, acted: &MessageRef) -> bool {
        if delivered == acted {
            return true;
        }
        match (slack::MessageRef::try_from(delivered), slack::MessageRef::try_from(acted)) {
            (Ok(delivered), Ok(acted)) if delivered.ts() == acted.ts() => {
                self.note_moved_channel(delivered.channel(), acted.channel());
                true
            }
            (Ok(delivered), Ok(acted)) if delivered.ts() == UNKNOWN_TS => {
                self.present_channel(delivered.channel().to_owned()) == acted.channel()
            }
            _ => false,
        }
    }

    async fn link(&self, message: &MessageRef) -> Option<String> {
        let message = slack::MessageRef::try_from(message).ok()?;
        self.permalink(&self.present_ref(&message)).await.map(String::from)
    }

    async fn update(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        // What a click has shown, before this.
        self.save_channel_ids_or_log().await;
        let accounts = self.known_accounts(request).await;
        let reference = slack::MessageRef::try_from(message)?;
        match self.replace_card(request, message, &reference, &accounts).await? {
            Replaced::Done => Ok(()),
            Replaced::Gone(error) => Err(gone(&error)),
            // It can still be decided in.
            Replaced::Frozen(_) if request.can_decide() && request.is_current(message) => Ok(()),
            Replaced::Frozen(error) => {
                let status = request_message::status_text(request, &accounts, request.is_current(message));
                self.update_in_thread(&reference, &status, &error).await
            }
        }
    }

    fn sends_receipts(&self) -> bool {
        true
    }

    async fn send_receipt(&self, request: &RequestView, to: &User) -> Result<MessageRef> {
        let content = self.receipt(request).await?;
        let posted = self.post(Recipient::from(to), &content).await.map_err(wait_if_locked_out)?;
        Ok(MessageRef::from(&posted))
    }

    async fn update_receipt(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        let (content, reference) = (self.receipt(request).await?, slack::MessageRef::try_from(message)?);
        match self.replace(&reference, None, &content).await? {
            Replaced::Done => Ok(()),
            Replaced::Gone(error) => Err(gone(&error)),
            Replaced::Frozen(error) => {
                let accounts = KnownAccounts::of_workspace(self.slack().workspace());
                self.update_in_thread(&reference, &receipt_message::status_text(request, &accounts), &error).await
            }
        }
    }

    /// Replies in the thread of the message, once it is known to be there: Slack posts a reply to a message that was deleted in the channel.
    async fn remind(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        let reference = slack::MessageRef::try_from(message)?;
        let accounts = self.known_accounts(request).await;
        if let Replaced::Gone(error) = self.replace_card(request, message, &reference, &accounts).await? {
            return Err(gone(&error));
        }
        self.reply(&reference, "This request is still waiting for a decision.").await
    }

    fn reaches_user(&self, user: &User) -> bool {
        user.user_type() == UserType::Normal
    }

    async fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        self.show_notice(request, to, notice).await.map_err(wait_if_locked_out)
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
        let hint = error.hint.as_ref().map(|hint| LabelledText::without_label(Spans::new().text(hint)));
        let quoted: Vec<_> = [quoted].into_iter().chain(hint).collect();
        let quoted = text_layout::fit(&quoted, std::slice::from_ref(&sentence));
        let message = Message::new(text, [sentence].into_iter().chain(quoted.blocks))?;
        let channel = slack::channel(destination)?;
        self.post(Recipient::from(&channel), &message).await.map(drop).map_err(wait_if_locked_out)
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
        let page = self.run_page(request.event().run().id());
        let accounts = self.known_accounts(request).await;
        receipt_message::receipt_message(request, &accounts, link.as_ref(), page.as_ref())
    }

    /// Returns the address of a message. A receipt is sent without one if Slack gives none, as for a direct message to somebody else.
    pub(super) async fn permalink(&self, message: &slack::MessageRef) -> Option<Url> {
        let key = message.to_string();
        if let Some(known) = self.0.permalinks.get(&key) {
            return Some(known);
        }
        if message.channel().starts_with('D')
            || message.ts() == UNKNOWN_TS
            || self.0.missing_permalinks.contains(&key, self.now())
        {
            return None;
        }
        match self.clients().lookup.api().permalink(message).await {
            Ok(link) => {
                self.0.permalinks.insert(key, link.clone(), |_| false);
                Some(link)
            }
            Err(error) => {
                tracing::debug!(%error, "Slack gave no address of a message");
                self.0.missing_permalinks.insert(key, self.now());
                None
            }
        }
    }

    /// Updates the message of a request.
    async fn replace_card(
        &self,
        request: &RequestView,
        message: &MessageRef,
        reference: &slack::MessageRef,
        accounts: &KnownAccounts,
    ) -> Result<Replaced> {
        let (is_current, page) = (request.is_current(message), self.run_page(request.event().run().id()));
        let content = request_message::request_message(request, accounts, is_current, page.as_ref())?;
        self.replace(reference, request.destination_of(message), &content).await
    }

    /// Replaces the content of a message. If Slack does not know its channel, the one is tried that has its id or its name now.
    async fn replace(
        &self,
        message: &slack::MessageRef,
        destination: Option<&str>,
        content: &Message,
    ) -> Result<Replaced> {
        if message.ts() == UNKNOWN_TS {
            return Ok(Replaced::Gone(message_gone("Slack did not say which message it posted")));
        }
        let message = self.present_ref(message);
        let mut updated = self.replace_once(&message, content).await;
        if let Err(error) = &updated
            && *error.code() == slack::codes::CHANNEL_NOT_FOUND
            && let Some(channel) = self.find_channel(message.channel(), destination).await
        {
            let moved = slack::MessageRef::new(channel, message.ts());
            updated = self.replace_once(&moved, content).await;
            if updated.is_ok() {
                self.note_moved_channel(message.channel(), moved.channel());
                self.save_channel_ids_or_log().await;
            }
        }
        match updated {
            Ok(()) => Ok(Replaced::Done),
            Err(error) if is_gone(&error) => Ok(Replaced::Gone(error)),
            Err(error) if is_frozen(&error) => Ok(Replaced::Frozen(error)),
            Err(error) => Err(wait_if_locked_out(error)),
        }
    }

    async fn replace_once(&self, message: &slack::MessageRef, content: &Message) -> Result<()> {
        let api = self.clients().delivery.api();
        api.update_message(message).text(content.fallback()).blocks(content.blocks()).await.map(drop)
    }

    /// Returns the present id of a channel that had this one, or that has the name of the destination.
    async fn find_channel(&self, id: &str, destination: Option<&str>) -> Option<String> {
        if let Some(found) = self.look_up_channel(id).await {
            return Some(found);
        }
        let name = destination.filter(|destination| destination.starts_with('#'))?;
        self.look_up_channel(name).await.filter(|found| found != id)
    }

    /// Says in the thread of a message what the message cannot say any more, once.
    async fn update_in_thread(&self, message: &slack::MessageRef, status: &Mrkdwn, error: &Error) -> Result<()> {
        let said = format!("{message} {status}");
        if self.0.thread_updates.get(&said).is_some() {
            return Ok(());
        }
        tracing::warn!(%error, %message, "a message in Slack cannot be edited any more");
        let text = Mrkdwn::new().text("This message cannot be changed any more. ").trusted(status.to_string());
        match self.reply(message, &text.to_string()).await {
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => tracing::warn!(%error, %message, "a message in Slack cannot be replied to"),
            Ok(()) => {}
        }
        self.0.thread_updates.insert(said, (), |_| false);
        Ok(())
    }

    /// Replies in the thread of a message.
    async fn reply(&self, message: &slack::MessageRef, text: &str) -> Result<()> {
        let message = self.present_ref(message);
        let reply = self.clients().delivery.api().post_message(message.channel()).in_thread(message.ts()).text(text);
        match reply.send().await {
            Ok(sent) if sent.is_outside_thread => Err(message_gone("the message of the request was deleted")),
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Err(gone(&error)),
            Err(error) => Err(wait_if_locked_out(error)),
        }
    }

    async fn post(&self, to: Recipient<'_>, message: &Message) -> Result<slack::MessageRef> {
        let channel = self.present_channel(self.clients().delivery.post_channel(&to).await?);
        let posted = match self.post_to(&channel, message).await {
            Err(error) if *error.code() == slack::codes::CHANNEL_NOT_FOUND => {
                let Some(id) = self.look_up_channel(&channel).await else { return Err(error) };
                tracing::warn!(%channel, id, "a Slack channel has another name or id than it had");
                match self.post_to(&id, message).await {
                    // The error names the channel as the configuration does.
                    Err(other) if other.code() == error.code() => return Err(error),
                    posted => posted?,
                }
            }
            posted => posted?,
        };
        if channel.starts_with('#') {
            self.note_named_channel(&channel, posted.channel()).await;
        }
        Ok(posted)
    }

    async fn post_to(&self, channel: &str, message: &Message) -> Result<slack::MessageRef> {
        let api = self.clients().delivery.api();
        let post = api.post_message(channel).text(message.fallback()).unfurl(false).blocks(message.blocks());
        let posted = post.send().await?.message;
        if posted.ts() == UNKNOWN_TS {
            tracing::warn!(channel = posted.channel(), "Slack posted a message without saying which");
        }
        Ok(posted)
    }

    async fn show_notice(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
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
        match view.update(&self.clients().delivery, content).await {
            Err(error) if is_gone(&error) => Ok(false),
            updated => updated.map(|shown| shown.is_some()),
        }
    }

    /// Shows a message below the request's latest message, visible only to this user. Returns whether that was possible.
    async fn show_in_channel(&self, request: &RequestView, to: &User, message: &Message) -> Result<bool> {
        let clicked = request.event().channel().kind() == ChannelType::Slack;
        let last = request.messages().filter_map(|message| slack::MessageRef::try_from(message).ok()).last();
        let Some(last) = last.filter(|_| clicked) else { return Ok(false) };
        let slack = &self.clients().delivery;
        let user = slack.account_id(to).await?;
        let last = self.present_ref(&last);
        let shown = slack.api().post_ephemeral(last.channel(), user).text(message.fallback());
        match shown.blocks(message.blocks()).await {
            Err(error) if error.is_refusal() => Ok(false),
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

/// Returns whether a message or a view does not exist any more, or nobody can see it.
fn is_gone(error: &Error) -> bool {
    const OUT_OF_REACH: [&str; 3] = ["IS_ARCHIVED", "IS_INACTIVE", "NOT_IN_CHANNEL"];
    error.kind() == ErrorKind::NotFound || OUT_OF_REACH.contains(&error.code().name())
}

/// Returns whether a message is there and cannot be edited: the workspace limits the time for that, or the app was installed anew.
fn is_frozen(error: &Error) -> bool {
    ["CANT_UPDATE_MESSAGE", "EDIT_WINDOW_CLOSED"].contains(&error.code().name())
}

/// Returns the error for a message that is gone.
fn gone(error: &Error) -> Error {
    let gone = message_gone(error.message()).with_service(super::NAME);
    match error.hint() {
        Some(hint) => gone.with_hint(hint),
        None => gone,
    }
}
