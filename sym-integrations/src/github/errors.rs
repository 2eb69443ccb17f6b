//! GitHub's failures: <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>.
//!
//! GitHub answers 403 both to a caller who lacks a permission and to one who calls too often, with several signs of the latter, of which
//! any may be absent. The response is therefore checked for all of them before a 403 counts as a refusal.

use std::time::Duration;

use sym_sdk::error::ErrorKind;

use super::client::GITHUB;
use crate::http::{Failure, Response, Retry, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

pub(super) const NO_SEAT: &str = "NO_SEAT";
pub(super) const SSO_REQUIRED: &str = "SSO_REQUIRED";

/// The [delay](https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit) that GitHub
/// asks for where its response names none.
const UNNAMED_DELAY: Duration = Duration::from_secs(60);

/// The longest URL that is shown, in bytes.
const MAX_URL: usize = 2_000;

/// The codes in `errors`, each about one field.
const FIELD_ERRORS: ErrorTable = ErrorTable::new(&[ErrorRule::new(&["no_seat"], ErrorKind::Conflict, NO_SEAT)
    .hint("free a seat of the organization, or buy one, in its billing settings")
    .retry(Retry::Never)]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let sso = response.header("x-github-sso").map(str::trim).unwrap_or_default();
    if response.is_success() {
        // A list without what the token may not see is not a list.
        return match sso.starts_with("partial-results") {
            true => Err(sso_required(Failure::of(response))
                .with_message("the response lacks what an organization with single sign-on holds back")),
            false => Ok(()),
        };
    }
    let body = ErrorBody::of(response);
    let text = |name: &str| body.as_ref().and_then(|body| body.text(name)).unwrap_or_default();
    let (message, documentation) = (text("message"), text("documentation_url"));
    let failure = Failure::of(response);
    let failure = match &body {
        Some(body) if !message.is_empty() => failure.with_message(described(body, &message)),
        _ => failure,
    };
    Err(match response.status() {
        403 | 429 if is_throttled(response, &message, &documentation) => failure
            .with_kind(ErrorKind::RateLimited)
            .with_name(error_names::RATE_LIMITED)
            .with_retry(Retry::Always)
            .with_retry_after(Some(delay(response))),
        403 if sso.starts_with("required") || message.to_ascii_lowercase().contains("saml") => {
            match authorization_url(sso) {
                Some(url) => sso_required(failure).with_temporary_url(url),
                None => sso_required(failure),
            }
        }
        401 => failure.with_hint("create a new token in GitHub, and store it as the integration's secret"),
        403 => failure.with_hint(permission_hint(response)),
        // GitHub gives a message with each 404.
        404 if message.is_empty() => GITHUB.foreign_not_found(failure),
        _ => field_codes(body.as_ref()).iter().fold(failure, |failure, code| FIELD_ERRORS.apply(failure, code)),
    })
}

/// Whether a 403 or 429 limits the rate of calls.
fn is_throttled(response: &Response, message: &str, documentation: &str) -> bool {
    let text = format!("{message} {documentation}").to_ascii_lowercase();
    response.status() == 429
        || response.header("retry-after").is_some()
        || is_exhausted(response)
        || ["rate limit", "rate-limit", "abuse"].iter().any(|sign| text.contains(sign))
}

fn is_exhausted(response: &Response) -> bool {
    response.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0")
}

fn delay(response: &Response) -> Duration {
    let until_reset = || is_exhausted(response).then(|| response.retry_delay_until("x-ratelimit-reset")).flatten();
    response.retry_after().or_else(until_reset).unwrap_or(UNNAMED_DELAY)
}

/// The URL at which the token can be authorized within an hour, of a header such as `required; url=https://github.com/orgs/acme/sso?…`.
fn authorization_url(sso: &str) -> Option<String> {
    let url = sso.split(';').find_map(|part| part.trim().strip_prefix("url="))?;
    let is_plain = url.len() <= MAX_URL && url.bytes().all(|byte| byte.is_ascii_graphic());
    Some(url.to_owned()).filter(|url| is_plain && url.starts_with("https://"))
}

/// The URL at which the token can be authorized is not part of the hint, which is stored.
fn sso_required(failure: Failure) -> Failure {
    failure.with_kind(ErrorKind::Forbidden).with_name(SSO_REQUIRED).with_retry(Retry::Never).with_hint(
        "authorize the token for the organization's single sign-on: in the settings of the token's owner, under Developer settings, \
         Personal access tokens, Configure SSO",
    )
}

fn permission_hint(response: &Response) -> String {
    let needed = response.header("x-accepted-github-permissions").filter(|needed| !needed.trim().is_empty());
    match needed {
        Some(needed) => format!("the call needs a token with the permissions `{needed}`"),
        None => "check the permissions of the token, and that its owner is an admin of the repository".to_owned(),
    }
}

/// The message, and the problems of single fields, which are a list of objects or of texts.
fn described(body: &ErrorBody, message: &str) -> String {
    let mut text = message.trim_end_matches('.').to_owned();
    for error in body.list("errors") {
        let part = |name: &str| error.get(name).and_then(|part| part.as_str()).filter(|part| !part.is_empty());
        let problem = match error.as_str().or_else(|| part("message")) {
            Some(problem) => problem.trim_end_matches('.').to_owned(),
            None => [part("field"), part("code")].into_iter().flatten().collect::<Vec<_>>().join(" "),
        };
        if !problem.is_empty() && !text.contains(&problem) {
            text = format!("{text}: {problem}");
        }
    }
    text
}

fn field_codes(body: Option<&ErrorBody>) -> Vec<String> {
    let errors = body.map(|body| body.list("errors")).unwrap_or_default();
    errors.iter().filter_map(|error| error.get("code")?.as_str().map(str::to_owned)).collect()
}
