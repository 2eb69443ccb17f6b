//! Slack's failures.
//!
//! Slack reports most errors with status 200 and `"ok": false` in the body, so every response body is inspected. The error's
//! name selects its kind, whether the call is retried and a hint; an unknown name counts as invalid input and is not retried.

use sym_sdk::error::ErrorKind;

use crate::http::{Failure, Response, Retry, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

/// The size in bytes above which a body that begins with `{"ok":true,` is not parsed twice. Only pages of lists are that long,
/// and they carry no warnings.
const MAX_INSPECTED_BODY: usize = 16 * 1024;

/// Names that end in `_not_found` need no row.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::kind(
        &[
            "not_authed",
            "invalid_auth",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "org_login_required",
            "ekm_access_denied",
            "two_factor_setup_required",
        ],
        ErrorKind::Unauthorized,
    )
    .hint("check that the token belongs to the app and that the app is still installed"),
    ErrorRule::kind(&["missing_scope"], ErrorKind::Forbidden).hint("add the scope to the app and reinstall it"),
    ErrorRule::kind(&["not_allowed_token_type"], ErrorKind::Forbidden)
        .hint("the Web API takes a bot token, `xoxb-…`; Socket Mode takes an app-level token, `xapp-…`"),
    ErrorRule::kind(
        &["no_permission", "access_denied", "restricted_action", "team_access_not_granted"],
        ErrorKind::Forbidden,
    ),
    ErrorRule::kind(&["no_such_subteam", "not_found", "user_not_visible"], ErrorKind::NotFound),
    ErrorRule::kind(&["not_in_channel"], ErrorKind::Conflict).hint("invite the app to the channel"),
    ErrorRule::kind(&["messages_tab_disabled"], ErrorKind::Conflict)
        .hint("enable the messages tab in the app's settings, under App Home"),
    ErrorRule::kind(
        &["expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"],
        ErrorKind::Conflict,
    )
    .hint("a trigger id is valid for 3 seconds and for one call"),
    ErrorRule::kind(&["hash_conflict"], ErrorKind::Conflict)
        .hint("the view has changed since: use the hash of its latest state"),
    ErrorRule::kind(
        &[
            "is_archived",
            "user_not_in_channel",
            "cant_dm_bot",
            "user_disabled",
            "used_url",
            "expired_url",
            "cant_update_message",
            "edit_window_closed",
            "is_inactive",
        ],
        ErrorKind::Conflict,
    ),
    ErrorRule::new(
        &["ratelimited", "rate_limited", "message_limit_exceeded"],
        ErrorKind::RateLimited,
        error_names::RATE_LIMITED,
    )
    .retry(Retry::Always),
    // Slack may have executed the request in part.
    ErrorRule::kind(
        &["internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"],
        ErrorKind::Unavailable,
    )
    .retry(Retry::IfIdempotent),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let body = response.body();
    if response.is_success() && body.len() > MAX_INSPECTED_BODY && body.starts_with(b"{\"ok\":true,") {
        return Ok(());
    }
    let body = ErrorBody::of(response);
    match body.as_ref().and_then(|body| body.get("ok")?.as_bool()) {
        Some(false) => Err(body.map_or_else(|| http_failure(response), |body| api_failure(response, &body))),
        _ if !response.is_success() => Err(http_failure(response)),
        _ => {
            // A malformed body is reported when it is decoded.
            if let Some(body) = body
                && let Some(warning) = body.text("warning")
            {
                tracing::warn!(warning, messages = ?details(&body), "Slack returned a warning");
            }
            Ok(())
        }
    }
}

fn http_failure(response: &Response) -> Failure {
    let failure = Failure::of(response);
    match response.status() {
        500 => failure.with_retry(Retry::IfIdempotent),
        _ => failure,
    }
}

fn api_failure(response: &Response, body: &ErrorBody) -> Failure {
    let failure = http_failure(response);
    let Some(name) = body.text("error") else { return failure };
    let message = details(body)
        .into_iter()
        .fold(format!("Slack returned the error `{name}`"), |message, detail| format!("{message}: {detail}"));
    let kind = if name.ends_with("_not_found") { ErrorKind::NotFound } else { ErrorKind::InvalidInput };
    let failure = failure.with_name(&name).with_message(message).with_kind(kind).with_retry(Retry::Never);
    let failure = ERRORS.apply(failure, &name);
    let failure = match failure.kind() {
        ErrorKind::RateLimited => failure.with_retry_after(response.retry_after()),
        _ => failure,
    };
    match body.text("needed") {
        Some(needed) => {
            let provided = body.text("provided").unwrap_or_else(|| "none".to_owned());
            failure
                .with_hint(format!("add the scope `{needed}` to the app and reinstall it; its scopes are: {provided}"))
        }
        None => failure,
    }
}

/// The explanations that accompany the name of an error or a warning.
fn details(body: &ErrorBody) -> Vec<String> {
    let metadata = body.object("response_metadata");
    let messages = metadata.iter().flat_map(|metadata| metadata.list("messages"));
    messages.filter_map(|message| message.as_str().map(str::to_owned)).collect()
}
