//! Actions that the page and programs perform.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};
use url::form_urlencoded;

use super::blocks::key_of;
use super::layout::address;
use crate::slack::fake::input_value::{By, InputValue};
use crate::slack::fake::interactions::{Key, Surface};
use crate::slack::fake::shared::not_visible;
use crate::slack::fake::workspace::Workspace;
use crate::slack::fake::{Person, Shared, Submitted};

/// A submitted form: its fields in order. A field can have several values.
struct Form(Vec<(String, Vec<String>)>);

impl Form {
    fn read(body: &[u8]) -> Self {
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            // Browsers send line breaks as CR LF.
            let value = value.replace("\r\n", "\n");
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => fields.push((name.into_owned(), vec![value])),
            }
        }
        Self(fields)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, values) = self.0.iter().find(|(known, _)| known == name)?;
        values.first().map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str> {
        self.get(name).ok_or_else(|| not_visible(format!("the form has no field `{name}`")))
    }

    fn person(&self, shared: Arc<Shared>) -> Result<Person> {
        let user = self.required("as")?;
        if !shared.look(|workspace| workspace.can_act(user)) {
            return Err(Workspace::nobody(user));
        }
        Ok(Person::new(shared, user.to_owned()))
    }

    async fn fill(&self, person: &Person) -> Result<()> {
        for (label, values) in self.0.iter().filter(|(name, _)| *name != "as") {
            person.fill(label, values.clone()).await?;
        }
        Ok(())
    }

    /// Redirects a browser to the page, and returns the outcome to a program.
    fn answer(&self, headers: &HeaderMap, done: Result<Option<Submitted>>) -> Response {
        self.answer_at(address(self.get("as").unwrap_or_default(), self.get("in")), headers, done)
    }

    /// Redirects a browser to this page.
    fn answer_at(&self, page: String, headers: &HeaderMap, done: Result<Option<Submitted>>) -> Response {
        let accepts = headers.get(ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
        if accepts.contains("text/html") {
            let mut back = page;
            if let Err(error) = done {
                let error_message: String = form_urlencoded::byte_serialize(error.message().as_bytes()).collect();
                back = format!("{back}&error={error_message}");
            }
            return Redirect::to(&back).into_response();
        }
        match done {
            Ok(Some(Submitted::Errors(errors))) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "ok": false, "errors": errors }))).into_response()
            }
            Ok(_) => Json(json!({ "ok": true })).into_response(),
            Err(error) => {
                let status = match error.kind() {
                    ErrorKind::NotFound => StatusCode::NOT_FOUND,
                    _ => StatusCode::BAD_GATEWAY,
                };
                (status, Json(json!({ "ok": false, "error": error.message() }))).into_response()
            }
        }
    }
}

pub(super) async fn command(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async {
        let person = form.person(shared)?;
        let text = form.required("text")?;
        if !text.starts_with('/') {
            return Err(not_visible("only slash commands are supported, such as `/sym`"));
        }
        person.command_in(form.get("channel").unwrap_or("general"), text).await
    };
    let done = done.await.map(|()| None);
    form.answer(&headers, done)
}

pub(super) async fn shortcut(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async { form.person(shared)?.shortcut(form.required("callback_id")?).await };
    let done = done.await.map(|()| None);
    form.answer(&headers, done)
}

/// Fills in the view by labels.
pub(super) async fn fill(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async { form.fill(&form.person(shared)?).await };
    let done = done.await.map(|()| None);
    form.answer(&headers, done)
}

/// Fills in the view by labels, and submits it.
pub(super) async fn submit(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async {
        let person = form.person(shared)?;
        form.fill(&person).await?;
        person.submit().await.map(Some)
    };
    let done = done.await;
    form.answer(&headers, done)
}

/// Clicks a button of the view, or else of the latest message that has it.
pub(super) async fn click(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async {
        let person = form.person(shared)?;
        let button = form.required("button")?;
        if person.view().is_some_and(|view| view.buttons().contains(&button)) {
            return person.click_in_view(button).await;
        }
        if form.get("ts") == Some("home") {
            return person.click_in_home(button).await;
        }
        let message = person.message_with_button(button, form.get("ts")).await?;
        for (label, values) in form.0.iter().filter(|(name, _)| !["as", "button", "ts"].contains(&name.as_str())) {
            person.fill_in(&message, label, values.clone()).await?;
        }
        person.click(&message, button).await
    };
    let done = done.await.map(|()| None);
    form.answer(&headers, done)
}

pub(super) async fn close(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async { form.person(shared)?.close().await };
    let done = done.await.map(|()| None);
    form.answer(&headers, done)
}

/// Opens the home tab. A person sees it whether or not the app accepts the event.
pub(super) async fn home(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let done = async { form.person(shared)?.open_home().await };
    let done = done.await.map(|()| None);
    form.answer(&headers, done)
}

/// Handles a form of the page: all values of a view or message, and the button that was pressed.
pub(super) async fn act(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::read(&body);
    let mut page = address(form.get("as").unwrap_or_default(), form.get("in"));
    let done = async {
        let person = form.person(shared.clone())?;
        let on = form.required("on")?;
        let surface = Surface::named(on);
        let button_value = form.required("do")?;
        if button_value == "close" {
            return person.close_view(on).await.map(|()| None);
        }
        let (what, key) = match serde_json::from_str::<(String, String, String)>(button_value) {
            Ok((what, block, action)) => (what, (block, action)),
            Err(_) => (button_value.to_owned(), Key::default()),
        };
        for (name, values) in &form.0 {
            if let Some(key) = key_of(name) {
                person.put(&surface, &key, &InputValue::from(values.clone()), By::Value)?;
            }
        }
        match what.as_str() {
            "submit" => return person.send_view(on).await.map(Some),
            "find" => {
                let typed = form.get(&format!("typed:{}", super::blocks::field_name(&key))).unwrap_or_default();
                person.ask(&surface, &key, typed).await?;
            }
            "click" | "enter" => {
                let linked = shared.look(|workspace| workspace.linked(person.id(), &surface, &key));
                person.dispatch(&surface, &key).await?;
                if let Some(linked) = linked {
                    page = linked;
                    // The message would be behind the dialog.
                    if matches!(surface, Surface::View(_))
                        && shared.look(|workspace| workspace.is_open(person.id(), on))
                    {
                        person.close_view(on).await?;
                    }
                }
            }
            other => return Err(not_visible(format!("`{other}` is not a known action"))),
        }
        Ok(None)
    };
    let done = done.await;
    form.answer_at(page, &headers, done)
}

impl Workspace {
    /// Returns the page of the message to which a button links.
    fn linked(&self, user: &str, surface: &Surface, key: &Key) -> Option<String> {
        let state = self.seen(user, surface)?;
        self.page_of(state.item(key)?.element["url"].as_str()?, user)
    }

    /// Whether a view is open as a dialog.
    fn is_open(&self, user: &str, view: &str) -> bool {
        self.views.get(user).into_iter().flatten().any(|open| open.id() == view)
    }
}
