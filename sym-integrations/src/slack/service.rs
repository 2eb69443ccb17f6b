//! Classification of Slack's responses.
//!
//! Slack reports most errors with status 200 and `"ok": false` in the body, so every response body is inspected. The error's
//! name selects its kind, whether the call is retried and a hint; an unknown name counts as invalid input and is not retried.

use serde::Deserialize;
use sym_sdk::error::{ErrorCode, ErrorKind, Result};

use crate::http::{Failure, Response, Retry, Service, error_names};

const TYPE: &str = "Slack";

/// The size in bytes above which a body that begins with `{"ok":true,` is not parsed twice. Only pages of lists are that long,
/// and they carry no warnings.
const MAX_INSPECTED_BODY: usize = 16 * 1024;

/// Slack's Web API.
pub(super) struct SlackService;

impl Service for SlackService {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn error_type(&self) -> &'static str {
        TYPE
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        &["x-slack-req-id"]
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        let body = response.body();
        if response.is_success() && body.len() > MAX_INSPECTED_BODY && body.starts_with(b"{\"ok\":true,") {
            return Ok(());
        }
        let status = serde_json::from_slice::<ResponseStatus>(body).unwrap_or_default();
        match status.ok {
            Some(false) => Err(api_failure(response, &status)),
            _ if !response.is_success() => Err(http_failure(response)),
            // Deserializing the response will report the malformed body.
            None => Ok(()),
            Some(true) => {
                if let Some(warning) = status.warning {
                    tracing::warn!(warning, messages = ?status.response_metadata.messages, "Slack returned a warning");
                }
                Ok(())
            }
        }
    }
}

/// The members of a response body that report success or failure.
#[derive(Default, Deserialize)]
struct ResponseStatus {
    ok: Option<bool>,
    error: Option<String>,
    warning: Option<String>,
    needed: Option<String>,
    provided: Option<String>,
    #[serde(default)]
    response_metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    messages: Vec<String>,
}

fn http_failure(response: &Response) -> Failure {
    let failure = Failure::of(response);
    match response.status() {
        500 => failure.with_retry(Retry::IfIdempotent),
        _ => failure,
    }
}

fn api_failure(response: &Response, status: &ResponseStatus) -> Failure {
    let failure = http_failure(response);
    let Some(name) = status.error.as_deref().filter(|name| !name.is_empty()) else {
        return failure;
    };
    let mut message = format!("Slack returned the error `{name}`");
    for detail in &status.response_metadata.messages {
        message = format!("{message}: {detail}");
    }
    let failure = failure.with_name(name).with_message(message);
    let spec = ErrorSpec::by_name(name);
    let failure = failure.with_kind(spec.kind).with_retry(spec.retry);
    let failure = match spec.kind {
        ErrorKind::RateLimited => {
            failure.with_code(ErrorCode::new(TYPE, error_names::RATE_LIMITED)).with_retry_after(response.retry_after())
        }
        _ => failure,
    };
    if let Some(needed) = &status.needed {
        let provided = status.provided.as_deref().filter(|scopes| !scopes.is_empty()).unwrap_or("none");
        let hint = format!("add the scope `{needed}` to the app and reinstall it; its scopes are: {provided}");
        return failure.with_hint(hint);
    }
    match spec.hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// The kind, retry policy and hint of one of Slack's errors.
struct ErrorSpec {
    kind: ErrorKind,
    retry: Retry,
    hint: Option<&'static str>,
}

impl ErrorSpec {
    fn by_name(name: &str) -> Self {
        const TOKEN: &str = "check that the token belongs to the app and that the app is still installed";

        match name {
            "not_authed"
            | "invalid_auth"
            | "account_inactive"
            | "token_revoked"
            | "token_expired"
            | "org_login_required"
            | "ekm_access_denied"
            | "two_factor_setup_required" => Self::new(ErrorKind::Unauthorized).hint(TOKEN),
            "missing_scope" => Self::new(ErrorKind::Forbidden).hint("add the scope to the app and reinstall it"),
            "not_allowed_token_type" => Self::new(ErrorKind::Forbidden)
                .hint("the Web API takes a bot token, `xoxb-…`; Socket Mode takes an app-level token, `xapp-…`"),
            "no_permission" | "access_denied" | "restricted_action" | "team_access_not_granted" => {
                Self::new(ErrorKind::Forbidden)
            }
            "no_such_subteam" | "not_found" => Self::new(ErrorKind::NotFound),
            name if name.ends_with("_not_found") => Self::new(ErrorKind::NotFound),
            "user_not_visible" => Self::new(ErrorKind::NotFound),
            "not_in_channel" => Self::new(ErrorKind::Conflict).hint("invite the app to the channel"),
            "messages_tab_disabled" => {
                Self::new(ErrorKind::Conflict).hint("enable the messages tab in the app's settings, under App Home")
            }
            "expired_trigger_id" | "trigger_expired" | "exchanged_trigger_id" | "trigger_exchanged" => {
                Self::new(ErrorKind::Conflict).hint("a trigger id is valid for 3 seconds and for one call")
            }
            "hash_conflict" => {
                Self::new(ErrorKind::Conflict).hint("the view has changed since: use the hash of its latest state")
            }
            "is_archived"
            | "user_not_in_channel"
            | "cant_dm_bot"
            | "user_disabled"
            | "used_url"
            | "expired_url"
            | "cant_update_message"
            | "edit_window_closed"
            | "is_inactive" => Self::new(ErrorKind::Conflict),
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                Self { retry: Retry::Always, ..Self::new(ErrorKind::RateLimited) }
            }
            // Slack may have executed the request in part.
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" => {
                Self { retry: Retry::IfIdempotent, ..Self::new(ErrorKind::Unavailable) }
            }
            _ => Self::new(ErrorKind::InvalidInput),
        }
    }

    fn new(kind: ErrorKind) -> Self {
        Self { kind, retry: Retry::Never, hint: None }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}
