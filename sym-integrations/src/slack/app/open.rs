//! Opens forms.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::delivery::RequestView;
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::forms::PromptForm;
use sym_sdk::machine::FormRef;
use sym_sdk::model::{Channel, Flow, Source, User};
use sym_sdk::runtime::Submission;

use super::answer::{Answer, Reply, in_words};
use super::forms::{OpenForm, Settled, Shown};
use super::payload::{Action, Actions, Shortcut, View, team_of};
use super::receive::{Front, log};
use super::{SlackApp, modal, picker};
use crate::slack::api::ViewInfo;
use crate::slack::blocks::Modal;

/// The title while nobody knows which flow it is.
const TITLE: &str = "Request access";

/// Who asks for a form, and how.
pub(super) struct Asking {
    pub(super) team: String,
    pub(super) account: String,
    /// What names this attempt, so that Slack's second one is the same.
    pub(super) attempt: String,
    pub(super) channel: Channel,
}

/// The view in which a form is to be shown.
pub(super) struct Place {
    pub(super) view: String,
    /// Slack's name for what it shows until then. Whatever comes between is newer.
    pub(super) hash: Option<String>,
}

impl Place {
    /// The place that is kept with the Run.
    pub(super) fn of(form: &FormRef) -> Option<Self> {
        let (view, hash) = match form.as_str().split_once(':') {
            Some((view, hash)) => (view, Some(hash.to_owned())),
            None => (form.as_str(), None),
        };
        (!view.is_empty()).then(|| Self { view: view.to_owned(), hash })
    }

    fn to_form(&self) -> FormRef {
        match &self.hash {
            Some(hash) => FormRef::new(format!("{}:{hash}", self.view)),
            None => FormRef::new(&self.view),
        }
    }
}

/// The flow that was named, and its environment.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) flow: Option<String>,
    pub(super) environment: Option<String>,
}

impl Front {
    pub(super) async fn shortcut(self, shortcut: Shortcut) -> Reply {
        let asking = Asking {
            team: team_of(shortcut.team.as_ref(), &shortcut.user).to_owned(),
            account: shortcut.user.id,
            attempt: shortcut.trigger_id,
            channel: Channel::new(sym_sdk::model::ChannelType::Slack),
        };
        match self.open(asking, Wanted::default()).await {
            Ok(reply) => reply,
            Err(error) => {
                log("opening a form", &error);
                Answer::Unavailable.into()
            }
        }
    }

    /// Opens a view at once, as Slack has it opened within three seconds, and fills it afterwards.
    pub(super) async fn open(self, asking: Asking, wanted: Wanted) -> Result<Reply> {
        let view = self.app.slack().api().open_view(&asking.attempt, modal::loading(TITLE)?).await?;
        let place = Place { view: view.id, hash: view.hash };
        Ok(Reply::then(Answer::Done, async move {
            let view = place.view.clone();
            if let Err(error) = self.fill(asking, wanted, place).await {
                self.refuse_in(&view, TITLE, &error).await;
            }
        }))
    }

    /// Shows the form of the flow that is wanted, or all flows if that is not clear.
    async fn fill(&self, asking: Asking, wanted: Wanted, place: Place) -> Result<()> {
        let user = self.app.people().user(self.app.slack(), &asking.account, self.runtime.clock().now()).await?;
        let flows = self.open_flows(&user).await?;
        match picker::named(&flows, &wanted) {
            Some(flow) => self.prompt(&flow, user, asking, place).await,
            None => {
                let view = picker::picker(TITLE, &flows, &asking.channel, &wanted)?;
                self.app.slack().api().update_view(place.view, view).await.map(drop)
            }
        }
    }

    /// The flows that this person can request from Slack, by name.
    async fn open_flows(&self, user: &Arc<User>) -> Result<Vec<Arc<Flow>>> {
        let flows = self.runtime.flows_for(user).await?;
        let from_slack = |flow: &&Arc<Flow>| {
            flow.params().allowed_sources.as_ref().is_none_or(|allowed| allowed.contains(&Source::Slack))
        };
        Ok(flows.iter().filter(from_slack).cloned().collect())
    }

    /// Asks the runtime for the flow's form. It is shown in the view when it comes.
    async fn prompt(&self, flow: &Flow, user: Arc<User>, asking: Asking, place: Place) -> Result<()> {
        let Asking { team, account, attempt, channel } = asking;
        let key = InputKey::new(format!("slack:{team}:{account}:{attempt}:prompt"));
        let submission = Submission::prompt(flow.srn().to_string(), user).channel(channel).key(key);
        self.runtime.submit(submission.form_view(place.to_form())).await.map(drop)
    }

    /// A flow was picked.
    pub(super) fn picked(self, actions: &Actions, view: View, action: &Action) -> Reply {
        let Some(flow) = &action.selected_option else { return Answer::Done.into() };
        let wanted = Wanted { flow: Some(flow.value.clone()), environment: None };
        let asking = self.asking(actions, action, picker::channel(&view.private_metadata));
        self.prompt_again(asking, wanted, view)
    }

