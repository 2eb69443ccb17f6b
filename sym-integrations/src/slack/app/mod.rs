//! The Slack front end: people request access, decide on requests and are notified in Slack.
//!
//! [`SlackApp`] is a [`FrontEnd`] for [`Server`](sym_sdk::server::Server) and the command `serve`; [`front_end_type`] builds it
//! from the configuration. Its routes can also be mounted in any axum server, with [`SlackApp::router`]:
//!
//! ```
//! use axum::Router;
//! use sym_integrations::slack::{Slack, app::SlackApp, signature::SigningSecret};
//! use sym_sdk::config::Config;
//! use sym_sdk::runtime::Runtime;
//!
//! let slack = Slack::builder("T012AB3CD").token("xoxb-1").build()?;
//! let app = SlackApp::new(slack, SigningSecret::new("8f742231b10e8888abcd99yyyzzz85a5".into())?);
//! let builder = Runtime::builder(Config::default()).front_end(app.clone());
//!
//! // Once the runtime is built:
//! let routes = move |runtime: Runtime| Router::<()>::new().nest("/slack", app.router(runtime));
//! # let _ = (builder, routes);
//! # Ok::<(), sym_sdk::Error>(())
//! ```
//!
//! # From an interaction to a submission
//!
//! Slack sends slash commands to `/slack/commands`, clicks and views to `/slack/interactions`, the text typed into menus to
//! `/slack/options`, and events to `/slack/events`; [`manifest`] describes an app with these URLs. In [Socket Mode](SlackApp::socket_mode) the same payloads
//! arrive on a WebSocket that the app opens itself. Either way, a payload is authenticated, parsed once into a typed value and
//! handed to the dispatcher, which calls one function for each kind:
//!
//! - A command or shortcut opens a loading view, because a trigger id expires after three seconds. The flow's form is then
//!   requested from the runtime, which calls prefetch handlers and asks the front end to show the result in that view.
//! - Typing into a menu is answered from memory. A keystroke is the most frequent interaction, so the options of a field are
//!   prepared for searching once.
//! - A changed field runs its `on_change` handler and updates the view. Changes to one form are applied one after another.
//! - A submitted form becomes a request; validation errors are returned to the field that they belong to.
//! - A click on Approve, Deny or Revoke becomes a decision. Deny asks for a reason first.
//! - `/sym list` and the home tab show what a person has to do with requests.
//!
//! In every case the acting Slack account is mapped to a user, at most one minute after Slack last confirmed that the account is
//! active. The input key is derived from the payload: when Slack delivers an interaction again, the runtime recognizes it and
//! returns the recorded reply.
//!
//! # What an approver sees
//!
//! Somebody who decides must see what they decide on, and most of a request's message was written by the person who wants it
//! approved, or comes from a service. So two rules hold for messages of requests and for notices:
//!
//! - **Text of others is literal.** It is placed in rich text, in which Slack interprets nothing, and is beside its label or in a
//!   quotation, so it cannot look like another part of the message. Characters that nobody would see are shown by their code.
//! - **Nothing is left out silently.** If a request is longer than a message may be, its longest texts are shown in part, with the
//!   number of characters that are missing. A button shows the whole request in a view, to the requester and to whoever sees the
//!   request's message, and Approve asks for a confirmation first.
//!
//! # Deadlines
//!
//! Slack waits three seconds for a response and shows an error to the user otherwise. Decisions and requests are acknowledged
//! only when they are durable. If that takes longer than the response deadline, the user sees Slack's error, but the work
//! continues; repeating the click is safe because it has the same input key or is refused as already decided. Whatever may be
//! slow, such as handlers and calls to Slack, runs after the response. On shutdown, [`FrontEnd::run`] waits for this work.
//!
//! # State
//!
//! Everything that must survive a restart is in the Run: its form's view, its messages and its decisions; or among the values of the
//! runtime: the ids of channels that were renamed or got another id. What this module holds in memory is a cache: open forms with their
//! options, prepared menus and recently seen users. After a restart, or when another process showed a form, the form is rebuilt by calling
//! its handlers again.
//!
//! # When Slack fails
//!
//! What is not shown or sent is requested again by the machine, so a delivery does not wait long inside of a call. A message that was deleted, or whose channel is gone, is reported as such, and the machine decides
//! whether it appears again.
//!
//! # What is left to others
//!
//! The machine decides who may do what, which message is in force and which step follows. The runtime validates inputs, calls
//! handlers and delivers notifications through [`Delivery`]. The client in [`slack`](super) classifies Slack's errors, retries
//! and limits rates. This module contains no rule about requests; it only translates between Slack and the runtime.

