//! Tests of the public API, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests leaves out their helpers"
)]

#[cfg(all(feature = "aws", feature = "testing"))]
mod aws;
#[cfg(all(feature = "aws-lambda", feature = "testing"))]
mod aws_lambda;
#[cfg(feature = "testing")]
mod http;
#[cfg(feature = "http")]
mod log_destinations;
#[cfg(all(feature = "okta", feature = "testing"))]
mod okta;
#[cfg(all(feature = "pagerduty", feature = "testing"))]
mod pagerduty;
#[cfg(all(feature = "slack", feature = "testing"))]
mod slack;
#[cfg(feature = "slack-app")]
mod slack_app;
#[cfg(feature = "slack-app")]
mod slack_blocks;
#[cfg(feature = "slack-app")]
mod slack_manifest;
#[cfg(all(feature = "http", feature = "testing"))]
mod strategies;
