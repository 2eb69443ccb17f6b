//! Agents: a [front end](crate::runtime::FrontEnd) named `mcp` that speaks the Model Context Protocol, for programs that decide by
//! themselves which access they need for a task.
//!
//! Agents ask, and people decide. An agent is a [bot with an owner](crate::directory::Directory::create_agent); its tools list flows, make
//! requests for itself, wait for the decision and give access back, and none of them decides. What it may do is up to the machine, as for
//! everybody: this module only translates. The command `serve` of an [`App`](crate::App) serves it at `/mcp` if this feature is enabled; a
//! program of its own adds it with [`Builder::front_end`](crate::runtime::Builder::front_end):
//!
//! ```
//! use sym_sdk::config::Config;
//! use sym_sdk::mcp::Mcp;
//! use sym_sdk::runtime::Runtime;
//!
//! let builder = Runtime::builder(Config::default()).front_end(Mcp::new());
//! # let _ = builder;
//! ```
//!
//! It guarantees that
//!
//! - **no call waits for a person**: `request_access` returns at once, and `wait_for_request` within 45 seconds;
//! - **a repeated call is no second request**, because models repeat what has timed out;
//! - **access ends with the agent**: a session that its client ends gives back what was requested in it, and an agent that is silent for
//!   longer than the flow's `agent_grace_period` loses what it has. A restart, a lost connection and a new session take nothing away;
//! - **texts stay texts**: what people and services wrote is marked as theirs in what an agent reads.
//!
//! Every call is served on its own: sessions are kept in the store, so that any process serves any call, and a restart ends none.

mod arguments;
mod flows;
mod front_end;
mod http;
mod requests;
mod run_view;
mod server;
mod sessions;
mod silence;
mod stream;
mod tool_result;
mod tools;
mod waiting;

use std::time::Duration;

pub use front_end::Mcp;
pub use stream::serve_stream;
#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) use stream::{StreamEnd, serve_stream_until};

use crate::server::Rate;

/// The name of the front end, below which it is mounted.
pub(crate) const NAME: &str = "mcp";

/// The limits of the front end for agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpLimits {
    /// The rate of calls of each agent. Default: 10 per second, 40 at once.
    pub calls: Rate,
    /// The rate of calls with credentials that are not good, for each client. Default: 10 per minute, 10 at once.
    pub failed_authentications: Rate,
    /// The longest wait of `wait_for_request`. Default: 45 s, since many clients give up after a minute.
    pub wait: Duration,
    /// Maximum number of waits of an agent at the same time. Default: 8.
    pub waits_per_agent: usize,
    /// Timeout of all other calls. Default: 30 s.
    pub call: Duration,
    /// Maximum size of a message in bytes, beside what [`Limits`](crate::runtime::Limits) allows for fields. Default: 128 KiB.
    pub message_bytes: usize,
}

impl Default for McpLimits {
    fn default() -> Self {
        Self {
            calls: Rate::per_second(10).with_burst(40),
            failed_authentications: Rate::per_minute(10),
            wait: Duration::from_secs(45),
            waits_per_agent: 8,
            call: Duration::from_secs(30),
            message_bytes: 128 * 1024,
        }
    }
}
