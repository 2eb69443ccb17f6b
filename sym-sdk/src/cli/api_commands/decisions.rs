//! The commands `approve`, `deny`, `give-back`, `revoke` and `write-off`. Each submits, and the machine decides whether the caller may.
//!
//! A decision sends the digest of the request as it was shown: if it has changed since, nothing is decided.

use std::io::{self, BufRead as _};

use serde_json::{Value, json};

use super::session::Session;
use super::text::plain;
use super::times::duration_name;
use super::wait::SeenRun;
use crate::cli::Exit;
use crate::cli::args::{ApproveArgs, DenyArgs, GiveBackArgs, RevokeArgs, WriteOffArgs};
use crate::cli::exit::{CommandError, exit_of};
use crate::cli::output::{Output, error_json};
use crate::client::{Call, Decision, Receipt, Run, RunPage, RunQuery};
use crate::error::{Error, ErrorKind};
use crate::model::RunId;

pub(super) async fn approve(
    session: &Session,
    args: ApproveArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut decision = Decision::new();
    if let Some(message) = args.message {
        decision = decision.message(message);
    }
    if let Some(duration) = args.duration {
        decision = decision.duration(duration);
    }
    decide(session, &args.runs, &Verb::APPROVE, &decision, args.yes, output).await
}

pub(super) async fn deny(session: &Session, args: DenyArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let decision = Decision::new().message(args.message);
    decide(session, &args.runs, &Verb::DENY, &decision, args.yes, output).await
}

struct Verb {
    action: &'static str,
    done: &'static str,
}

impl Verb {
    const APPROVE: Self = Self { action: "approve", done: "approved" };
    const DENY: Self = Self { action: "deny", done: "denied" };
}

/// Shows each request, decides it, and reports each result. The exit code is that of the first failure.
async fn decide(
    session: &Session,
    runs: &[RunId],
    verb: &Verb,
    decision: &Decision,
    yes: bool,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut exit = Exit::Success;
    let mut results = Vec::new();
    for run in runs {
        let decided = match decide_one(session, *run, verb, decision, yes, output).await {
            Ok(decided) => decided,
            Err(CommandError::Call(error)) => Some(Err(error)),
            Err(error) => return Err(error),
        };
        match decided {
            None => {
                writeln!(output.err, "Run {run}: left as it is")?;
                exit = if exit == Exit::Success { Exit::Failure } else { exit };
                results.push(json!({ "run_id": run, "done": false }));
            }
            Some(Ok(receipt)) => {
                results.push(json!({ "run_id": run, "done": true, "event_id": receipt.event_id }));
                if !output.json {
                    writeln!(output.out, "Run {run}: {}", verb.done)?;
                }
            }
            Some(Err(error)) => {
                let error = session.with_hint(error);
                exit = if exit == Exit::Success { exit_of(&error) } else { exit };
                results.push(json!({ "run_id": run, "done": false, "problem": error_json(&error) }));
                if !output.json {
                    output.error(&error)?;
                }
            }
        }
    }
    if output.json {
        output.value(&json!({ "results": results }))?;
    }
    Ok(exit)
}

/// Returns `None` if the one who was asked does not want to go on.
async fn decide_one(
    session: &Session,
    run: RunId,
    verb: &Verb,
    decision: &Decision,
    yes: bool,
    output: &mut Output<'_>,
) -> Result<Option<Result<Receipt, Error>>, CommandError> {
    let seen = SeenRun::of(session.call(&Call::run(run)).await?).map_err(CommandError::Call)?;
    summarize(&seen.run, output)?;
    if !yes && session.can_ask() && !confirm(&format!("{} it? [y/N] ", capitalized(verb.action)), output).await? {
        return Ok(None);
    }
    let decision = match &seen.run.seen {
        Some(digest) => decision.clone().seen(digest),
        None => decision.clone(),
    };
    match session.client.call(&decision.call(run, verb.action)).await {
        Ok(answer) => Ok(Some(answer.parse())),
        Err(error) if error.kind() == ErrorKind::Forbidden && error.hint().is_none() && !session.is_on_file() => {
            Ok(Some(Err(with_deciders(session, run, error).await)))
        }
        Err(error) => Ok(Some(Err(error))),
    }
}

