//! Decisions: clicks on Approve, Deny and Revoke in messages.
//!
//! A click is acknowledged once the decision is durable. A refused decision is acknowledged too, and the reason is then shown to
//! the user who clicked, and to nobody else. If no click on the message can ever succeed, its buttons are removed.

use std::time::Duration;

use serde_json::{Value, json};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{Channel, ChannelType, RunId, UserIdentity};
use sym_sdk::runtime::{Actor, Decision, Submission};

use super::dispatcher::Dispatcher;
use super::log_error;
use super::payload::{Action, BlockActions, ViewSubmission, team_id};
use super::receipt_message::{REMIND, WITHDRAW};
use super::request_message::{APPROVE, APPROVE_FOR_LESS, DECISION_MESSAGE, DENY, MAX_BLOCKS, REVOKE};
use super::response::{Response, ResponseWithFollowUp, user_message};
use crate::http::SecretString;
use crate::slack::blocks::{BlockId, Context, Mrkdwn};
use crate::slack::{MessageRef, Slack};

/// Creates the submission for a click of an actor on a Run's message.
type Submit = fn(&BlockActions, Clicked, Actor) -> Submission;

/// The subject of a button or a menu.
#[derive(Clone, Copy, Debug)]
struct Clicked {
    run: RunId,
    /// The duration that was selected, in a menu.
    duration: Option<Duration>,
}

impl Clicked {
    fn new(action: &Action) -> Option<Self> {
        if let Some(run) = action.value.as_deref() {
            return Some(Self { run: run.parse().ok()?, duration: None });
        }
        let (run, seconds) = action.selected_option.as_ref()?.value.split_once(':')?;
        Some(Self { run: run.parse().ok()?, duration: Some(Duration::from_secs(seconds.parse().ok()?)) })
    }
}

/// Returns how a button is submitted. `None` for an unknown one.
fn submission_for(action_id: &str) -> Option<Submit> {
    match action_id {
        id if APPROVE == *id => Some(|click, of, actor| in_message(Submission::approve(of.run, actor), click)),
        id if APPROVE_FOR_LESS == *id => Some(|click, of, actor| {
            let approval = Submission::approve(of.run, actor);
            in_message(approval.for_duration(of.duration.unwrap_or_default()), click)
        }),
        id if DENY == *id => Some(|click, of, actor| in_message(Submission::deny(of.run, actor), click)),
        id if REVOKE == *id => Some(|_, of, actor| Submission::revoke(of.run, actor).into()),
        id if REMIND == *id => Some(|_, of, actor| Submission::remind(of.run, actor).into()),
        // In the receipt, which is no message of a notification: requesters may withdraw whatever became of those.
        id if WITHDRAW == *id => Some(|_, of, actor| Submission::deny(of.run, actor).into()),
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
    let is_bound = [APPROVE, APPROVE_FOR_LESS, DENY].iter().any(|bound| *bound == *action.action_id);
    if !is_bound || message_ref(click).is_some() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, codes::UNKNOWN_MESSAGE, "this message does not belong to the request"))
}

