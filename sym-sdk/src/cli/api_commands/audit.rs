//! The commands `audit …`: search, export, anchor, verify and follow the audit log.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::run_view::line;
use super::session::Session;
use super::text::plain;
use crate::audit::{AuditHead, Verifier, VerifyError};
use crate::cli::Exit;
use crate::cli::args::{AuditCommand, AuditFilterArgs, KeyArgs, VerifyArgs};
use crate::cli::audit::{anchor, read_anchors, read_keys, report, verifier};
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::cli::signal::Signals;
use crate::client::{Call, TimelineEntry};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, ErrorKind, codes};

/// The largest page that the API returns.
const MAX_PAGE: usize = 500;

/// The maximum length of a line of the log that is verified, in bytes. An entry is far shorter.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// Interval at which `tail` reads.
const TAIL_INTERVAL: Duration = Duration::from_secs(2);

pub(super) async fn run(
    session: &Session,
    command: AuditCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    match command {
        AuditCommand::Search { filter, oldest, limit, after, all, .. } => {
            let limit = if all { usize::MAX } else { limit.get() };
            search(session, &filter, oldest, limit, after, output).await
        }
        AuditCommand::Export { filter, format, after, .. } => {
            let call = with_filter(session, Call::get(["audit", "export"]), &filter)?;
            export(session, &call.query("format", format).query_if("after", after), output).await
        }
        AuditCommand::Anchor { keys, .. } => print_anchor(session, &keys, output).await,
        AuditCommand::Verify(args) => verify(session, &args, output).await,
        AuditCommand::Tail { filter, .. } => tail(session, &filter, output).await,
    }
}

fn with_filter(session: &Session, call: Call, filter: &AuditFilterArgs) -> Result<Call, CommandError> {
    let AuditFilterArgs { actor, flow, run, event, kind, handler, text, period } = filter;
    let parse = |text: &String| session.times.parse(text).map_err(CommandError::Request);
    let (since, until) = (period.since.as_ref().map(parse).transpose()?, period.until.as_ref().map(parse).transpose()?);
    let call = call.query_if("actor", actor.as_ref()).query_if("flow", flow.as_ref()).query_if("run", run.as_ref());
    let call = call.query_if("event", event.as_ref()).query_if("kind", kind.as_ref());
    let call = call.query_if("text", text.as_ref());
    Ok(call.query_if("handler", handler.as_ref()).query_if("since", since).query_if("until", until))
}

/// A part of the log.
struct Page {
    entries: Vec<Value>,
    next: Option<u64>,
}

