use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sym_sdk::error::Result;

use super::input_value::{By, InputValue};
use super::interactions::{Key, Surface};
use super::shared::not_visible;
use super::visible_state::ElementRef;
use super::{Message, Shared, View};

/// A person in a [`FakeSlack`](super::FakeSlack), who acts on what they see.
///
/// Methods wait up to ten seconds, by the workspace's clock, for the message, view or element that they act on, because the app delivers
/// them asynchronously. If that clock is a virtual one that nobody advances, they wait up to a minute of real time. If it does not appear, they
/// fail with code `Slack:NOT_VISIBLE`. They fail with code `Slack:APP_DID_NOT_RESPOND` if
/// the app does not respond within Slack's three seconds, or with a status other than 200.
#[derive(Clone, Debug)]
#[must_use = "a person has no effect until they act"]
pub struct Person {
    pub(super) shared: Arc<Shared>,
    id: String,
}

/// The outcome of submitting a view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Submitted {
    /// The view was closed.
    Closed,
    /// The view is still open and shows errors, keyed by the label of the input.
    Errors(BTreeMap<String, String>),
    /// The view was updated, or another view was pushed on top of it.
    Shown,
}

impl Person {
    pub(super) fn new(shared: Arc<Shared>, id: String) -> Self {
        Self { shared, id }
    }

    /// Returns the user id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the display name.
    pub fn name(&self) -> String {
        self.shared.look(|workspace| workspace.name_of(&self.id))
    }

    /// Enters a command, such as `/sym req prod`, in channel `#general`.
    ///
    /// # Errors
    /// If the app does not respond.
    pub async fn command(&self, line: &str) -> Result<()> {
        self.command_in("general", line).await
    }

    /// Enters a command in a channel, given by name or id.
    ///
    /// # Errors
    /// If the app does not respond, or the channel name is invalid.
    pub async fn command_in(&self, channel: &str, line: &str) -> Result<()> {
        self.send_command(channel, line).await
    }

    /// Invokes a global shortcut of the app, given by its `callback_id`.
    ///
    /// # Errors
    /// If the app does not respond.
    pub async fn shortcut(&self, callback_id: &str) -> Result<()> {
        self.send_shortcut(callback_id).await
    }

