//! Tests of the public API, in one binary. They are built with all features.
//!
//! Every file beside this one is a module, so that the tests of a new service are found by their file alone: `okta.rs`, with its
//! children in `okta/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests leaves out their helpers"
)]

automod::dir!("tests/it");
