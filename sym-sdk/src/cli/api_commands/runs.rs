//! The command `runs`: lists Runs.

use std::io;

use serde_json::{Value, json};

use super::session::Session;
use super::table::write_table;
use super::times::duration_text;
use crate::cli::Exit;
use crate::cli::args::RunsArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, count};
use crate::client::{Run, RunPage, RunQuery};

/// The largest page that the API returns.
const MAX_PAGE: usize = 200;

pub(super) async fn run(session: &Session, args: RunsArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let mut limit = if args.all { usize::MAX } else { args.limit.get() };
    let mut after = args.after.clone();
    let (mut runs, mut all) = (Vec::new(), Vec::new());
    let query = query(session, &args)?;
    let next = loop {
        let mut page = query.clone().limit(limit.min(MAX_PAGE));
        if let Some(after) = &after {
            page = page.after(after);
        }
        let answer = session.call(&page.call()).await?;
        let RunPage { runs: found, next, .. } = answer.parse()?;
        limit = limit.saturating_sub(found.len());
        runs.extend(found);
        match answer.into_json()["runs"].take() {
            Value::Array(found) => all.extend(found),
            _ => break None,
        }
        after = next;
        if after.is_none() || limit == 0 {
            break after;
        }
    };
    let mut json = json!({ "runs": all });
    if let Some(next) = &next {
        json["next"] = next.as_str().into();
    }
    session.write(&json, output, |output| write(session, &runs, next.is_some(), output))?;
    Ok(Exit::Success)
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

fn write(session: &Session, runs: &[Run], has_more: bool, output: &mut Output<'_>) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(output.out, "No Runs found");
    }
    let head = ["RUN", "FLOW", "STATUS", "REQUESTER", "TARGET", "ACCESS"];
    let rows = runs.iter().map(|run| {
        let requester = run.requester.as_ref().map_or_else(none, |user| user.username.clone());
        let target = run.target.as_ref().map_or_else(none, |target| target.label.clone());
        vec![
            run.run_id.to_string(),
            run.flow.name.clone(),
            run.status.to_string(),
            requester,
            target,
            access(session, run),
        ]
    });
    write_table(output.out, &head, rows, session.terminal.columns)?;
    if has_more {
        let shown = count(runs.len(), "Run");
        writeln!(output.out, "\nShowing the first {shown}; use `--limit` or `--all` to show more")?;
    }
    Ok(())
}

/// Returns the access that a Run gives, in words.
pub(super) fn access(session: &Session, run: &Run) -> String {
    let access = &run.access;
    let state = access.state.replace('_', " ");
    match (access.failed_attempts, access.settles_at, access.until) {
        (0, Some(until), _) => format!("revoked; checking again until {}", session.times.show(until)),
        (failed @ 1.., ..) => {
            let next = access.next_attempt_at.map(|at| format!("; next {}", session.times.show(at)));
            format!("{state}, {}{}", count(failed as usize, "failed attempt"), next.unwrap_or_default())
        }
        (0, None, Some(until)) if state == "held" || state == "granting" => {
            format!("{state} until {}", session.times.show(until))
        }
        _ => match (state.as_str(), run.duration) {
            ("none", Some(duration)) if run.is_undecided() => format!("none; {} requested", duration_text(duration)),
            _ => state,
        },
    }
}

fn none() -> String {
    "-".to_owned()
}
