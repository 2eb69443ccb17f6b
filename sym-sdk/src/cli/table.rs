//! Tables: cut to the terminal, and whole in a pipe.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The narrowest that a column is cut to.
const MIN_WIDTH: usize = 8;

/// The space between two columns.
const GAP: usize = 2;

/// Writes a head and rows in columns, each as wide as its widest cell; the last one is not padded. If they are wider than this many columns
/// of a terminal, the widest ones are cut.
pub(super) fn write_table<H, R>(
    to: &mut dyn Write,
    head: H,
    rows: impl IntoIterator<Item = R>,
    terminal_columns: Option<usize>,
) -> io::Result<()>
where
    H: IntoIterator<Item: Into<String>>,
    R: IntoIterator<Item = String>,
{
    let head: Vec<String> = head.into_iter().map(Into::into).collect();
    let number = head.len();
    let mut all = vec![head];
    all.extend(rows.into_iter().map(|row| row.into_iter().collect()));
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let mut widths: Vec<usize> = (0..number).map(|column| width(column).unwrap_or_default()).collect();
    if let Some(columns) = terminal_columns {
        shrink(&mut widths, columns);
    }
    for row in &all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell = cut(cell, *width);
            line.push_str(&cell);
            // `{:width$}` would count characters, and some take two columns of a terminal.
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
        }
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Takes from the widest columns until all fit.
fn shrink(widths: &mut [usize], columns: usize) {
    let gaps = widths.len().saturating_sub(1) * GAP;
    while widths.iter().sum::<usize>() + gaps > columns {
        match widths.iter_mut().max() {
            Some(widest) if *widest > MIN_WIDTH => *widest -= 1,
            _ => return,
        }
    }
}

/// Cuts a text to a width, and says so.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or_default();
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: Option<usize>) -> String {
        let rows = [["名前".to_owned(), "0123456789abcdef".to_owned()], ["abc".to_owned(), "y".to_owned()]];
        let mut written = Vec::new();
        write_table(&mut written, ["A", "B"], rows, columns).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn tables_are_whole_in_a_pipe_and_fit_a_terminal() {
        assert_eq!(table(None), "A     B\n名前  0123456789abcdef\nabc   y\n");
        assert_eq!(table(Some(16)), "A     B\n名前  012345678…\nabc   y\n");
    }
}
