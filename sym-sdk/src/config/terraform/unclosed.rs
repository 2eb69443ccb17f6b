//! Finds what a file opens and does not close: a string, a template, a heredoc, a comment or a bracket.
//!
//! The parser notices the end of the line or of the file, where nothing is wrong, and says what it would have expected there. The author has
//! to look where it was opened.

use std::fmt;

/// Something that is not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    String,
    /// The `${` or `%{` of a template.
    Template,
    /// With its marker.
    Heredoc(String),
    Comment,
    Bracket(char),
}

impl Opened {
    /// Says how to close it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::String => {
                "end it with `\"` on the same line; a text of several lines is a heredoc: `<<EOT`".to_owned()
            }
            Self::Template => "end it with `}`; to write it as text, double its first character".to_owned(),
            Self::Heredoc(marker) => format!("end it with a line that contains `{marker}` and nothing else"),
            Self::Comment => "end it with `*/`".to_owned(),
            Self::Bracket(open) => format!("end it with `{}`", closing(*open)),
        }
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("the string that starts here is not closed"),
            Self::Template => f.write_str("the template that starts here is not closed"),
            Self::Heredoc(marker) => write!(f, "the heredoc `{marker}` that starts here is not closed"),
            Self::Comment => f.write_str("the comment that starts here is not closed"),
            Self::Bracket(open) => write!(f, "this `{open}` is not closed"),
        }
    }
}

const fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Returns the first thing that is not closed, and its offset.
pub(super) fn find(text: &str) -> Option<(usize, Opened)> {
    let mut scanner = Scanner { text, at: 0, indent: 0, line_text: 0, open: Vec::new(), suspect: None };
    scanner.start_line(0);
    match scanner.scan() {
        Err(found) => Some(found),
        Ok(()) => {
            let last = scanner.open.pop();
            let (offset, open) = scanner.suspect.filter(|_| last.is_some()).or(last)?;
            Some((offset, open.as_opened()))
        }
    }
}

/// An opened part of the text around the position of a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// With the indentation of the line that opens it.
    Bracket(char, usize),
    String,
    Template,
}

impl Open {
    fn as_opened(self) -> Opened {
        match self {
            Self::Bracket(open, _) => Opened::Bracket(open),
            Self::String => Opened::String,
            Self::Template => Opened::Template,
        }
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The indentation of the line of the position, and the offset at which the text after it starts.
    indent: usize,
    line_text: usize,
    /// The parts that are open, with their offsets, the innermost last.
    open: Vec<(usize, Open)>,
    /// The first bracket whose closing one is indented less than the line that opened it: it is closed by that of a block around it, if one is
    /// missing.
    suspect: Option<(usize, Open)>,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn scan(&mut self) -> Result<(), (usize, Opened)> {
        while let Some(next) = self.rest().chars().next() {
            match self.open.last() {
                Some((start, Open::String)) => {
                    let start = *start;
                    self.string(next, start)?;
                }
                _ => self.code(next)?,
            }
        }
        Ok(())
    }

    /// Steps over one sign of a string.
    fn string(&mut self, next: char, start: usize) -> Result<(), (usize, Opened)> {
        let rest = self.rest();
        if next == '\n' {
            // The quote that ends a string starts another one in a template that is not closed.
            let template = self.open.iter().find(|(_, open)| *open == Open::Template);
            return Err(template.map_or((start, Opened::String), |(start, _)| (*start, Opened::Template)));
        } else if next == '"' {
            self.open.pop();
            self.at += 1;
        } else if next == '\\' {
            let escaped = rest.chars().nth(1).filter(|escaped| *escaped != '\n');
            self.at += 1 + escaped.map_or(0, char::len_utf8);
        } else if rest.starts_with("$${") || rest.starts_with("%%{") {
            self.at += 3;
        } else if rest.starts_with("${") || rest.starts_with("%{") {
            self.open.push((self.at, Open::Template));
            self.at += 2;
        } else {
            self.at += next.len_utf8();
        }
        Ok(())
    }

    /// Steps over one sign outside of strings, or over a comment or a heredoc.
    fn code(&mut self, next: char) -> Result<(), (usize, Opened)> {
        let (start, rest) = (self.at, self.rest());
        if next == '#' || rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            self.at += rest.find("*/").ok_or((start, Opened::Comment))? + 2;
        } else if rest.starts_with("<<") {
            self.at += heredoc(rest).map_err(|marker| (start, Opened::Heredoc(marker)))?;
        } else {
            self.at += next.len_utf8();
            match next {
                '"' => self.open.push((start, Open::String)),
                '(' | '[' | '{' => self.open.push((start, Open::Bracket(next, self.indent))),
                ')' | ']' | '}' => self.close(next)?,
                _ => {}
            }
        }
        let passed = self.text.get(start..self.at).unwrap_or_default();
        if let Some(end) = passed.rfind('\n') {
            self.start_line(start + end + 1);
        }
        Ok(())
    }

