//! The client for one workspace, its builder, and its messages.

use std::fmt;
use std::sync::Arc;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::directory::Directory;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::routing::{RequestDestination, SlackUser};

use super::args::RecipientKind;
use super::user_cache::UserCache;
use super::{Api, MessageRef, Recipient};
use crate::http::{BaseUrl, Connection, SecretString};
use crate::kit::AccountResolver;

/// A client for one Slack workspace. Clones share connections, rate limits and the cache of users.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use sym_integrations::slack::{self, Slack};
/// use sym_integrations::testing::{Replay, Reply};
///
/// let replay = Replay::new();
/// replay
///     .post("/api/chat.postMessage")
///     .json(json!({ "channel": "#access-audit", "text": "hello" }))
///     .reply(Reply::json(json!({ "ok": true, "channel": "C012AB3CD", "ts": "1709208000.000100" })));
///
/// let slack = Slack::builder("T012AB3CD").token("xoxb-1").connection(replay.connection()).build()?;
/// let message = slack.send_message(slack::channel("#access-audit")?, "hello").await?;
/// assert_eq!(message.channel(), "C012AB3CD");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Slack(Arc<Inner>);

pub(super) struct Inner {
    pub(super) workspace: String,
    pub(super) api: Api,
    pub(super) accounts: AccountResolver,
    pub(super) directory: Option<Directory>,
    pub(super) users: UserCache,
    /// Whether the workspace is simulated. Every channel name then resolves to itself.
    pub(super) simulated: bool,
}

impl Slack {
    /// Creates a builder for the client of the workspace with this id, which begins with T.
    pub fn builder(workspace: impl Into<String>) -> SlackBuilder {
        SlackBuilder {
            workspace: workspace.into(),
            token: None,
            app_token: None,
            base_url: None,
            connection: Connection::default(),
            directory: None,
            limited: true,
            simulated: false,
        }
    }

    /// Returns the workspace id.
    pub fn workspace(&self) -> &str {
        &self.0.workspace
    }

