//! The fake workspace and its builder.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::Result;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;
use url::Url;

use super::shared::{Secrets, configuration_error};
use super::workspace::{Names, Workspace};
use super::{Member, Message, Person, Shared, server, web_api};
use crate::http::{BaseUrl, SecretString};
use crate::slack::app::SlackApp;
use crate::slack::signature::SigningSecret;
use crate::slack::{Slack, SlackBuilder};

/// Default id of the workspace.
const WORKSPACE: &str = "T0SANDBOX";

/// A fake Slack workspace. Clones share the workspace, which stops when the last of them is dropped. See [the module](super).
#[derive(Clone)]
pub struct FakeSlack(Arc<Running>);

struct Running {
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// A builder for a [`FakeSlack`].
#[must_use]
pub struct FakeSlackBuilder {
    workspace: String,
    clock: Arc<dyn Clock>,
    app_name: String,
    enterprise: Option<String>,
    is_org_install: bool,
    scopes: Option<Vec<String>>,
    bot_token: Option<SecretString>,
    signing_secret: Option<SecretString>,
}

impl FakeSlackBuilder {
    /// Sets the id of the workspace. The default is `T0SANDBOX`.
    pub fn workspace(mut self, id: impl Into<String>) -> Self {
        self.workspace = id.into();
        self
    }

    /// Sets the clock for time stamps of messages, expiry of triggers, and timeouts of people and of the app. The default is the system clock.
    /// With a virtual clock that nobody advances, timeouts last a minute of real time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the name of the app, by which its messages are signed. The default is `Sym`.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.app_name = name.into();
        self
    }

    /// Makes the workspace part of an Enterprise organization, given by its id.
    pub fn enterprise(mut self, id: impl Into<String>) -> Self {
        self.enterprise = Some(id.into());
        self
    }

    /// Installs the app for the whole Enterprise organization, given by its id. What people do then comes without a workspace where Slack
    /// sends none, and lists need the argument `team_id`.
    pub fn installed_for_organization(self, id: impl Into<String>) -> Self {
        Self { is_org_install: true, ..self.enterprise(id) }
    }

    /// Sets the scopes of the app's bot token. Without them it has all; with them, calls that need another are refused.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the app's bot token. The default is random.
    pub fn bot_token(mut self, token: impl Into<SecretString>) -> Self {
        self.bot_token = Some(token.into());
        self
    }

    /// Sets the secret that signs requests to the app. The default is random.
    pub fn signing_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.signing_secret = Some(secret.into());
        self
    }

    /// Starts the workspace on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// See [`listen`](Self::listen).
    pub async fn start(self) -> Result<FakeSlack> {
        self.listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts the workspace on an address.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the address is not a loopback address, or is in use.
    pub async fn listen(self, address: SocketAddr) -> Result<FakeSlack> {
        if !address.ip().is_loopback() {
            let message = format!("the fake Slack must listen on a loopback address, got `{address}`");
            let hint = format!("anyone who can reach it can act as any person: use `127.0.0.1:{}`", address.port());
            return Err(configuration_error(message).with_hint(hint));
        }
        let taken = |error: std::io::Error| {
            configuration_error(format!("the fake Slack cannot listen on `{address}`")).with_source(error)
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        // Requests go to the connected app only: no proxy, no redirects.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let http =
            http.map_err(|error| configuration_error("the HTTP client could not be created").with_source(error))?;
        let random = |prefix: &str| {
            let secret: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
            SecretString::from(format!("{prefix}{secret}"))
        };
        let secrets = Secrets {
            bot_token: self.bot_token.unwrap_or_else(|| random("xoxb-")),
            app_token: random("xapp-"),
            signing_secret: self.signing_secret.unwrap_or_else(|| random("")),
        };
        let names = Names {
            workspace: self.workspace,
            app: "A0SANDBOX".to_owned(),
            bot: "B0SANDBOX".to_owned(),
            bot_user: "U0SANDBOX".to_owned(),
            app_name: self.app_name,
            enterprise: self.enterprise,
            is_org_install: self.is_org_install,
        };
        let mut workspace = Workspace::new(names);
        workspace.scopes = self.scopes;
        workspace.channel("general");
        let shared = Arc::new(Shared::new(address, self.clock, http, secrets, workspace));
        let stop = shared.stop.clone();
        let served = axum::serve(listener, server::router(shared.clone()));
        let served = served.with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(%error, "the fake Slack has stopped");
            }
        });
        Ok(FakeSlack(Arc::new(Running { shared, _stop: stop.drop_guard() })))
    }
}

impl FakeSlack {
    /// Starts a workspace with default settings on a free port.
    ///
    /// # Errors
    /// See [`FakeSlackBuilder::listen`].
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    /// Starts a workspace with default settings on an address.
    ///
    /// # Errors
    /// See [`FakeSlackBuilder::listen`].
    pub async fn listen(address: SocketAddr) -> Result<Self> {
        Self::builder().listen(address).await
    }

    /// Creates a builder.
    pub fn builder() -> FakeSlackBuilder {
        FakeSlackBuilder {
            workspace: WORKSPACE.to_owned(),
            clock: Arc::new(SystemClock),
            app_name: "Sym".to_owned(),
            enterprise: None,
            is_org_install: false,
            scopes: None,
            bot_token: None,
            signing_secret: None,
        }
    }

    /// Returns the id of the workspace.
    pub fn workspace(&self) -> &str {
        self.shared().workspace()
    }

    /// Returns the address that the workspace listens on.
    pub fn address(&self) -> SocketAddr {
        self.shared().address
    }

