//! The command `run`: one Run, with who decides it and what has happened.

use std::io;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::{Value, json};

use super::runs::access;
use super::session::Session;
use super::text::plain;
use super::times::duration_name;
use super::wait::{SeenRun, Waiting};
use crate::cli::Exit;
use crate::cli::args::RunArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::cli::signal::Signals;
use crate::client::{Call, Deciders, Run, Timeline, TimelineEntry};
use crate::model::RunId;

/// Half a year: the end of a wait that ends with the Run.
const FOLLOW_LIMIT: Duration = Duration::from_secs(183 * 24 * 60 * 60);

pub(super) async fn run(session: &Session, args: RunArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let seen = SeenRun::of(session.call(&Call::run(args.run)).await?)?;
    let deciders = session.call(&Call::deciders(args.run)).await?;
    let (entries, mut seq) = timeline(session, args.run, 0).await?;
    let shown: Deciders = deciders.parse()?;
    if output.json && args.follow {
        for (json, _) in &entries {
            output.line(json)?;
        }
        output.out.flush()?;
    } else {
        let all: Vec<_> = entries.iter().map(|(json, _)| json).collect();
        let json = json!({ "run": seen.json, "deciders": deciders.json(), "entries": all });
        session.write(&json, output, |output| {
            show(session, &seen.run, &shown, output)?;
            writeln!(output.out)?;
            entries.iter().try_for_each(|(_, entry)| writeln!(output.out, "{}", line(session, entry)))
        })?;
    }
    if !args.follow {
        return Ok(Exit::Success);
    }
    let mut signals = Signals::listen()?;
    let mut waiting = Waiting::new(args.run, FOLLOW_LIMIT);
    waiting.last = Some(seen);
    loop {
        output.out.flush()?;
        if waiting.last.as_ref().is_some_and(|seen| seen.run.is_final()) {
            return Ok(Exit::Success);
        }
        let next = std::pin::pin!(waiting.next(session));
        let signal = std::pin::pin!(signals.recv());
        match select(signal, next).await {
            Either::Left((signal, _)) => return signal.map(|()| Exit::Interrupted).map_err(CommandError::from),
            Either::Right((next, _)) => {
                // The server cannot be reached for now, so its timeline cannot be, either.
                if next.map_err(CommandError::Call)?.is_some() {
                    continue;
                }
            }
        }
        let (entries, last) = timeline(session, args.run, seq).await?;
        seq = last;
        for (json, entry) in &entries {
            if output.json {
                output.line(json)?;
            } else {
                writeln!(output.out, "{}", line(session, entry))?;
            }
        }
    }
}

/// Returns the entries after a number, and the number of the last one.
async fn timeline(
    session: &Session,
    run: RunId,
    mut after: u64,
) -> Result<(Vec<(Value, TimelineEntry)>, u64), CommandError> {
    let mut all = Vec::new();
    loop {
        let answer = session.call(&Call::timeline(run, after)).await?;
        let Timeline { entries, next, .. } = answer.parse()?;
        after = entries.last().map_or(after, |entry| entry.seq);
        let json = match answer.into_json()["entries"].take() {
            Value::Array(json) => json,
            _ => Vec::new(),
        };
        all.extend(json.into_iter().zip(entries));
        if next.is_none() {
            return Ok((all, after));
        }
    }
}

fn show(session: &Session, run: &Run, deciders: &Deciders, output: &mut Output<'_>) -> io::Result<()> {
    let title = [
        Some(run.flow.label.clone()),
        run.target.as_ref().map(|target| target.label.clone()),
        run.duration.map(duration_name),
    ];
    let title: Vec<_> = title.into_iter().flatten().map(|part| plain(&part)).collect();
    writeln!(output.out, "Run {}  {}", run.run_id, title.join(" · "))?;
    let requester = run.requester.as_ref().map_or("-", |user| user.username.as_str());
    writeln!(output.out, "  requester  {}", plain(requester))?;
    writeln!(output.out, "  status     {}", run.status)?;
    if let Some(reason) = &run.reason {
        writeln!(output.out, "  reason     “{}”", plain(reason))?;
    }
    for (name, value) in run.fields.iter().filter(|(name, _)| *name != "reason") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        writeln!(output.out, "  {:<9}  {}", plain(name), plain(&value))?;
    }
    if run.access.state != "none" {
        writeln!(output.out, "  access     {}", access(&session.times, run))?;
    }
    if let Some(decision) = &run.decision {
        let message = decision.message.as_ref().map_or_else(String::new, |text| format!(": “{}”", plain(text)));
        let by = plain(&decision.by.username);
        writeln!(
            output.out,
            "  decision   {} by {by}, {}{message}",
            plain(&decision.action),
            session.times.show(decision.at)
        )?;
    }
    if let Some(error) = &run.error {
        writeln!(
            output.out,
            "  error      {}: {} ({})",
            plain(&error.event),
            plain(&error.message),
            plain(&error.code)
        )?;
        if let Some(hint) = &error.hint {
            writeln!(output.out, "             {}", plain(hint))?;
        }
    }
    show_deciders(run, deciders, output)
}

fn show_deciders(run: &Run, deciders: &Deciders, output: &mut Output<'_>) -> io::Result<()> {
    let by = deciders.reducer.as_ref().map_or_else(String::new, |reducer| format!(" per {}", plain(reducer)));
    let verb = if deciders.is_open { "can decide" } else { "could" };
    let names = plain(&deciders.names().join(", "));
    writeln!(output.out, "  {verb:<10} {names}{by}")?;
    if let Some(needed) = run.approvals.needed.filter(|needed| *needed > 1) {
        writeln!(output.out, "  approvals  {} of {needed}", run.approvals.given)?;
    }
    for barred in &deciders.barred {
        writeln!(output.out, "  not        {}: {}", plain(&barred.user.username), plain(&barred.message))?;
    }
    Ok(())
}

/// Returns an entry on one line.
pub(super) fn line(session: &Session, entry: &TimelineEntry) -> String {
    let kind = entry.kind.replace('_', " ");
    let mut line = format!("{}  {:<10} {kind}", session.times.show(entry.at), plain(&entry.event.name));
    let mut add = |text: String| {
        line.push_str("  ");
        line.push_str(&text);
    };
    add(plain(&entry.event.actor.username));
    if let Some(handler) = &entry.handler {
        add(plain(handler));
    }
    if let Some(attempt) = entry.attempt {
        add(format!("attempt {attempt}"));
    }
    if let Some(error) = failure_in(&entry.details) {
        add(plain(&error));
    }
    if let Some(at) = entry.next_attempt_at.as_deref().and_then(|at| at.parse().ok()) {
        add(format!("next {}", session.times.show(at)));
    }
    if let Some(message) = &entry.event.message {
        add(format!("“{}”", plain(message)));
    }
    line
}

/// Returns the error in the details of an entry: a member with a code.
fn failure_in(details: &serde_json::Map<String, Value>) -> Option<String> {
    let error = details.values().find(|value| value.get("code").is_some_and(Value::is_string))?;
    let code = error["code"].as_str().unwrap_or_default();
    Some(match error["message"].as_str() {
        Some(message) => format!("{message} ({code})"),
        None => code.to_owned(),
    })
}
