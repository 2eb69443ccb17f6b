//! Server processes: how each is started, and what it prints.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use load_support::Outcome;
use load_support::process::ServerProcess;
use serde::Deserialize;
use tokio::process::Command;

/// The time limit for a server to start.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The command of a server. The program takes the path of the setup file as its last argument and prints lines of JSON: first the port
/// on which it listens and, after standard input is closed, the number of approved requests.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<PathBuf>,
}

/// A server that is running.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: ServerProcess,
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

#[derive(Deserialize)]
struct Summary {
    approved: usize,
}

impl Server {
    /// Starts the server, pinned to `core` if given.
    pub(crate) async fn start(program: &Program, setup: &Path, core: Option<usize>) -> Outcome<Self> {
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(&program.program);
                command
            }
            None => Command::new(&program.program),
        };
        command.args(&program.arguments).arg(setup).env("NODE_ENV", "production");
        let (process, line) = ServerProcess::start(command, START_TIMEOUT).await?;
        let Listening { port } = serde_json::from_str(&line)?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), process })
    }

    /// Stops the server and returns the number of approved requests.
    pub(crate) async fn stop(self) -> Outcome<usize> {
        let line = self.process.stop().await?.ok_or("the server exited without a summary")?;
        let Summary { approved } = serde_json::from_str(&line)?;
        Ok(approved)
    }
}

impl Deref for Server {
    type Target = ServerProcess;

    fn deref(&self) -> &ServerProcess {
        &self.process
    }
}
