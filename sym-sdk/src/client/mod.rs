//! A client of the HTTP API, for programs that make requests, wait for decisions or administer a program.
//!
//! [`Client`] has a method for each call that a program usually makes, and [`Client::call`] for all others. Answers are types with the
//! members that matter; members that a newer server adds are ignored, and stay visible in an [`Answer`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use sym_sdk::client::{Client, NewRequest};
//!
//! # async fn deploy(token: secrecy::SecretString) -> sym_sdk::Result<()> {
//! let client = Client::new("https://sym.example.com", token)?;
//! let request = NewRequest::new("prod").input("duration", "1h").input("reason", "INC-42").key("deploy-4711");
//! let receipt = client.request(&request).await?;
//! let mut run = client.run(receipt.run_id).await?;
//! while run.is_undecided() {
//!     if let Some(changed) = client.wait_for_change(run.run_id, run.version, Duration::from_secs(25)).await? {
//!         run = changed;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It guarantees that
//!
//! - **the token goes nowhere else**: only to the server that was named, encrypted unless that is this machine, and not along a redirect. It
//!   is in no error and no `Debug` output;
//! - **every call ends**: its answer begins within the timeout of the call, and is read within two minutes. A download, which may take
//!   longer, ends once nothing has come for a minute;
//! - **every error has the server's code**, hint and request id. Only one that does not come from the server has
//!   [`SERVER_UNREACHABLE`](crate::error::codes::SERVER_UNREACHABLE).
//!
//! Calls are not repeated by themselves: whether that is safe depends on the call. A call with a [key](Call::key) may always be repeated.

mod answer;
mod builder;
mod call;
mod http;
mod requests;
mod transport;
mod types;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

pub use self::answer::{Answer, Download};
pub use self::builder::ClientBuilder;
pub use self::call::{Call, Method};
pub use self::requests::{Decision, NewRequest, RunQuery};
#[cfg(not(all(feature = "api", feature = "cli", feature = "sqlite")))]
use self::transport::Transport;
#[cfg(all(feature = "api", feature = "cli", feature = "sqlite"))]
pub(crate) use self::transport::{Incoming, Transport};
pub use self::types::{
    AccessState, ApprovalCount, Barred, Deciders, DecisionMade, EntryEvent, FieldFailure, FlowDetails, FlowField,
    FlowSummary, HeldAccess, Me, Named, Person, Preview, PreviewDeciders, PreviewNotification, Receipt, Run,
    RunFailure, RunPage, TargetDetails, Timeline, TimelineEntry, UserDetails,
};
use crate::error::Result;
use crate::model::RunId;

/// The largest page of Runs, and of access, that the API returns.
pub(crate) const MAX_PAGE: usize = 200;

/// A client of the HTTP API of a program. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
}

impl Client {
    /// Creates a client of the server at this address, such as `https://sym.example.com`, that authenticates with a token.
    ///
    /// The address is one of HTTPS, or of HTTP on the loopback interface. It may have a path, below which the server's own is mounted.
    ///
    /// # Errors
    /// If the address is invalid, or no HTTP client can be created.
    ///
    /// ```
    /// use sym_sdk::client::Client;
    ///
    /// let client = Client::new("http://127.0.0.1:3000", "symbot_…".into())?;
    /// assert!(Client::new("http://sym.example.com", "symbot_…".into()).is_err(), "the token would be sent unencrypted");
    /// # Ok::<(), sym_sdk::Error>(())
    /// ```
    pub fn new(server: &str, token: SecretString) -> Result<Self> {
        Self::builder(server).token(token)
    }

