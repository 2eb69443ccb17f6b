//! The web page on which a visitor acts as any person of the workspace, and the same routes for programs.

mod actions;
mod blocks;
mod html;
mod layout;
mod mrkdwn;
mod origin_check;
mod rich_text;
mod state;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::interactions::Surface;
use super::{Person, Shared};
use layout::Viewer;

pub(super) use origin_check::guard;

/// Time after which a long poll returns without a change.
const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(25);

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(page))
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
    /// The person who looks; by default the first.
    #[serde(rename = "as")]
    user: Option<String>,
    #[serde(rename = "in")]
    channel: Option<String>,
    error: Option<String>,
    since: Option<u64>,
}

impl Look {
    fn user(&self, shared: &Shared) -> String {
        let first = || {
            shared.look(|workspace| {
                workspace.members.values().find(|member| member.is_active()).map(|member| member.id().to_owned())
            })
        };
        self.user.clone().or_else(first).unwrap_or_default()
    }
}

async fn page(State(shared): State<Arc<Shared>>, Query(look): Query<Look>) -> Response {
    let user = look.user(&shared);
    let nonce: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
    // Read before the state: a change in between is reported again rather than missed.
    let version = *shared.version.borrow();
    let looking = Viewer {
        user: &user,
        channel: look.channel.as_deref(),
        version,
        nonce: &nonce,
        error_message: look.error.as_deref(),
    };
    let page = shared.look(|workspace| layout::page(workspace, &looking));
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    let headers: [(HeaderName, String); 4] = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // With a stricter policy, browsers omit the origin of a form, which the origin check needs.
        (REFERRER_POLICY, "same-origin".to_owned()),
    ];
    (headers, Html(page)).into_response()
}

/// Returns what a person sees. With `since`, waits until there is something newer.
async fn state(State(shared): State<Arc<Shared>>, Query(look): Query<Look>) -> Json<Value> {
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
    let user = look.user(&shared);
    Json(shared.look(|workspace| state::of(workspace, &user, version)))
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
