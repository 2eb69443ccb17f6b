//! What is wrong with a configuration, and where.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeStruct;

use super::Place;
use crate::error::{Error, ErrorKind, codes};

/// One thing that is wrong, or worth a note, in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Fault {
    /// Where it stands.
    pub place: Place,
    /// What is wrong: it names the thing, what was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault at a place.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do about it, if there is advice to give.
    #[must_use]
    pub fn with_hint_if(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// The place, the message, and the hint on a line of its own.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

/// `{file, line, column, message, hint}`; what is not known is `null`.
impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = |number: u32| (number > 0).then_some(number);
        let mut fault = serializer.serialize_struct("Fault", 5)?;
        fault.serialize_field("file", &self.place.file.as_ref().map(|file| file.display().to_string()))?;
        fault.serialize_field("line", &known(self.place.line))?;
        fault.serialize_field("column", &known(self.place.column))?;
        fault.serialize_field("message", &self.message)?;
        fault.serialize_field("hint", &self.hint)?;
        fault.end()
    }
}

/// Every fault of a configuration: at least one, sorted by place, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Nothing if there are no faults, all of them otherwise.
    pub fn check(faults: impl IntoIterator<Item = Fault>) -> Result<(), Self> {
        let mut faults: Vec<Fault> = faults.into_iter().collect();
        if faults.is_empty() {
            return Ok(());
        }
        faults.sort();
        faults.dedup();
        Err(Self(faults))
    }

    /// The faults, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// The faults, in order.
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One fault after another, each on a line of its own.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The faults are the error's source.
impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        let message = match faults.as_slice() {
            [only] => only.to_string().replace('\n', " "),
            several => format!("the configuration has {} faults", several.len()),
        };
        Self::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_source(faults)
    }
}
