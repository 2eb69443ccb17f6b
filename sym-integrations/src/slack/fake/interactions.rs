//! Actions of people: commands, shortcuts, clicks, inputs and submissions, and the app's responses to them.

use serde_json::{Value, json};
use sym_sdk::error::{Error, Result};

use super::app_requests::{AppError, AppResponse};
use super::input_value::{By, InputValue, options};
use super::payload::{Clicked, action};
use super::person::{Person, Submitted};
use super::shared::not_visible;
use super::visible_state::{self, ElementRef, Values, list};
use super::workspace::Workspace;
use super::{Message, View, check, input_validation};

/// A view or message that a person acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    View(String),
    Message { channel: String, ts: String },
}

/// The ids of a block and of an element in it.
pub(super) type Key = (String, String);

impl Surface {
    pub(super) fn of(message: &Message) -> Self {
        Self::Message { channel: message.channel.clone(), ts: message.ts.clone() }
    }

    /// Returns the surface with this name.
    pub(super) fn named(name: &str) -> Self {
        match name.split_once('/') {
            Some((channel, ts)) => Self::Message { channel: channel.to_owned(), ts: ts.to_owned() },
            None => Self::View(name.to_owned()),
        }
    }

    /// Returns the unique name of the surface.
    pub(super) fn name(&self) -> String {
        match self {
            Self::View(id) => id.clone(),
            Self::Message { channel, ts } => format!("{channel}/{ts}"),
        }
    }
}

/// The present state of a surface.
pub(super) enum SurfaceState {
    View(View),
    Message(Message, Values),
}

impl SurfaceState {
    pub(super) fn json(&self) -> &Value {
        match self {
            Self::View(view) => &view.json,
            Self::Message(message, _) => &message.json,
        }
    }

    fn values(&self) -> &Values {
        match self {
            Self::View(view) => &view.values,
            Self::Message(_, values) => values,
        }
    }

    pub(super) fn item(&self, key: &Key) -> Option<ElementRef<'_>> {
        ElementRef::all(self.json()).find(|item| item.key() == *key)
    }
}

impl Workspace {
    pub(super) fn seen(&self, user: &str, surface: &Surface) -> Option<SurfaceState> {
        match surface {
            Surface::View(id) => {
                let mut views = self.views.get(user).into_iter().flatten().chain(self.homes.get(user));
                views.find(|view| view.id() == id).cloned().map(SurfaceState::View)
            }
            Surface::Message { channel, ts } => {
                let mut seen = self.seen_by(user);
                let message = seen.find(|message| message.channel == *channel && message.ts == *ts)?.clone();
                let entered = self.entered.get(&(user.to_owned(), channel.clone(), ts.clone()));
                let values = visible_state::values(&message.json, &entered.unwrap_or_default());
                Some(SurfaceState::Message(message, values))
            }
        }
    }

    /// Records the options that a person is offered.
    pub(super) fn offer(&mut self, user: &str, surface: &Surface, key: &Key, options: Vec<Value>) {
        self.offered.insert((user.to_owned(), surface.name(), key.clone()), options, |_| false);
    }

    fn put(&mut self, user: &str, surface: &Surface, key: &Key, value: Value) {
        match surface {
            Surface::View(id) => {
                if let Some(view) = self.view_of(user, id) {
                    view.errors.remove(&key.0);
                    view.values.insert(key.clone(), value);
                }
            }
            Surface::Message { channel, ts } => {
                let message = (user.to_owned(), channel.clone(), ts.clone());
                let mut entered = self.entered.get(&message).unwrap_or_default();
                entered.insert(key.clone(), value);
                self.entered.insert(message, entered, |_| false);
            }
        }
    }
}

impl Person {
    fn gone(&self) -> Error {
        not_visible(format!("{} no longer sees that", self.name()))
    }

    pub(super) async fn send_command(&self, channel: &str, line: &str) -> Result<()> {
        let (command, text) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let channel = self.shared.change(|workspace, _| workspace.channel(channel));
        let channel = channel.ok_or_else(|| not_visible("the channel name is invalid"))?;
        let mut fields = self.shared.look(|workspace| workspace.command(self.id(), &channel, command, text.trim()));
        fields.push(("response_url", self.shared.response_url(self.id(), &channel, None)));
        fields.push(("trigger_id", self.trigger()));
        match self.shared.send("commands", &fields).await {
            Ok(answer) => {
                self.show_response(&channel, &answer);
                Ok(())
            }
            Err(error) => {
                let words = match error {
                    AppError::Status(_) => format!("{command} failed with the error \"dispatch_failed\""),
                    _ => format!("{command} failed because the app did not respond"),
                };
                Err(self.post_warning(&channel, error, &words))
            }
        }
    }