mod acting_user;
mod channel_ids;
mod clients;
mod config;
mod deadline;
mod decision;
mod delivery;
mod denial;
mod dispatcher;
mod events;
mod extension;
mod flow_picker;
mod form_change;
mod form_inputs;
mod form_open;
mod form_place;
mod form_rebuild;
mod form_submit;
mod form_view;
mod known_accounts;
mod manifest;
mod notice_message;
mod option_key;
mod option_search;
mod overview;
mod payload;
mod receipt_message;
mod recent_failures;
mod request_message;
mod request_text;
mod response;
mod slash_command;
mod socket_mode;
mod text_layout;
mod webhook;
mod whole_request;

use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::Router;
use jiff::Timestamp;
use sym_sdk::delivery::Delivery;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{RunId, User, UserId};
use sym_sdk::runtime::{Actor, FrontEnd, RouterContext, RunLinks, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

pub use config::front_end_type;
pub use manifest::{manifest, scopes};

use super::Slack;
use super::signature::SigningSecret;
use crate::bounded_cache::BoundedCache;
use crate::kit::VendorClient;
use acting_user::ActingUsers;
use channel_ids::ChannelIds;
use clients::Clients;
use dispatcher::Dispatcher;
use form_place::OpenForms;
use option_search::OptionIndexCache;
use recent_failures::RecentFailures;

/// The name of the front end. Its routes are mounted below it.
const NAME: &str = "slack";

/// The maximum number of cached addresses of messages.
const PERMALINKS_CAPACITY: usize = 10_000;

/// The maximum number of remembered replies that say what a message cannot.
const THREAD_UPDATES_CAPACITY: usize = 1_000;

/// The front end for one workspace. Clones share the open forms and caches.
#[derive(Clone)]
pub struct SlackApp(Arc<Inner>);

struct Inner {
    clients: Clients,
    mode: Mode,
    users: ActingUsers,
    forms: OpenForms,
    option_indexes: OptionIndexCache,
    channel_ids: ChannelIds,
    /// The text of `/sym support`.
    support: Option<String>,
    /// The addresses of the pages of Runs, once the routes are mounted beside such pages.
    run_links: OnceLock<RunLinks>,
    /// The addresses of messages.
    permalinks: BoundedCache<String, Url>,
    /// The replies in the threads of messages that cannot be edited any more.
    thread_updates: BoundedCache<String, ()>,
    /// The messages whose address Slack did not give.
    missing_permalinks: RecentFailures<String>,
    /// The users who have no account in the workspace.
    without_account: RecentFailures<UserId>,
    tasks: TaskTracker,
}

/// The way in which Slack delivers interactions.
enum Mode {
    /// As HTTP requests, signed with this secret.
    Http(SigningSecret),
    /// On a WebSocket that the app opens.
    Socket,
}

impl SlackApp {
    /// Creates the front end for the client's workspace, with the secret that signs Slack's requests. The client needs the
    /// runtime's [directory](super::SlackBuilder::directory), which maps Slack accounts to users.
    pub fn new(slack: Slack, signing_secret: SigningSecret) -> Self {
        Self::with_mode(slack, Mode::Http(signing_secret))
    }

    /// Creates the front end in [Socket Mode](https://docs.slack.dev/apis/events-api/using-socket-mode), for a machine without a
    /// public address. The client needs an [app-level token](super::SlackBuilder::app_token). [`FrontEnd::run`] keeps the socket
    /// open; HTTP requests are rejected.
    pub fn socket_mode(slack: Slack) -> Self {
        Self::with_mode(slack, Mode::Socket)
    }

    /// Sets the text of `/sym support`: whom to ask, in [Slack's markup](https://docs.slack.dev/messaging/formatting-message-text). Call it
    /// before the front end is cloned.
    #[must_use]
    pub fn with_support(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.support = Some(text).filter(|text| !text.trim().is_empty());
        }
        self
    }

    fn with_mode(slack: Slack, mode: Mode) -> Self {
        let (users, option_indexes, tasks) = Default::default();
        let (missing_permalinks, without_account) = Default::default();
        Self(Arc::new(Inner {
            channel_ids: ChannelIds::new(slack.workspace()),
            clients: Clients::new(slack),
            mode,
            users,
            forms: OpenForms::default(),
            option_indexes,
            support: None,
            run_links: OnceLock::new(),
            permalinks: BoundedCache::new(PERMALINKS_CAPACITY),
            thread_updates: BoundedCache::new(THREAD_UPDATES_CAPACITY),
            missing_permalinks,
            without_account,
            tasks,
        }))
    }

    /// Returns the routes `/commands`, `/interactions`, `/options` and `/events`. Requests without a valid signature are rejected.
    pub fn router(&self, runtime: Runtime) -> Router {
        webhook::router(Dispatcher::new(self.clone(), runtime))
    }

    fn verify(&self, timestamp: Option<&str>, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<()> {
        match &self.0.mode {
            Mode::Http(secret) => secret.verify(timestamp, signature, body, now),
            Mode::Socket => {
                let message = "this app uses Socket Mode and accepts no HTTP requests";
                Err(Error::new(ErrorKind::Unauthorized, super::codes::NOT_SIGNED, message).with_service(NAME))
            }
        }
    }

    /// Returns the client for what somebody waits for.
    fn slack(&self) -> &Slack {
        &self.clients().interactive
    }

    fn clients(&self) -> &Clients {
        &self.0.clients
    }

    /// Returns the time by the clock of the client.
    fn now(&self) -> Timestamp {
        self.slack().service().clock().now()
    }

    /// Returns the user of a Slack account. See [`ActingUsers::user`].
    async fn user(&self, account: &str, now: Timestamp) -> Result<Arc<User>> {
        self.0.users.user(self.slack(), account, now).await
    }

    /// Returns the user of a Slack account for an action. See [`ActingUsers::fresh_user`].
    async fn fresh_user(&self, account: &str, now: Timestamp) -> Result<Arc<User>> {
        self.0.users.fresh_user(self.slack(), account, now).await
    }

    /// Returns why an account cannot be selected in a form. See [`ActingUsers::unselectable`].
    async fn unselectable(&self, account: &str, now: Timestamp) -> Result<Option<&'static str>> {
        self.0.users.unselectable(self.slack(), account, now).await
    }

    /// Returns the user of a Slack account as the actor of an action. See [`ActingUsers::actor`].
    async fn actor(&self, runtime: &Runtime, account: &str) -> Result<Actor> {
        self.0.users.actor(self.slack(), runtime, account).await
    }

    /// Returns the text of `/sym support`.
    fn support(&self) -> &str {
        const UNKNOWN: &str = "No contact is configured. Ask an administrator of the workspace.";
        self.0.support.as_deref().unwrap_or(UNKNOWN)
    }

    /// Returns the address of the page of a Run, if there is one.
    fn run_page(&self, run: RunId) -> Option<Url> {
        self.0.run_links.get().and_then(|links| links.link(run).parse().ok())
    }

    fn forms(&self) -> &OpenForms {
        &self.0.forms
    }

    fn option_indexes(&self) -> &OptionIndexCache {
        &self.0.option_indexes
    }

    /// Returns the tasks that continue after Slack received its response.
    fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Drops the form of a Run from memory.
    fn discard_form(&self, run: RunId) {
        self.forms().remove(run);
        self.option_indexes().remove(run);
    }
}

