//! The workspace as shared by its server, its page and its people.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result, codes};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::page::Reads;
use super::socket_mode::Sockets;
use super::workspace::{ResponseUrl, Workspace};
use crate::http::SecretString;

/// `Slack:NOT_VISIBLE`: a person acted on something that they do not see in a [`FakeSlack`](super::FakeSlack).
pub const NOT_VISIBLE: ErrorCode = ErrorCode::new("Slack", "NOT_VISIBLE");
/// `Slack:APP_DID_NOT_RESPOND`: the app did not respond within three seconds with status 200.
pub const APP_DID_NOT_RESPOND: ErrorCode = ErrorCode::new("Slack", "APP_DID_NOT_RESPOND");

/// Time for which people wait for something to appear.
const VISIBLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Real time after which a wait ends, whatever the clock of the workspace shows. Nobody may advance a virtual clock, and a wait that never ends
/// would look like a test that is slow.
const MAX_REAL_WAIT: Duration = Duration::from_secs(60);

/// Time for which a response URL is remembered, longer than its validity, to report that it has expired.
const RESPONSE_URL_TTL: Duration = Duration::from_secs(60 * 60);

pub(super) struct Shared {
    pub(super) address: SocketAddr,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) http: reqwest::Client,
    pub(super) secrets: Secrets,
    workspace_id: String,
    workspace: Mutex<Workspace>,
    pub(super) sockets: Sockets,
    /// The messages that people have read on the page.
    pub(super) reads: Mutex<Reads>,
    /// Number of changes.
    pub(super) version: watch::Sender<u64>,
    pub(super) stop: CancellationToken,
}

pub(super) struct Secrets {
    pub(super) bot_token: SecretString,
    pub(super) app_token: SecretString,
    pub(super) signing_secret: SecretString,
}

impl Shared {
    pub(super) fn new(
        address: SocketAddr,
        clock: Arc<dyn Clock>,
        http: reqwest::Client,
        secrets: Secrets,
        workspace: Workspace,
    ) -> Self {
        let workspace_id = workspace.names.workspace.clone();
        let (version, _) = watch::channel(0);
        let (workspace, stop) = (Mutex::new(workspace), CancellationToken::new());
        let (sockets, reads) = Default::default();
        Self { address, clock, http, secrets, workspace_id, workspace, sockets, reads, version, stop }
    }

    /// Reads the workspace.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Workspace) -> T) -> T {
        look(&self.workspace.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the workspace and wakes all who wait for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Workspace, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let changed = change(&mut self.workspace.lock().unwrap_or_else(PoisonError::into_inner), now);
        self.version.send_modify(|version| *version = version.wrapping_add(1));
        changed
    }

    /// Waits until `look` returns a value. `what` describes the expectation in the error if it does not.
    pub(super) async fn until<T>(
        &self,
        what: impl FnOnce() -> String,
        mut look: impl FnMut(&Workspace) -> Option<T>,
    ) -> Result<T> {
        let mut version = self.version.subscribe();
        let seen = async {
            loop {
                version.borrow_and_update();
                if let Some(seen) = self.look(&mut look) {
                    return Some(seen);
                }
                version.changed().await.ok()?;
            }
        };
        let seen = tokio::select! {
            seen = seen => seen,
            () = self.timeout(VISIBLE_TIMEOUT) => None,
        };
        seen.ok_or_else(|| not_visible(what()))
    }

    /// Waits for a duration by the clock of the workspace, and no longer than a minute of real time.
    pub(super) async fn timeout(&self, duration: Duration) {
        tokio::select! {
            () = self.clock.sleep(duration) => {}
            () = SystemClock.sleep(MAX_REAL_WAIT) => {}
        }
    }

    /// Waits until calls are no longer held back, or the workspace stops.
    pub(super) async fn released(&self) {
        let mut version = self.version.subscribe();
        loop {
            version.borrow_and_update();
            if !self.look(|workspace| workspace.hangs) {
                return;
            }
            tokio::select! {
                changed = version.changed() => if changed.is_err() { return },
                () = self.stop.cancelled() => return,
            }
        }
    }

    pub(super) fn workspace(&self) -> &str {
        &self.workspace_id
    }

    pub(super) fn bot_token(&self) -> &str {
        self.secrets.bot_token.expose_secret()
    }

    pub(super) fn app_token(&self) -> &str {
        self.secrets.app_token.expose_secret()
    }

    /// Creates a response URL for an action.
    pub(super) fn response_url(&self, user: &str, channel: &str, message: Option<&str>) -> String {
        let (kind, secret, id) = self.change(|workspace, made| {
            let secret: String = std::iter::repeat_with(|| workspace.random.alphanumeric()).take(24).collect();
            let (user, channel, message) = (user.to_owned(), channel.to_owned(), message.map(str::to_owned));
            let kind = if message.is_some() { "actions" } else { "commands" };
            let url = ResponseUrl { user, channel, message, made, uses: 0 };
            let is_recent = |url: &ResponseUrl| made.duration_since(url.made).unsigned_abs() < RESPONSE_URL_TTL;
            workspace.response_urls.retain(|_, url| is_recent(url));
            workspace.response_urls.insert(secret.clone(), url);
            (kind, secret, workspace.next())
        });
        format!("http://{}/{kind}/{}/{id}/{secret}", self.address, self.workspace_id)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("workspace", &self.workspace_id)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

pub(super) fn configuration_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service("slack")
}

/// The error for something that a person does not see.
pub(super) fn not_visible(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::NotFound, NOT_VISIBLE, message).with_service("slack")
}
