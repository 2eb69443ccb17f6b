//! The parts that load tests over HTTP share: a flow with its people, a store filled with Runs, and times in order.

#![allow(clippy::disallowed_methods, reason = "it measures elapsed time")]

pub mod fill;
pub mod fixture;
pub mod latencies;

use std::io::{self, Write as _};

/// A result whose error ends the program with a message.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Tells what the program does, on standard error.
pub fn progress(text: &str) {
    // Nothing can be done if nobody reads it.
    let _ = writeln!(io::stderr(), "load: {text}");
}