    /// Shows the app's immediate response to a command.
    fn show_response(&self, channel: &str, answer: &AppResponse) {
        let content = match answer.json() {
            Some(Value::Null) => return,
            Some(content) if content.is_object() => content,
            _ => json!({ "text": answer.text() }),
        };
        self.shared.change(|workspace, now| {
            let faults = check::message(&content, false);
            workspace.fault("answer to a command", &faults);
            let has_content = content["text"].is_string() || content["blocks"].is_array();
            if faults.is_empty() && has_content {
                let only_for = (content["response_type"] != "in_channel").then_some(self.id());
                workspace.post(channel, &content, only_for, now);
            }
        });
    }

    /// Posts Slack's own message that the app failed.
    fn post_warning(&self, channel: &str, error: AppError, words: &str) -> Error {
        self.shared.change(|workspace, now| {
            workspace.post_by_slackbot(channel, &format!("{words}."), self.id(), now);
        });
        error.into_error(words)
    }

    fn trigger(&self) -> String {
        self.shared.change(|workspace, now| workspace.trigger(self.id(), now))
    }

    fn action_ts(&self) -> String {
        self.shared.change(|workspace, now| workspace.ts(now))
    }

    pub(super) async fn send_shortcut(&self, callback_id: &str) -> Result<()> {
        let (trigger, ts) = (self.trigger(), self.action_ts());
        let payload = self.shared.look(|workspace| workspace.shortcut(self.id(), callback_id, &trigger, &ts));
        let told = self.shared.tell("interactions", &payload).await;
        told.map(drop)
            .map_err(|error| self.post_warning("general", error, "The shortcut failed because the app did not respond"))
    }

    /// Enters a value without informing the app yet.
    pub(super) fn put(&self, surface: &Surface, key: &Key, entry: &InputValue, by: By) -> Result<()> {
        let changed = self.shared.change(|workspace, _| {
            let seen = workspace.seen(self.id(), surface)?;
            let item = seen.item(key)?;
            let offered = workspace.offered.get(&(self.id().to_owned(), surface.name(), key.clone()));
            let picked: Vec<_> = seen.values().get(key).into_iter().flat_map(picked).cloned().collect();
            let offered: Vec<_> = offered.unwrap_or_default().into_iter().chain(picked).collect();
            let members: Vec<_> = workspace.members.values().cloned().collect();
            let value = entry.value(item, by, &offered, &members);
            Some(value.map(|value| workspace.put(self.id(), surface, key, value)))
        });
        changed.ok_or_else(|| self.gone())?.map_err(not_visible)
    }

    /// Informs the app of a click, a selection or an input.
    pub(super) async fn dispatch(&self, surface: &Surface, key: &Key) -> Result<()> {
        let seen = self.shared.look(|workspace| workspace.seen(self.id(), surface));
        let seen = seen.ok_or_else(|| self.gone())?;
        let item = seen.item(key).ok_or_else(|| self.gone())?;
        let (trigger, ts) = (self.trigger(), self.action_ts());
        let action = action(item, seen.values().get(key), &ts);
        let payload = match &seen {
            SurfaceState::View(view) => {
                self.shared.look(|workspace| workspace.actions_in_view(self.id(), view, action, &trigger))
            }
            SurfaceState::Message(message, values) => {
                let response_url = self.shared.response_url(self.id(), &message.channel, Some(&message.ts));
                let clicked = Clicked { message, values, response_url: &response_url };
                self.shared.look(|workspace| workspace.actions_in_message(self.id(), &clicked, action, &trigger))
            }
        };
        let told = self.shared.tell("interactions", &payload).await;
        told.map(drop).map_err(|error| match &seen {
            SurfaceState::View(view) => self.show_error(view.id(), error),
            SurfaceState::Message(message, _) => {
                self.post_warning(&message.channel, error, "The click came to nothing because the app did not respond")
            }
        })
    }

