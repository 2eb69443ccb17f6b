//! The protocol over one stream of messages, such as the standard input and output of a process.

use rmcp::service::serve_server_with_ct;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};

use super::front_end::{Mcp, McpState};
use super::server::AgentServer;
use super::sessions;
use super::silence::{self, end_session};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::runtime::Runtime;
use crate::server::CancellationToken;
use crate::server::caller::Credentials;

/// The end of a stream beside that of its input.
#[derive(Clone, Debug)]
pub(crate) enum StreamEnd {
    /// The program stops, and may come back: what was requested is kept.
    OfProgram(CancellationToken),
    /// The session ends, as with the input: what was requested is given back.
    #[cfg(all(feature = "cli", feature = "sqlite"))]
    OfSession(CancellationToken),
}

impl StreamEnd {
    fn token(&self) -> &CancellationToken {
        match self {
            Self::OfProgram(token) => token,
            #[cfg(all(feature = "cli", feature = "sqlite"))]
            Self::OfSession(token) => token,
        }
    }
}

/// Serves an agent over a stream, with a message of JSON in each line, until the input ends or `stop` is cancelled. The token is the
/// agent's; it is checked with each call.
///
/// At the end of the input, what was requested over the stream is given back. If `stop` is cancelled, it is not: the program may come back.
///
/// # Errors
/// If the token is not that of an agent, the stream does not begin as the protocol says, or what was requested cannot be given back now.
pub async fn serve_stream<R, W>(
    mcp: &Mcp,
    runtime: &Runtime,
    token: SecretString,
    input: R,
    output: W,
    stop: CancellationToken,
) -> Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    serve_stream_until(mcp, runtime, token, input, output, StreamEnd::OfProgram(stop)).await
}

/// See [`serve_stream`].
pub(crate) async fn serve_stream_until<R, W>(
    mcp: &Mcp,
    runtime: &Runtime,
    token: SecretString,
    input: R,
    output: W,
    end: StreamEnd,
) -> Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let stop = end.token().clone();
    let caller = Credentials::Token(token.clone()).authenticate(runtime).await?;
    caller.require_agent()?;
    let state = McpState::new(runtime.clone(), stop.clone(), mcp.limits, mcp.activity.clone());
    let session = sessions::begin(runtime, &mcp.activity, caller.user().id()).await?;
    let server = AgentServer::of_stream(state, token, session);
    let serving = async {
        let running = serve_server_with_ct(server, (input, output), stop.child_token()).await.map_err(|error| {
            let message = format!("the client does not speak the protocol: {error}");
            Error::new(ErrorKind::InvalidInput, codes::INVALID_JSON, message)
        })?;
        running.waiting().await.map(drop).map_err(|error| {
            Error::new(ErrorKind::Internal, codes::INTERNAL, "the protocol has failed").with_source(error)
        })
    };
    let watching = async {
        silence::watch(runtime, &mcp.activity, &stop).await;
        std::future::pending().await
    };
    let served = tokio::select! {
        served = serving => served,
        () = watching => Ok(()),
    };
    let is_stopped = stop.is_cancelled();
    if is_stopped && matches!(end, StreamEnd::OfProgram(_)) {
        return Ok(());
    }
    end_session(runtime, &mcp.activity, caller.user(), session).await?;
    // Whoever ends the session need not be told that the client could not begin.
    if is_stopped { Ok(()) } else { served }
}
