//! The command `runs`: lists Runs.

use std::io;

use serde_json::{Value, json};

use super::list::{Column, Columns, or_dash};
use super::session::Session;
use super::times::{Times, duration_name, duration_text};
use super::watch::watch;
use crate::cli::Exit;
use crate::cli::args::RunsArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, count};
use crate::client::{MAX_PAGE, Run, RunPage, RunQuery};
use crate::error::Error;

pub(super) async fn run(session: &Session, args: RunsArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let columns = Columns::choose(COLUMNS, &args.columns, output)?;
    let limit = if args.all { usize::MAX } else { args.limit.get() };
    let query = query(session, &args)?;
    if args.watch {
        return watch(session, &query, limit, &columns, output).await;
    }
    let listed = fetch(session, &query, limit, args.after.clone()).await;
    let listed = listed.map_err(|error| CommandError::Call(session.with_hint(error)))?;
    let mut json = json!({ "runs": listed.json });
    if let Some(next) = &listed.next {
        json["next"] = next.as_str().into();
    }
    session.write(&json, output, |output| write(session, &listed, &columns, output))?;
    Ok(Exit::Success)
}

/// A list of Runs, the latest first.
pub(super) struct ListedRuns {
    pub(super) runs: Vec<Run>,
    /// The same Runs, as the API returns them.
    pub(super) json: Vec<Value>,
    /// The cursor of the others.
    next: Option<String>,
}

/// Reads as many pages as it takes.
pub(super) async fn fetch(
    session: &Session,
    query: &RunQuery,
    mut limit: usize,
    mut after: Option<String>,
) -> Result<ListedRuns, Error> {
    let (mut runs, mut json) = (Vec::new(), Vec::new());
    loop {
        let mut page = query.clone().limit(limit.min(MAX_PAGE));
        if let Some(after) = &after {
            page = page.after(after);
        }
        let answer = session.client.call(&page.call()).await?;
        let RunPage { runs: found, next, .. } = answer.parse()?;
        limit = limit.saturating_sub(found.len());
        runs.extend(found);
        match answer.into_json()["runs"].take() {
            Value::Array(found) => json.extend(found),
            _ => return Ok(ListedRuns { runs, json, next: None }),
        }
        after = next;
        if after.is_none() || limit == 0 {
            return Ok(ListedRuns { runs, json, next: after });
        }
    }
}

fn query(session: &Session, args: &RunsArgs) -> Result<RunQuery, CommandError> {
    let relation = match (args.mine, args.to_decide, args.decided) {
        (true, ..) => Some("mine"),
        (_, true, _) => Some("can_decide"),
        (.., true) => Some("decided"),
        _ => None,
    };
    let mut query = RunQuery::new();
    if let Some(relation) = relation {
        query = query.relation(relation);
    }
    for (is_set, set) in [
        (args.open, RunQuery::open as fn(RunQuery) -> RunQuery),
        (args.holding, RunQuery::holding),
        (args.stuck, RunQuery::stuck),
    ] {
        if is_set {
            query = set(query);
        }
    }
    if let Some(status) = args.status {
        query = query.status(status);
    }
    if let Some(flow) = &args.flow {
        query = query.flow(flow);
    }
    if let Some(user) = &args.user {
        query = query.requester(user);
    }
    if let Some(target) = &args.target {
        query = query.target(target);
    }
    let parse = |text: &String| session.times.parse(text).map_err(CommandError::Request);
    if let Some(since) = args.period.since.as_ref().map(parse).transpose()? {
        query = query.since(since);
    }
    if let Some(until) = args.period.until.as_ref().map(parse).transpose()? {
        query = query.until(until);
    }
    Ok(query)
}

const COLUMNS: &[Column<Run>] = &[
    Column::new("run", |_, run| run.run_id.to_string()),
    Column::new("flow", |_, run| run.flow.name.clone()),
    Column::new("status", |_, run| run.status.to_string()),
    Column::new("requester", |_, run| or_dash(run.requester.as_ref().map(|user| user.username.as_str()))),
    Column::new("target", |_, run| or_dash(run.target.as_ref().map(|target| target.label.as_str()))),
    Column::new("access", access),
    Column::extra("duration", |_, run| or_dash(run.duration.map(duration_name).as_deref())),
    Column::extra("reason", |_, run| or_dash(run.reason.as_deref())),
    Column::extra("decision", |_, run| {
        or_dash(run.decision.as_ref().map(|made| format!("{} by {}", made.action, made.by.username)).as_deref())
    }),
    Column::extra("created", |times, run| times.show(run.created_at)),
    Column::extra("updated", |times, run| times.show(run.updated_at)),
    Column::extra("until", |times, run| or_dash(run.access.until.map(|until| times.show(until)).as_deref())),
];

/// Writes the table.
pub(super) fn write(
    session: &Session,
    listed: &ListedRuns,
    columns: &Columns<Run>,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let ListedRuns { runs, next, .. } = listed;
    if runs.is_empty() {
        return writeln!(output.out, "No Runs found");
    }
    columns.write(runs, &session.times, session.terminal, output)?;
    if next.is_some() {
        let shown = count(runs.len(), "Run");
        writeln!(output.out, "\nShowing the first {shown}; use `--limit` or `--all` to show more")?;
    }
    Ok(())
}

/// Returns the access that a Run gives, in words.
pub(super) fn access(times: &Times, run: &Run) -> String {
    let access = &run.access;
    let state = access.state.replace('_', " ");
    match (access.failed_attempts, access.settles_at, access.until) {
        (0, Some(until), _) => format!("revoked; checking again until {}", times.show(until)),
        (failed @ 1.., ..) => {
            let next = access.next_attempt_at.map(|at| format!("; next {}", times.show(at)));
            format!("{state}, {}{}", count(failed as usize, "failed attempt"), next.unwrap_or_default())
        }
        (0, None, Some(until)) if state == "held" || state == "granting" => {
            format!("{state} until {}", times.show(until))
        }
        _ => match (state.as_str(), run.duration) {
            ("none", Some(duration)) if run.is_undecided() => format!("none; {} requested", duration_text(duration)),
            _ => state,
        },
    }
}
