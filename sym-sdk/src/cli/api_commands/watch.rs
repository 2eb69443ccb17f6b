//! `runs --watch`: a list of Runs that follows what happens.
//!
//! The list is read again and again, rather than a stream of changes: filters such as `--stuck` depend on the time, and a file has no stream.
//! It survives what happens to connections and servers, as the wait for a decision does.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::list::Columns;
use super::progress::Progress;
use super::runs::{ListedRuns, fetch, write};
use super::session::Session;
use super::text::plain;
use super::wait::{SeenRun, is_passing};
use crate::cli::Exit;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, Terminal};
use crate::cli::signal::Signals;
use crate::client::{Call, Run, RunQuery};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::model::RunId;

/// Interval at which the list is read.
const INTERVAL: Duration = Duration::from_secs(2);

/// The longest interval while the server cannot be reached.
const MAX_INTERVAL: Duration = Duration::from_secs(15);

/// Shows a list, and then what changes in it, until a signal comes.
pub(super) async fn watch(
    session: &Session,
    query: &RunQuery,
    limit: usize,
    columns: &Columns<Run>,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut signals = Signals::listen()?;
    let mut view = View::new(session.terminal, output.json);
    let mut versions = HashMap::new();
    let mut interval = INTERVAL;
    loop {
        let read = {
            let reading = std::pin::pin!(read(session, query, limit, &versions));
            let signal = std::pin::pin!(signals.recv());
            match select(signal, reading).await {
                Either::Left((signal, _)) => {
                    signal?;
                    None
                }
                Either::Right((read, _)) => Some(read),
            }
        };
        match read {
            None => return view.end(output),
            Some(Ok(Snapshot { listed, changed })) => {
                interval = INTERVAL;
                versions = listed.runs.iter().map(|run| (run.run_id, run.version)).collect();
                view.show(session, &listed, &changed, columns, output)?;
            }
            Some(Err(error)) if is_passing(&error) => {
                interval = error.retry_after().unwrap_or(interval * 2).clamp(INTERVAL, MAX_INTERVAL);
                view.note(&format!("trying again: {}", plain(error.message())), output)?;
            }
            Some(Err(error)) => return Err(CommandError::Call(session.with_hint(error))),
        }
        let signal = std::pin::pin!(signals.recv());
        if let Either::Left((signal, _)) = select(signal, SystemClock.sleep(interval)).await {
            signal?;
            return view.end(output);
        }
    }
}

/// The list as it is, and the Runs that are new in it or have changed.
struct Snapshot {
    listed: ListedRuns,
    changed: Vec<SeenRun>,
}

