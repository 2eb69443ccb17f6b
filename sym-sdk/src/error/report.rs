use std::error::Error as _;
use std::fmt;

use super::Error;

/// Shows an [`Error`] with its hint and everything that caused it, each thing once. See [`Error::report`].
#[derive(Debug)]
pub struct Report<'a>(&'a Error);

impl<'a> Report<'a> {
    /// The report of an error.
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
        let mut said = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            // Many errors say themselves what they come from.
            if !said.contains(&cause) {
                write!(f, "\n  caused by: {cause}")?;
                said.push_str(&cause);
            }
            source = error.source();
        }
        Ok(())
    }
}
