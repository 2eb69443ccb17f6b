//! Opens forms.

use std::sync::Arc;

use sym_sdk::engine::InputKey;
use sym_sdk::error::Result;
use sym_sdk::forms::PromptForm;
use sym_sdk::model::{Channel, Flow, Source, User};
use sym_sdk::runtime::Submission;

use super::answer::{Answer, Reply, in_words};
use super::forms::{OpenForm, Shown};
use super::payload::{Action, Actions, Shortcut, View, team_of};
use super::receive::{Front, log};
use super::{SlackApp, modal, picker};

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
    pub(super) hash: Option<String>,
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
                let view = picker::picker(TITLE, &flows, &asking.channel)?;
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
        let submission = Submission::prompt(flow.srn().to_string(), user.clone()).through(channel).key(key);
        let run = self.runtime.submit(submission).await?.run;
        let now = self.runtime.clock().now();
        self.app.forms().add(OpenForm::new(run, place.view, place.hash, &account, user, now));
        Ok(())
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
        self.app.forms().remove(run);
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
    /// Shows the form as it is now. The view changes only if it is the one that was shown last.
    pub(super) async fn show_form(
        &self,
        open: &OpenForm,
        flow: &Flow,
        form: PromptForm,
        trouble: Option<&str>,
    ) -> Result<()> {
        let before = open.shown();
        let mut revisions = before.revisions.clone();
        for field in form.fields() {
            let is_changed = before.form.as_ref().and_then(|form| form.field(field.name()).ok()).is_some_and(|old| {
                old.value != field.value || old.current_allowed_values != field.current_allowed_values
            });
            if is_changed {
                *revisions.entry(field.name().to_owned()).or_default() += 1;
            }
        }
        let mut shown = Shown { form: None, hash: before.hash.clone(), revisions };
        let view = modal::form(flow, open.run, &form, &shown, trouble)?;
        shown.form = Some(form);
        // Held before it is seen: whoever is quick finds the options there.
        open.show(shown.clone());
        let update = self.slack().api().update_view(&open.view, view);
        let update = match &before.hash {
            Some(hash) => update.hash(hash),
            None => update,
        };
        match update.await {
            Ok(view) => {
                shown.hash = view.hash;
                open.show(shown);
                Ok(())
            }
            Err(error) => {
                open.show(Shown::clone(&before));
                Err(error)
            }
        }
    }
}