/// Reads the list. Runs that are no more in it have changed, too, unless newer ones have only taken their places.
async fn read(
    session: &Session,
    query: &RunQuery,
    limit: usize,
    versions: &HashMap<RunId, u64>,
) -> Result<Snapshot, Error> {
    let listed = fetch(session, query, limit, None).await?;
    let mut changed = Vec::new();
    // In the order in which they were made, so that the latest change of a long list is at its end.
    for (run, json) in listed.runs.iter().zip(&listed.json).rev() {
        if versions.get(&run.run_id) != Some(&run.version) {
            changed.push(SeenRun { run: run.clone(), json: json.clone() });
        }
    }
    for (id, version) in versions {
        if listed.runs.iter().any(|run| run.run_id == *id) {
            continue;
        }
        match session.client.call(&Call::run(*id)).await.and_then(SeenRun::of) {
            Ok(seen) if seen.run.version != *version => changed.push(seen),
            Ok(_) => {}
            // It may not be seen any more.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Snapshot { listed, changed })
}

/// The output of a list that changes.
enum View {
    /// A line of JSON for each Run that has changed.
    Lines(Progress),
    /// A table, and then a row for each Run that has changed.
    Rows { progress: Progress, has_table: bool },
    /// A table that is drawn again.
    Screen(Screen),
}

impl View {
    fn new(terminal: Terminal, json: bool) -> Self {
        match terminal.lines.filter(|_| terminal.columns.is_some()) {
            _ if json => Self::Lines(Progress::new(terminal)),
            Some(lines) => Self::Screen(Screen::new(lines)),
            None => Self::Rows { progress: Progress::new(terminal), has_table: false },
        }
    }

    fn show(
        &mut self,
        session: &Session,
        listed: &ListedRuns,
        changed: &[SeenRun],
        columns: &Columns<Run>,
        output: &mut Output<'_>,
    ) -> io::Result<()> {
        // Both may go to the same terminal.
        if let Self::Lines(progress) | Self::Rows { progress, .. } = self {
            progress.clear(output)?;
        }
        match self {
            Self::Lines(_) => changed.iter().try_for_each(|seen| output.line(&seen.json))?,
            Self::Rows { has_table: has_table @ false, .. } => {
                *has_table = true;
                write(session, listed, columns, output)?;
            }
            Self::Rows { .. } => {
                for seen in changed {
                    writeln!(output.out, "{}", columns.row(&seen.run, &session.times).join("  "))?;
                }
            }
            Self::Screen(screen) => {
                let (mut table, mut no_notes) = (Vec::new(), io::sink());
                write(session, listed, columns, &mut Output::new(&mut table, &mut no_notes, false))?;
                screen.draw(&String::from_utf8_lossy(&table), None, output)?;
            }
        }
        output.out.flush()?;
        self.progress("watching for changes", output)
    }

    /// Shows why nothing can be shown for now.
    fn note(&mut self, note: &str, output: &mut Output<'_>) -> io::Result<()> {
        if let Self::Screen(screen) = self {
            let table = screen.table.clone();
            return screen.draw(&table, Some(note), output);
        }
        self.progress(note, output)
    }

    fn progress(&mut self, text: &str, output: &mut Output<'_>) -> io::Result<()> {
        match self {
            Self::Lines(progress) | Self::Rows { progress, .. } => progress.show(text, output),
            Self::Screen(_) => Ok(()),
        }
    }

    fn end(&mut self, output: &mut Output<'_>) -> Result<Exit, CommandError> {
        if let Self::Lines(progress) | Self::Rows { progress, .. } = self {
            progress.clear(output)?;
        }
        Ok(Exit::Interrupted)
    }
}

/// A terminal, on which a table is drawn again when it has changed.
struct Screen {
    lines: usize,
    table: String,
    drawn: Option<String>,
}

impl Screen {
    fn new(lines: usize) -> Self {
        Self { lines, table: String::new(), drawn: None }
    }

    fn draw(&mut self, table: &str, note: Option<&str>, output: &mut Output<'_>) -> io::Result<()> {
        table.clone_into(&mut self.table);
        let below = note.unwrap_or("Ctrl-C ends");
        // One line is for what stands below, and one for the cursor.
        let room = self.lines.saturating_sub(2).max(1);
        let hidden = table.lines().count().saturating_sub(room);
        let shown: Vec<_> = table.lines().take(room).collect();
        let more = if hidden > 0 { format!("{hidden} more lines; ") } else { String::new() };
        let drawing = format!("{}\n{more}{below}\n", shown.join("\n"));
        if self.drawn.as_ref() == Some(&drawing) {
            return Ok(());
        }
        // To the upper left corner, and clear what is there.
        write!(output.out, "\u{1b}[H\u{1b}[2J{drawing}")?;
        output.out.flush()?;
        self.drawn = Some(drawing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_drawn_when_something_has_changed() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(&mut out, &mut err, false);
        let mut screen = Screen::new(5);
        screen.draw("RUN\na\n", None, &mut output).unwrap();
        screen.draw("RUN\na\n", None, &mut output).unwrap();
        screen.draw("RUN\na\n", Some("trying again: x"), &mut output).unwrap();
        screen.draw("RUN\na\nb\nc\nd\n", None, &mut output).unwrap();
        let drawings = String::from_utf8(out).unwrap();
        let drawings: Vec<_> = drawings.split("\u{1b}[H\u{1b}[2J").collect();
        assert_eq!(
            drawings,
            ["", "RUN\na\nCtrl-C ends\n", "RUN\na\ntrying again: x\n", "RUN\na\nb\n2 more lines; Ctrl-C ends\n"]
        );
    }
}
