//! The parts that load tests over HTTP share: a flow with its people, a store filled with Runs, the process of a server, connections to it,
//! and times in order.

#![allow(clippy::disallowed_methods, reason = "it measures elapsed time")]

pub mod fill;
pub mod fixture;
pub mod latencies;
pub mod process;

use std::io::{self, Write as _};
use std::net::SocketAddr;

use axum::body::Body;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A result whose error ends the program with a message.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Tells what the program does, on standard error.
pub fn progress(text: &str) {
    // Nothing can be done if nobody reads it.
    let _ = writeln!(io::stderr(), "load: {text}");
}

/// Opens a connection to a server, for one request after the other.
///
/// # Errors
/// If the server cannot be reached.
pub async fn connect(server: SocketAddr) -> Outcome<SendRequest<Body>> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Errors of the connection are reported by the sender.
    tokio::spawn(connection);
    Ok(sender)
}
