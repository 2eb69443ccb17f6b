//! Writes what a command has to say.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::config::Diagnostics;
use crate::error::Error;

/// Where a command writes: results to `out`, complaints to `err`. With `--json` all that it has to say is one JSON value.
pub(super) struct Output<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
    pub(super) json: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, json: bool) -> Self {
        Self { out, err, json }
    }

    /// Writes a JSON value over several lines.
    pub(super) fn value(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self.out, value)?;
        writeln!(self.out)
    }

    /// Writes a JSON value on a line of its own, for one of many.
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

    /// Writes the faults that keep a command from doing what it should.
    pub(super) fn faults(&mut self, faults: &Diagnostics) -> io::Result<()> {
        if self.json {
            return self.value(&json!({ "errors": faults }));
        }
        faults.iter().try_for_each(|fault| writeln!(self.err, "error: {fault}"))
    }

    /// Writes an error of which nothing but a message and some advice is known.
    pub(super) fn usage_error(&mut self, message: &str, help: &str) -> io::Result<()> {
        if self.json {
            return self.value(&json!({ "error": { "message": message, "hint": help } }));
        }
        writeln!(self.err, "error: {message}\n  help: {help}")
    }
}

pub(super) fn error_json(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.message(), "hint": error.hint() })
}

/// Writes rows in columns, each as wide as its widest cell. The last one is left ragged.
pub(super) fn write_table<const N: usize>(to: &mut dyn Write, rows: &[[String; N]]) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            // Not by `{:width$}`, which counts characters: some take two columns.
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}

/// `1 flow`, `2 flows`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_seen() {
        let rows = [["名前".to_owned(), "x".to_owned()], ["abc".to_owned(), "y".to_owned()]];
        let mut written = Vec::new();
        write_table(&mut written, &rows).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "名前  x\nabc   y\n");
    }
}
