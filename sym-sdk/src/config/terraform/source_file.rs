//! A file of the configuration: its text, and locations in it.
//!
//! Some text that is parsed stands in no file: JSON is translated to the native syntax, a block and its overrides are merged. Such
//! a source remembers where each of its pieces came from, so that every location is one in a file that an author can open.

use std::cell::OnceCell;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use hcl_edit::Span;

use super::unclosed;
use crate::config::{Diagnostic, SourceLocation};

/// The maximal size of a file, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// The text of one file, or text that was made of parts of others.
#[derive(Debug)]
pub(super) struct SourceFile {
    path: Arc<PathBuf>,
    text: String,
    /// The origins of the text, by position; empty for the text of a file.
    pieces: Vec<Piece>,
    /// The offsets at which lines start, once a location was asked for.
    line_starts: OnceCell<Vec<usize>>,
}

/// A piece of text, up to the start of the next one.
#[derive(Debug)]
struct Piece {
    start: usize,
    /// The file.
    origin: Rc<SourceFile>,
    offset: usize,
    /// Whether the text is a copy. Otherwise all of it stands for what begins at the offset.
    is_copy: bool,
}

impl Piece {
    /// Returns the offset in the file for an offset in the text.
    fn resolve(&self, offset: usize) -> usize {
        if self.is_copy { self.offset + offset.saturating_sub(self.start) } else { self.offset }
    }
}

/// Builds a source from parts of others. Pieces refer to files only, so that a location is found in one step, however often a text was
/// composed anew.
#[derive(Debug, Default)]
pub(super) struct SourceBuilder {
    text: String,
    pieces: Vec<Piece>,
}

impl SourceBuilder {
    /// Appends text that stands for what begins at an offset of a source.
    pub(super) fn write(&mut self, origin: &Rc<SourceFile>, offset: usize, text: &str) {
        let (origin, offset) = match origin.piece_at(offset) {
            Some(piece) => (&piece.origin, piece.resolve(offset)),
            None => (origin, offset),
        };
        self.pieces.push(Piece { start: self.text.len(), origin: origin.clone(), offset, is_copy: false });
        self.text.push_str(text);
    }

    /// Appends punctuation, which belongs to the piece before it.
    pub(super) fn punctuate(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a part of a source.
    pub(super) fn copy(&mut self, origin: &Rc<SourceFile>, range: Range<usize>) {
        let start = self.text.len();
        if origin.pieces.is_empty() {
            self.pieces.push(Piece { start, origin: origin.clone(), offset: range.start, is_copy: true });
        }
        let first = origin.pieces.partition_point(|piece| piece.start <= range.start).saturating_sub(1);
        let pieces = origin.pieces.iter().skip(first).take_while(|piece| piece.start < range.end);
        self.pieces.extend(pieces.map(|piece| Piece {
            start: start + piece.start.saturating_sub(range.start),
            origin: piece.origin.clone(),
            offset: piece.resolve(range.start),
            is_copy: piece.is_copy,
        }));
        self.text.push_str(origin.text.get(range).unwrap_or_default());
    }

    /// Returns the source, which bears the name of a file.
    pub(super) fn finish(self, file: &SourceFile) -> SourceFile {
        SourceFile { path: file.path.clone(), text: self.text, pieces: self.pieces, line_starts: OnceCell::new() }
    }
}

impl SourceFile {
    pub(super) fn new(path: impl Into<PathBuf>, text: String) -> Self {
        Self { path: Arc::new(path.into()), text, pieces: Vec::new(), line_starts: OnceCell::new() }
    }

    pub(super) fn read(path: &Path) -> Result<Self, Diagnostic> {
        read_text(path).map(|text| Self::new(path, text)).map_err(|why| {
            let location = SourceLocation { file: Some(Arc::new(path.to_owned())), ..SourceLocation::default() };
            Diagnostic::error(location, format!("the file cannot be read: {why}"))
        })
    }

    /// Returns the text that is parsed. Spans of parsed items are relative to it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_json(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "json")
    }

    /// Returns the location of the file as a whole.
    pub(super) fn file_location(&self) -> SourceLocation {
        SourceLocation { file: Some(self.path.clone()), ..SourceLocation::default() }
    }

    pub(super) fn at_line(&self, line: usize, column: usize) -> SourceLocation {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        SourceLocation { line: number(line), column: number(column), ..self.file_location() }
    }

    /// Returns the piece at an offset, if the text was made of pieces.
    fn piece_at(&self, offset: usize) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.start <= offset);
        self.pieces.get(after.saturating_sub(1))
    }

    /// Returns the location of an offset of the text; the file as a whole if there is no such offset.
    pub(super) fn at_offset(&self, offset: usize) -> SourceLocation {
        if let Some(piece) = self.piece_at(offset) {
            return piece.origin.at_offset(piece.resolve(offset));
        }
        let starts = self
            .line_starts
            .get_or_init(|| std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect());
        let line = starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| starts.get(line)).copied().unwrap_or(0);
        let Some(before) = self.text.get(start..offset) else { return self.file_location() };
        self.at_line(line, 1 + before.chars().count())
    }

    /// Returns the start of a parsed item; the file as a whole for an item that was not parsed from the text.
    pub(super) fn location(&self, thing: &impl Span) -> SourceLocation {
        thing.span().map_or_else(|| self.file_location(), |span| self.at_offset(span.start))
    }

    /// Returns the location of a syntax error.
    pub(super) fn syntax_error(&self, error: &hcl_edit::parser::Error) -> Diagnostic {
        if let Some(unclosed) = self.unclosed_before(error) {
            return unclosed;
        }
        let at = error.location();
        let location =
            if self.pieces.is_empty() { self.at_line(at.line(), at.column()) } else { self.at_offset(at.offset()) };
        Diagnostic::error(location, format!("syntax error: {}", error.message()))
    }
}

impl SourceFile {
    /// Returns the error of something that is opened before the parser stops and is never closed, as the reason why it stops.
    fn unclosed_before(&self, error: &hcl_edit::parser::Error) -> Option<Diagnostic> {
        let (offset, opened) = unclosed::find(&self.text)?;
        let location = self.at_offset(offset);
        let stopped_at = self.at_offset(error.location().offset());
        (location.line <= stopped_at.line)
            .then(|| Diagnostic::error(location, format!("syntax error: {opened}")).with_hint(opened.hint()))
    }
}

/// Reads a text file of limited size. The error says why it cannot be read.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::from_utf8(read_bytes(path)?).map_err(|_| "it is not UTF-8 text".to_owned())?;
    // Editors on Windows may write a byte order mark.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// Reads a file of limited size. The error says why it cannot be read.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })?;
    // A pipe or a device might never end.
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("it is larger than {} MiB", MAX_FILE >> 20));
    }
    Ok(bytes)
}