    /// Notes the indentation of the line that starts at an offset.
    fn start_line(&mut self, start: usize) {
        let line = self.text.get(start..).unwrap_or_default();
        self.indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        self.line_text = start + self.indent;
    }

    fn close(&mut self, close: char) -> Result<(), (usize, Opened)> {
        match self.open.last().copied() {
            Some((_, Open::Template)) if close == '}' => {}
            Some((start, Open::Bracket(open, indent))) if closing(open) == close => {
                let starts_line = self.at - close.len_utf8() == self.line_text;
                if starts_line && self.indent < indent {
                    self.suspect.get_or_insert((start, Open::Bracket(open, indent)));
                }
            }
            Some((start, open)) => return Err((start, open.as_opened())),
            // A surplus bracket is an error of another kind, which the parser reports.
            None => {}
        }
        self.open.pop();
        Ok(())
    }
}

/// Returns the length of the heredoc at the start of this text.
///
/// # Errors
/// The marker, if no line ends it.
fn heredoc(text: &str) -> Result<usize, String> {
    let head = text.strip_prefix("<<").unwrap_or(text);
    let head = head.strip_prefix('-').unwrap_or(head);
    let marker: String = head.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    if marker.is_empty() {
        return Ok(2);
    }
    let mut end = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        end += line.len();
        if number > 0 && line.trim() == marker {
            return Ok(end);
        }
    }
    Err(marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(usize, Opened)>) {
        assert_eq!(find(text), expected, "{text}");
    }

    /// Each of these took time in the square of its length.
    #[test]
    fn long_lines_are_read_once() {
        check(&"<".repeat(4 << 20), None);
        check(&format!("a = [{}", "[],".repeat(1 << 20)), Some((4, Opened::Bracket('['))));
    }

    #[test]
    fn finds_strings_that_end_with_their_line() {
        check("a = \"b\nc = \"d\"\n", Some((4, Opened::String)));
        check("a = \"b", Some((4, Opened::String)));
        check("a = \"b\\\"\n", Some((4, Opened::String)));
    }

    #[test]
    fn finds_templates_comments_heredocs_and_brackets() {
        check("a = \"${b\"\n", Some((5, Opened::Template)));
        check("a = \"${b(\"c\"}\"\n", Some((8, Opened::Bracket('('))));
        check("a = \"${b\n\n", Some((5, Opened::Template)));
        check("a = 1\n/* b\n", Some((6, Opened::Comment)));
        check("a = <<EOT\n\"{[\nEOF\n", Some((4, Opened::Heredoc("EOT".to_owned()))));
        check("a = [1, 2\n}\n", Some((4, Opened::Bracket('['))));
        check("a {\nb {\n}\n", Some((2, Opened::Bracket('{'))));
        check("a {\n  b {\n}\n", Some((8, Opened::Bracket('{'))));
        check("a {\n  b {\n  c {\n  }\n}\n", Some((8, Opened::Bracket('{'))));
    }

    #[test]
    fn finds_nothing_in_files_that_close_everything() {
        check("a = \"b \\\" $${ ${c[\"d\"]} %{ if e }é%{ endif }\" # \"\n// {\n/* [ */ b { c = (1 << 2) }\n", None);
        check("a = <<-EOT\n  \" { ${b}\n  EOT\nc = 1\n", None);
        check("}\n", None);
    }
}
