//! Answers to what people did, at the URL that comes with it.

use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result};
use url::Url;

use super::{Api, Arguments};
use crate::http::{BaseUrl, SecretString};
use crate::slack::codes;

/// Where Slack has answers sent: beside its API, and for a stand-in on this machine, to itself.
pub(super) fn hooks(base: &BaseUrl) -> Result<BaseUrl> {
    let url = Url::parse(base.as_str()).ok().filter(|url| url.scheme() == "http");
    match url {
        Some(url) => BaseUrl::parse(&url.origin().ascii_serialization()),
        None => BaseUrl::of_host(&format!("hooks.{}", base.host()), ""),
    }
}

impl Api {
    /// Answers to a command or a click at the `response_url` that came with it, up to 5 times within 30 minutes. See [Slack's
    /// guide](https://docs.slack.dev/interactivity/handling-user-interaction#message_responses).
    ///
    /// Whoever has the URL can write to the channel, so it is a secret. One that is not Slack's is refused.
    pub fn respond(&self, response_url: &SecretString) -> Respond {
        Respond { api: self.clone(), url: response_url.clone(), arguments: Arguments::new() }
    }
}

/// An answer to what somebody did. See [`Api::respond`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Respond {
    api: Api,
    url: SecretString,
    arguments: Arguments,
}

impl Respond {
    /// Sets the text. Beside blocks it is what notifications and screen readers show, so give it always.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.set("text", text.into())
    }

    /// Sets the blocks: anything that serializes to a list of them.
    pub fn blocks(self, blocks: impl Serialize) -> Self {
        self.set("blocks", blocks)
    }

    /// Shows it to everybody in the channel. Unless told, only to whoever clicked.
    pub fn in_channel(self) -> Self {
        self.set("response_type", "in_channel")
    }

    /// Puts it in the place of the message that was clicked on.
    pub fn replace_original(self) -> Self {
        self.set("replace_original", true)
    }

    /// Removes the message that was clicked on.
    pub fn delete_original(self) -> Self {
        self.set("delete_original", true)
    }

    /// Posts it as a reply to the message of this time stamp.
    pub fn in_thread(self, ts: impl Into<String>) -> Self {
        self.set("thread_ts", ts.into())
    }

    fn set(mut self, name: &str, value: impl Serialize) -> Self {
        self.arguments = self.arguments.set(name, value);
        self
    }
}

impl IntoFuture for Respond {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let path = path(&self.url, self.api.hooks.base_url())?;
            let values: Vec<&str> = path.iter().map(|part| part.expose_secret()).collect();
            let call = self.api.hooks.post(ROUTE, &values);
            let call = path.last().into_iter().fold(call, |call, secret| call.redact(secret));
            call.json(&Value::Object(self.arguments.into_json()?)).await.map(drop)
        })
    }
}

const ROUTE: &str = "{kind}/{workspace}/{id}/{secret}";

/// The parts of the path of a URL that Slack gave.
fn path(url: &SecretString, hooks: &BaseUrl) -> Result<Vec<SecretString>> {
    let url = Url::parse(url.expose_secret()).map_err(|_| invalid("it cannot be read"))?;
    let known = Url::parse(hooks.as_str()).map_err(|_| invalid("it cannot be compared"))?;
    if url.origin() != known.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(&format!("it does not lead to host `{}`", hooks.host())));
    }
    let parts: Vec<SecretString> = url.path_segments().into_iter().flatten().map(SecretString::from).collect();
    let is_plain = |part: &SecretString| {
        let part = part.expose_secret();
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if url.query().is_some() || parts.len() != ROUTE.split('/').count() || !parts.iter().all(is_plain) {
        return Err(invalid("its path is not of the known form"));
    }
    Ok(parts)
}

fn invalid(problem: &str) -> Error {
    let message = format!("the URL to answer to is not Slack's: {problem}");
    Error::new(ErrorKind::InvalidInput, codes::INVALID_RESPONSE_URL, message).with_service("slack")
}