    /// Returns the messages that this person sees, in the order in which they were posted.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.look(|workspace| workspace.seen_by(&self.id).cloned().collect())
    }

    /// Waits for a message that contains a text, in mrkdwn, and returns the latest.
    ///
    /// # Errors
    /// If there is none.
    pub async fn message(&self, text: &str) -> Result<Message> {
        let what = || format!("{} sees no message with text `{text}`", self.name());
        let has_text = |message: &Message| message.text().contains(text) || message.all_text().contains(text);
        self.shared
            .until(what, |workspace| workspace.seen_by(&self.id).rfind(|message| has_text(message)).cloned())
            .await
    }

    /// Returns the view that this person sees.
    pub fn view(&self) -> Option<View> {
        self.shared.look(|workspace| workspace.top(&self.id).cloned())
    }

    /// Waits for a view that contains a text, and returns it.
    ///
    /// # Errors
    /// If there is none.
    pub async fn view_with(&self, text: &str) -> Result<View> {
        let what = || match self.view() {
            Some(view) => {
                format!("{} sees no text `{text}` in view `{}`: {}", self.name(), view.title(), view.all_text())
            }
            None => format!("{} sees no view, expected one with text `{text}`", self.name()),
        };
        let has_text = |view: &&View| view.title().contains(text) || view.all_text().contains(text);
        self.shared.until(what, |workspace| workspace.top(&self.id).filter(has_text).cloned()).await
    }

    /// Fills in an input of the view, given by its label, or selects in a menu, given by its label or placeholder. Pass an array to
    /// select several options. Menus with external options are searched first.
    ///
    /// # Errors
    /// If there is no such input or option, or the app does not respond.
    pub async fn fill(&self, label: &str, entry: impl Into<InputValue>) -> Result<()> {
        let (surface, key) = self.find_in_view(label).await?;
        self.enter(&surface, &key, entry.into()).await
    }

    /// Fills in an input of a message. See [`fill`](Self::fill).
    ///
    /// # Errors
    /// See [`fill`](Self::fill).
    pub async fn fill_in(&self, message: &Message, label: &str, entry: impl Into<InputValue>) -> Result<()> {
        let (surface, key) = self.find_in_message(message, label).await?;
        self.enter(&surface, &key, entry.into()).await
    }

    async fn enter(&self, surface: &Surface, key: &Key, entry: InputValue) -> Result<()> {
        let (is_asked, dispatches) = self.shared.look(|workspace| {
            let seen = workspace.seen(&self.id, surface);
            let item = seen.as_ref().and_then(|seen| seen.item(key));
            item.map_or((false, false), |item| (item.kind().ends_with("external_select"), item.dispatches()))
        });
        if is_asked {
            let mut found = Vec::new();
            for text in entry.texts() {
                found.extend(self.ask(surface, key, text).await?);
            }
            self.shared.change(|workspace, _| workspace.offer(&self.id, surface, key, found));
        }
        self.put(surface, key, &entry, By::Label)?;
        if dispatches { self.dispatch(surface, key).await } else { Ok(()) }
    }

    /// Types into a menu of the view, and returns the labels of the options offered.
    ///
    /// # Errors
    /// If there is no such menu, or the app does not respond.
    pub async fn type_into(&self, label: &str, text: &str) -> Result<Vec<String>> {
        let (surface, key) = self.find_in_view(label).await?;
        let found = self.ask(&surface, &key, text).await?;
        let label = |option: &Value| option["text"]["text"].as_str().unwrap_or_default().to_owned();
        Ok(found.iter().map(label).collect())
    }

    /// Submits the view. Like Slack, the fake validates inputs (required, length, number) itself and does not send an invalid view to the
    /// app.
    ///
    /// # Errors
    /// If there is no view that can be submitted, or the app does not respond.
    pub async fn submit(&self) -> Result<Submitted> {
        let what = || format!("{} sees no view that can be submitted", self.name());
        let can_be = |view: &&View| view.json["submit"].is_object();
        let id = self.shared.until(what, |workspace| Some(workspace.top(&self.id).filter(can_be)?.id().to_owned()));
        let id = id.await?;
        self.send_view(&id).await
    }

    /// Closes the view.
    ///
    /// # Errors
    /// If there is none.
    pub async fn close(&self) -> Result<()> {
        let view = self.view().ok_or_else(|| not_visible(format!("{} sees no view", self.name())))?;
        self.close_view(view.id()).await
    }

    /// Opens the app's home tab. The app receives the event `app_home_opened`, as often as in Slack if it does not accept it.
    ///
    /// # Errors
    /// If the app does not accept the event at the first attempt.
    pub async fn open_home(&self) -> Result<()> {
        let event = self.shared.change(|workspace, _| workspace.home_opened(&self.id));
        self.shared.emit(event).await
    }

    /// Returns the home tab that the app has published for this person.
    pub fn home(&self) -> Option<View> {
        self.shared.look(|workspace| workspace.homes.get(&self.id).cloned())
    }

    /// Waits for a home tab that contains a text, and returns it.
    ///
    /// # Errors
    /// If there is none.
    pub async fn home_with(&self, text: &str) -> Result<View> {
        let what = || match self.home() {
            Some(home) => format!("{} sees no text `{text}` in the home tab: {}", self.name(), home.all_text()),
            None => format!("{} has no home tab, expected one with text `{text}`", self.name()),
        };
        let has_text = |home: &&View| home.all_text().contains(text);
        self.shared.until(what, |workspace| workspace.homes.get(&self.id).filter(has_text).cloned()).await
    }

    /// Clicks a button of the home tab: the first with this label.
    ///
    /// # Errors
    /// If there is no such button, or the app does not respond.
    pub async fn click_in_home(&self, button: &str) -> Result<()> {
        let what = || match self.home() {
            Some(home) => format!("the home tab has no `{button}`, but `{}`", home.buttons().join("`, `")),
            None => format!("{} has no home tab, expected one with `{button}`", self.name()),
        };
        let found = self.shared.until(what, |workspace| {
            let home = workspace.homes.get(&self.id)?;
            Some((Surface::View(home.id().to_owned()), called(&home.json, button)?))
        });
        let (surface, key) = found.await?;
        self.dispatch(&surface, &key).await
    }

    /// Clicks a button of a message, and confirms its dialog if it has one.
    ///
    /// # Errors
    /// If there is no such button, or the app does not respond.
    pub async fn click(&self, message: &Message, button: &str) -> Result<()> {
        let (surface, key) = self.find_in_message(message, button).await?;
        self.dispatch(&surface, &key).await
    }

    /// Clicks a button of the view, other than the one that submits it.
    ///
    /// # Errors
    /// If there is no such button, or the app does not respond.
    pub async fn click_in_view(&self, button: &str) -> Result<()> {
        let (surface, key) = self.find_in_view(button).await?;
        self.dispatch(&surface, &key).await
    }

    /// Waits for a message with a button: the latest, or the one with this time stamp.
    pub(super) async fn message_with_button(&self, button: &str, ts: Option<&str>) -> Result<Message> {
        let what = || format!("{} sees no message with button `{button}`", self.name());
        let is_meant = |message: &Message| message.buttons().contains(&button) && ts.is_none_or(|ts| message.ts == ts);
        self.shared
            .until(what, |workspace| workspace.seen_by(&self.id).rfind(|message| is_meant(message)).cloned())
            .await
    }

    async fn find_in_view(&self, name: &str) -> Result<(Surface, Key)> {
        let what = || match self.view() {
            Some(view) => {
                let seen = [view.labels(), view.buttons()].concat().join("`, `");
                format!("view `{}` has no `{name}`, but `{seen}`: {}", view.title(), view.all_text())
            }
            None => format!("{} sees no view, expected one with `{name}`", self.name()),
        };
        let found = self.shared.until(what, |workspace| {
            let view = workspace.top(&self.id)?;
            Some((Surface::View(view.id().to_owned()), called(&view.json, name)?))
        });
        found.await
    }

    async fn find_in_message(&self, message: &Message, name: &str) -> Result<(Surface, Key)> {
        let surface = Surface::of(message);
        let what = || format!("{} sees no `{name}` in message `{}`", self.name(), message.text());
        let found = self.shared.until(what, |workspace| called(workspace.seen(&self.id, &surface)?.json(), name));
        Ok((surface.clone(), found.await?))
    }
}

fn called(json: &Value, name: &str) -> Option<Key> {
    ElementRef::all(json).find(|item| item.is_called(name)).map(ElementRef::key)
}
