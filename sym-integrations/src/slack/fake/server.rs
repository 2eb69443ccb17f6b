//! The HTTP routes of the workspace: the Web API, and response URLs.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::web_api::Refusal;
use super::workspace::Workspace;
use super::{Shared, check, page};

/// Maximum size of a request body, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Validity of a response URL: time and number of responses.
const RESPONSE_URL_LIFETIME: Duration = Duration::from_secs(30 * 60);
const MAX_RESPONSES: u32 = 5;

/// Name under which responses to clicks are recorded among the calls.
pub(super) const RESPONSE: &str = "response_url";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/{method}", post(method))
        .route("/{kind}/{workspace}/{id}/{secret}", post(respond))
        .merge(page::router())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(page::guard))
        .with_state(shared)
}

async fn method(
    State(shared): State<Arc<Shared>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arguments = arguments(&method, &headers, &body);
    shared.change(|workspace, _| workspace.called(&method, arguments.clone().unwrap_or_default()));
    shared.released().await;
    if let Some(refused) = unavailable(&shared, &method) {
        return refused;
    }
    let answer = arguments.and_then(|arguments| {
        authorize(&shared, &method, &headers, &arguments)?;
        shared.change(|workspace, now| {
            if let Some(error) = planned(workspace, &method) {
                return Err(Refusal::from(error.as_str()));
            }
            if method == "apps.connections.open"
                && let Some(url) = shared.sockets.url(&workspace.names.app)
            {
                return Ok(json!({ "url": url }));
            }
            let answer = workspace.answer(&method, &arguments, now);
            if let Err(refusal) = &answer {
                workspace.fault(&method, &refusal.messages);
            }
            answer
        })
    });
    let answer = match answer {
        Ok(mut answer) => {
            answer["ok"] = json!(true);
            let omitted = shared.change(|workspace, _| workspace.omissions.get_mut(&method)?.pop_front());
            omitted.iter().flatten().for_each(|member| remove(&mut answer, member));
            answer
        }
        Err(refusal) => refusal.json(),
    };
    axum::Json(answer).into_response()
}

/// Returns the answer of a Slack that takes no calls: it is down, or limits the rate.
fn unavailable(shared: &Shared, method: &str) -> Option<Response> {
    if shared.look(|workspace| workspace.is_down) {
        return Some((StatusCode::SERVICE_UNAVAILABLE, "<html>Slack is down</html>").into_response());
    }
    let wait = shared.change(|workspace, now| workspace.throttles.refuse(method, now))?;
    let refusal = axum::Json(Refusal::from("ratelimited").json());
    Some((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, wait.to_string())], refusal).into_response())
}

/// Removes a member, given as a JSON pointer.
fn remove(json: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(parent)) = json.pointer_mut(parent) {
        parent.remove(name);
    }
}

/// Takes the error that was planned for the next call of a method.
fn planned(workspace: &mut Workspace, method: &str) -> Option<String> {
    workspace.refusals.get_mut(method)?.pop_front()
}

/// Reads the arguments of a call from JSON or a form. Methods that only read accept no JSON.
fn arguments(method: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        if only_reads(method) {
            return Ok(json!({}));
        }
        let json: Value = serde_json::from_slice(body).map_err(|_| Refusal::from("invalid_json"))?;
        return if json.is_object() { Ok(json) } else { Err("json_not_object".into()) };
    }
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = match name.as_ref() {
            "view" | "blocks" | "metadata" => serde_json::from_str(&value).unwrap_or_else(|_| json!(value)),
            _ => json!(value),
        };
        fields.insert(name.into_owned(), value);
    }
    Ok(Value::Object(fields))
}

fn only_reads(method: &str) -> bool {
    method.starts_with("users.")
        || method.starts_with("usergroups.")
        || matches!(method, "conversations.info" | "conversations.list" | "conversations.members")
}

fn authorize(shared: &Shared, method: &str, headers: &HeaderMap, arguments: &Value) -> Result<(), Refusal> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).or(arguments["token"].as_str());
    let (wanted, other) = match method {
        "apps.connections.open" => (shared.app_token(), shared.bot_token()),
        _ => (shared.bot_token(), shared.app_token()),
    };
    match token {
        None | Some("") => Err("not_authed".into()),
        Some(token) if token == wanted => match shared.look(|workspace| workspace.revoked) {
            Some(error) if wanted == shared.bot_token() => Err(error.into()),
            _ => Ok(()),
        },
        Some(token) if token == other => Err("not_allowed_token_type".into()),
        Some(_) => Err("invalid_auth".into()),
    }
}

/// Handles a call of a response URL.
async fn respond(
    State(shared): State<Arc<Shared>>,
    Path((_, workspace, _, secret)): Path<(String, String, String, String)>,
    body: Bytes,
) -> Response {
    let Ok(content) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    shared.change(|workspace, _| workspace.called(RESPONSE, content.clone()));
    if let Some(refused) = unavailable(&shared, RESPONSE) {
        return refused;
    }
    if workspace != shared.workspace() {
        return (StatusCode::NOT_FOUND, "no_team").into_response();
    }
    let answered = shared.change(|workspace, now| {
        let faults = check::message(&content, false);
        workspace.fault(RESPONSE, &faults);
        match faults.is_empty() {
            true => workspace.respond(&secret, &content, now).map_err(|error| (StatusCode::NOT_FOUND, error)),
            false => Err((StatusCode::BAD_REQUEST, "invalid_blocks")),
        }
    });
    match answered {
        Ok(()) => "ok".into_response(),
        Err((status, error)) => (status, axum::Json(json!({ "ok": false, "error": error }))).into_response(),
    }
}

impl Workspace {
    fn respond(&mut self, secret: &str, content: &Value, now: Timestamp) -> Result<(), &'static str> {
        let url = self.response_urls.get_mut(secret).ok_or("invalid_url")?;
        if now.duration_since(url.made).unsigned_abs() > RESPONSE_URL_LIFETIME {
            return Err("expired_url");
        }
        if url.uses >= MAX_RESPONSES {
            return Err("used_url");
        }
        url.uses = url.uses.saturating_add(1);
        let (user, channel, message) = (url.user.clone(), url.channel.clone(), url.message.clone());
        let (deletes, replaces) = (content["delete_original"] == true, content["replace_original"] == true);
        match message {
            Some(ts) if deletes => {
                self.messages.retain(|message| message.channel != channel || message.ts != ts);
            }
            Some(ts) if replaces => drop(self.replace(&channel, &ts, content, now)),
            _ => {
                let only_for = (content["response_type"] != "in_channel").then_some(user.as_str());
                self.post(&channel, content, only_for, now);
            }
        }
        Ok(())
    }
}
