//! Opening forms, and showing them.
//!
//! A trigger id can open a view for three seconds, and handlers may take longer. So a loading view is opened first; the form
//! replaces it when the runtime has prepared it. The view's id is stored with the Run, so a form finds its view after a restart.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::delivery::RequestView;
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::forms::PromptForm;
use sym_sdk::integration::IntegrationClient;
use sym_sdk::machine::FormRef;
use sym_sdk::model::{Channel, ChannelType, Flow, User, UserIdentity};
use sym_sdk::runtime::{LockedForm, Submission};

use super::decision::report_unopened;
use super::dispatcher::Dispatcher;
use super::flow_picker::{self, FlowQuery};
use super::form_place::{FormPlace, FormSnapshot, OpenForm, new_snapshot};
use super::payload::{Action, BlockActions, Shortcut, View, team_id};
use super::response::{Response, ResponseWithFollowUp, user_message};
use super::{SlackApp, form_view, log_error};
use crate::slack::Slack;
use crate::slack::api::ViewInfo;
use crate::slack::blocks::Modal;

/// The title of a view before its flow is known.
const TITLE: &str = "Request access";

/// The way in which a view is opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Opening {
    /// No other view is open.
    First,
    /// On top of the view that was clicked.
    OnTop,
}

/// A user's request for a form.
pub(super) struct FormRequest {
    pub(super) team: String,
    /// The Slack account of the user.
    pub(super) account: String,
    /// Identifies this attempt, so that Slack's redelivery has the same input key.
    pub(super) attempt: String,
    pub(super) channel: Channel,
}

/// A reference to the view that shows a form.
#[derive(Clone)]
pub(super) struct ViewRef {
    pub(super) id: String,
    /// The hash of the content that may be replaced. If the view has another hash, its content is newer.
    pub(super) hash: Option<String>,
}

impl ViewRef {
    /// Parses the reference that is stored with a Run.
    pub(super) fn from_form_ref(form: &FormRef) -> Option<Self> {
        let (id, hash) = match form.as_str().split_once(':') {
            Some((id, hash)) => (id, Some(hash.to_owned())),
            None => (form.as_str(), None),
        };
        (!id.is_empty()).then(|| Self { id: id.to_owned(), hash })
    }

    fn to_form_ref(&self) -> FormRef {
        match &self.hash {
            Some(hash) => FormRef::new(format!("{}:{hash}", self.id)),
            None => FormRef::new(&self.id),
        }
    }

    /// Replaces the content of the view. Returns `None` if the view has newer content, which then stays.
    pub(super) async fn update(&self, slack: &Slack, content: Modal) -> Result<Option<ViewInfo>> {
        let update = slack.api().update_view(&self.id, content);
        let update = match &self.hash {
            Some(hash) => update.hash(hash),
            None => update,
        };
        match update.await {
            Err(error) if error.code().name() == "HASH_CONFLICT" => Ok(None),
            updated => updated.map(Some),
        }
    }
}

impl From<ViewInfo> for ViewRef {
    fn from(view: ViewInfo) -> Self {
        Self { id: view.id, hash: view.hash }
    }
}

impl FormRequest {
    fn new(dispatched: &BlockActions, action: &Action, channel: Channel) -> Self {
        Self {
            team: team_id(dispatched.team.as_ref(), &dispatched.user).to_owned(),
            account: dispatched.user.id.clone(),
            attempt: action.action_ts.clone(),
            channel,
        }
    }

    /// Opens a loading view. The form or the flow picker replaces it after the response.
    pub(super) async fn open(self, dispatcher: Dispatcher, query: FlowQuery) -> Result<ResponseWithFollowUp> {
        self.open_as(dispatcher, query, Opening::First).await
    }

    async fn open_as(self, dispatcher: Dispatcher, query: FlowQuery, opening: Opening) -> Result<ResponseWithFollowUp> {
        let (api, loading) = (dispatcher.app().slack().api(), form_view::loading(TITLE)?);
        let view = match opening {
            Opening::First => api.open_view(&self.attempt, loading).await?,
            Opening::OnTop => api.push_view(&self.attempt, loading).await?,
        };
        Ok(ResponseWithFollowUp::ack_then(async move {
            let id = view.id.clone();
            let shown = self.show(&dispatcher, query, view.into()).await;
            report_failure(&dispatcher.app().clients().follow_up, &id, shown).await;
        }))
    }

