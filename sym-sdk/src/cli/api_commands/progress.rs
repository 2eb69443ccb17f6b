//! The progress of a command that waits, on standard error.

use std::io;
use std::time::Duration;

use super::times::elapsed;
use crate::cli::output::{Output, Terminal};

/// Interval of lines where there is no terminal: builds that print nothing for long are ended.
const LINE_INTERVAL: Duration = Duration::from_secs(60);

/// The progress of a command. On a terminal it is one line, which is replaced; otherwise there is a line when it changes, and one a minute.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: Terminal,
    shown: Option<(String, Duration)>,
}

impl Progress {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, shown: None }
    }

    /// Shows a text.
    pub(super) fn show(&mut self, text: &str, output: &mut Output<'_>) -> io::Result<()> {
        let now = elapsed();
        let is_new = match &self.shown {
            None => true,
            Some((known, at)) => known != text || now.saturating_sub(*at) >= LINE_INTERVAL,
        };
        if !is_new {
            return Ok(());
        }
        if self.terminal.shows_progress {
            let (dim, plain) = if self.terminal.has_colors { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
            write!(output.err, "\r\u{1b}[K{dim}{text}{plain}")?;
        } else {
            writeln!(output.err, "{text}")?;
        }
        output.err.flush()?;
        self.shown = Some((text.to_owned(), now));
        Ok(())
    }

    /// Removes the line from a terminal.
    pub(super) fn clear(&mut self, output: &mut Output<'_>) -> io::Result<()> {
        if self.terminal.shows_progress && self.shown.take().is_some() {
            write!(output.err, "\r\u{1b}[K")?;
            output.err.flush()?;
        }
        Ok(())
    }
}