    /// The form could not be made, and is asked for anew.
    pub(super) fn retry(self, actions: &Actions, view: View, action: &Action) -> Reply {
        let run = action.value.as_deref().and_then(|run| run.parse().ok());
        let Some(run) = run else { return Answer::Done.into() };
        let asking = self.asking(actions, action, Channel::new(sym_sdk::model::ChannelType::Slack));
        self.app.forget(run);
        Reply::then(Answer::Done, async move {
            let (id, again) = (view.id.clone(), self.clone());
            let filled = async {
                let failed = again.runtime.run(run).await?.state;
                let wanted = Wanted { flow: Some(failed.flow.slug().to_owned()), environment: None };
                let asking = Asking { channel: failed.run.source_channel().clone(), ..asking };
                again.load(asking, wanted, view).await
            };
            if let Err(error) = filled.await {
                self.refuse_in(&id, TITLE, &error).await;
            }
        })
    }

    fn asking(&self, actions: &Actions, action: &Action, channel: Channel) -> Asking {
        Asking {
            team: team_of(actions.team.as_ref(), &actions.user).to_owned(),
            account: actions.user.id.clone(),
            attempt: action.action_ts.clone(),
            channel,
        }
    }

    fn prompt_again(self, asking: Asking, wanted: Wanted, view: View) -> Reply {
        Reply::then(Answer::Done, async move {
            let id = view.id.clone();
            if let Err(error) = self.load(asking, wanted, view).await {
                self.refuse_in(&id, TITLE, &error).await;
            }
        })
    }

    /// Shows that something is on its way, and then what.
    async fn load(&self, asking: Asking, wanted: Wanted, view: View) -> Result<()> {
        let shown = self.app.slack().api().update_view(view.id, modal::loading(TITLE)?).await?;
        self.fill(asking, wanted, Place { view: shown.id, hash: shown.hash }).await
    }

    /// Shows why there is no form.
    pub(super) async fn refuse_in(&self, view: &str, title: &str, error: &sym_sdk::Error) {
        let shown = match modal::refused(title, &in_words(error)) {
            Ok(modal) => self.app.slack().api().update_view(view, modal).await.map(drop),
            Err(error) => Err(error),
        };
        log("opening a form", error);
        if let Err(error) = shown {
            log("telling why there is no form", &error);
        }
    }
}

impl SlackApp {
    /// Shows a form for the first time. If the view shows something else by now, that stays.
    pub(super) async fn show_new(&self, request: &RequestView, form: PromptForm, now: Timestamp) -> Result<()> {
        let event = request.event();
        let Some(place) = request.form().and_then(Place::of) else {
            return Err(Error::new(ErrorKind::NotFound, codes::INVALID_EVENT, "no view waits for the form"));
        };
        let run = event.run().id();
        let user = Arc::new(event.user().clone());
        let view = modal::form(event.flow(), run, &Shown::new(form.clone()), None)?;
        let open = Arc::new(OpenForm::new(run, place.view.clone(), user, now, Shown::new(form.clone())));
        // Held before it is seen: whoever is quick finds the options there. What they change comes afterwards.
        let _turn = open.turn.lock().await;
        self.forms().add(open.clone());
        match self.update(&place, view).await {
            Ok(Some(shown)) => {
                open.show(Shown { hash: shown.hash, ..Shown::new(form) });
                Ok(())
            }
            Ok(None) => {
                self.forget(run);
                Ok(())
            }
            Err(error) => {
                self.forget(run);
                Err(error)
            }
        }
    }

    /// Shows the form as it is now.
    pub(super) async fn show_changed(
        &self,
        open: &OpenForm,
        flow: &Flow,
        form: PromptForm,
        settled: Settled,
        trouble: Option<&str>,
    ) -> Result<()> {
        let before = open.shown();
        let mut shown = Shown { form, settled, ..Shown::clone(&before) };
        for field in shown.form.fields() {
            let is_changed = before.form.field(field.name()).is_ok_and(|old| {
                old.value != field.value || old.current_allowed_values != field.current_allowed_values
            });
            if is_changed {
                *shown.revisions.entry(field.name().to_owned()).or_default() += 1;
            }
        }
        let view = modal::form(flow, open.run, &shown, trouble)?;
        open.show(shown.clone());
        let place = Place { view: open.view.clone(), hash: before.hash.clone() };
        let updated = match self.update(&place, view.clone()).await {
            // Changes are made one after the other, so what came between is no newer: an update of which the answer was lost.
            Ok(None) => self.update(&Place { hash: None, ..place }, view).await,
            updated => updated,
        };
        match updated {
            Ok(view) => {
                shown.hash = view.and_then(|view| view.hash);
                open.show(shown);
                Ok(())
            }
            Err(error) => {
                open.show(Shown::clone(&before));
                Err(error)
            }
        }
    }

    /// Shows this in the view if that is still the one of this hash. Otherwise there is nothing to tell.
    pub(super) async fn update(&self, place: &Place, view: Modal) -> Result<Option<ViewInfo>> {
        let update = self.slack().api().update_view(&place.view, view);
        let update = match &place.hash {
            Some(hash) => update.hash(hash),
            None => update,
        };
        match update.await {
            Err(error) if error.code().name() == "HASH_CONFLICT" => Ok(None),
            updated => updated.map(Some),
        }
    }
}
