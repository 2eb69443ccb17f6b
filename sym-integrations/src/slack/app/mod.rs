//! The front end: people ask for access, decide and are told in Slack.
//!
//! [`SlackApp`] is a [`FrontEnd`] for [`Server`](sym_sdk::server::Server) and the command `serve`; [`front_end_type`] builds it from
//! the configuration. Its routes can stand in any axum server too, with [`SlackApp::router`]:
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
//! Slack sends commands to `/slack/commands`, what people do in views and messages to `/slack/interactions`, and what they type
//! into menus to `/slack/options`. [`manifest`] is the description of an app that does. A machine without a public address listens on
//! a socket instead: [`SlackApp::on_socket`].
//!
//! Slack waits for an answer for three seconds. Decisions and requests are answered once they are durable; if that takes longer,
//! Slack tells whoever clicked, and the work goes on. Sent again, the same click is the same decision.

mod anew;
mod answer;
mod card;
mod change;
mod command;
mod config;
mod decide;
mod delivery;
mod forms;
mod inputs;
mod manifest;
mod menu;
mod modal;
mod notice;
mod open;
mod option;
mod payload;
mod people;
mod picker;
mod receive;
mod socket;
mod submit;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;
use sym_sdk::delivery::Delivery;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::RunId;
use sym_sdk::runtime::{FrontEnd, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::front_end_type;
pub use manifest::{manifest, scopes};

use super::Slack;
use super::signature::SigningSecret;
use forms::Forms;
use menu::Menus;
use people::People;
use receive::Front;

inventory::submit! { crate::plugins::Registration::FrontEnd(front_end_type) }

/// The front end's name, below which its routes are mounted.
const NAME: &str = "slack";

/// The front end for one workspace. Clones share the forms that people have open.
#[derive(Clone)]
pub struct SlackApp(Arc<Inner>);

struct Inner {
    slack: Slack,
    reached_by: ReachedBy,
    people: People,
    forms: Arc<Forms>,
    menus: Menus,
    tasks: TaskTracker,
}

/// How Slack tells what people do.
enum ReachedBy {
    /// It sends requests, which are signed.
    Requests(SigningSecret),
    /// It answers on a socket.
    Socket,
}

impl SlackApp {
    /// The front end for the client's workspace, whose requests are signed with this secret. The client needs the
    /// [directory](super::SlackBuilder::directory) of the runtime, which keeps whose account is whose.
    pub fn new(slack: Slack, signing_secret: SigningSecret) -> Self {
        Self::reached_by(slack, ReachedBy::Requests(signing_secret))
    }

    /// The front end in [Socket Mode](https://docs.slack.dev/apis/events-api/using-socket-mode), for a machine without a public
    /// address. The client needs an [app-level token](super::SlackBuilder::app_token). [`FrontEnd::run`] keeps the socket; requests
    /// are refused.
    pub fn on_socket(slack: Slack) -> Self {
        Self::reached_by(slack, ReachedBy::Socket)
    }

    fn reached_by(slack: Slack, reached_by: ReachedBy) -> Self {
        let (people, forms, menus, tasks) = Default::default();
        Self(Arc::new(Inner { slack, reached_by, people, forms, menus, tasks }))
    }

    /// The routes `/commands`, `/interactions` and `/options`. They take nothing that Slack has not signed.
    pub fn router(&self, runtime: Runtime) -> Router {
        receive::router(self.clone(), runtime)
    }

    fn verify(&self, sent: Option<&str>, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<()> {
        match &self.0.reached_by {
            ReachedBy::Requests(secret) => secret.verify(sent, signature, body, now),
            ReachedBy::Socket => {
                let message = "this app is on a socket, and Slack sends it no requests";
                Err(Error::new(ErrorKind::Unauthorized, super::codes::NOT_SIGNED, message).with_service(NAME))
            }
        }
    }

    fn slack(&self) -> &Slack {
        &self.0.slack
    }

    fn people(&self) -> &People {
        &self.0.people
    }

    fn forms(&self) -> &Arc<Forms> {
        &self.0.forms
    }

    fn menus(&self) -> &Menus {
        &self.0.menus
    }

    /// What goes on after Slack was answered.
    fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Holds the form of a Run no more.
    fn forget(&self, run: RunId) {
        self.forms().remove(run);
        self.menus().remove(run);
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

    fn router(&self, runtime: Runtime) -> Router {
        Self::router(self, runtime)
    }

    /// Listens on the socket, in Socket Mode. When it is told to stop, it waits for what is under way.
    async fn run(&self, runtime: Runtime, stop: CancellationToken) -> Result<()> {
        match self.0.reached_by {
            ReachedBy::Requests(_) => stop.cancelled().await,
            ReachedBy::Socket => Front { app: self.clone(), runtime }.listen(stop).await?,
        }
        // What was acknowledged is finished, as long as the server waits.
        self.tasks().close();
        self.tasks().wait().await;
        Ok(())
    }

    /// Whether the token is good, and that of the workspace that is configured.
    async fn check(&self) -> Result<()> {
        let owner = self.slack().api().test_auth().await?;
        if owner.team_id == self.slack().workspace() {
            return Ok(());
        }
        let (theirs, ours) = (owner.team_id, self.slack().workspace());
        let message = format!("the bot token is of workspace `{theirs}`, and `{ours}` is configured");
        Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(NAME))
    }
}
