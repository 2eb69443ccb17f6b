//! The server under load, in a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use load_support::Outcome;
use load_support::process::ServerProcess;
use tokio::process::Command;

use crate::serve::{Listening, Submit, Submitted};

/// The time limit for the server to fill its store and listen.
const START_TIMEOUT: Duration = Duration::from_secs(3_600);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admins: Vec<String>,
    pub(crate) members: Vec<String>,
    process: ServerProcess,
}

impl Server {
    /// Starts the server on a new store in this directory, filled with this many Runs.
    pub(crate) async fn start(dir: &Path, runs: u32) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--db").arg(dir.join("load.db")).arg("--runs").arg(runs.to_string());
        let (process, line) = ServerProcess::start(command, START_TIMEOUT).await?;
        let Listening { port, admins, members } = serde_json::from_str(&line)?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), admins, members, process })
    }

    /// Submits requests to the engine alone, and returns the time until the last one was accepted.
    pub(crate) async fn submit(&mut self, command: &Submit) -> Outcome<Duration> {
        let answer = self.process.ask(&serde_json::to_string(command)?).await?;
        let Submitted { seconds } = serde_json::from_str(&answer)?;
        Ok(Duration::from_secs_f64(seconds))
    }

    pub(crate) async fn stop(self) -> Outcome<()> {
        self.process.stop().await.map(drop)
    }
}

impl Deref for Server {
    type Target = ServerProcess;

    fn deref(&self) -> &ServerProcess {
        &self.process
    }
}
