//! Dispatches each interaction to the function that handles it.

use jiff::Timestamp;
use serde_json::json;
use sym_sdk::error::Result;
use sym_sdk::runtime::{Actor, Runtime};

use super::flow_picker::PICK_FLOW;
use super::form_open::Opening;
use super::form_view::RETRY;
use super::payload::{BlockActions, Incoming, Origin};
use super::receipt_message::{EXTEND, REQUEST_AGAIN};
use super::request_message::{DENY, SHOW};
use super::response::{Response, ResponseWithFollowUp};
use super::{
    SlackApp, decision, denial, events, extension, form_change, form_open, form_submit, overview, slash_command,
    whole_request,
};

/// The front end together with the runtime that its interactions are submitted to.
#[derive(Clone)]
pub(super) struct Dispatcher {
    app: SlackApp,
    runtime: Runtime,
}

impl Dispatcher {
    pub(super) fn new(app: SlackApp, runtime: Runtime) -> Self {
        app.keep_channel_ids_in(&runtime);
        Self { app, runtime }
    }

    pub(super) fn app(&self) -> &SlackApp {
        &self.app
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runtime.clock().now()
    }

    /// Returns the user of a Slack account as the actor of an action. See [`ActingUsers::actor`](super::acting_user::ActingUsers::actor).
    pub(super) async fn actor(&self, account: &str) -> Result<Actor> {
        self.app.actor(&self.runtime, account).await
    }

    /// Returns whether interactions from a workspace are accepted: the app's own, or one that the configuration trusts. The signature
    /// shows only that Slack has sent a payload, which may be about any workspace that has the app or shares a channel with it.
    fn is_admitted(&self, origin: &Origin<'_>) -> bool {
        let (own, trusted) = (self.app.slack().workspace(), self.app.slack().trusted_teams());
        let is_of_trusted_enterprise = origin.enterprise.is_some_and(|id| trusted.contains_enterprise(id));
        match origin.team {
            Some(team) => team == own || trusted.contains(team) || is_of_trusted_enterprise,
            // An app that is installed for a whole Enterprise organization gets no workspace. A payload that names neither is about nobody
            // else: the account is looked up in the app's own workspace.
            None => origin.enterprise.is_none() || is_of_trusted_enterprise,
        }
    }

    /// Handles an interaction.
    pub(super) async fn dispatch(self, incoming: Incoming) -> ResponseWithFollowUp {
        let origin = incoming.origin();
        if !self.is_admitted(&origin) {
            tracing::warn!(
                team = origin.team,
                enterprise = origin.enterprise,
                "refused an interaction from another workspace"
            );
            return Response::Refused.into();
        }
        match incoming {
            Incoming::Ping => Response::Ack.into(),
            Incoming::Command(command) => slash_command::run(self, command).await,
            Incoming::BlockActions(actions) => self.on_block_actions(*actions).await,
            Incoming::BlockSuggestion(suggestion) => form_change::suggest(&self, *suggestion).await.into(),
            Incoming::ViewSubmission(submission) if denial::is_denial(&submission.view) => {
                denial::submit(&self, &submission).await.into()
            }
            Incoming::ViewSubmission(submission) if extension::is_extension(&submission.view) => {
                extension::submit(&self, &submission).await.into()
            }
            Incoming::ViewSubmission(submission) => form_submit::submit(&self, submission).await.into(),
            Incoming::ViewClosed(closed) => {
                if let Ok(run) = closed.view.private_metadata.parse() {
                    self.app.discard_form(run);
                }
                Response::Ack.into()
            }
            Incoming::UrlVerification(challenge) => Response::Json(json!({ "challenge": challenge })).into(),
            Incoming::Event(event) => events::on_event(self, event.event).await,
            Incoming::Shortcut(shortcut) => form_open::on_shortcut(self, shortcut).await,
        }
    }

    /// Handles a click or a selection, in a message or in a view.
    async fn on_block_actions(self, mut actions: BlockActions) -> ResponseWithFollowUp {
        let Some(action) = actions.actions.pop() else { return Response::Ack.into() };
        match actions.view.take() {
            Some(view) if overview::is_list(&view) => overview::on_click(self, actions, view, &action).await,
            Some(view) => match action.action_id.as_str() {
                id if RETRY == *id => form_open::on_retry(self, &actions, view, &action),
                id if PICK_FLOW == *id => form_open::on_flow_picked(self, &actions, view, &action),
                id if whole_request::turns_page(id) => whole_request::on_page_turned(self, &actions, view, &action),
                _ => form_change::on_field_changed(self, &actions, view, &action),
            },
            None if REQUEST_AGAIN == *action.action_id => {
                form_open::on_request_again(self, &actions, &action, Opening::First).await
            }
            None if EXTEND == *action.action_id => extension::on_click(self, &actions, &action, Opening::First).await,
            None if SHOW == *action.action_id => whole_request::on_show(self, actions, &action).await,
            None if DENY == *action.action_id => denial::on_click(self, actions, action).await,
            None => decision::on_click(self, actions, action).await,
        }
    }
}
