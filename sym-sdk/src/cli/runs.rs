//! The command `runs`: lists the Runs of a store.

use std::io;

use jiff::Timestamp;
use serde::Serialize;

use super::Exit;
use super::args::RunsArgs;
use super::exit::CommandError;
use super::output::{Output, count};
use super::table::write_table;
use crate::engine::{RunFilter, SqliteStore, Store, StoredRun};
use crate::machine::{Access, EffectKind, RunState};
use crate::model::{RunId, RunStatus};

const WRITTEN_OFF: &str = "written off";

/// A Run, as JSON.
#[derive(Debug, Serialize)]
struct Row {
    run_id: RunId,
    flow: String,
    status: RunStatus,
    requester: Option<String>,
    target: Option<String>,
    access: &'static str,
    /// The id of the account with access, at the service.
    identity: Option<String>,
    until: Option<Timestamp>,
    /// The time until which access that was revoked is revoked again, because a grant may still take effect.
    settles_at: Option<Timestamp>,
    /// The number of failed attempts to revoke the access.
    failed_attempts: Option<u32>,
    error: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(super) async fn run(args: RunsArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let limit = args.limit.get();
    let runs = list(args).await?;
    write(&runs, limit, output)?;
    Ok(Exit::Success)
}

async fn list(args: RunsArgs) -> Result<Vec<StoredRun>, CommandError> {
    let store = SqliteStore::open_read_only(args.database.db).await?;
    let filter = RunFilter {
        flow: args.flow,
        status: args.status,
        may_hold_access: args.holding || args.stuck,
        stuck: args.stuck,
        ..RunFilter::default()
    };
    // One more than requested, to tell whether there are more.
    let runs = store.runs(filter, args.limit.saturating_add(1).get()).await?;
    store.close().await?;
    Ok(runs)
}

fn write(runs: &[StoredRun], limit: usize, output: &mut Output<'_>) -> io::Result<()> {
    let rows: Vec<_> = runs.iter().take(limit).map(|run| Row::new(&run.state)).collect();
    if output.json {
        return output.value(&rows);
    }
    if rows.is_empty() {
        return writeln!(output.out, "No Runs found");
    }
    let head = ["RUN", "FLOW", "STATUS", "REQUESTER", "TARGET", "ACCESS"];
    write_table(output.out, head, rows.iter().map(Row::cells), None)?;
    if runs.len() > limit {
        writeln!(output.out, "\nShowing the first {}; use `--limit` to show more", count(limit, "Run"))?;
    }
    Ok(())
}

impl Row {
    fn new(state: &RunState) -> Self {
        let (run, grant) = (&state.run, state.access.grant());
        let requested = state.request.as_ref().and_then(|request| request.target.as_ref());
        let attempts = state.pending.values().filter(|pending| matches!(pending.kind, EffectKind::Revoke { .. }));
        let attempt = attempts.map(|pending| pending.attempt).max();
        Self {
            run_id: run.id(),
            flow: state.flow.slug().to_owned(),
            status: run.status(),
            requester: run.requester().map(|user| user.username().to_owned()),
            target: grant.map(|grant| &grant.target).or(requested).map(|target| target.title()),
            access: match &state.access {
                Access::None => "none",
                Access::Granting(_) => "granting",
                Access::Held(_) => "held",
                Access::Revoking { .. } => "revoking",
                Access::Ended => "ended",
                Access::WrittenOff(_) => WRITTEN_OFF,
            },
            identity: grant.map(|grant| grant.identity.clone()),
            until: grant.and_then(|grant| grant.until),
            settles_at: state.settles_at(),
            failed_attempts: attempt.map(|attempt| attempt.saturating_sub(1)),
            error: state.error.as_ref().map(|error| error.message.clone()),
            created_at: state.created_at,
            updated_at: state.updated_at,
        }
    }

    fn cells(&self) -> [String; 6] {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let access = match (self.failed_attempts, self.settles_at.or(self.until)) {
            (None | Some(0), Some(until)) if self.settles_at.is_some() => {
                format!("revoked; checking again until {until:.0}")
            }
            (Some(failed @ 1..), _) => format!("{}, {}", self.access, count(failed as usize, "failed attempt")),
            (None, Some(until)) if self.access != WRITTEN_OFF => format!("{} until {until:.0}", self.access),
            _ => self.access.to_owned(),
        };
        let status = self.status.to_string();
        [self.run_id.to_string(), self.flow.clone(), status, text(&self.requester), text(&self.target), access]
    }
}
