//! Waiting for the outcome of a request.
//!
//! The wait begins with the Run as it was read, so nothing that happens in between is missed, and survives what happens to connections and
//! servers: only the answer of the program ends it, the time limit, or a signal.

use std::io;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;

use super::progress::Progress;
use super::session::Session;
use super::text::plain;
use super::times::elapsed;
use crate::cli::Exit;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::cli::signal::Signals;
use crate::client::{Answer, Call, Decision, Run};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, ErrorKind, codes};
use crate::model::{RunId, RunStatus};

/// The longest that one call waits for a change.
const LONG_POLL: Duration = Duration::from_secs(25);

/// The delay after an answer that came at once, or a call that failed. It doubles with each further failure.
const FIRST_DELAY: Duration = Duration::from_secs(1);

const MAX_DELAY: Duration = Duration::from_secs(15);

/// The time for asking who can decide.
const DECIDERS_TIMEOUT: Duration = Duration::from_secs(5);

/// The time for withdrawing what was requested, after a signal.
const WITHDRAWAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The effect of a signal on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// It stays open.
    LeavesOpen,
    /// It is withdrawn, or the access given back.
    Withdraws,
}

/// A Run, with all that the server says about it.
pub(super) struct SeenRun {
    pub(super) run: Run,
    pub(super) json: Value,
}

impl SeenRun {
    pub(super) fn of(answer: Answer) -> Result<Self, Error> {
        Ok(Self { run: answer.parse()?, json: answer.into_json() })
    }
}

/// Waits until a request is decided, and access that was approved is there. The exit code says how it has ended.
pub(super) async fn wait_for_outcome(
    session: &Session,
    run: RunId,
    gives_access: bool,
    limit: Duration,
    interruption: Interruption,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut signals = Signals::listen()?;
    let mut progress = Progress::new(session.terminal);
    let mut waiting = Waiting::new(run, limit);
    show_deciders(session, run, output).await?;
    loop {
        if let Some(seen) = &waiting.last {
            if let Some(exit) = outcome(&seen.run, gives_access) {
                progress.clear(output)?;
                session.write(&seen.json, output, |output| show_outcome(session, &seen.run, output))?;
                return Ok(exit);
            }
            progress.show(stage(&seen.run), output)?;
        }
        if waiting.left().is_zero() {
            progress.clear(output)?;
            return still_waiting(session, waiting.last.as_ref(), run, output);
        }
        let stepped = {
            let next = std::pin::pin!(waiting.next(session));
            let signal = std::pin::pin!(signals.recv());
            match select(signal, next).await {
                Either::Left((signal, _)) => signal.map(|()| None)?,
                Either::Right((next, _)) => Some(next),
            }
        };
        match stepped {
            None => {
                progress.clear(output)?;
                return interrupted(session, run, interruption, &mut signals, output).await;
            }
            Some(Ok(None)) => {}
            Some(Ok(Some(problem))) => {
                progress.show(&format!("trying again: {}", plain(problem.message())), output)?;
            }
            Some(Err(error)) => {
                progress.clear(output)?;
                let hint = format!("the request stays as it is; `{} run {run}` shows it", session.command);
                let error = if error.hint().is_none() { error.with_hint(hint) } else { error };
                return Err(CommandError::Call(session.with_hint(error)));
            }
        }
    }
}

/// A wait for changes of a Run.
pub(super) struct Waiting {
    run: RunId,
    pub(super) last: Option<SeenRun>,
    end: Duration,
    failures: u32,
}

impl Waiting {
    pub(super) fn new(run: RunId, limit: Duration) -> Self {
        Self { run, last: None, end: elapsed().saturating_add(limit), failures: 0 }
    }

    /// Returns the time that is left.
    fn left(&self) -> Duration {
        self.end.saturating_sub(elapsed())
    }

    /// Waits for a change, for as long as one call does. Returns the error if it is worth another try.
    ///
    /// # Errors
    /// Those that waiting does not resolve.
    pub(super) async fn next(&mut self, session: &Session) -> Result<Option<Error>, Error> {
        let began = elapsed();
        let call = match &self.last {
            None => Call::run(self.run),
            Some(seen) => Call::run_change(self.run, seen.run.version, self.left().min(LONG_POLL)),
        };
        match session.client.call(&call).await {
            Ok(answer) => {
                self.failures = 0;
                let changed = if answer.is_unchanged() { None } else { Some(SeenRun::of(answer)?) };
                let known = self.last.as_ref().map(|seen| seen.run.version);
                let is_new = changed.as_ref().is_some_and(|seen| Some(seen.run.version) != known);
                self.last = changed.or_else(|| self.last.take());
                // A server that stops answers at once, and what is in front of it may answer in its place, or from a cache.
                if !is_new && elapsed().saturating_sub(began) < FIRST_DELAY {
                    SystemClock.sleep(FIRST_DELAY.min(self.left())).await;
                }
                Ok(None)
            }
            Err(error) if is_passing(&error) => {
                let delay = FIRST_DELAY.saturating_mul(1 << self.failures.min(6)).min(MAX_DELAY);
                self.failures = self.failures.saturating_add(1);
                let delay = error.retry_after().map_or(delay, |after| after.max(FIRST_DELAY));
                SystemClock.sleep(delay.min(self.left())).await;
                Ok(Some(error))
            }
            Err(error) => Err(error),
        }
    }
}

/// Reports whether an error says nothing about the request: the network, a proxy or a restart is in between.
pub(super) fn is_passing(error: &Error) -> bool {
    let is_kind = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited);
    is_kind || *error.code() == codes::SERVER_UNREACHABLE
}