    /// Returns a builder for the app's client, with the workspace's tokens and without rate limits.
    pub fn client(&self) -> SlackBuilder {
        let secrets = &self.shared().secrets;
        let client = Slack::builder(self.workspace())
            .token(secrets.bot_token.clone())
            .app_token(secrets.app_token.clone())
            .without_rate_limits();
        // The URL of a socket address always parses.
        match BaseUrl::parse(&format!("http://{}/api", self.address())) {
            Ok(url) => client.base_url(url),
            Err(_) => client,
        }
    }

    /// Creates the app with this client. It verifies requests with the workspace's signing secret.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the signing secret is empty.
    pub fn app(&self, slack: Slack) -> Result<SlackApp> {
        Ok(SlackApp::new(slack, self.signing_secret()?))
    }

    /// Returns the secret that signs requests to the app.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if it is empty.
    pub fn signing_secret(&self) -> Result<SigningSecret> {
        SigningSecret::new(self.shared().secrets.signing_secret.clone())
    }

    /// Connects an app: actions of people are sent to `/commands`, `/interactions` and `/options` below its URL, such as
    /// `http://127.0.0.1:3000/slack`.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if `app` is not an HTTP URL.
    pub fn connect(&self, app: &str) -> Result<()> {
        let url = Url::parse(app).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| {
            configuration_error(format!("`{app}` is not the URL of an app"))
                .with_hint("expected a URL such as `http://127.0.0.1:3000/slack`")
        })?;
        self.shared().change(|workspace, _| workspace.app = Some(url));
        Ok(())
    }

    /// Adds a person, or replaces the one with the same id.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the id is not a Slack user id.
    pub fn add(&self, member: Member) -> Result<()> {
        if !web_api::is_user_id(&member) {
            let message = format!("`{}` is not a Slack user id", member.id());
            return Err(configuration_error(message)
                .with_hint("expected U or W followed by upper-case letters and digits, such as `U012AB3CD`"));
        }
        self.shared().change(|workspace, _| workspace.members.insert(member.id().to_owned(), member));
        Ok(())
    }

    /// Returns everyone in the workspace, ordered by id.
    pub fn members(&self) -> Vec<Member> {
        self.shared().look(|workspace| workspace.members.values().cloned().collect())
    }

    /// Adds a user group, or replaces the one with the same id. The id starts with S.
    pub fn add_group<S: Into<String>>(&self, id: &str, name: &str, users: impl IntoIterator<Item = S>) {
        let group = (name.to_owned(), users.into_iter().map(Into::into).collect());
        self.shared().change(|workspace, _| workspace.groups.insert(id.to_owned(), group));
    }

    /// Adds a global shortcut of the app to the page.
    pub fn add_shortcut(&self, callback_id: impl Into<String>, name: impl Into<String>) {
        let shortcut = (callback_id.into(), name.into());
        self.shared().change(|workspace, _| workspace.shortcuts.push(shortcut));
    }

    /// Returns a handle for acting as the person with this id.
    pub fn person(&self, id: impl Into<String>) -> Person {
        Person::new(self.shared().clone(), id.into())
    }

    /// Returns all messages in the order in which they were posted.
    pub fn messages(&self) -> Vec<Message> {
        self.shared().look(|workspace| workspace.messages.iter().cloned().collect())
    }

    /// Returns the arguments of all calls of a Web API method. Responses to clicks are calls of `response_url`.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        self.shared().look(|workspace| {
            let calls = workspace.calls.iter().filter(|(called, _)| called == method);
            calls.map(|(_, arguments)| arguments.clone()).collect()
        })
    }

    /// Waits until a method was called so often, at most ten seconds by the clock, and gives what it was called with then.
    ///
    /// # Errors
    /// `Slack:NOT_VISIBLE` if it was not.
    pub async fn called(&self, method: &str, times: usize) -> Result<Value> {
        let what = || format!("`{method}` was not called {times} times");
        let of_method = |call: &&(String, Value)| call.0 == method;
        let nth = times.saturating_sub(1);
        let seen = self.shared().until(what, |workspace| workspace.calls.iter().filter(of_method).nth(nth).cloned());
        Ok(seen.await?.1)
    }

    /// Returns the app's violations of Slack's rules for content, which were rejected: for example invalid blocks, missing
    /// arguments, or responses that cannot be applied.
    pub fn faults(&self) -> Vec<String> {
        self.shared().look(|workspace| workspace.faults.clone())
    }

    /// Sets the address of the socket on which an app is told to listen, for a test that serves the socket itself. See also
    /// [`enable_socket_mode`](Self::enable_socket_mode).
    pub fn set_socket(&self, url: impl Into<String>) {
        self.shared().change(|workspace, _| workspace.socket = Some(url.into()));
    }

    /// Creates a trigger id, with which the app can open a view for a person, for hand-made requests. It is valid for 3 seconds and for
    /// one view.
    pub fn trigger(&self, user: &str) -> String {
        self.shared().change(|workspace, now| workspace.trigger(user, now))
    }

    /// Creates a response URL for an action of a person in a channel, for hand-made requests.
    pub fn response_url(&self, user: &str, channel: &str) -> String {
        self.shared().response_url(user, channel, None)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

impl fmt::Debug for FakeSlack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("FakeSlack");
        debug.field("workspace", &self.workspace()).field("address", &self.address()).finish_non_exhaustive()
    }
}

impl fmt::Debug for FakeSlackBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeSlackBuilder").field("workspace", &self.workspace).finish_non_exhaustive()
    }
}