async fn page(session: &Session, call: &Call) -> Result<Page, CommandError> {
    let mut json = session.call(call).await?.into_json();
    let entries = match json["entries"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    Ok(Page { entries, next: json["next"].as_u64() })
}

async fn search(
    session: &Session,
    filter: &AuditFilterArgs,
    oldest: bool,
    mut limit: usize,
    mut after: Option<u64>,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let call = with_filter(session, Call::get(["audit"]), filter)?;
    let call = call.query("order", if oldest { "oldest" } else { "newest" });
    let mut all = Vec::new();
    loop {
        let of_page = call.clone().query("limit", limit.min(MAX_PAGE)).query_if("after", after);
        let Page { entries, next } = page(session, &of_page).await?;
        limit = limit.saturating_sub(entries.len());
        all.extend(entries);
        after = next;
        if after.is_none() || limit == 0 {
            break;
        }
    }
    let mut json = json!({ "entries": all });
    if let Some(next) = after {
        json["next"] = next.into();
    }
    let lines = all.iter().map(|entry| text_of(session, entry)).collect::<Result<Vec<_>, _>>()?;
    session.write(&json, output, |output| {
        if lines.is_empty() {
            return writeln!(output.out, "No entries found");
        }
        lines.iter().try_for_each(|line| writeln!(output.out, "{line}"))?;
        if let Some(next) = after {
            writeln!(output.err, "note: there are more; use `--after {next}`, or `--all`")?;
        }
        Ok(())
    })?;
    Ok(Exit::Success)
}

/// Returns an entry on one line, with its number and its Run.
fn text_of(session: &Session, json: &Value) -> Result<String, CommandError> {
    let entry = TimelineEntry::deserialize(json).map_err(|error| {
        let message = format!("the server's answer is not as expected: {error}");
        CommandError::Failed(Error::new(ErrorKind::Decode, codes::INVALID_JSON, message))
    })?;
    Ok(format!("{:>6}  {}  {}  {}", entry.seq, entry.run_id, plain(&entry.flow), line(session, &entry)))
}

async fn export(session: &Session, call: &Call, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let mut lines = session.client.download(call).await.map_err(CommandError::Call)?;
    while let Some(chunk) = lines.chunk().await.map_err(CommandError::Call)? {
        output.out.write_all(&chunk)?;
    }
    Ok(Exit::Success)
}

async fn head(session: &Session) -> Result<AuditHead, CommandError> {
    let answer = session.call(&Call::get(["audit", "head"])).await?;
    let (seq, hash): (u64, String) = (answer.parse_member("seq")?, answer.parse_member("hash")?);
    let hash = hash.parse().map_err(|_| {
        CommandError::Failed(Error::new(
            ErrorKind::Decode,
            codes::INVALID_JSON,
            "the server's head of the log has no hash",
        ))
    })?;
    Ok(AuditHead::new(seq, hash))
}

async fn print_anchor(session: &Session, keys: &KeyArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let keys = read_keys(keys)?;
    anchor(head(session).await?, &keys, output)?;
    Ok(Exit::Success)
}

/// Verifies the log of a server, as it is read.
async fn verify(session: &Session, args: &VerifyArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let mut verifier = verifier(args)?;
    read_anchors(&mut verifier, &args.anchors)?;
    let mut lines = session.client.download(&Call::get(["audit", "export"])).await.map_err(CommandError::Call)?;
    let mut rest = Vec::new();
    while let Some(chunk) = lines.chunk().await.map_err(CommandError::Call)? {
        rest.extend_from_slice(&chunk);
        // Whole lines only; the last one goes on in the next part.
        if let Some(end) = memchr::memrchr(b'\n', &rest) {
            read_lines(&mut verifier, &rest[..=end])?;
            rest.drain(..=end);
        }
        if rest.len() > MAX_LINE_BYTES {
            let message = format!("the server's log has a line of more than {MAX_LINE_BYTES} bytes");
            return Err(CommandError::Failed(Error::new(ErrorKind::Decode, codes::TOO_LARGE, message)));
        }
    }
    read_lines(&mut verifier, &rest)?;
    let verified = verifier.finish().map_err(VerifyError::from).map_err(Error::from)?;
    report(verified, None, output)?;
    Ok(Exit::Success)
}

fn read_lines(verifier: &mut Verifier, lines: &[u8]) -> Result<(), CommandError> {
    verifier.read("the server's log", lines).map_err(|error| CommandError::Failed(error.into()))
}

/// Prints entries from now on, until a signal comes.
async fn tail(session: &Session, filter: &AuditFilterArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let call = with_filter(session, Call::get(["audit"]), filter)?.query("order", "oldest").query("limit", MAX_PAGE);
    let mut seq = head(session).await?.seq;
    let mut signals = Signals::listen()?;
    loop {
        loop {
            let before = seq;
            let Page { entries, next } = page(session, &call.clone().query("after", seq)).await?;
            for entry in &entries {
                seq = entry["seq"].as_u64().unwrap_or(seq).max(seq);
                if output.json {
                    output.line(entry)?;
                } else {
                    writeln!(output.out, "{}", text_of(session, entry)?)?;
                }
            }
            output.out.flush()?;
            seq = seq.max(next.unwrap_or_default());
            if next.is_none() || seq == before {
                break;
            }
        }
        let signal = std::pin::pin!(signals.recv());
        if let Either::Left((signal, _)) = select(signal, SystemClock.sleep(TAIL_INTERVAL)).await {
            return signal.map(|()| Exit::Interrupted).map_err(CommandError::from);
        }
    }
}
