//! Promises that hold for all ways into a program, each from end to end.
//!
//! - **Who may do what** (`table`): for each kind of user, each action, through the five ways there are. What is expected is written by
//!   hand, and not asked of the machine. A test is named after the way and the user, such as `through_slack::member_named`.
//! - **An operator's day** (`day`): each task as one command and as one call of the API, in one test.
//!
//! Each test has a time limit of its own, also for code that never yields.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy's exception for tests leaves out their helpers"
)]

mod browser;
mod call;
mod day;
mod limit;
mod program;
mod table;
mod through_api;
mod through_console;
mod through_file;
mod through_server;
mod through_slack;
mod world;
