//! How Slack says that a call failed: mostly with status 200.

use serde::Deserialize;
use sym_sdk::error::{ErrorCode, ErrorKind, Result};

use crate::http::{Failure, Response, Retry, Service, error_names};

const TYPE: &str = "Slack";

/// A longer answer is the page of a list, which begins with how it went. It takes time to read it twice, and Slack warns of what
/// was written to it.
const LONG: usize = 16 * 1024;

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
        if response.is_success() && body.len() > LONG && body.starts_with(b"{\"ok\":true,") {
            return Ok(());
        }
        let verdict = serde_json::from_slice::<Verdict>(body).unwrap_or_default();
        match verdict.ok {
            Some(false) => Err(refused(response, &verdict)),
            _ if !response.is_success() => Err(out_of_order(response)),
            // What is neither yes nor no is found out when the answer is read.
            None => Ok(()),
            Some(true) => {
                if let Some(warning) = verdict.warning {
                    tracing::warn!(warning, messages = ?verdict.response_metadata.messages, "Slack warns");
                }
                Ok(())
            }
        }
    }
}

/// The part of an answer that says how it went.
#[derive(Default, Deserialize)]
struct Verdict {
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

fn out_of_order(response: &Response) -> Failure {
    let failure = Failure::of(response);
    match response.status() {
        500 => failure.with_retry(Retry::IfIdempotent),
        _ => failure,
    }
}

fn refused(response: &Response, verdict: &Verdict) -> Failure {
    let failure = out_of_order(response);
    let Some(name) = verdict.error.as_deref().filter(|name| !name.is_empty()) else {
        return failure;
    };
    let mut message = format!("Slack answered `{name}`");
    for detail in &verdict.response_metadata.messages {
        message = format!("{message}: {detail}");
    }
    let failure = failure.with_name(name).with_message(message);
    let meaning = Meaning::of(name);
    let failure = failure.with_kind(meaning.kind).with_retry(meaning.retry);
    let failure = match meaning.kind {
        ErrorKind::RateLimited => {
            failure.with_code(ErrorCode::new(TYPE, error_names::RATE_LIMITED)).with_retry_after(response.retry_after())
        }
        _ => failure,
    };
    if let Some(needed) = &verdict.needed {
        let provided = verdict.provided.as_deref().filter(|scopes| !scopes.is_empty()).unwrap_or("none");
        let hint = format!("give the app the scope `{needed}` and install it again; its scopes are: {provided}");
        return failure.with_hint(hint);
    }
    match meaning.hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// What a name that Slack has for a failure means.
struct Meaning {
    kind: ErrorKind,
    retry: Retry,
    hint: Option<&'static str>,
}

impl Meaning {
    fn of(name: &str) -> Self {
        const TOKEN: &str = "look whether the token is that of the app, and whether the app is still installed";

        match name {
            "not_authed"
            | "invalid_auth"
            | "account_inactive"
            | "token_revoked"
            | "token_expired"
            | "org_login_required"
            | "ekm_access_denied"
            | "two_factor_setup_required" => Self::new(ErrorKind::Unauthorized).advise(TOKEN),
            "missing_scope" => Self::new(ErrorKind::Forbidden).advise("give the app the scope and install it again"),
            "not_allowed_token_type" => Self::new(ErrorKind::Forbidden)
                .advise("the methods for apps take a bot token, `xoxb-…`; a socket takes an app-level token, `xapp-…`"),
            "no_permission" | "access_denied" | "restricted_action" | "team_access_not_granted" => {
                Self::new(ErrorKind::Forbidden)
            }
            "no_such_subteam" | "not_found" => Self::new(ErrorKind::NotFound),
            name if name.ends_with("_not_found") => Self::new(ErrorKind::NotFound),
            "user_not_visible" => Self::new(ErrorKind::NotFound),
            "not_in_channel" => Self::new(ErrorKind::Conflict).advise("invite the app to the channel"),
            "messages_tab_disabled" => {
                Self::new(ErrorKind::Conflict).advise("switch on the messages tab in the settings of the app's home")
            }
            "expired_trigger_id" | "trigger_expired" | "exchanged_trigger_id" | "trigger_exchanged" => {
                Self::new(ErrorKind::Conflict).advise("a trigger is good for 3 seconds and for one call")
            }
            "hash_conflict" => Self::new(ErrorKind::Conflict)
                .advise("somebody else changed the view: use the hash of its latest state"),
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
            // Slack may have carried out the request in part.
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" => {
                Self { retry: Retry::IfIdempotent, ..Self::new(ErrorKind::Unavailable) }
            }
            _ => Self::new(ErrorKind::InvalidInput),
        }
    }

    fn new(kind: ErrorKind) -> Self {
        Self { kind, retry: Retry::Never, hint: None }
    }

    fn advise(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}
