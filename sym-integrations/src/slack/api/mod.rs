//! Slack's Web API, method by method.

mod arguments;
mod chat;
mod conversations;
mod rates;
mod respond;
mod socket;
mod users;
mod views;

use serde::Deserialize;
use serde_json::{Map, Value};
use sym_sdk::error::{Error, ErrorKind, Result};

use super::service::SlackService;
use crate::http::{Auth, BaseUrl, Call, Client, Connection, SecretString};
use arguments::Arguments;
pub use chat::{PostEphemeral, PostMessage, UpdateMessage};
pub use respond::Respond;
pub(super) use users::{USERS_PER_PAGE, Users};
pub use views::{PublishView, UpdateView, ViewInfo};

/// Slack's [Web API](https://docs.slack.dev/reference/methods), method by method: what a front end is made of. [`Slack::api`]
/// gives it.
///
/// Blocks and views are anything that serializes to them. What reads is repeated when nobody knows whether it was carried out;
/// what posts or opens something is not. Calls are kept to the rates that Slack names for their methods, and messages to one a
/// second in each channel.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use sym_integrations::slack::Slack;
/// use sym_integrations::testing::{Replay, Reply};
///
/// let replay = Replay::new();
/// replay.post("/api/chat.postMessage").reply(Reply::json(json!({ "ok": true, "channel": "C012AB3CD", "ts": "1709208000.000100" })));
///
/// let slack = Slack::builder("T012AB3CD").token("xoxb-1").connection(replay.connection()).build()?;
/// let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "*Ana* asks for access" } });
/// let message = slack.api().post_message("C012AB3CD").text("Ana asks for access").blocks([section]).await?;
/// assert_eq!(message.ts(), "1709208000.000100");
/// # Ok(())
/// # }
/// ```
///
/// [`Slack::api`]: super::Slack::api
#[derive(Clone, Debug)]
pub struct Api {
    web: Client,
    /// Where Slack has people's clicks answered.
    hooks: Client,
    /// With the token for sockets, if there is one.
    app: Option<Client>,
}

impl Api {
    pub(super) fn new(
        base: BaseUrl,
        token: SecretString,
        app_token: Option<SecretString>,
        connection: Connection,
        limited: bool,
    ) -> Result<Self> {
        let client = |auth| Client::builder(SlackService, base.clone()).auth(auth).connection(connection.clone());
        let web = client(Auth::bearer(token));
        let web = if limited { rates::limit(web) } else { web };
        let app = app_token.map(|token| client(Auth::bearer(token)).build()).transpose()?;
        let hooks = Client::builder(SlackService, respond::hooks(&base)?).connection(connection.clone()).build()?;
        Ok(Self { web: web.build()?, hooks, app })
    }

    /// Says whose token it is ([`auth.test`](https://docs.slack.dev/reference/methods/auth.test)).
    pub async fn test_auth(&self) -> Result<TokenOwner> {
        self.read("auth.test").await?.json()
    }

    /// An error that no answer reports.
    pub(super) fn error(&self, kind: ErrorKind, name: &'static str, message: impl Into<String>) -> Error {
        self.web.error(kind, name, message)
    }

    /// A method that reads. Those take no JSON.
    fn read(&self, method: &'static str) -> Call {
        self.web.post(method, &[]).rate_group(method).idempotent(true)
    }

    /// A method that does something, and that is not repeated unless the caller says so.
    fn write(&self, method: &'static str, arguments: Arguments) -> Result<Call> {
        Ok(self.web.post(method, &[]).rate_group(method).json(&Value::Object(arguments.into_json()?)))
    }
}

/// Whose a token is.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct TokenOwner {
    /// The workspace's id.
    pub team_id: String,
    /// The workspace's name.
    pub team: Option<String>,
    /// The address of the workspace.
    pub url: Option<String>,
    /// The id of the app's own user.
    pub user_id: String,
    /// The id of the app's bot.
    pub bot_id: Option<String>,
    /// The id of the Enterprise organization that the workspace belongs to.
    pub enterprise_id: Option<String>,
    /// What else Slack sent.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
