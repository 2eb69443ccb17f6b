//! Diagnostics: the problems of a configuration, each with its source location and advice.
//!
//! Checks collect diagnostics instead of stopping at the first one, so that an author sees all of them in one run.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::error::{Error, ErrorKind, codes};

/// A position in a configuration file or in Rust source.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceLocation {
    /// The file, if the item was read from one.
    pub file: Option<Arc<PathBuf>>,
    /// The line, counted from 1; 0 if unknown.
    pub line: u32,
    /// The column in characters, counted from 1; 0 if unknown.
    pub column: u32,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) if self.line > 0 => write!(f, "{}:{}:{}", file.display(), self.line, self.column),
            Some(file) => write!(f, "{}", file.display()),
            None => f.write_str("configuration"),
        }
    }
}

/// The severity of a [`Diagnostic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but part of it is ignored or has no effect.
    Warning,
    /// The configuration can be used. Something in it may not be intended.
    Note,
}

/// `error`, `warning` or `note`.
impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// An error, a warning or a note about a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The location of the problem.
    pub location: SourceLocation,
    /// A description of the problem: the item, what was expected and what was found.
    pub message: String,
    /// Advice on how to fix it.
    pub hint: Option<String>,
    /// Whether the problem prevents the configuration from being used.
    pub severity: Severity,
}

impl Diagnostic {
    /// Creates an error.
    pub fn error(location: SourceLocation, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), hint: None, severity: Severity::Error }
    }

    /// Creates a warning.
    pub fn warning(location: SourceLocation, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(location, message) }
    }

    /// Creates a note.
    pub fn note(location: SourceLocation, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(location, message) }
    }

    /// Returns whether the problem prevents the configuration from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Sets the advice on how to fix the problem.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the advice on how to fix the problem, if there is any.
    #[must_use]
    pub fn with_hint_if(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// The location and the message, then the hint on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

/// `{severity, file, line, column, message, hint}`, with `null` for what is unknown.
impl Serialize for Diagnostic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = |number: u32| (number > 0).then_some(number);
        let mut diagnostic = serializer.serialize_struct("Diagnostic", 6)?;
        diagnostic.serialize_field("severity", &self.severity)?;
        let file = self.location.file.as_ref().map(|file| file.display().to_string());
        diagnostic.serialize_field("file", &file)?;
        diagnostic.serialize_field("line", &known(self.location.line))?;
        diagnostic.serialize_field("column", &known(self.location.column))?;
        diagnostic.serialize_field("message", &self.message)?;
        diagnostic.serialize_field("hint", &self.hint)?;
        diagnostic.end()
    }
}

/// A non-empty list of errors, sorted by location and without duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Returns `Ok` if there are no errors, and all of them otherwise.
    ///
    /// # Errors
    /// If `errors` yields any.
    pub fn check(errors: impl IntoIterator<Item = Diagnostic>) -> Result<(), Self> {
        let mut errors: Vec<Diagnostic> = errors.into_iter().collect();
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort();
        errors.dedup();
        Err(Self(errors))
    }

    /// Returns an iterator over the errors, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Returns the errors, in order.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One error after another, each on a line of its own.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The error's source is the whole list.
impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        let message = match diagnostics.as_slice() {
            [only] => only.to_string().replace('\n', " "),
            several => format!("the configuration has {} errors", several.len()),
        };
        Self::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_source(diagnostics)
    }
}