    /// Returns the settings of a client of the server at this address, for a private certificate authority or the token of a CI job.
    pub fn builder(server: &str) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    /// Creates a client that calls through another transport.
    #[cfg_attr(
        not(all(feature = "api", feature = "cli", feature = "sqlite")),
        expect(dead_code, reason = "only the command line has another transport")
    )]
    pub(crate) fn over(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport) }
    }

    /// Makes a call.
    ///
    /// # Errors
    /// If the server refuses it, or cannot be reached.
    pub async fn call(&self, call: &Call) -> Result<Answer> {
        Answer::read(self.transport.send(call).await?).await
    }

    /// Makes a call whose answer is read as it comes, such as an export.
    ///
    /// # Errors
    /// If the server refuses it, or cannot be reached.
    pub async fn download(&self, call: &Call) -> Result<Download> {
        Download::open(self.transport.send(call).await?).await
    }

    /// Returns the caller, and their rights.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn me(&self) -> Result<Me> {
        self.call(&Call::get(["me"])).await?.parse()
    }

    /// Lists the flows that the caller may request.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn flows(&self) -> Result<Vec<FlowSummary>> {
        self.call(&Call::get(["flows"])).await?.parse_member("flows")
    }

    /// Returns a flow, with what a request to it consists of.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn flow(&self, name: &str) -> Result<FlowDetails> {
        self.call(&Call::get(["flows", name])).await?.parse()
    }

    /// Makes a request. It is durable once this returns; what becomes of it is seen in the Run.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn request(&self, request: &NewRequest) -> Result<Receipt> {
        self.call(&request.call()).await?.parse()
    }

    /// Returns what would become of a request. Nothing is stored, and no hook is called.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn preview(&self, request: &NewRequest) -> Result<Preview> {
        self.call(&request.preview_call()).await?.parse()
    }

    /// Returns a Run.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn run(&self, run: RunId) -> Result<Run> {
        self.call(&Call::run(run)).await?.parse()
    }

    /// Waits until a Run has another version than the one that the caller knows. Returns `None` if it has not in this time, of which a
    /// server takes at most 25 seconds; the wait can be shorter, for example because the server stops.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn wait_for_change(&self, run: RunId, version: u64, wait: Duration) -> Result<Option<Run>> {
        let answer = self.call(&Call::run_change(run, version, wait)).await?;
        if answer.is_unchanged() { Ok(None) } else { answer.parse().map(Some) }
    }

    /// Lists Runs, the latest first.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn runs(&self, query: &RunQuery) -> Result<RunPage> {
        self.call(&query.call()).await?.parse()
    }

    /// Returns what has happened in a Run after the entry with this number, in order; 0 begins with the first one.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn timeline(&self, run: RunId, after: u64) -> Result<Timeline> {
        self.call(&Call::timeline(run, after)).await?.parse()
    }

    /// Returns who can decide a request, or could have.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn deciders(&self, run: RunId) -> Result<Deciders> {
        self.call(&Call::deciders(run)).await?.parse()
    }

    /// Approves a request.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn approve(&self, run: RunId, decision: &Decision) -> Result<Receipt> {
        self.call(&decision.call(run, "approve")).await?.parse()
    }

    /// Denies a request, or withdraws it if it is the caller's own.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn deny(&self, run: RunId, decision: &Decision) -> Result<Receipt> {
        self.call(&decision.call(run, "deny")).await?.parse()
    }

    /// Ends access before it expires.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn revoke(&self, run: RunId) -> Result<Receipt> {
        self.call(&Call::of_run(run, "revoke").body(json!({}))).await?.parse()
    }

    /// Gives up a revocation that keeps failing. The reason says how the access is taken away instead.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn write_off(&self, run: RunId, reason: &str) -> Result<Receipt> {
        self.call(&Call::of_run(run, "write-off").body(json!({ "reason": reason }))).await?.parse()
    }

    /// Lists the access that there is now, of everybody or of the user with this name, as far as the caller may see it.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn access(&self, username: Option<&str>) -> Result<Vec<HeldAccess>> {
        let (mut access, mut after): (Vec<HeldAccess>, Option<String>) = (Vec::new(), None);
        loop {
            let call = Call::get(["access"]).query_if("username", username).query("limit", MAX_PAGE);
            let answer = self.call(&call.query_if("after", after.as_deref())).await?;
            access.extend(answer.parse_member::<Vec<HeldAccess>>("access")?);
            after = answer.parse_member("next")?;
            if after.is_none() {
                return Ok(access);
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("transport", &self.transport).finish()
    }
}
