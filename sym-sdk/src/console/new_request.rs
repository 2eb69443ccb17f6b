//! A new request: the flow's form, filled in, changed by its handlers, and sent.
//!
//! The form is kept nowhere: each time it comes back, it is built again, filled with what was entered, and the `on_change` handlers of the
//! fields that differ from what the page had shown are called, in the order in which they were called before.
//!
//! It begins no Run, unless the flow has a hook of the prompt: see [`prompt`](super::prompt).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::authentication::SignedIn;
use super::decide::key_of;
use super::form::{FormData, PageQuery, Segment};
use super::page::Page;
use super::parts::{Role, empty, flash, name_of, sentence, span};
use super::prompt;
use super::refusal::Refusal;
use super::sign_in::see_other;
use super::state::ConsoleState;
use crate::error::{Error, codes};
use crate::forms::{FieldType, FieldValue, PromptField, PromptForm, format_duration};
use crate::model::{ChannelType, Flow, RunId};
use crate::runtime::{FieldError, FlowForm, Preview, Submission};

/// The number of options up to which a field is a menu. With more, one types.
const MAX_MENU: usize = 30;

/// The number of suggestions while one types.
const MAX_SUGGESTIONS: usize = 20;

/// The largest number of changes that are carried along.
const MAX_CHANGES: usize = 100;

/// The prefix of the hidden fields with the values that the page has shown.
const SHOWN: &str = "shown.";

/// The flows that one may request.
pub(super) async fn flows(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
) -> Result<Response, Refusal> {
    let flows = state.runtime.requestable_flows(&viewer.user, ChannelType::Web).await?;
    let mut listed: Vec<_> = flows.iter().collect();
    if let [only] = listed[..] {
        return Ok(see_other(&format!("/console/new/{}", only.name())));
    }
    listed.sort_by_key(|flow| flow.label().to_lowercase());
    let main = html! {
        section.card.narrow aria-labelledby="choose" {
            header { h1 #choose { "Request access" } }
            @if listed.is_empty() { (empty("There is nothing that you can request here.", "Ask an administrator which flows are for you.")) }
            ul.list { @for flow in &listed { li {
                div { h2 { a href={ "/console/new/" (flow.name()) } { (flow.label()) } } p.why { @match flow.strategy() { Some(strategy) => { (strategy.targets().len()) @if strategy.targets().len() == 1 { " target" } @else { " targets" } } None => { "An approval, without access" } } } }
            } } }
        }
    };
    Ok(Page::new("Request access", main).request_form().into_response())
}

/// The form, empty or with what the query fills in.
pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment(flow): Segment<String>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    let flow = visible(&state, &viewer, &flow).await?;
    if state.runtime.begins_with_prompt(flow.name().as_str())? {
        return Ok(prompt::beginning(&flow, &query, html! {}));
    }
    let form_state = FormState::settle(&state, &viewer, Place::Flow(flow), query.0, Vec::new()).await?;
    Ok(form_state.page(&[], None, None))
}

/// Takes the form: sends the request, or shows it again as it is after the changes.
pub(super) async fn send(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment(flow): Segment<String>,
    form: FormData,
) -> Result<Response, Refusal> {
    let flow = visible(&state, &viewer, &flow).await?;
    if state.runtime.begins_with_prompt(flow.name().as_str())? {
        return prompt::begin(&state, &viewer, &flow, &form).await;
    }
    send_form(&state, &viewer, Place::Flow(flow), form).await
}

