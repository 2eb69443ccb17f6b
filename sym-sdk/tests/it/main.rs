//! Tests of the public API, in one binary.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail by panicking")]

mod handler;
mod registry;

#[cfg(feature = "runtime")]
mod machine;
