//! Clicks in messages: Approve, Deny, Revoke.

use serde_json::{Value, json};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::machine::{EffectKind, RunState};
use sym_sdk::model::{Channel, ChannelType, RunId};
use sym_sdk::runtime::Submission;

use super::answer::{Answer, MISPLACED, Reply, in_words, is_refusal};
use super::card::{APPROVE, DECISION_MESSAGE, DENY, REVOKE};
use super::modal::RETRY;
use super::payload::{Action, Actions, team_of};
use super::picker::PICK;
use super::receive::{Front, log};
use crate::slack::MessageRef;
use crate::slack::blocks::{Context, Mrkdwn};

/// What can be done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Approve,
    Deny,
    Revoke,
}

impl Decision {
    fn of(action_id: &str) -> Option<Self> {
        let known = [(APPROVE, Self::Approve), (DENY, Self::Deny), (REVOKE, Self::Revoke)];
        known.into_iter().find(|(id, _)| *id == *action_id).map(|(_, decision)| decision)
    }
}

impl Front {
    /// Somebody clicked or picked something, in a message or a view.
    pub(super) async fn act(self, mut actions: Actions) -> Reply {
        let Some(action) = actions.actions.pop() else { return Answer::Done.into() };
        if let Some(view) = actions.view.take() {
            return match action.action_id.as_str() {
                id if RETRY == *id => self.retry(&actions, view, &action),
                id if PICK == *id => self.picked(&actions, view, &action),
                _ => self.changed(&actions, view, &action),
            };
        }
        let decision = Decision::of(&action.action_id);
        let run = action.value.as_deref().and_then(|run| run.parse::<RunId>().ok());
        let (Some(decision), Some(run)) = (decision, run) else {
            tracing::debug!(action = action.action_id, "an unknown action in Slack is passed over");
            return Answer::Done.into();
        };
        match self.decide(&actions, &action, decision, run).await {
            Ok(()) => Answer::Done.into(),
            Err(error) if is_refusal(&error) => {
                Reply::then(Answer::Done, async move { self.decline(&actions, &error).await })
            }
            Err(error) => {
                tracing::warn!(%error, %run, "a decision in Slack could not be taken");
                Answer::Unavailable.into()
            }
        }
    }

    async fn decide(&self, click: &Actions, action: &Action, decision: Decision, run: RunId) -> Result<()> {
        let account = &click.user.id;
        let user = self.app.people().acting(self.app.slack(), account, self.runtime.clock().now()).await?;
        if decision != Decision::Revoke {
            let state = self.runtime.run(run).await?.state;
            in_force(&state, click)?;
        }
        let team = team_of(click.team.as_ref(), &click.user);
        let key = format!("slack:{team}:{account}:{}:{}:{run}", action.action_ts, action.action_id);
        let (channel, key) = (channel(click), InputKey::new(key));
        let decided = match decision {
            Decision::Approve => Submission::approve(run, user),
            Decision::Deny => Submission::deny(run, user),
            Decision::Revoke => {
                let revoke = Submission::revoke(run, user).channel(channel).key(key);
                return self.runtime.submit(revoke).await.map(drop);
            }
        };
        let entered = click.state.of_block(DECISION_MESSAGE).and_then(|entered| entered.value.as_deref());
        let decided = match entered.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => decided.message(text),
            None => decided,
        };
        self.runtime.submit(decided.channel(channel).key(key)).await.map(drop)
    }

    /// Tells whoever clicked why nothing came of it, and nobody else. Buttons that can do nothing any more are taken away.
    async fn decline(&self, click: &Actions, error: &Error) {
        let text = in_words(error);
        if is_void(error)
            && let Err(error) = self.disable(click, &text).await
        {
            log("taking the buttons of a message away", &error);
        }
        let api = self.app.slack().api();
        let text = Mrkdwn::new().text(text).to_string();
        let told = match (&click.response_url, &click.container.channel_id) {
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
        if let Err(error) = told {
            log("telling somebody that nothing came of a click", &error);
        }
    }

    /// Shows the message as it was, without what can be clicked.
    async fn disable(&self, click: &Actions, why: &str) -> Result<()> {
        let (Some(place), Some(message)) = (place(click), &click.message) else { return Ok(()) };
        // Only what a request's message has: Slack would refuse to take back some of the blocks that it makes itself.
        let is_shown = |block: &&Value| matches!(block["type"].as_str(), Some("section" | "context"));
        let mut blocks: Vec<Value> = message.blocks.iter().filter(is_shown).take(49).cloned().collect();
        let mut note = serde_json::to_value(Context::new(why))?;
        note["type"] = json!("context");
        blocks.push(note);
        self.app.slack().api().update_message(&place).text(&message.text).blocks(blocks).await.map(drop)
    }
}

fn place(click: &Actions) -> Option<MessageRef> {
    Some(MessageRef::new(click.container.channel_id.as_deref()?, click.container.message_ts.as_deref()?))
}

fn channel(click: &Actions) -> Channel {
    let channel = Channel::new(ChannelType::Slack);
    match click.channel.as_ref().and_then(|channel| channel.name.as_deref()) {
        Some(name) => channel.with_identifier(name),
        None => channel,
    }
}

/// Whether the message that was clicked in is the one by which the request is decided now.
fn in_force(state: &RunState, click: &Actions) -> Result<()> {
    let clicked = place(click).map(|place| sym_sdk::machine::MessageRef::from(&place));
    let mut delivered = state.delivered.iter().filter(|delivered| Some(&delivered.message) == clicked.as_ref());
    match delivered.next_back() {
        Some(delivered) if delivered.entry == state.current_notification || !state.is_open() => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Conflict,
            codes::NOT_PERMITTED,
            "nobody answered here in time, and the request went on to others",
        )),
        // It is on its way into the books.
        None if state.pending.values().any(|pending| matches!(pending.kind, EffectKind::Deliver { .. })) => Ok(()),
        None => Err(Error::new(ErrorKind::Conflict, MISPLACED, "this message is not that of the request")),
    }
}

/// Whether no click on the message can ever do anything.
fn is_void(error: &Error) -> bool {
    [codes::UNKNOWN_RUN, codes::RUN_PRUNED, MISPLACED].contains(error.code())
}