/// Takes the form of a flow, or of a Run that was begun with it.
pub(super) async fn send_form(
    state: &ConsoleState,
    viewer: &SignedIn,
    place: Place,
    form: FormData,
) -> Result<Response, Refusal> {
    let changed = form.all("changed").take(MAX_CHANGES).map(str::to_owned).collect();
    let form_state = FormState::settle(state, viewer, place, form, changed).await?;
    let (flow, run) = (form_state.flow.clone(), form_state.run);
    let name = flow.name().as_str();
    let inputs = form_state.inputs();
    let requested = |inputs| {
        let request = Submission::request(name, viewer.user.clone()).inputs(inputs).channel(SignedIn::channel());
        match run {
            Some(run) => request.form(run),
            None => request,
        }
    };
    if form_state.typed.text("action") != Some("request") {
        let request = requested(inputs);
        let preview = state.runtime.preview(request.shown_form(form_state.form.clone())).await?;
        return Ok(form_state.page(&[], None, Some(&preview)).into_response());
    }
    let mut errors = form_state.invalid();
    errors.extend(state.runtime.check_form(name, &viewer.user, &form_state.form, &inputs).await?);
    if !errors.is_empty() {
        return Ok(form_state.page(&errors, None, None).status(StatusCode::BAD_REQUEST).into_response());
    }
    let key: Uuid = form_state.typed.parsed("key")?;
    let request =
        requested(inputs).key(key_of(viewer, RunId::from(key), "request", key)).shown_form(form_state.form.clone());
    match state.runtime.submit(request).await {
        Ok(receipt) => Ok(see_other(&format!("/r/{}?done=request", receipt.run))),
        Err(error) => {
            let status = crate::server::problem::status_of(&error);
            Ok(form_state.page(&[], Some(&error.user_message()), None).status(status).into_response())
        }
    }
}

/// Suggests options of a field for what was typed, for the script.
pub(super) async fn options(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment((flow, field)): Segment<(String, String)>,
    query: PageQuery,
) -> Result<Json<Value>, Refusal> {
    let flow = visible(&state, &viewer, &flow).await?;
    let typed = query.raw("q").unwrap_or_default();
    let found = state.runtime.field_options(flow.name().as_str(), &field, &viewer.user, typed, MAX_SUGGESTIONS).await;
    let found = found.map_err(|error| match *error.code() == codes::UNKNOWN_FIELD {
        true => Refusal::not_found(),
        false => error.into(),
    })?;
    let found: Vec<_> =
        found.iter().map(|option| json!({ "value": text_of(option.value()), "label": option.label() })).collect();
    Ok(Json(json!({ "options": found })))
}

pub(super) async fn visible(state: &ConsoleState, viewer: &SignedIn, name: &str) -> Result<Arc<Flow>, Refusal> {
    let flows = state.runtime.requestable_flows(&viewer.user, ChannelType::Web).await?;
    flows.get(name).cloned().ok_or_else(Refusal::not_found)
}

/// The form that is filled in.
pub(super) enum Place {
    /// The form of a flow.
    Flow(Arc<Flow>),
    /// The form that a Run of a flow has open.
    Run(Arc<Flow>, RunId),
}

/// A form with what was entered, after its handlers were called.
pub(super) struct FormState {
    flow: Arc<Flow>,
    /// The Run that has the form open, if it began with one.
    run: Option<RunId>,
    form: PromptForm,
    /// The errors of prefetch reducers.
    failed: Vec<FieldError>,
    /// The fields whose handlers were called, in order.
    changed: Vec<String>,
    typed: FormData,
    is_admin: bool,
}

impl FormState {
    pub(super) async fn settle(
        state: &ConsoleState,
        viewer: &SignedIn,
        place: Place,
        typed: FormData,
        mut changed: Vec<String>,
    ) -> Result<Self, Refusal> {
        let (flow, run) = match place {
            Place::Flow(flow) => (flow, None),
            Place::Run(flow, run) => (flow, Some(run)),
        };
        let name = flow.name().as_str();
        let FlowForm { mut form, errors: failed, .. } = match run {
            Some(run) => state.runtime.flow_form_of(run, &viewer.user).await?,
            None => state.runtime.flow_form(name, &viewer.user).await?,
        };
        let entered = entered(&form, &typed);
        let shown = |field: &str| typed.raw(&format!("{SHOWN}{field}"));
        for field in form.fields() {
            let now = values_of(&typed, field.name()).join("\n");
            if shown(field.name()).is_some_and(|shown| shown != now) && changed.len() < MAX_CHANGES {
                changed.retain(|earlier| earlier != field.name());
                changed.push(field.name().to_owned());
            }
        }
        form.fill(&entered);
        let mut errors = failed;
        for field in &changed {
            // A field that the form no longer has was on the page of an earlier configuration.
            if form.field(field).is_err() {
                continue;
            }
            match state.runtime.change_form(name, &viewer.user, field, form.clone()).await {
                Ok(settled) => form = settled,
                Err(error) => errors.push(FieldError::new(field.clone(), error)),
            }
        }
        Ok(Self { run, form, failed: errors, changed, typed, is_admin: viewer.user.is_admin(), flow })
    }