/// Handles a click in a message.
pub(super) async fn on_click(dispatcher: Dispatcher, click: BlockActions, action: Action) -> ResponseWithFollowUp {
    let submit = submission_for(&action.action_id);
    let (Some(submit), Some(clicked)) = (submit, Clicked::new(&action)) else {
        tracing::debug!(action = action.action_id, "ignored an unknown action in Slack");
        return Response::Ack.into();
    };
    let run = clicked.run;
    match submit_click(&dispatcher, &click, &action, submit, clicked).await {
        Ok(()) if REMIND == *action.action_id => ResponseWithFollowUp::ack_then(async move {
            let text = "Those who can decide are being reminded.".to_owned();
            if let Err(error) = show_privately(&dispatcher, &ReplyTo::from(&click), text).await {
                log_error("confirming a reminder", &error);
            }
        }),
        Ok(()) => Response::Ack.into(),
        Err(error) if error.is_refusal() => {
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
    clicked: Clicked,
) -> Result<()> {
    let run = clicked.run;
    let (team, account) = (team_id(click.team.as_ref(), &click.user), &click.user.id);
    let key = InputKey::new(format!("slack:{team}:{account}:{}:{}:{run}", action.action_ts, action.action_id));
    let submission = |actor| submit(click, clicked, actor).channel(source_channel(click)).key(key.clone());
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

/// Submits what a view asks for, or says at an input why it is refused. `kind` is the part of the key that tells it from other submissions.
pub(super) async fn submit_view<S: Into<Submission>>(
    dispatcher: &Dispatcher,
    submitted: &ViewSubmission,
    kind: &str,
    run: RunId,
    input: &BlockId,
    create: impl Fn(Actor) -> S + Send + Sync,
) -> Response {
    let (view, account) = (&submitted.view, &submitted.user.id);
    let team = team_id(submitted.team.as_ref(), &submitted.user);
    // Another submission of the same view, after it was refused, is another one.
    let attempt = submitted.trigger_id.as_deref().unwrap_or(&view.id);
    let key = InputKey::new(format!("slack:{team}:{account}:{attempt}:{kind}:{run}"));
    let submission = |actor: Actor| {
        let submission: Submission = create(actor).into();
        submission.channel(Channel::new(ChannelType::Slack)).key(key.clone())
    };
    let outcome = match dispatcher.actor(account).await {
        Ok(actor) => dispatcher.runtime().submit(submission(actor)).await.map(drop),
        Err(error) => {
            let claimed = Actor::Account(UserIdentity::new(Slack::TYPE, team, account));
            dispatcher.runtime().record_refusal(submission(claimed), &error).await;
            Err(error)
        }
    };
    match outcome {
        Ok(()) => Response::Ack,
        Err(error) if error.is_refusal() => {
            let text = Value::from(user_message(&error));
            Response::validation_errors([(input.to_string(), text)].into_iter().collect())
        }
        Err(error) => {
            tracing::warn!(%error, kind, "submitting a view from Slack failed");
            Response::Unavailable
        }
    }
}

/// Tells the user who clicked why the decision was refused, and disables the message if no click on it can succeed.
pub(super) async fn report_refusal(dispatcher: &Dispatcher, click: &BlockActions, error: &Error) {
    let text = user_message(error);
    if is_permanently_invalid(error)
        && let Err(error) = disable_buttons(dispatcher, click, &text).await
    {
        log_error("removing the buttons of a message", &error);
    }
    let text = Mrkdwn::new().text(text).to_string();
    if let Err(error) = show_privately(dispatcher, &click.into(), text).await {
        log_error("reporting a refusal", &error);
    }
}

/// The ways in which somebody who clicked can be told something.
pub(super) struct ReplyTo {
    response_url: Option<SecretString>,
    channel: Option<String>,
    thread: Option<String>,
    account: String,
}

impl From<&BlockActions> for ReplyTo {
    fn from(click: &BlockActions) -> Self {
        Self {
            response_url: click.response_url.clone(),
            channel: click.container.channel_id.clone(),
            thread: click.container.thread_ts.clone(),
            account: click.user.id.clone(),
        }
    }
}

/// Shows a text to the user who clicked, and to nobody else. A `response_url` is dead after 30 minutes, after five responses, or with
/// its message; and somebody who is not in the channel, such as a guest who left, sees no ephemeral message.
async fn show_privately(dispatcher: &Dispatcher, to: &ReplyTo, text: String) -> Result<()> {
    let api = dispatcher.app().slack().api();
    if let Some(url) = &to.response_url {
        match api.respond(url).text(&text).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::debug!(%error, "a response URL of Slack cannot be used"),
        }
    }
    if let Some(channel) = &to.channel {
        let message = api.post_ephemeral(channel, &to.account).text(&text);
        let shown = match &to.thread {
            Some(thread) => message.in_thread(thread).await,
            None => message.await,
        };
        match shown {
            Ok(()) => return Ok(()),
            Err(error) => tracing::debug!(%error, "an ephemeral message could not be shown in Slack"),
        }
    }
    api.post_message(&to.account).text(text).await.map(drop)
}

/// Tells the user who clicked that a view could not be opened: Slack gives three seconds for that.
pub(super) fn report_unopened(dispatcher: Dispatcher, to: ReplyTo, doing: &str, error: &Error) -> ResponseWithFollowUp {
    log_error(doing, error);
    ResponseWithFollowUp::ack_then(async move {
        let text = "The view could not be opened. Please try again.".to_owned();
        if let Err(error) = show_privately(&dispatcher, &to, text).await {
            log_error("reporting that a view could not be opened", &error);
        }
    })
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
