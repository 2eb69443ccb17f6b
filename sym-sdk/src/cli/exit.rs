//! Exit codes, and the errors that end a command.

use std::io;
use std::process::ExitCode;

use super::output::Output;
use crate::config::Diagnostics;
#[cfg(feature = "sqlite")]
use crate::engine::StoreError;
use crate::error::Error;
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
use crate::error::{ErrorKind, codes};

/// The result of a command. Converts into the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exit {
    /// The command succeeded: 0.
    Success,
    /// The command failed, or found errors: 1.
    Failure,
    /// The command line or the file that it names is invalid: 2.
    Usage,
    /// The store of a running program has failed for good, and the program has to be restarted: 3. Configure a supervisor to do so.
    StoreFailed,
    /// The request was denied, or the command is not permitted: 3.
    Refused,
    /// The request still waits for a decision, or it has expired: 4.
    Waiting,
    /// There is no server, or nobody is signed in: 5.
    NoServer,
    /// The command was interrupted: 130.
    Interrupted,
}

impl Exit {
    /// Returns the exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::StoreFailed | Self::Refused => 3,
            Self::Waiting => 4,
            Self::NoServer => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error that ends a command.
pub(super) enum CommandError {
    /// The configuration or the handlers are invalid.
    Config(Diagnostics),
    /// The request that the command line names is invalid.
    Request(Error),
    /// The command line lacks something that only this command needs.
    Usage { message: String, help: &'static str },
    /// The command failed.
    Failed(Error),
    /// A call of the API failed. The exit code says how.
    #[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
    Call(Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl CommandError {
    /// Writes the error, and returns the command's result.
    pub(super) fn report(self, output: &mut Output<'_>) -> io::Result<Exit> {
        match self {
            Self::Config(errors) => output.config_errors(&errors).map(|()| Exit::Failure),
            Self::Request(error) => output.error(&error).map(|()| Exit::Usage),
            Self::Usage { message, help } => output.error_without_code(&message, help).map(|()| Exit::Usage),
            Self::Failed(error) => output.error(&error).map(|()| Exit::Failure),
            #[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
            Self::Call(error) => output.error(&error).map(|()| exit_of(&error)),
            Self::Output(error) => Err(error),
        }
    }
}

/// Returns the result of a command that ends with this error of a call.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) fn exit_of(error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::Forbidden => Exit::Refused,
        ErrorKind::Unauthorized => Exit::NoServer,
        _ if *error.code() == codes::SERVER_UNREACHABLE => Exit::NoServer,
        _ => Exit::Failure,
    }
}

impl From<Diagnostics> for CommandError {
    fn from(errors: Diagnostics) -> Self {
        Self::Config(errors)
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[cfg(feature = "sqlite")]
impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
