//! Tests of the public API, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests leaves out their helpers"
)]

#[cfg(all(feature = "api", feature = "testing"))]
mod api;
#[cfg(feature = "cli")]
mod app;
#[cfg(feature = "testing")]
mod audit;
#[cfg(feature = "cli")]
mod check_live;
#[cfg(feature = "runtime")]
mod checks;
#[cfg(all(feature = "api", feature = "cli", feature = "remote", feature = "sqlite", feature = "testing"))]
mod cli;
#[cfg(feature = "runtime")]
mod clients;
mod config;
#[cfg(all(feature = "console", feature = "testing"))]
mod console;
#[cfg(feature = "testing")]
mod degraded;
mod directory;
mod docs;
#[cfg(feature = "runtime")]
mod engine;
mod error;
mod event;
mod field_map;
mod fields;
#[cfg(feature = "cli")]
mod generate;
mod handler;
#[cfg(feature = "runtime")]
mod handler_data;
#[cfg(feature = "testing")]
mod harness;
#[cfg(feature = "runtime")]
mod machine;
#[cfg(all(feature = "mcp", feature = "testing"))]
mod mcp;
mod menu;
#[cfg(feature = "cli")]
mod mistakes;
#[cfg(feature = "testing")]
mod rechecks;
mod registry;
#[cfg(all(feature = "cli", feature = "sqlite", feature = "testing"))]
mod replay;
mod routing;
#[cfg(feature = "testing")]
mod runtime;
#[cfg(feature = "runtime")]
mod safety;
#[cfg(feature = "runtime")]
mod secrets;
mod serde_forms;
#[cfg(all(feature = "cli", feature = "server", feature = "sqlite"))]
mod server;
#[cfg(feature = "cli")]
mod simulate_all;
#[cfg(feature = "testing")]
mod simulation;
#[cfg(feature = "testing")]
mod slack_users;
#[cfg(all(feature = "sqlite", feature = "testing"))]
mod sqlite;
mod srn;
#[cfg(feature = "testing")]
mod store_forwarding;
mod support;
mod template;
#[cfg(feature = "terraform")]
mod terraform;
mod user;
#[cfg(all(feature = "sqlite", feature = "testing"))]
mod workers;
