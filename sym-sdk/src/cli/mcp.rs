//! The command `mcp`: the program as a server of the Model Context Protocol for one agent, over its standard input and output.
//!
//! A client starts the program and ends it. The store has one writer, so this is for a program that is not served otherwise: where `serve`
//! runs, agents connect to its `/mcp`.
//!
//! Standard output belongs to the protocol, but handlers are the user's code in this process, and print. So before any of it runs, standard
//! output is kept aside, and what is printed goes to standard error.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::args::McpArgs;
use super::exit::CommandError;
use super::logging;
use super::output::Output;
use super::signal::Signals;
use super::simulated_store::reject_simulated;
use super::{Common, Exit, Program};
use crate::config::{Config, Terraform};
use crate::engine::{RunFilter, SqliteStore, WorkerLimits};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::Access;
use crate::mcp::{Mcp, StreamEnd, serve_stream_until};
use crate::model::ChannelType;
use crate::runtime::Runtime;
use crate::server::{CancellationToken, Server};

/// The environment variable with the token of the agent.
const TOKEN_VARIABLE: &str = "SYM_TOKEN";

/// Time for access that is given back at the end to be revoked. What is left is revoked when the program next runs.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(20);

/// Time for work in progress at the end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

pub(super) async fn run(
    mut program: Program,
    common: Common,
    args: McpArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let protocol_output = take_standard_output()?;
    logging::install(args.log.log_format)?;
    let mut signals = Signals::listen()?;
    let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty());
    let Some(token) = token.map(|token| SecretString::from(token.trim().to_owned())) else {
        return Err(CommandError::Usage {
            message: format!("the environment variable `{TOKEN_VARIABLE}` is not set"),
            help: "set it to the token of an agent: a bot with an owner, whose token an administrator issues",
        });
    };
    let Terraform { config, warnings, .. } = super::read_with_warnings(&mut program, common, output)?;
    output.config_warnings(&warnings)?;
    let store = Arc::new(SqliteStore::open(&args.db).await?);
    let served = serve(&mut program, config, &store, token, protocol_output, &mut signals).await;
    let closed = store.close().await;
    served?;
    closed?;
    Ok(Exit::Success)
}

async fn serve(
    program: &mut Program,
    config: Config,
    store: &Arc<SqliteStore>,
    token: SecretString,
    output: File,
    signals: &mut Signals,
) -> Result<(), CommandError> {
    reject_simulated(store).await?;
    let runtime = program.builder(config).sqlite(store.clone()).build_degraded().await?;
    let workers = runtime.start(WorkerLimits::default());
    let stop = CancellationToken::new();
    let server = Server::new(runtime.clone());
    let front_ends = server.run_front_ends(stop.clone());
    let end = CancellationToken::new();
    let mcp = Mcp::new();
    let (input, output) = (tokio::io::stdin(), tokio::fs::File::from_std(output));
    let serving = async {
        let served = serve_stream_until(&mcp, &runtime, token, input, output, StreamEnd::OfSession(end.clone())).await;
        until_given_back(&runtime).await;
        served
    };
    let mut serving = std::pin::pin!(serving);
    let mut front_ends = std::pin::pin!(front_ends);
    let mut has_front_ends = true;
    let served = loop {
        tokio::select! {
            served = &mut serving => break served,
            // The client ends the program like that, too.
            signal = signals.recv(), if !end.is_cancelled() => {
                signal?;
                end.cancel();
            }
            () = &mut front_ends, if has_front_ends => has_front_ends = false,
            error = runtime.failure() => break Err(error),
        }
    };
    stop.cancel();
    if has_front_ends {
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, front_ends).await;
    }
    workers.shutdown(SHUTDOWN_GRACE).await;
    served.map_err(CommandError::from)
}

/// Waits until access that was given back has ended, for some time.
async fn until_given_back(runtime: &Runtime) {
    let clock = runtime.clock().clone();
    let ended = async {
        loop {
            let changed = runtime.engine().next_commit();
            let filter = RunFilter { may_hold_access: true, source: Some(ChannelType::Mcp), ..RunFilter::default() };
            let runs = runtime.runs(filter, usize::MAX).await.unwrap_or_default();
            let is_ending = |access: &Access| matches!(access, Access::Revoking { .. });
            if !runs.iter().any(|stored| is_ending(&stored.state.access) && !stored.state.is_stuck()) {
                return;
            }
            changed.await;
        }
    };
    tokio::select! {
        () = ended => {}
        () = clock.sleep(GIVE_BACK_TIMEOUT) => {
            tracing::warn!("access that was given back is still being revoked; the next start goes on with it");
        }
    }
}

/// Returns the standard output of the process, and sends what others write to it to standard error from now on.
#[cfg(unix)]
fn take_standard_output() -> Result<File, CommandError> {
    let taken = rustix::io::dup(rustix::stdio::stdout())
        .and_then(|output| rustix::stdio::dup2_stdout(rustix::stdio::stderr()).map(|()| output));
    taken.map(File::from).map_err(|error| {
        let message = format!("standard output cannot be kept for the protocol: {error}");
        Error::new(ErrorKind::Unavailable, codes::INTERNAL, message).into()
    })
}

/// Returns the error of a platform on which standard output cannot be kept aside.
#[cfg(not(unix))]
fn take_standard_output() -> Result<File, CommandError> {
    let message = "the command `mcp` needs a Unix system";
    let error = Error::new(ErrorKind::Unavailable, codes::INTERNAL, message);
    Err(error.with_hint("run `serve`, and connect to its `/mcp`").into())
}
