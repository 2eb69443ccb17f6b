//! Why a command cannot do what it should.

use std::io;

use super::output::Output;
use crate::app::Exit;
use crate::config::Diagnostics;
use crate::error::Error;

/// Why a command ends before it has done anything.
pub(super) enum Failure {
    /// The configuration and the handlers do not fit.
    Faults(Diagnostics),
    /// All else.
    Refused(Error),
}

impl Failure {
    /// Says so.
    pub(super) fn write(&self, output: &mut Output<'_>) -> io::Result<Exit> {
        match self {
            Self::Faults(faults) => output.faults(faults)?,
            Self::Refused(error) => output.error(error)?,
        }
        Ok(Exit::Failure)
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}
