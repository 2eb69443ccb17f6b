//! Lines of CSV files (RFC 4180), which people open in spreadsheets.

/// Returns a line. A cell that a spreadsheet would take for a formula begins with an apostrophe: what somebody has typed must not become
/// code on the machine of who reads it.
pub(crate) fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<_> = cells.into_iter().map(csv_cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn csv_cell(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\u{a0}']).chars().next();
    let is_formula = first
        .is_some_and(|first| matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\r', '\n', '\t']) || is_formula || cell.starts_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data must not become code at the next tool.
    #[test]
    fn cells_are_no_formulas() {
        for cell in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "＝1"] {
            assert!(csv_cell(cell).starts_with("\"'"), "{cell:?} became {}", csv_cell(cell));
        }
        assert_eq!(csv_line(["a,\"b\"", "cleo@example.com", ""]), "\"a,\"\"b\"\"\",cleo@example.com,\r\n");
    }
}