    /// Returns the methods of Slack's Web API.
    pub fn api(&self) -> &Api {
        &self.0.api
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Sends a text to a user, a group of users or a channel, and returns a reference to the message. The text is in [Slack's
    /// markup](https://docs.slack.dev/messaging/formatting-message-text), at most 40,000 characters: pass text written by
    /// others through [`escape`](super::escape) first.
    ///
    /// A message that may have been posted is not posted again.
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`, `Slack:NOT_IN_CHANNEL`, `Slack:IS_ARCHIVED` and other errors of Slack; `Identity:NOT_FOUND`
    /// for a user without an account in the workspace.
    pub async fn send_message<'a>(&self, to: impl Into<Recipient<'a>>, text: impl Into<String>) -> Result<MessageRef> {
        let (to, text) = (to.into(), text.into());
        let channel = self.post_channel(&to).await?;
        self.api().post_message(channel).text(text).await
    }

    /// Replies to a message, such as the message of a request, in its thread.
    ///
    /// # Errors
    /// Those of Slack, such as `Slack:CHANNEL_NOT_FOUND`.
    pub async fn send_thread_message(&self, message: &MessageRef, text: impl Into<String>) -> Result<MessageRef> {
        self.api().post_message(message.channel()).in_thread(message.ts()).text(text).await
    }

    /// Returns the `channel` argument that posts to a recipient. Slack accepts channel names and user ids there too.
    pub(super) async fn post_channel(&self, to: &Recipient<'_>) -> Result<String> {
        let destination = match &to.0 {
            RecipientKind::User(user) => return self.account_id(user).await,
            RecipientKind::Destination(destination) => destination,
        };
        match &**destination {
            RequestDestination::ChannelId(channel) => Ok(channel.channel_id().to_owned()),
            RequestDestination::ChannelName(_) => Ok(destination.label()),
            RequestDestination::User(user) => Ok(user.user_id().to_owned()),
            RequestDestination::Group(group) => {
                self.api().open_conversation(group.users().iter().map(SlackUser::user_id)).await
            }
            other => {
                let message = format!("`{}` is not a Slack destination", other.label());
                let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_DESTINATION, message);
                Err(error.with_service(Slack::TYPE))
            }
        }
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack").field("workspace", &self.0.workspace).field("api", &self.0.api).finish_non_exhaustive()
    }
}

impl IntegrationClient for Slack {
    const TYPE: &'static str = "slack";

    // No setting is required: flows that only name Slack channels run without a token, and in simulations.
    const SETTINGS: SettingsSchema = SettingsSchema::open(&[
        SettingSchema::optional("bot_token_secret"),
        SettingSchema::optional("app_token_secret"),
        SettingSchema::optional("signing_secret"),
        SettingSchema::optional("base_url"),
    ]);

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let mut builder = Self::builder(config.external_id()).token(config.secret("bot_token_secret")?.clone());
        if config.integration().secrets().contains_key("app_token_secret") {
            builder = builder.app_token(config.secret("app_token_secret")?.clone());
        }
        if let Some(url) = config.integration().settings().get("base_url") {
            builder = builder.base_url(BaseUrl::parse(url)?);
        }
        if let Some(directory) = config.directory() {
            builder = builder.directory(directory.clone());
        }
        builder.build()
    }

    /// Returns a client of a simulated workspace, in which every channel and group is empty. Messages are recorded in the outbox.
    #[cfg(feature = "runtime")]
    fn simulated(config: &IntegrationConfig<'_>) -> Option<Self> {
        let connection = super::simulated::connection(config.outbox());
        let mut builder =
            Self::builder(config.external_id()).token("xoxb-simulated").connection(connection).without_rate_limits();
        builder.simulated = true;
        builder.directory = config.directory().cloned();
        // The real client reports a malformed workspace id.
        builder.build().ok()
    }
}

/// Builds a [`Slack`].
#[must_use]
pub struct SlackBuilder {
    workspace: String,
    token: Option<SecretString>,
    app_token: Option<SecretString>,
    base_url: Option<BaseUrl>,
    connection: Connection,
    directory: Option<Directory>,
    limited: bool,
    simulated: bool,
}

impl SlackBuilder {
    /// Sets the app's bot token, `xoxb-…`. It is required.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets an app-level token, `xapp-…`, for [`Api::open_socket`].
    pub fn app_token(mut self, token: impl Into<SecretString>) -> Self {
        self.app_token = Some(token.into());
        self
    }

    /// Sets the base URL of the API. The default is `https://slack.com/api`.
    pub fn base_url(mut self, url: BaseUrl) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Sets the connection: how requests are sent, and the clock. The default uses the network and the system clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets the directory that maps Slack accounts to users. Without one, accounts are matched by e-mail address only.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Disables client-side rate limiting, for a fake that has no rate limits.
    pub fn without_rate_limits(mut self) -> Self {
        self.limited = false;
        self
    }

    /// Builds the client, without calling Slack.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if there is no bot token, the workspace id is malformed, or a token is not a valid header value.
    pub fn build(self) -> Result<Slack> {
        let Self { workspace, token, app_token, base_url, connection, directory, limited, simulated } = self;
        let is_id =
            workspace.starts_with('T') && workspace.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !is_id {
            let message = format!("`{workspace}` is not a Slack workspace id");
            return Err(invalid(message).with_hint("a workspace id begins with T and is upper case, as in `T012AB3CD`"));
        }
        let token = token.ok_or_else(|| invalid("Slack needs a bot token".to_owned()))?;
        let base = match base_url {
            Some(url) => url,
            None => BaseUrl::of_host("slack.com", "api")?,
        };
        let users = UserCache::new(Arc::clone(connection.clock()));
        let api = Api::new(base, token, app_token, connection, limited)?;
        let accounts = AccountResolver::new(Slack::TYPE, &workspace, directory.clone());
        Ok(Slack(Arc::new(Inner { workspace, api, accounts, directory, users, simulated })))
    }
}

impl fmt::Debug for SlackBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackBuilder")
            .field("workspace", &self.workspace)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(Slack::TYPE)
}
