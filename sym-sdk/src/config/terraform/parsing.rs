//! Parses files, in either syntax.

use std::ops::Range;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;

use super::json_syntax;
use super::source_file::{SourceBuilder, SourceFile};
use crate::config::Diagnostic;

/// The maximal number of repeated keys in one file.
const MAX_REPEATED_KEYS: usize = 64;

/// A parsed file, with the source to which the spans of its body refer.
pub(super) type Parsed = (Rc<SourceFile>, Body);

/// Parses a file of blocks.
pub(super) fn parse_body(source: &Rc<SourceFile>) -> Result<Parsed, Vec<Diagnostic>> {
    if source.is_json() { parse_native(&Rc::new(json_syntax::translate(source)?)) } else { parse_native(source) }
}

/// Parses a file of variables.
pub(super) fn parse_variables(source: &Rc<SourceFile>) -> Result<Parsed, Vec<Diagnostic>> {
    if source.is_json() {
        parse_native(&Rc::new(json_syntax::translate_variables(source)?))
    } else {
        parse_native(source)
    }
}

/// Parses the native syntax.
pub(super) fn parse_native(source: &Rc<SourceFile>) -> Result<Parsed, Vec<Diagnostic>> {
    let mut source = source.clone();
    for _ in 0..=MAX_REPEATED_KEYS {
        let error = match hcl_edit::parser::parse_body(source.text()) {
            Ok(body) => return Ok((source, body)),
            Err(error) => error,
        };
        match repeated_key(&source, &error) {
            Some(key) => source = Rc::new(in_parentheses(&source, key)),
            None => return Err(vec![source.syntax_error(&error)]),
        }
    }
    Err(vec![Diagnostic::error(source.file_location(), format!("more than {MAX_REPEATED_KEYS} keys are repeated"))])
}

/// Returns the position of a key that its map has already, if that is the error.
fn repeated_key(source: &SourceFile, error: &hcl_edit::parser::Error) -> Option<Range<usize>> {
    /// The number of signs that are looked at to find the end of the key.
    const CANDIDATES: usize = 16;
    if !error.message().contains("redefined object key") {
        return None;
    }
    let start = error.location().offset();
    let rest = source.text().get(start..)?;
    rest.match_indices(['=', ':']).take(CANDIDATES).find_map(|(end, _)| {
        let key = rest.get(..end)?.trim_end();
        hcl_edit::parser::parse_expr(key).is_ok().then(|| start..start + key.len())
    })
}

/// Returns the source with a key in parentheses. The parser refuses a key that a map has already, while in Terraform the last one counts;
/// it takes a key in parentheses for another one.
fn in_parentheses(source: &Rc<SourceFile>, key: Range<usize>) -> SourceFile {
    let text = source.text();
    let quote = match text.get(key.clone()).map(str::parse::<Expression>) {
        Some(Ok(Expression::Variable(_))) => "\"",
        _ => "",
    };
    let mut builder = SourceBuilder::default();
    builder.copy(source, 0..key.start);
    builder.write(source, key.start, &format!("({quote}"));
    builder.copy(source, key.clone());
    builder.write(source, key.end, &format!("{quote})"));
    builder.copy(source, key.end..text.len());
    builder.finish(source)
}