    /// Returns the inputs of the request: what was entered in visible fields, and what handlers have put into hidden ones.
    fn inputs(&self) -> Map<String, Value> {
        let mut inputs = Map::new();
        for field in self.form.fields() {
            let value = field.value.as_ref().map(FieldValue::to_json);
            inputs.insert(field.name().to_owned(), value.unwrap_or(Value::Null));
        }
        inputs
    }

    /// Returns the errors of values that are not of their field's type, and of those that lack because a handler requires them.
    fn invalid(&self) -> Vec<FieldError> {
        let visible = self.form.fields().iter().filter(|field| field.visible);
        let error = |field: &PromptField| match parse(field, &values_of(&self.typed, field.name())) {
            Err(error) => Some(FieldError::new(field.name(), error)),
            Ok(Value::Null) if field.required => {
                let message = format!("the field `{}` is required", field.name());
                Some(FieldError::new(field.name(), Error::invalid(codes::MISSING_FIELD, message)))
            }
            Ok(_) => None,
        };
        visible.filter_map(error).collect()
    }

    /// Returns the address that takes the form.
    fn address(&self) -> String {
        match self.run {
            Some(run) => prompt::address(run),
            None => format!("/console/new/{}", self.flow.name()),
        }
    }

    pub(super) fn page(&self, errors: &[FieldError], message: Option<&str>, preview: Option<&Preview>) -> Page {
        let (failures, mut others): (Vec<_>, Vec<_>) = (self.failed.iter().collect(), errors.iter().collect());
        if let Some(preview) = preview {
            // What was not filled in yet is no error before it is sent.
            let is_missing = |error: &&FieldError| *error.code() == codes::MISSING_FIELD;
            others.extend(preview.errors.iter().filter(|error| !is_missing(error)));
        }
        let all: Vec<_> = failures.into_iter().chain(others).collect();
        let text = |error: &FieldError| error.text(&self.flow);
        let of = |name: &str| all.iter().find(|error| error.field.as_deref() == Some(name));
        let of_request: Vec<_> = all.iter().filter(|error| error.field.is_none()).map(|error| text(error)).collect();
        let listed = |name: &str, label: &str| of(name).map(|error| (name.to_owned(), label.to_owned(), text(error)));
        let summary: Vec<_> =
            self.form.fields().iter().filter_map(|field| listed(field.name(), &field.label)).collect();
        let is_sent = !errors.is_empty();
        let visible: Vec<_> = self.form.fields().iter().filter(|field| field.visible).collect();
        let main = html! {
            @if let Some(message) = message { (flash(Role::Failed, &sentence(message))) }
            @if (is_sent && !summary.is_empty()) || !of_request.is_empty() {
                div.flash.is-failed role="alert" tabindex="-1" {
                    div { p { b { "The request was not sent." } } ul {
                        @for text in &of_request { li { (text) } }
                        @for (name, label, text) in &summary { li { a href={ "#f-" (name) } { (label) } ": " (text) } }
                    } }
                }
            }
            div.columns {
                form.card data-form="" method="post" action=(self.address()) aria-labelledby="form-title" {
                    header { h1 #form-title { (self.flow.label()) } }
                    div.body {
                        @if let Some(text) = &self.form.additional_header_text { p { (plain(text)) } }
                        input type="hidden" name="key" value=(self.typed.text("key").and_then(|key| key.parse().ok()).unwrap_or_else(Uuid::new_v4));
                        @for name in &self.changed { input type="hidden" name="changed" value=(name); }
                        @for field in &visible { (self.field(field, of(field.name()).map(|error| text(error)))) }
                        div.row.pin { button.button.primary name="action" value="request" { "Request" } button.button name="action" value="preview" { "Who would decide?" } }
                    }
                }
                aside.stack aria-live="polite" { (self.preview_card(preview)) }
            }
        };
        Page::new(format!("Request {}", self.flow.label()), main).request_form()
    }

    fn field(&self, field: &PromptField, error: Option<String>) -> Markup {
        let name = field.name();
        let id = format!("f-{name}");
        let values: Vec<String> = match &field.value {
            Some(value) => texts_of(value),
            None => values_of(&self.typed, name),
        };
        let shown = values.join("\n");
        let options = &field.current_allowed_values;
        let spec = self.flow.field(name);
        let is_menu = !options.is_empty() || spec.is_some_and(|spec| spec.is_prefetched());
        let described = error.as_ref().map(|_| format!("e-{name}"));
        let invalid = error.as_ref().map(|_| "true");
        let is_chosen = |value: &str| values.iter().any(|chosen| chosen == value);
        let mut hint = None;
        let control = html! {
            @if is_menu && field.field_type().is_list() && options.len() <= MAX_MENU {
                div.choice role="group" aria-labelledby={ "l-" (name) } {
                    @for option in options { @let value = text_of(option.value()); label { input type="checkbox" name=(name) value=(value) checked[is_chosen(&value)]; " " (option.label()) } }
                }
            } @else if is_menu && options.len() <= MAX_MENU {
                select id=(id) name=(name) aria-invalid=[invalid] aria-describedby=[described] {
                    @if !field.required || options.len() != 1 { option value="" { @if field.required { "Select an option" } @else { "None" } } }
                    @for option in options { @let value = text_of(option.value()); option value=(value) selected[is_chosen(&value)] { (option.label()) } }
                }
            } @else if is_menu && field.field_type().is_list() {
                textarea id=(id) name=(name) data-suggest={ "/console/new/" (self.flow.name()) "/options/" (name) } data-many="" aria-invalid=[invalid] aria-describedby=[described] autocomplete="off" { (labels_of(field, &values).join("\n")) }
            } @else if is_menu {
                input id=(id) name=(name) value=(labels_of(field, &values).join("\n")) data-suggest={ "/console/new/" (self.flow.name()) "/options/" (name) } autocomplete="off" aria-invalid=[invalid] aria-describedby=[described];
            } @else if field.field_type() == FieldType::Bool {
                select id=(id) name=(name) aria-invalid=[invalid] aria-describedby=[described] {
                    option value="" { "Select an answer" }
                    option value="true" selected[is_chosen("true")] { "Yes" }
                    option value="false" selected[is_chosen("false")] { "No" }
                }
            } @else if matches!(field.field_type(), FieldType::Int | FieldType::Duration) {
                input id=(id) name=(name) value=(shown) inputmode=[(field.field_type() == FieldType::Int).then_some("numeric")] autocomplete="off" aria-invalid=[invalid] aria-describedby=[described];
            } @else {
                textarea id=(id) name=(name) aria-invalid=[invalid] aria-describedby=[described] { (shown) }
            }
            input type="hidden" name={ (SHOWN) (name) } value=(values.join("\n"));
        };
        if is_menu && options.len() > MAX_MENU {
            hint = Some(format!("Type to find one of {}.", options.len()));
        } else if field.field_type().is_list() && !is_menu {
            hint = Some("One on each line.".to_owned());
        } else if field.field_type().is_slack() {
            hint = Some("The id of the person in Slack, such as U0123456.".to_owned());
        }
        framed(name, &field.label, field.required, error.as_deref(), hint.as_deref(), &control)
    }

    fn preview_card(&self, preview: Option<&Preview>) -> Markup {
        let Some(preview) = preview else {
            return html! { section.card { (empty("Who would decide", "Fill in the form and ask. Nothing is sent before you request.")) } };
        };
        html! {
            section.card aria-labelledby="preview-title" {
                header { h2 #preview-title { "Who would decide" } }
                div.body {
                    @if let Some(failure) = &preview.failure {
                        p.error { "As things are, the request would fail." }
                        @if self.is_admin { p.why { (sentence(&failure.message)) } }
                    } @else if let Some(deciders) = &preview.deciders {
                        ul.stack.tight { @for user in deciders.users.iter().take(12) { li { (super::parts::who(user)) } } }
                        @if deciders.users.is_empty() && deciders.level.is_none() { p { "An administrator." } } @else if !deciders.admins.is_empty() { p.why { "Or an administrator." } }
                        @if deciders.permission.required_approvals() > 1 { p { (deciders.permission.required_approvals()) " of them have to approve." } }
                        @if let Some(reducer) = &deciders.reducer { p.why { "Named by " code { (reducer.name()) } " " code.src { (reducer.file()) ":" (reducer.line()) } } }
                        @if !deciders.includes_requester { @for (user, reason) in deciders.barred.iter().take(6) { p.why { b { "Not " (name_of(user)) ": " } (sentence(&reason.message)) } } }
                        @for notification in &preview.notifications { p.why { "To be told: " @for (at, place) in notification.destinations.iter().enumerate() { @if at > 0 { ", " } (place.destination.to_string()) } @if let Some(timeout) = notification.timeout { ", for " (span(timeout)) } } }
                        @if let Some(hook) = &preview.hook { p.why { code { (hook.name()) } " looks at it first, and may decide." } }
                        @if preview.earlier_request.is_some() { p { b { "You have asked for this already." } } }
                    } @else {
                        p.muted { "Fill in what is missing first." }
                    }
                }
            }
        }
    }
}

/// A field with its label, its error and its hint.
fn framed(
    name: &str,
    label: &str,
    required: bool,
    error: Option<&str>,
    hint: Option<&str>,
    control: &Markup,
) -> Markup {
    html! {
        div.field {
            label for={ "f-" (name) } id={ "l-" (name) } { (label) @if !required { " " span.why { "if you like" } } }
            @if let Some(hint) = hint { span.why id={ "h-" (name) } { (hint) } }
            (control)
            @if let Some(error) = error { p.error id={ "e-" (name) } { (error) } }
        }
    }
}

/// Returns what was entered, for the form; a value that is not of its field's type is left out.
fn entered(form: &PromptForm, typed: &FormData) -> Map<String, Value> {
    let mut entered = Map::new();
    for field in form.fields() {
        let values = values_of(typed, field.name());
        if typed.raw(field.name()).is_none() && typed.raw(&format!("{SHOWN}{}", field.name())).is_none() {
            continue;
        }
        if let Ok(value) = parse(field, &values) {
            entered.insert(field.name().to_owned(), value);
        }
    }
    entered
}

/// Returns the values of a field: the lines of a text, or the boxes that are marked.
fn values_of(typed: &FormData, name: &str) -> Vec<String> {
    typed.all(name).map(|value| value.replace("\r\n", "\n")).filter(|value| !value.trim().is_empty()).collect()
}

/// Parses the values of a field. One of an option may be the option's label.
fn parse(field: &PromptField, values: &[String]) -> crate::Result<Value> {
    let kind = field.field_type();
    let one = |text: &str| {
        let text = text.trim_matches('\n');
        let option = field.current_allowed_values.iter().find(|option| text_of(option.value()) == text);
        let labelled = || field.current_allowed_values.iter().find(|option| option.label() == text.trim());
        match option.or_else(labelled) {
            Some(option) => Ok(option.value().to_json()),
            None if kind.is_slack() => Ok(json!({ "user_id": text.trim() })),
            None => kind.parse_text(text).map(|value| value.to_json()),
        }
    };
    if kind.is_list() {
        let lines = values.iter().flat_map(|value| value.split('\n')).filter(|line| !line.trim().is_empty());
        return lines.map(|line| one(line.trim())).collect::<crate::Result<Vec<_>>>().map(Value::from);
    }
    values.first().map_or(Ok(Value::Null), |value| one(value))
}

/// Returns a value as it stands in a form.
fn text_of(value: &FieldValue) -> String {
    texts_of(value).join("\n")
}

fn texts_of(value: &FieldValue) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.get("user_id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        other => other.to_string(),
    };
    match value.to_json() {
        Value::Array(values) => values.iter().map(text).collect(),
        Value::Null => Vec::new(),
        // A duration is a number of seconds there.
        Value::Number(seconds) => match value {
            FieldValue::Duration(duration) => vec![format_duration(*duration)],
            _ => vec![seconds.to_string()],
        },
        value => vec![text(&value)],
    }
}

/// Returns the labels of the values, as far as they are options.
fn labels_of(field: &PromptField, values: &[String]) -> Vec<String> {
    let label = |value: &String| {
        let option = field.current_allowed_values.iter().find(|option| text_of(option.value()) == *value);
        option.map_or_else(|| value.clone(), |option| option.label().to_owned())
    };
    values.iter().map(label).collect()
}

/// Returns a text in Slack's markup without its marks.
fn plain(text: &str) -> String {
    text.replace(['*', '_', '`', '~'], "")
}
