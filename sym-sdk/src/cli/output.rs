//! The output of commands: text for people, or JSON for programs.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Diagnostic, Diagnostics};
use crate::error::Error;

/// The destination of a command's output. Results go to `out`, errors and notes to `err`; with `--json`, both go to `out`, as JSON.
pub(super) struct Output<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
    pub(super) json: bool,
}

/// The terminal that the output goes to, as far as it is one.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(
    not(all(feature = "api", feature = "remote", feature = "sqlite")),
    expect(dead_code, reason = "only the commands that call the API depend on it")
)]
pub(crate) struct Terminal {
    /// The number of columns of standard output. `None` if it is no terminal: then nothing is cut.
    pub(super) columns: Option<usize>,
    /// The number of lines of standard output. `None` if it is no terminal.
    pub(super) lines: Option<usize>,
    /// Whether standard error is a terminal.
    pub(super) shows_progress: bool,
    /// Whether somebody can be asked: standard input and standard error are terminals.
    pub(super) can_ask: bool,
    /// Whether standard error takes colors.
    pub(super) has_colors: bool,
}

impl Terminal {
    /// Returns that of the process.
    pub(crate) fn of_process() -> Self {
        let (out, err, input) = (io::stdout().is_terminal(), io::stderr().is_terminal(), io::stdin().is_terminal());
        let size = terminal_size::terminal_size().filter(|_| out);
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            columns: size.map(|(width, _)| width.0.into()),
            lines: size.map(|(_, height)| height.0.into()),
            shows_progress: err,
            can_ask: err && input,
            has_colors: err && !no_color,
        }
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, json: bool) -> Self {
        Self { out, err, json }
    }

    /// Writes an indented JSON value.
    pub(super) fn value(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self.out, value)?;
        writeln!(self.out)
    }

    /// Writes a JSON value on one line, for JSON Lines.
    #[cfg(feature = "sqlite")]
    pub(super) fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, value)?;
        writeln!(self.out)
    }

    /// Writes an error.
    pub(super) fn error(&mut self, error: &Error) -> io::Result<()> {
        if self.json {
            self.value(&json!({ "error": error_json(error) }))
        } else {
            writeln!(self.err, "error: {}", error.report())
        }
    }

    /// Writes the errors of the configuration and the handlers.
    pub(super) fn config_errors(&mut self, errors: &Diagnostics) -> io::Result<()> {
        if self.json {
            return self.value(&json!({ "errors": errors }));
        }
        errors.iter().try_for_each(|error| writeln!(self.err, "error: {error}"))
    }

    /// Writes warnings about the configuration, unless the output is JSON: then it has room for the command's result only.
    pub(super) fn config_warnings(&mut self, warnings: &[Diagnostic]) -> io::Result<()> {
        let mut shown = warnings.iter().filter(|_| !self.json);
        shown.try_for_each(|warning| writeln!(self.err, "{}: {warning}", warning.severity))
    }

    /// Writes an error that has a message and a hint but no code.
    pub(super) fn error_without_code(&mut self, message: &str, help: &str) -> io::Result<()> {
        if self.json {
            return self.value(&json!({ "error": { "message": message, "hint": help } }));
        }
        writeln!(self.err, "error: {message}\n  help: {help}")
    }
}

/// Converts an error for output with `--json`.
pub(super) fn error_json(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.message(), "hint": error.hint() })
}

/// Formats a number with its noun, such as `1 flow` or `2 flows`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
