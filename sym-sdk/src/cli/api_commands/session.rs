//! The session of a command: the API that it calls, and how it shows what it gets.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::Context;
use super::file::{Needs, OpenFile};
use super::place::{Credential, Place, resolve, variable};
use super::profiles::Profiles;
use super::times::Times;
use crate::cli::args::ConnectionArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, Terminal};
use crate::cli::{Common, Program};
use crate::client::{Answer, Call, Client, ClientBuilder};
use crate::error::{Error, codes};

/// The session of a command.
pub(super) struct Session {
    pub(super) client: Client,
    /// The store, if the API is in this process.
    file: Option<OpenFile>,
    pub(super) times: Times,
    pub(super) terminal: Terminal,
    /// The address of the server, if it is not in this process.
    pub(super) server: Option<String>,
    /// Whether nobody is asked.
    no_input: bool,
    /// The beginning of a command that goes on where this one is, for hints.
    pub(super) command: String,
}

/// Returns a client of a server. The token of a job is exchanged before the first call.
async fn connect(url: &str, credential: Credential, ca_cert: Option<&Path>) -> Result<Client, CommandError> {
    let builder = builder(url, ca_cert).await?;
    match credential {
        Credential::Token(token) => builder.token(token).map_err(CommandError::Request),
        Credential::Job { token, bot } => {
            builder.workload_token(&token, bot.as_deref()).await.map_err(CommandError::Call)
        }
    }
}

/// Returns the settings of a client of a server.
pub(super) async fn builder(url: &str, ca_cert: Option<&Path>) -> Result<ClientBuilder, CommandError> {
    let mut builder = Client::builder(url);
    if let Some(path) = ca_cert {
        let file = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || std::fs::read(file));
        let pem = reading.await.map_err(io::Error::other).flatten().map_err(|error| {
            let message = format!("cannot read the certificate authorities in `{}`: {error}", path.display());
            CommandError::Request(Error::invalid(codes::CONFIGURATION, message).with_source(error))
        })?;
        builder = builder.certificate_authorities(pem);
    }
    Ok(builder)
}

impl Session {
    pub(super) async fn open(
        program: Program,
        common: Common,
        args: &ConnectionArgs,
        needs: Needs,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<Self, CommandError> {
        let (client, server, file) = match resolve(args, Profiles::read, variable).await? {
            Place::Server { url, credential, ca_cert } => {
                let client = connect(&url, credential, ca_cert.as_deref()).await?;
                (client, Some(url), None)
            }
            Place::File { db, actor } => {
                let file = OpenFile::open(program, common, &db, actor, needs, output).await?;
                (file.client.clone(), None, Some(file))
            }
        };
        let times = Times::new(args.utc);
        let (terminal, no_input) = (context.terminal, args.no_input);
        Ok(Self { client, file, times, terminal, server, no_input, command: context.program.clone() })
    }

    /// Returns a session of this client, without a terminal.
    #[cfg(test)]
    pub(super) fn of_client(client: Client) -> Self {
        let (times, terminal) = (Times::new(true), Terminal::default());
        let command = "my-flows".to_owned();
        Self { client, file: None, times, terminal, server: None, no_input: true, command }
    }

    pub(super) async fn close(self) -> Result<(), CommandError> {
        match self.file {
            Some(file) => file.close().await,
            None => Ok(()),
        }
    }

    /// Returns whether the command works on a file.
    pub(super) fn is_on_file(&self) -> bool {
        self.file.is_some()
    }

    /// Returns whether somebody can be asked.
    pub(super) fn can_ask(&self) -> bool {
        self.terminal.can_ask && !self.no_input
    }

    /// Makes a call.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, CommandError> {
        self.client.call(call).await.map_err(|error| CommandError::Call(self.with_hint(error)))
    }

    /// Returns an error as people read it: with a way out of the refusals of the command line, and without what only matters to whoever operates
    /// a server that has failed.
    pub(super) fn with_hint(&self, error: Error) -> Error {
        if error.status().is_none_or(|status| status >= 500) {
            return error;
        }
        let shown = Error::new(error.kind(), error.code().clone(), error.message());
        match error.hint() {
            Some(hint) => shown.with_hint(hint),
            None if self.is_on_file() && error.message().ends_with("on the command line") => shown.with_hint(
                "on a file, nobody is authenticated, so it can only take access away: call the running program with `--server URL`",
            ),
            None => shown,
        }
    }

    /// Writes JSON, or does what writes the text.
    pub(super) fn write(
        &self,
        json: &Value,
        output: &mut Output<'_>,
        text: impl FnOnce(&mut Output<'_>) -> io::Result<()>,
    ) -> Result<(), CommandError> {
        if output.json {
            output.value(json)?;
        } else {
            text(output)?;
        }
        Ok(())
    }
}