    /// Replaces the content of a view by a loading view, and then by the form or the flow picker.
    async fn reload(self, dispatcher: &Dispatcher, query: FlowQuery, view: &str) -> Result<()> {
        let slack = &dispatcher.app().clients().follow_up;
        let view = slack.api().update_view(view, form_view::loading(TITLE)?).await?;
        self.show(dispatcher, query, view.into()).await
    }

    /// Shows the form of the flow that matches the query, or the flow picker if not exactly one matches.
    async fn show(self, dispatcher: &Dispatcher, query: FlowQuery, view: ViewRef) -> Result<()> {
        let user = match dispatcher.app().user(&self.account, dispatcher.now()).await {
            Ok(user) => user,
            Err(error) => {
                let claimed = UserIdentity::new(Slack::TYPE, &self.team, &self.account);
                let refused = Submission::prompt("", claimed).channel(self.channel.clone()).key(self.key());
                dispatcher.runtime().record_refusal(refused, &error).await;
                return Err(error);
            }
        };
        let flows = dispatcher.runtime().requestable_flows(&user, ChannelType::Slack).await?;
        match query.find(&flows) {
            Some(flow) => self.prompt(dispatcher, &flow, user, &view).await,
            None => {
                let picker = flow_picker::picker_view(TITLE, &flows, &self.channel, &query)?;
                dispatcher.app().clients().follow_up.api().update_view(view.id, picker).await.map(drop)
            }
        }
    }

    /// Returns the key of the prompt: an interaction that Slack delivers again is one prompt.
    fn key(&self) -> InputKey {
        let Self { team, account, attempt, .. } = self;
        InputKey::new(format!("slack:{team}:{account}:{attempt}:prompt"))
    }

    /// Submits a prompt. The runtime has the form shown in the view once its options are fetched.
    async fn prompt(self, dispatcher: &Dispatcher, flow: &Flow, user: Arc<User>, view: &ViewRef) -> Result<()> {
        let key = self.key();
        let submission = Submission::prompt(flow.srn().to_string(), user).channel(self.channel).key(key);
        dispatcher.runtime().submit(submission.form_view(view.to_form_ref())).await.map(drop)
    }
}

/// Opens the flow picker for a global shortcut.
pub(super) async fn on_shortcut(dispatcher: Dispatcher, shortcut: Shortcut) -> ResponseWithFollowUp {
    let request = FormRequest {
        team: team_id(shortcut.team.as_ref(), &shortcut.user).to_owned(),
        account: shortcut.user.id,
        attempt: shortcut.trigger_id,
        channel: Channel::new(ChannelType::Slack),
    };
    match request.open(dispatcher, FlowQuery::default()).await {
        Ok(response) => response,
        Err(error) => {
            log_error("opening a form", &error);
            Response::Unavailable.into()
        }
    }
}

/// Shows the form of the flow that was picked.
pub(super) fn on_flow_picked(
    dispatcher: Dispatcher,
    dispatched: &BlockActions,
    view: View,
    action: &Action,
) -> ResponseWithFollowUp {
    let Some(flow) = &action.selected_option else { return Response::Ack.into() };
    let query = FlowQuery::new(&flow.value);
    let request = FormRequest::new(dispatched, action, flow_picker::source_channel(&view.private_metadata));
    ResponseWithFollowUp::ack_then(async move {
        let shown = request.reload(&dispatcher, query, &view.id).await;
        report_failure(&dispatcher.app().clients().follow_up, &view.id, shown).await;
    })
}

/// Requests a form again after it could not be prepared.
pub(super) fn on_retry(
    dispatcher: Dispatcher,
    dispatched: &BlockActions,
    view: View,
    action: &Action,
) -> ResponseWithFollowUp {
    let run = action.value.as_deref().and_then(|run| run.parse().ok());
    let Some(run) = run else { return Response::Ack.into() };
    let request = FormRequest::new(dispatched, action, Channel::new(ChannelType::Slack));
    dispatcher.app().discard_form(run);
    ResponseWithFollowUp::ack_then(async move {
        let shown = async {
            let failed = dispatcher.runtime().prompt(run).await?;
            let query = FlowQuery::new(failed.flow().slug());
            let request = FormRequest { channel: failed.channel().clone(), ..request };
            request.reload(&dispatcher, query, &view.id).await
        };
        report_failure(&dispatcher.app().clients().follow_up, &view.id, shown.await).await;
    })
}