impl fmt::Debug for SlackApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackApp").field("workspace", &self.slack().workspace()).finish_non_exhaustive()
    }
}

impl FrontEnd for SlackApp {
    fn name(&self) -> &str {
        NAME
    }

    fn delivery(self: Arc<Self>) -> Option<impl Delivery> {
        Some(self)
    }

    fn router(&self, context: RouterContext) -> Router {
        if let Some(links) = context.run_links() {
            // Mounted a second time, the first address stays.
            let _ = self.0.run_links.set(links);
        }
        Self::router(self, context.runtime)
    }

    /// Keeps the socket open in Socket Mode. After `stop`, waits for the work that was already acknowledged.
    async fn run(&self, runtime: Runtime, stop: CancellationToken) -> Result<()> {
        match self.0.mode {
            Mode::Http(_) => stop.cancelled().await,
            Mode::Socket => socket_mode::listen(Dispatcher::new(self.clone(), runtime), stop).await?,
        }
        self.tasks().close();
        self.tasks().wait().await;
        Ok(())
    }

    /// Checks that the token is valid and belongs to the configured workspace. That Slack limits the rate of these checks says nothing of
    /// either.
    async fn check(&self) -> Result<()> {
        match IntegrationClient::check(self.slack()).await {
            Err(error) if error.kind() == ErrorKind::RateLimited => Ok(()),
            checked => checked.map(drop),
        }
    }
}

/// Logs an error that occurred after Slack received its response.
fn log_error(doing: &str, error: &Error) {
    tracing::warn!(%error, "{doing} in Slack failed");
}
