//! Tests of the public API, in one binary. They are built with all features.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests leaves out their helpers"
)]

mod aws;
mod aws_lambda;
mod http;
mod log_destinations;
mod okta;
mod pagerduty;
mod slack;
mod slack_app;
mod slack_blocks;
mod slack_fake;
mod slack_manifest;
mod strategies;
mod vendor_api;