/// Adds to a refusal who can do it.
async fn with_deciders(session: &Session, run: RunId, error: Error) -> Error {
    let Ok(deciders) = session.client.deciders(run).await else { return error };
    let names = plain(&deciders.names().join(", "));
    error.with_hint(format!("{names} can; `{} run {run}` shows why", session.command))
}

fn summarize(run: &Run, output: &mut Output<'_>) -> io::Result<()> {
    if output.json {
        return Ok(());
    }
    let title = [
        run.requester.as_ref().map(|user| user.username.clone()),
        Some(run.flow.label.clone()),
        run.target.as_ref().map(|target| target.label.clone()),
        run.duration.map(duration_name),
    ];
    let title: Vec<_> = title.into_iter().flatten().map(|part| plain(&part)).collect();
    let reason = run.reason.as_ref().map_or_else(String::new, |reason| format!("  “{}”", plain(reason)));
    writeln!(output.err, "Run {}  {}{reason}", run.run_id, title.join(" · "))
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Asks on the terminal.
async fn confirm(question: &str, output: &mut Output<'_>) -> Result<bool, CommandError> {
    write!(output.err, "{question}")?;
    output.err.flush()?;
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = reading.await.map_err(io::Error::other)??;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

pub(super) async fn give_back(
    session: &Session,
    args: GiveBackArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let run = match args.run {
        Some(run) => run,
        None => only_run_of_caller(session).await?,
    };
    let call = Call::post(["events", "deescalate"]).body(json!({ "run_id": run }));
    let answer = session.call(&call).await?;
    session.write(answer.json(), output, |output| writeln!(output.out, "Run {run}: {}", ending(session)))?;
    Ok(Exit::Success)
}

/// Returns the only Run from which the caller has access.
async fn only_run_of_caller(session: &Session) -> Result<RunId, CommandError> {
    let query = RunQuery::new().relation("mine").holding();
    let RunPage { runs, .. } = session.call(&query.call()).await?.parse()?;
    let message = match runs.as_slice() {
        [run] => return Ok(run.run_id),
        [] => "you have no access to give back".to_owned(),
        runs => {
            let ids: Vec<_> = runs.iter().map(|run| format!("{} ({})", run.run_id, run.flow.name)).collect();
            format!("you have access from {} Runs: {}", runs.len(), ids.join(", "))
        }
    };
    Err(CommandError::Usage { message, help: "name the Run; `runs --mine --holding` lists yours" })
}

pub(super) async fn revoke(session: &Session, args: RevokeArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    match (args.run, args.user) {
        (Some(run), _) => {
            let call = Call::of_run(run, "revoke").body(json!({}));
            let answer = session.call(&call).await?;
            session.write(answer.json(), output, |output| writeln!(output.out, "Run {run}: {}", ending(session)))?;
            Ok(Exit::Success)
        }
        (None, user) => revoke_all(session, &user.unwrap_or_default(), output).await,
    }
}

/// Says when the access ends.
fn ending(session: &Session) -> &'static str {
    if session.is_on_file() { "access will be revoked when the program next runs" } else { "access is being revoked" }
}

/// Revokes all access of a user.
async fn revoke_all(session: &Session, user: &str, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let call = Call::post(["access", "revoke"]).body(json!({ "username": user }));
    let json = session.call(&call).await?.into_json();
    let results: Vec<&Value> = json["results"].as_array().into_iter().flatten().collect();
    let failed = results.iter().any(|result| result["done"] != true);
    session.write(&json, output, |output| {
        if results.is_empty() {
            return writeln!(output.out, "{} has no access", plain(user));
        }
        for result in &results {
            let run = result["run_id"].as_str().unwrap_or_default();
            if result["done"] == true {
                writeln!(output.out, "Run {run}: {}", ending(session))?;
            } else {
                let problem = &result["problem"];
                let (message, code) = (problem["message"].as_str(), problem["code"].as_str());
                let message = plain(message.unwrap_or("refused"));
                writeln!(output.err, "error: Run {run}: {message} ({})", plain(code.unwrap_or_default()))?;
            }
        }
        Ok(())
    })?;
    Ok(if failed { Exit::Failure } else { Exit::Success })
}

pub(super) async fn write_off(
    session: &Session,
    args: WriteOffArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let call = Call::of_run(args.run, "write-off").body(json!({ "reason": args.reason }));
    let answer = session.call(&call).await?;
    session.write(answer.json(), output, |output| writeln!(output.out, "Run {}: revocation written off", args.run))?;
    Ok(Exit::Success)
}
