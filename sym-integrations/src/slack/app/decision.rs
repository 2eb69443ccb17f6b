//! Decisions: clicks on Approve, Deny and Revoke in messages.
//!
//! A click is acknowledged once the decision is durable. A refused decision is acknowledged too, and the reason is then shown to
//! the user who clicked, and to nobody else. If no click on the message can ever succeed, its buttons are removed.

use serde_json::{Value, json};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{Channel, ChannelType, RunId, UserIdentity};
use sym_sdk::runtime::{Actor, Decision, Submission};

use super::dispatcher::Dispatcher;
use super::log_error;
use super::payload::{Action, BlockActions, team_id};
use super::request_message::{APPROVE, DECISION_MESSAGE, DENY, MAX_BLOCKS, REVOKE};
use super::response::{Response, ResponseWithFollowUp, is_refusal, user_message};
use crate::slack::blocks::{Context, Mrkdwn};
use crate::slack::{MessageRef, Slack};

/// Creates the submission for a click of an actor on a Run's message.
type Submit = fn(&BlockActions, RunId, Actor) -> Submission;

/// Returns how a button is submitted. `None` for an unknown one.
fn submission_for(action_id: &str) -> Option<Submit> {
    match action_id {
        id if APPROVE == *id => Some(|click, run, actor| in_message(Submission::approve(run, actor), click)),
        id if DENY == *id => Some(|click, run, actor| in_message(Submission::deny(run, actor), click)),
        id if REVOKE == *id => Some(|_, run, actor| Submission::revoke(run, actor).into()),
        _ => None,
    }
}

/// Adds the clicked message and the text that was entered in it.
fn in_message(decision: Decision, click: &BlockActions) -> Submission {
    let decision = match message_ref(click) {
        Some(message) => decision.in_message((&message).into()),
        None => decision,
    };
    let entered = click.state.in_block(DECISION_MESSAGE).and_then(|entered| entered.value.as_deref());
    match entered.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => decision.message(text).into(),
        None => decision.into(),
    }
}

/// Checks that a decision was made in a message: what nobody was shown cannot be decided.
fn check_message(action: &Action, click: &BlockActions) -> Result<()> {
    if REVOKE == *action.action_id || message_ref(click).is_some() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, codes::UNKNOWN_MESSAGE, "this message does not belong to the request"))
}

/// Handles a click in a message.
pub(super) async fn on_click(dispatcher: Dispatcher, click: BlockActions, action: Action) -> ResponseWithFollowUp {
    let submit = submission_for(&action.action_id);
    let run = action.value.as_deref().and_then(|run| run.parse::<RunId>().ok());
    let (Some(submit), Some(run)) = (submit, run) else {
        tracing::debug!(action = action.action_id, "ignored an unknown action in Slack");
        return Response::Ack.into();
    };
    match submit_click(&dispatcher, &click, &action, submit, run).await {
        Ok(()) => Response::Ack.into(),
        Err(error) if is_refusal(&error) => {
            ResponseWithFollowUp::ack_then(async move { report_refusal(&dispatcher, &click, &error).await })
        }
        Err(error) => {
            tracing::warn!(%error, %run, "submitting a decision from Slack failed");
            Response::Unavailable.into()
        }
    }
}

/// Submits a click. Its key is derived from the payload, so that a redelivered click is one decision.
async fn submit_click(
    dispatcher: &Dispatcher,
    click: &BlockActions,
    action: &Action,
    submit: Submit,
    run: RunId,
) -> Result<()> {
    let (team, account) = (team_id(click.team.as_ref(), &click.user), &click.user.id);
    let key = InputKey::new(format!("slack:{team}:{account}:{}:{}:{run}", action.action_ts, action.action_id));
    let submission = |actor| submit(click, run, actor).channel(source_channel(click)).key(key.clone());
    let (actor, error) = match dispatcher.actor(account).await {
        Ok(actor) => match check_message(action, click) {
            Ok(()) => return dispatcher.runtime().submit(submission(actor)).await.map(drop),
            Err(error) => (actor, error),
        },
        Err(error) => (Actor::Account(UserIdentity::new(Slack::TYPE, team, account)), error),
    };
    // Refused before it is submitted, of which the runtime knows nothing.
    dispatcher.runtime().record_refusal(submission(actor), &error).await;
    Err(error)
}

/// Tells the user who clicked why the decision was refused, and disables the message if no click on it can succeed.
pub(super) async fn report_refusal(dispatcher: &Dispatcher, click: &BlockActions, error: &Error) {
    let text = user_message(error);
    if is_permanently_invalid(error)
        && let Err(error) = disable_buttons(dispatcher, click, &text).await
    {
        log_error("removing the buttons of a message", &error);
    }
    let api = dispatcher.app().slack().api();
    let text = Mrkdwn::new().text(text).to_string();
    let shown = match (&click.response_url, &click.container.channel_id) {
        (Some(url), _) => api.respond(url).text(text).await,
        (None, Some(channel)) => {
            let message = api.post_ephemeral(channel, &click.user.id).text(text);
            match &click.container.thread_ts {
                Some(thread) => message.in_thread(thread).await,
                None => message.await,
            }
        }
        (None, None) => Ok(()),
    };
    if let Err(error) = shown {
        log_error("reporting a refusal", &error);
    }
}

/// Replaces the message that was clicked by the same message without buttons, and with the reason.
async fn disable_buttons(dispatcher: &Dispatcher, click: &BlockActions, reason: &str) -> Result<()> {
    let (Some(reference), Some(message)) = (message_ref(click), &click.message) else { return Ok(()) };
    // Only the kinds of blocks that a request message has or had in earlier versions: Slack adds blocks of its own that it does not accept back.
    let is_kept = |block: &&Value| matches!(block["type"].as_str(), Some("rich_text" | "section" | "context"));
    let mut blocks: Vec<Value> = message.blocks.iter().filter(is_kept).take(MAX_BLOCKS - 1).cloned().collect();
    let mut note = serde_json::to_value(Context::new(reason))?;
    note["type"] = json!("context");
    blocks.push(note);
    let api = dispatcher.app().slack().api();
    api.update_message(&reference).text(&message.text).blocks(blocks).await.map(drop)
}

/// Returns the message that was clicked.
pub(super) fn message_ref(click: &BlockActions) -> Option<MessageRef> {
    Some(MessageRef::new(click.container.channel_id.as_deref()?, click.container.message_ts.as_deref()?))
}

fn source_channel(click: &BlockActions) -> Channel {
    let channel = Channel::new(ChannelType::Slack);
    match click.channel.as_ref().and_then(|channel| channel.name.as_deref()) {
        Some(name) => channel.with_identifier(name),
        None => channel,
    }
}

/// Returns whether no click on the message can ever succeed.
fn is_permanently_invalid(error: &Error) -> bool {
    [codes::UNKNOWN_RUN, codes::RUN_PRUNED, codes::UNKNOWN_MESSAGE].contains(error.code())
}
