//! A file of the configuration: its text, and locations in it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl_edit::Span;

use crate::config::{Diagnostic, SourceLocation};

/// The maximal size of a file, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// The text of one file.
#[derive(Debug)]
pub(super) struct SourceFile {
    path: Arc<PathBuf>,
    text: String,
    /// Whether the file is JSON. Its strings are parsed one by one, so their spans are relative to the string and not to the
    /// file.
    is_json: bool,
}

impl SourceFile {
    pub(super) fn new(path: impl Into<PathBuf>, text: String) -> Self {
        Self { path: Arc::new(path.into()), text, is_json: false }
    }

    pub(super) fn read(path: &Path) -> Result<Self, Diagnostic> {
        match read_text(path) {
            Ok(text) => {
                let is_json = path.extension().is_some_and(|extension| extension == "json");
                Ok(Self { is_json, ..Self::new(path, text) })
            }
            Err(why) => {
                let location = SourceLocation { file: Some(Arc::new(path.to_owned())), ..SourceLocation::default() };
                Err(Diagnostic::error(location, format!("the file cannot be read: {why}")))
            }
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Returns the location of the file as a whole.
    pub(super) fn file_location(&self) -> SourceLocation {
        SourceLocation { file: Some(self.path.clone()), ..SourceLocation::default() }
    }

    pub(super) fn at_line(&self, line: usize, column: usize) -> SourceLocation {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        SourceLocation { line: number(line), column: number(column), ..self.file_location() }
    }

    /// Returns the start of a parsed item; the file as a whole for an item that was not parsed from its text.
    pub(super) fn location(&self, thing: &impl Span) -> SourceLocation {
        let span = thing.span().filter(|_| !self.is_json);
        let before = span.and_then(|span| self.text.get(..span.start));
        let Some(before) = before else { return self.file_location() };
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        self.at_line(line, 1 + before[line_start..].chars().count())
    }
}

/// Reads a text file of limited size. The error says why it cannot be read.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
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
    let mut text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    // Editors on Windows may write a byte order mark.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}