    /// Shows Slack's own error in a view.
    fn show_error(&self, view: &str, error: AppError) -> Error {
        const WORDS: &str = "We had some trouble connecting. Try again?";
        self.shared.change(|workspace, _| {
            if let Some(view) = workspace.view_of(self.id(), view) {
                view.error_message = Some(WORDS.to_owned());
            }
        });
        error.into_error(WORDS)
    }

    /// Returns the options that match a text typed into a menu.
    pub(super) async fn ask(&self, surface: &Surface, key: &Key, typed: &str) -> Result<Vec<Value>> {
        let seen = self.shared.look(|workspace| workspace.seen(self.id(), surface));
        let seen = seen.ok_or_else(|| self.gone())?;
        let item = seen.item(key).ok_or_else(|| self.gone())?;
        if !item.kind().ends_with("external_select") {
            let typed = typed.to_lowercase();
            let fits = |option: &&&Value| {
                option["text"]["text"].as_str().is_some_and(|label| label.to_lowercase().contains(&typed))
            };
            return Ok(options(item.element).iter().filter(fits).map(|option| (*option).clone()).collect());
        }
        let view = match &seen {
            SurfaceState::View(view) => Some(view),
            SurfaceState::Message(..) => None,
        };
        let payload = self.shared.look(|workspace| workspace.suggestion(self.id(), view, key, typed));
        let answer = self.shared.tell("options", &payload).await;
        let answer = answer.map_err(|error| error.into_error("The options could not be loaded"))?;
        let answer = answer.json().unwrap_or_default();
        let faults = check::suggestions(&answer);
        let found: Vec<Value> = match faults.is_empty() {
            true => options(&answer).into_iter().cloned().collect(),
            false => Vec::new(),
        };
        self.shared.change(|workspace, _| {
            workspace.fault("options", &faults);
            workspace.offer(self.id(), surface, key, found.clone());
        });
        Ok(found)
    }

    pub(super) async fn send_view(&self, id: &str) -> Result<Submitted> {
        let surface = Surface::View(id.to_owned());
        let Some(SurfaceState::View(mut view)) = self.shared.look(|workspace| workspace.seen(self.id(), &surface))
        else {
            return Err(self.gone());
        };
        if view.json["submit"].is_null() {
            return Err(not_visible(format!("view `{}` has no submit button", view.title())));
        }
        view.errors = input_validation::incomplete(&view.json, &view.values);
        view.error_message = None;
        if !view.errors.is_empty() {
            self.shared.change(|workspace, _| workspace.view_of(self.id(), id).map(|kept| *kept = view.clone()));
            return Ok(Submitted::Errors(view.errors()));
        }
        let trigger = self.trigger();
        let payload = self.shared.look(|workspace| workspace.submission(self.id(), &view, &trigger));
        let answer = match self.shared.tell("interactions", &payload).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.show_error(id, error)),
        };
        let json = answer.json().filter(|json| json.is_null() || json.is_object());
        let followed = self.shared.change(|workspace, now| {
            let followed = match &json {
                Some(json) => workspace.follow(self.id(), id, json, now),
                None => Err(vec!["the response is not JSON".to_owned()]),
            };
            if let Err(faults) = &followed {
                workspace.fault("answer to a submission", faults);
            }
            followed.is_ok()
        });
        if !followed {
            return Err(self.show_error(id, AppError::NoResponse));
        }
        let after = self.shared.look(|workspace| workspace.seen(self.id(), &surface));
        Ok(match after {
            None => Submitted::Closed,
            Some(SurfaceState::View(view)) if !view.errors.is_empty() => Submitted::Errors(view.errors()),
            Some(_) => Submitted::Shown,
        })
    }

    pub(super) async fn close_view(&self, id: &str) -> Result<()> {
        let surface = Surface::View(id.to_owned());
        let Some(SurfaceState::View(view)) = self.shared.look(|workspace| workspace.seen(self.id(), &surface)) else {
            return Err(self.gone());
        };
        self.shared.change(|workspace, _| workspace.close(self.id(), id));
        if view.json["notify_on_close"] == true {
            let payload = self.shared.look(|workspace| workspace.closed(self.id(), &view));
            // Slack ignores the response to a closed view.
            let _ = self.shared.tell("interactions", &payload).await;
        }
        Ok(())
    }
}

/// The options that are picked in an element.
fn picked(value: &Value) -> impl Iterator<Item = &Value> {
    list(&value["selected_options"]).iter().chain(value.get("selected_option"))
}
