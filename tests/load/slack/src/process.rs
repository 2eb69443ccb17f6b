//! Server processes: start, CPU time, idleness and shutdown.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::Outcome;

/// The CPU time per [`IDLE_INTERVAL`] below which a server counts as idle.
const IDLE_CPU_TIME: Duration = Duration::from_millis(3);

/// The interval at which the CPU time of a server is compared.
const IDLE_INTERVAL: Duration = Duration::from_millis(150);

/// The time limit for a server to start, become idle or end.
const SERVER_TIMEOUT: Duration = Duration::from_secs(120);

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
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    clock: ClockId,
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
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no standard output")?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(SERVER_TIMEOUT, stdout.next_line()).await??;
        let line = line.ok_or_else(|| format!("{} exited before it listened", program.program.display()))?;
        let Listening { port } = serde_json::from_str(&line)?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).ok_or("the server has exited")?;
        let clock = clock_getcpuclockid(Pid::from_raw(pid))?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), child, stdout, clock })
    }

    /// Returns the CPU time of all threads of the server so far.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        let nanoseconds = self.clock.now()?.num_nanoseconds();
        Ok(Duration::from_nanos(u64::try_from(nanoseconds)?))
    }

    /// Waits until the server has finished all work, including work after responses.
    pub(crate) async fn wait_until_idle(&self) -> Outcome<()> {
        let start = Instant::now();
        let mut before = self.cpu_time()?;
        while start.elapsed() < SERVER_TIMEOUT {
            tokio::time::sleep(IDLE_INTERVAL).await;
            let now = self.cpu_time()?;
            if now.saturating_sub(before) < IDLE_CPU_TIME {
                return Ok(());
            }
            before = now;
        }
        Err(format!("the server was not idle within {SERVER_TIMEOUT:?}").into())
    }

    /// Stops the server and returns the number of approved requests.
    pub(crate) async fn stop(mut self) -> Outcome<usize> {
        drop(self.child.stdin.take());
        let line = tokio::time::timeout(SERVER_TIMEOUT, self.stdout.next_line()).await??;
        let Summary { approved } = serde_json::from_str(&line.ok_or("the server exited without a summary")?)?;
        let status = tokio::time::timeout(SERVER_TIMEOUT, self.child.wait()).await??;
        if status.success() { Ok(approved) } else { Err(format!("the server exited with {status}").into()) }
    }
}
