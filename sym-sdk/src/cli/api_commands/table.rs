//! Tables: cut to the terminal, and whole in a pipe.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::text::plain;

/// The narrowest that a column is cut to.
const MIN_WIDTH: usize = 8;

/// The space between two columns.
const GAP: usize = 2;

/// Writes a head and rows in columns, each as wide as its widest cell. If they are wider than the terminal, the widest ones are cut.
pub(super) fn write_table(
    to: &mut dyn Write,
    head: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    columns: Option<usize>,
) -> io::Result<()> {
    let mut all = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    all.extend(rows.into_iter().map(|row| row.iter().map(|cell| plain(cell)).collect()));
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let mut widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or_default()).collect();
    if let Some(columns) = columns {
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
        let rows =
            [vec!["名前".to_owned(), "0123456789abcdef".to_owned()], vec!["x".to_owned(), "\u{1b}[31mred".to_owned()]];
        let mut written = Vec::new();
        write_table(&mut written, &["A", "B"], rows, columns).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn tables_are_whole_in_a_pipe_and_fit_a_terminal() {
        assert_eq!(table(None), "A     B\n名前  0123456789abcdef\nx     \\u{1b}[31mred\n");
        assert_eq!(table(Some(16)), "A     B\n名前  012345678…\nx     \\u{1b}[31…\n");
    }
}
