//! The web page on which a visitor acts as any person of the workspace, and the same routes for programs.

mod actions;
mod blocks;
mod elements;
mod html;
mod layout;
mod message;
mod mrkdwn;
mod origin_check;
mod reads;
mod rich_text;
mod sidebar;
mod state;
mod view;
mod welcome;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::Error;

use super::interactions::Surface;
use super::shared::not_visible;
use super::workspace::Workspace;
use super::{Member, Person, Shared};
use html::Html;
use layout::Viewer;

pub(super) use origin_check::guard;
pub(super) use reads::Reads;

/// Time after which a long poll returns without a change.
const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(25);

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(page))
        .route("/page.css", get(|| async { file("text/css; charset=utf-8", include_str!("style.css")) }))
        .route("/page.js", get(|| async { file("text/javascript; charset=utf-8", include_str!("script.js")) }))
        .route("/page.svg", get(|| async { file("image/svg+xml", include_str!("page.svg")) }))
        .route("/state", get(state))
        .route("/options", get(options))
        .route("/act", post(actions::act))
        .route("/command", post(actions::command))
        .route("/shortcut", post(actions::shortcut))
        .route("/fill", post(actions::fill))
        .route("/submit", post(actions::submit))
        .route("/click", post(actions::click))
        .route("/close", post(actions::close))
        .route("/home", post(actions::home))
}

#[derive(Deserialize)]
struct Look {
    /// The person who looks.
    #[serde(rename = "as")]
    user: Option<String>,
    #[serde(rename = "in")]
    channel: Option<String>,
    /// The message to which a link has led.
    at: Option<String>,
    error: Option<String>,
    since: Option<u64>,
}

/// The resources that the page may load: only its own stylesheet, script and icon.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

async fn page(State(shared): State<Arc<Shared>>, Query(look): Query<Look>) -> Response {
    // Read before the state: a change in between is reported again rather than missed.
    let version = *shared.version.borrow();
    let (status, page) = shared.look(|workspace| {
        let Some(user) = &look.user else { return (StatusCode::OK, welcome::page(workspace)) };
        if !workspace.can_act(user) {
            return (StatusCode::NOT_FOUND, welcome::no_person(workspace, user));
        }
        let (channel, ts, error_message) = (look.channel.as_deref(), look.at.as_deref(), look.error.as_deref());
        let mut reads = shared.reads.lock().unwrap_or_else(PoisonError::into_inner);
        (StatusCode::OK, layout::page(workspace, &mut reads, &Viewer { user, channel, ts, version, error_message }))
    });
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With a stricter policy, browsers omit the origin of a form, which the origin check needs.
        (REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, page).into_response()
}

fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], content)
}

/// Renders the initials of a name.
fn avatar(name: &str, is_app: bool) -> Html {
    let words: Vec<_> = name.split_whitespace().filter_map(|word| word.chars().next()).collect();
    let initials: String = match words.as_slice() {
        _ if is_app => name.chars().take(1).collect(),
        [first, .., last] => [first, last].into_iter().collect(),
        _ => name.chars().take(2).collect(),
    };
    let mut html = Html::new();
    html.raw("<span aria-hidden=\"true\"").attr("class", if is_app { "avatar bot" } else { "avatar" });
    html.raw(">").text(&initials.to_uppercase()).raw("</span>");
    html
}

impl Workspace {
    /// Whether a visitor can act as the person with this id.
    fn can_act(&self, user: &str) -> bool {
        self.members.get(user).is_some_and(Member::is_active)
    }

    /// Returns the error for an id that is nobody's.
    fn nobody(user: &str) -> Error {
        not_visible(format!("there is no person `{user}` in the workspace who can act"))
    }
}

/// Returns what a person sees, by default the first. With `since`, waits until there is something newer.
async fn state(State(shared): State<Arc<Shared>>, Query(look): Query<Look>) -> Response {
    let user = shared.look(|workspace| match &look.user {
        Some(user) => workspace.can_act(user).then(|| user.clone()),
        None => Some(workspace.members.values().find(|member| member.is_active()).map_or("", Member::id).to_owned()),
    });
    let Some(user) = user else {
        let error = Workspace::nobody(look.user.as_deref().unwrap_or_default());
        return (StatusCode::NOT_FOUND, Json(json!({ "ok": false, "error": error.message() }))).into_response();
    };
    if let Some(since) = look.since {
        let mut version = shared.version.subscribe();
        let newer = version.wait_for(|version| *version != since);
        tokio::select! {
            _ = newer => {}
            () = shared.clock.sleep(LONG_POLL_TIMEOUT) => {}
            () = shared.stop.cancelled() => {}
        }
    }
    let version = *shared.version.borrow();
    Json(shared.look(|workspace| state::of(workspace, &user, version))).into_response()
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "as")]
    user: String,
    on: String,
    block: String,
    action: String,
    #[serde(default)]
    typed: String,
}

/// Returns the options that match a text typed into a menu.
async fn options(State(shared): State<Arc<Shared>>, Query(typed): Query<Typed>) -> Response {
    let Typed { user, on, block, action, typed } = typed;
    let found = Person::new(shared, user).ask(&Surface::named(&on), &(block, action), &typed).await;
    match found {
        Ok(found) => {
            let options =
                found.iter().map(|option| json!({ "text": option["text"]["text"], "value": option["value"] }));
            Json(json!({ "options": options.collect::<Vec<_>>() })).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, Json(json!({ "error": error.message() }))).into_response(),
    }
}
