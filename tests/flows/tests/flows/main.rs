//! Runs each flow from the request to its end.
#![allow(clippy::unwrap_used, reason = "clippy's exception for tests leaves out their helpers")]

mod aws_lambda_sdk;
mod aws_lambda_strategy;
mod circleci;
mod custom_strategy;
mod github_targets;
mod google_group;
mod knowbe4;
mod multiple_environments;
mod mysql_user;
mod okta_sdk;
mod pagerduty_on_call;
mod plain;
mod postgres_role;
mod victorops;

use std::time::Duration;

use sym_sdk::integration::Outbox;
use sym_sdk::testing::{Harness, HarnessBuilder};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Builds a harness for the Terraform files of a flow. Its timeline includes the calls to fakes.
fn flow(name: &str, outbox: &Outbox) -> HarnessBuilder {
    let dir = format!("{}/terraform/{name}", env!("CARGO_MANIFEST_DIR"));
    Harness::builder().terraform_dir(dir).outbox(outbox.clone())
}

/// Returns the calls to fakes as `service to recipient: text`.
fn sent(outbox: &Outbox) -> Vec<String> {
    let sent = outbox.sent().into_iter();
    sent.map(|sent| format!("{} to {}: {}", sent.service, sent.to, sent.text)).collect()
}
