//! Tests of the public API, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests leaves out their helpers"
)]

#[cfg(feature = "testing")]
mod http;
#[cfg(feature = "http")]
mod log_destinations;
