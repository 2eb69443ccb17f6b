//! A process that runs Runs, is killed, and is started again.
//!
//! The program `crash-child` carries Runs from request to end on a [`SqliteStore`](sym_sdk::engine::SqliteStore) with the
//! workers that a server has. Everything that it commits and everything that it does to the world passes a named
//! [point](points), and it can be told to kill itself at one. What it does to the world it writes into files of its own, so
//! that [`check`] can hold that against what the store says once all Runs have ended, however many processes it took.
//!
//! The tests are in `tests/`: they start the program, count its points, kill it at each, and at random.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this is a test, and a panic is how it fails"
)]

pub mod check;
pub mod child;
pub mod clock;
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
pub mod script;
pub mod service;
pub mod store;
mod users;