/// Opens the form of the flow of an earlier request.
pub(super) async fn on_request_again(
    dispatcher: Dispatcher,
    click: &BlockActions,
    action: &Action,
    opening: Opening,
) -> ResponseWithFollowUp {
    let Some(run) = action.value.as_deref().and_then(|run| run.parse().ok()) else { return Response::Ack.into() };
    let query = match dispatcher.runtime().prompt(run).await {
        Ok(earlier) => FlowQuery::new(earlier.flow().slug()),
        // Its Run was pruned: the user selects the flow.
        Err(_) => FlowQuery::default(),
    };
    open_by_button(dispatcher, click, action, query, opening).await
}

/// Opens the flow picker, or the form if there is one flow.
pub(super) async fn on_new_request(
    dispatcher: Dispatcher,
    click: &BlockActions,
    action: &Action,
    opening: Opening,
) -> ResponseWithFollowUp {
    open_by_button(dispatcher, click, action, FlowQuery::default(), opening).await
}

async fn open_by_button(
    dispatcher: Dispatcher,
    click: &BlockActions,
    action: &Action,
    query: FlowQuery,
    opening: Opening,
) -> ResponseWithFollowUp {
    let Some(trigger) = click.trigger_id.clone() else { return Response::Ack.into() };
    let request = FormRequest { attempt: trigger, ..FormRequest::new(click, action, Channel::new(ChannelType::Slack)) };
    match request.open_as(dispatcher.clone(), query, opening).await {
        Ok(response) => response,
        Err(error) => report_unopened(dispatcher, click.into(), "opening a form", &error),
    }
}

/// Shows in a view why its form could not be opened.
pub(super) async fn report_failure(slack: &Slack, view: &str, outcome: Result<()>) {
    let Err(error) = outcome else { return };
    log_error("opening a form", &error);
    let shown = match form_view::message_view(TITLE, &user_message(&error)) {
        Ok(message) => slack.api().update_view(view, message).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = shown {
        log_error("reporting that a form could not be opened", &error);
    }
}

/// Shows a form for the first time. If the view has newer content by then, that stays.
pub(super) async fn show_new(app: &SlackApp, request: &RequestView, form: PromptForm, now: Timestamp) -> Result<()> {
    let event = request.event();
    let Some(view) = request.form().and_then(ViewRef::from_form_ref) else {
        return Err(Error::new(ErrorKind::NotFound, codes::INVALID_EVENT, "the Run has no view for its form"));
    };
    let run = event.run().id();
    let user = Arc::new(event.user().clone());
    let snapshot = new_snapshot(form, view.clone());
    let content = form_view::form(event.flow(), run, &snapshot, None)?;
    let open = Arc::new(OpenForm::new(run, event.flow().srn().clone(), user, now, snapshot.clone()));
    // Stored before it is shown, so that the first keystroke finds the options. Changes wait for the lock.
    let form = open.lock().await;
    app.forms().insert(open.clone());
    match view.update(&app.clients().delivery, content).await {
        Ok(Some(shown)) => {
            form.set_snapshot(with_hash(snapshot, shown.hash));
            Ok(())
        }
        Ok(None) => {
            app.discard_form(run);
            Ok(())
        }
        Err(error) => {
            app.discard_form(run);
            Err(error)
        }
    }
}

/// Shows a form after a change.
pub(super) async fn show_changed(
    app: &SlackApp,
    form: &LockedForm<'_, FormPlace>,
    flow: &Flow,
    snapshot: FormSnapshot,
    error: Option<&str>,
) -> Result<()> {
    let before = form.snapshot();
    let content = form_view::form(flow, form.run(), &snapshot, error)?;
    form.set_snapshot(snapshot.clone());
    let view = before.place.view.clone();
    let updated = match view.update(app.slack(), content.clone()).await {
        // Changes are serialized, so the newer content is an update of ours whose response was lost.
        Ok(None) => ViewRef { hash: None, ..view }.update(app.slack(), content).await,
        updated => updated,
    };
    match updated {
        Ok(view) => {
            form.set_snapshot(with_hash(snapshot, view.and_then(|view| view.hash)));
            Ok(())
        }
        Err(error) => {
            form.set_snapshot(FormSnapshot::clone(&before));
            Err(error)
        }
    }
}

/// Returns the snapshot of a form whose view is in another state now.
fn with_hash(mut snapshot: FormSnapshot, hash: Option<String>) -> FormSnapshot {
    snapshot.place = snapshot.place.with_hash(hash);
    snapshot
}
