//! Crash tests: a process that executes Runs is killed and restarted.
//!
//! The program `crash-child` executes Runs from request to end on a [`SqliteStore`](sym_sdk::engine::SqliteStore), with the workers
//! of a server. Every commit and every external effect passes a named [crash point](points), at which the process can kill itself.
//! Its external effects are recorded in files of their own. Once all Runs have ended, however many processes that took, [`check`]
//! compares these with the store.
//!
//! The tests are in `tests/`: they start the program, enumerate its crash points, and kill it at each of them and at random times.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "this is test code, which fails by panicking"
)]

pub mod check;
pub mod child;
pub mod clock;
pub mod configured;
pub mod flows;
pub mod front_end;
pub mod golden;
pub mod handlers;
pub mod journal;
pub mod labels;
pub mod load;
pub mod parent;
pub mod points;
pub mod progress;
pub mod scenarios;
pub mod service;
pub mod store;
mod users;
