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

use std::time::Duration;

automod::dir!("tests/it");

/// The real time after which a test counts as hanging. What it limits takes nearly none, but the machine may be busy.
const GRACE: Duration = Duration::from_secs(120);