/// Returns the result of a request, if there is one.
fn outcome(run: &Run, gives_access: bool) -> Option<Exit> {
    match run.status {
        RunStatus::Approved if gives_access => None,
        RunStatus::Approved | RunStatus::Escalated | RunStatus::Deescalated => Some(Exit::Success),
        RunStatus::Denied => Some(Exit::Refused),
        RunStatus::Expired => Some(Exit::Waiting),
        RunStatus::Errored => Some(Exit::Failure),
        _ => None,
    }
}

fn stage(run: &Run) -> &'static str {
    match run.status {
        RunStatus::Approved => "approved; waiting for the access",
        _ => "waiting for a decision (Ctrl-C leaves the request open)",
    }
}

async fn show_deciders(session: &Session, run: RunId, output: &mut Output<'_>) -> io::Result<()> {
    // It is a courtesy, and not worth an error.
    let asked = tokio::time::timeout(DECIDERS_TIMEOUT, session.client.deciders(run)).await;
    let Ok(Ok(deciders)) = asked else { return Ok(()) };
    if !deciders.is_open {
        return Ok(());
    }
    let by = deciders.reducer.as_ref().map_or_else(String::new, |reducer| format!(" per {}", plain(reducer)));
    writeln!(output.err, "  {}{by} can decide", plain(&deciders.names().join(", ")))
}

fn show_outcome(session: &Session, run: &Run, output: &mut Output<'_>) -> io::Result<()> {
    let message = run.decision.as_ref().and_then(|decision| decision.message.as_deref());
    let message = message.map_or_else(String::new, |message| format!(": “{}”", plain(message)));
    let by = run.decision.as_ref().map_or_else(String::new, |decision| format!(" by {}", plain(&decision.by.username)));
    match run.status {
        RunStatus::Denied => writeln!(output.out, "denied{by}{message}"),
        RunStatus::Expired => writeln!(output.out, "expired: nobody has decided in time"),
        RunStatus::Errored => {
            let error = run.error.as_ref();
            let reason =
                error.map_or_else(String::new, |error| format!(": {} ({})", plain(&error.message), plain(&error.code)));
            writeln!(output.out, "failed{reason}")
        }
        RunStatus::Deescalated => writeln!(output.out, "approved{by}{message}; the access has ended"),
        _ => {
            let until = match run.access.until {
                Some(until) => format!("; access until {}", session.times.show_with_distance(until)),
                None if run.access.state == "held" => "; access until it is revoked".to_owned(),
                None => String::new(),
            };
            writeln!(output.out, "approved{by}{message}{until}")?;
            if run.access.state == "held" {
                writeln!(output.err, "  next: {} give-back {}", session.command, run.run_id)?;
            }
            Ok(())
        }
    }
}

fn still_waiting(
    session: &Session,
    seen: Option<&SeenRun>,
    run: RunId,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    if let Some(seen) = seen {
        session.write(&seen.json, output, |output| writeln!(output.out, "Run {run}: still {}", seen.run.status))?;
    }
    let command = &session.command;
    writeln!(
        output.err,
        "note: the request stays open; `{command} run {run} --follow` goes on, and `{command} deny {run} -m TEXT` withdraws it"
    )?;
    Ok(Exit::Waiting)
}

async fn interrupted(
    session: &Session,
    run: RunId,
    interruption: Interruption,
    signals: &mut Signals,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let command = &session.command;
    if interruption == Interruption::LeavesOpen {
        writeln!(
            output.err,
            "interrupted: the request stays open\n  help: `{command} run {run}` shows it, `{command} deny {run} -m TEXT` withdraws it"
        )?;
        return Ok(Exit::Interrupted);
    }
    let withdrawing = std::pin::pin!(withdraw(session, run));
    let limit = SystemClock.sleep(WITHDRAWAL_TIMEOUT);
    let stop = std::pin::pin!(signals.recv());
    match select(withdrawing, select(limit, stop)).await {
        Either::Left((Ok(done), _)) => writeln!(output.err, "interrupted: {done}")?,
        Either::Left((Err(error), _)) => {
            writeln!(output.err, "error: the request could not be withdrawn: {}", error.report())?;
        }
        Either::Right(_) => writeln!(
            output.err,
            "error: the request could not be withdrawn in time\n  help: `{command} deny {run} -m TEXT` withdraws it"
        )?,
    }
    Ok(Exit::Interrupted)
}

/// Withdraws a request, or gives back what has come of it meanwhile.
async fn withdraw(session: &Session, run: RunId) -> Result<&'static str, Error> {
    let client = &session.client;
    loop {
        let denied = client.deny(run, &Decision::new().message("interrupted")).await;
        let Err(error) = denied else { return Ok("the request is withdrawn") };
        if is_passing(&error) || error.kind() == ErrorKind::Forbidden {
            return Err(error);
        }
        let now = client.run(run).await?;
        if now.is_final() {
            return Ok("the request had ended");
        }
        if !now.is_undecided() {
            // It was approved meanwhile.
            return client.revoke(run).await.map(|_| "the access is given back");
        }
        // It is not routed yet.
        SystemClock.sleep(FIRST_DELAY / 4).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_way_are_no_answers() {
        let passing = [
            (ErrorKind::Unavailable, codes::STOPPING),
            (ErrorKind::Timeout, codes::REQUEST_TIMED_OUT),
            (ErrorKind::Internal, codes::SERVER_UNREACHABLE),
        ];
        for (kind, code) in passing {
            assert!(is_passing(&Error::new(kind, code, "x")), "{kind:?}");
        }
        for kind in [ErrorKind::Unauthorized, ErrorKind::Forbidden, ErrorKind::NotFound, ErrorKind::InvalidInput] {
            assert!(!is_passing(&Error::new(kind, codes::NOT_PERMITTED, "x")), "{kind:?}");
        }
    }
}
