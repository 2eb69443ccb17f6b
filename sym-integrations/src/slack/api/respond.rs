//! Responses to an interaction, sent to the response URL in its payload.
//!
//! A response URL lets anyone who has it post to the channel, so it is handled as a secret. It is only called if it is on Slack's
//! host, so that a forged payload cannot make the app send requests elsewhere.

use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result};
use url::Url;

use super::chat::setters;
use super::{Api, Arguments};
use crate::http::{BaseUrl, SecretString};
use crate::slack::client::SLACK;
use crate::slack::codes;

/// The endpoint of response URLs.
pub(in crate::slack) const HOOKS: &str = "response URLs";

/// Returns the base URL of response URLs: the host `hooks.` of the API, or the API itself for a fake on this machine.
pub(in crate::slack) fn hooks_base_url(base: &BaseUrl) -> Result<BaseUrl> {
    let url = Url::parse(base.as_str()).ok().filter(|url| url.scheme() == "http");
    match url {
        Some(url) => BaseUrl::parse(&url.origin().ascii_serialization()),
        None => BaseUrl::of_host(&format!("hooks.{}", base.host()), ""),
    }
}

impl Api {
    /// Responds to a command or a click at its `response_url`, up to 5 times within 30 minutes. See [Slack's
    /// guide](https://docs.slack.dev/interactivity/handling-user-interaction#message_responses).
    ///
    /// The URL is a secret: anyone who has it can post to the channel. A URL on another host than Slack's is rejected with
    /// `Slack:INVALID_RESPONSE_URL`.
    pub fn respond(&self, response_url: &SecretString) -> Respond {
        Respond { api: self.clone(), url: response_url.clone(), arguments: Arguments::new() }
    }
}

/// A call that responds to an interaction. Created by [`Api::respond`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Respond {
    api: Api,
    url: SecretString,
    arguments: Arguments,
}

setters!(Respond);
setters!(in_thread: Respond);

impl Respond {
    /// Shows the response to everyone in the channel. By default, only the user who clicked sees it.
    pub fn in_channel(self) -> Self {
        self.set("response_type", "in_channel")
    }

    /// Replaces the message that was clicked.
    pub fn replace_original(self) -> Self {
        self.set("replace_original", true)
    }

    /// Deletes the message that was clicked.
    pub fn delete_original(self) -> Self {
        self.set("delete_original", true)
    }
}

impl IntoFuture for Respond {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let hooks = self.api.0.endpoint(HOOKS)?;
            let path = path_segments(&self.url, hooks.base_url())?;
            let values: Vec<&str> = path.iter().map(|part| part.expose_secret()).collect();
            let call = hooks.post(ROUTE, &values);
            let call = path.last().into_iter().fold(call, |call, secret| call.redact(secret));
            call.json(&Value::Object(self.arguments.into_json()?)).await.map(drop)
        })
    }
}

const ROUTE: &str = "{kind}/{workspace}/{id}/{secret}";

/// Splits the path of a response URL into its segments.
///
/// # Errors
/// If the URL is not a response URL of Slack.
fn path_segments(url: &SecretString, hooks: &BaseUrl) -> Result<Vec<SecretString>> {
    let url = Url::parse(url.expose_secret()).map_err(|_| invalid("it is not a URL"))?;
    let expected = Url::parse(hooks.as_str()).map_err(|_| invalid("the base URL is not a URL"))?;
    if url.origin() != expected.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(&format!("its host is not `{}`", hooks.host())));
    }
    let parts: Vec<SecretString> = url.path_segments().into_iter().flatten().map(SecretString::from).collect();
    let is_plain = |part: &SecretString| {
        let part = part.expose_secret();
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if url.query().is_some() || parts.len() != ROUTE.split('/').count() || !parts.iter().all(is_plain) {
        return Err(invalid("its path is malformed"));
    }
    Ok(parts)
}

fn invalid(problem: &str) -> Error {
    let message = format!("the response URL is not one of Slack's: {problem}");
    SLACK.error(ErrorKind::InvalidInput, codes::INVALID_RESPONSE_URL, message)
}
