//! Lists: tables whose columns the command line can choose.

use std::io;

use super::text::plain;
use super::times::Times;
use crate::cli::args::ColumnArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, Terminal};
use crate::cli::table::write_table;
use crate::error::{Error, ErrorKind, codes};

/// A column of a list of `T`.
pub(super) struct Column<T> {
    /// The name on the command line, which is also the head.
    name: &'static str,
    /// Whether it is shown unless columns are named.
    is_default: bool,
    cell: fn(&Times, &T) -> String,
}

impl<T> Column<T> {
    pub(super) const fn new(name: &'static str, cell: fn(&Times, &T) -> String) -> Self {
        Self { name, is_default: true, cell }
    }

    /// Creates a column that is shown only if it is named.
    pub(super) const fn extra(name: &'static str, cell: fn(&Times, &T) -> String) -> Self {
        Self { name, is_default: false, cell }
    }
}

/// The columns that a command shows.
pub(super) struct Columns<T: 'static>(Vec<&'static Column<T>>);

impl<T> Columns<T> {
    /// Returns the columns that the arguments name, or else the default ones.
    ///
    /// # Errors
    /// If one is named that the list does not have, or the output is no table.
    pub(super) fn choose(
        all: &'static [Column<T>],
        args: &ColumnArgs,
        output: &Output<'_>,
    ) -> Result<Self, CommandError> {
        if args.columns.is_empty() {
            return Ok(Self(all.iter().filter(|column| column.is_default).collect()));
        }
        if output.json {
            return Err(CommandError::Usage {
                message: "`--columns` chooses the columns of a table, and `--json` prints none".to_owned(),
                help: "leave out one of them; JSON has all members",
            });
        }
        let named = args.columns.iter().map(|name| {
            let found = all.iter().find(|column| column.name.eq_ignore_ascii_case(name.trim()));
            found.ok_or_else(|| {
                let names: Vec<_> = all.iter().map(|column| format!("`{}`", column.name)).collect();
                let message = format!("there is no column `{}`", plain(name.trim()));
                let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, message);
                CommandError::Request(error.with_hint(format!("the columns are {}", names.join(", "))))
            })
        });
        named.collect::<Result<_, _>>().map(Self)
    }

    /// Writes the table.
    pub(super) fn write<'a>(
        &self,
        items: impl IntoIterator<Item = &'a T>,
        times: &Times,
        terminal: Terminal,
        output: &mut Output<'_>,
    ) -> io::Result<()> {
        let head = self.0.iter().map(|column| column.name.to_ascii_uppercase());
        let rows = items.into_iter().map(|item| self.row(item, times));
        write_table(output.out, head, rows, terminal.columns)
    }

    /// Returns the cells of an item.
    pub(super) fn row(&self, item: &T, times: &Times) -> Vec<String> {
        self.0.iter().map(|column| plain(&(column.cell)(times, item))).collect()
    }
}

/// Returns a text that may be missing.
pub(super) fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}
