//! Deliveries of the audit log into streams.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sym_integrations::aws::PermissionContext;
use sym_integrations::aws_kinesis::{KinesisDestination, StreamKind};
use sym_sdk::audit::{self, AuditDestination, AuditLine};
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use crate::request::Fault;

/// The Runs whose first entries are delivered: a call has at most one entry of each.
const RUNS: usize = 2;

/// The records that are enough for the first entry of each Run.
const MAX_RECORDS: usize = 100;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Delivers the first entries of some Runs. The result, or the failure, has them as `lines`, each with its Run.
pub(crate) async fn put_lines(context: &PermissionContext, kind: StreamKind, stream: &str) -> Result<Value, Fault> {
    let lines = first_lines().await?;
    let delivered = KinesisDestination::new("conformance", context, kind, stream)?.deliver(&lines).await;
    let run = |line: &AuditLine| line.record().entry().map(|entry| entry.run.to_string());
    let written = lines.iter().map(|line| Ok(json!([run(line)?, line.as_str()])));
    let written = written.collect::<Result<Value>>()?;
    match delivered {
        Ok(stored) => Ok(json!({ "stored": stored, "lines": written })),
        Err(error) => Err(Fault::Delivery { error, lines: written }),
    }
}

async fn first_lines() -> Result<Vec<AuditLine>> {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(sym_sdk::handlers![get_permissions]);
    let mut harness = builder.build().await?;
    for _ in 0..RUNS {
        harness.request("prod").duration("1h").await?;
    }
    let lines = audit::lines(&**harness.runtime().engine(), 0, MAX_RECORDS).await?;
    let mut runs = BTreeSet::new();
    Ok(lines.into_iter().filter(|line| line.record().entry().is_ok_and(|entry| runs.insert(entry.run))).collect())
}
