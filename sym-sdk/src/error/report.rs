//! The multi-line form of an error, for terminals and logs.

use std::error::Error as _;
use std::fmt;

use super::Error;

/// Displays an [`Error`] with its hint and its sources, without repetitions. Created by [`Error::report`].
#[derive(Debug)]
pub struct Report<'a>(&'a Error);

impl<'a> Report<'a> {
    /// Creates the report of an error.
    pub fn new(error: &'a Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        if let Some(hint) = self.0.hint() {
            write!(f, "\n  help: {hint}")?;
        }
        if let Some(url) = self.0.doc_url() {
            write!(f, "\n  see: {url}")?;
        }
        let mut printed = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            // The message of many errors includes that of their source.
            if !printed.contains(&cause) {
                write!(f, "\n  caused by: {cause}")?;
                printed.push_str(&cause);
            }
            source = error.source();
        }
        Ok(())
    }
}
