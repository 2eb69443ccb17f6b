//! A server in a process of its own.

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

/// A server that does so little for so long is idle.
const IDLE: (Duration, Duration) = (Duration::from_millis(3), Duration::from_millis(150));

/// Nothing is waited for longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that serves: it takes the setup's file as its last argument, says in a line of JSON on which port it listens, and when
/// its standard input ends, how many requests were approved.
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
    said: Lines<BufReader<ChildStdout>>,
    clock: ClockId,
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

#[derive(Deserialize)]
struct Ended {
    approved: usize,
}

impl Server {
    /// Starts it, on this core alone if there is one.
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
        let mut said = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(PATIENCE, said.next_line()).await??;
        let line = line.ok_or_else(|| format!("{} ended before it listened", program.program.display()))?;
        let Listening { port } = serde_json::from_str(&line)?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).ok_or("the server has ended")?;
        let clock = clock_getcpuclockid(Pid::from_raw(pid))?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), child, said, clock })
    }

    /// How much time of a core it has used so far, with all its threads.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let nanoseconds = self.clock.now()?.num_nanoseconds();
        Ok(Duration::from_nanos(u64::try_from(nanoseconds)?))
    }

    /// Waits until all is done that follows from what was sent.
    pub(crate) async fn idle(&self) -> Outcome<()> {
        let start = Instant::now();
        let mut before = self.cpu()?;
        while start.elapsed() < PATIENCE {
            tokio::time::sleep(IDLE.1).await;
            let now = self.cpu()?;
            if now.saturating_sub(before) < IDLE.0 {
                return Ok(());
            }
            before = now;
        }
        Err("the server is never idle".into())
    }

    /// Ends it, and says how many requests were approved.
    pub(crate) async fn stop(mut self) -> Outcome<usize> {
        drop(self.child.stdin.take());
        let line = tokio::time::timeout(PATIENCE, self.said.next_line()).await??;
        let Ended { approved } = serde_json::from_str(&line.ok_or("the server ended without a word")?)?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        if status.success() { Ok(approved) } else { Err(format!("the server ended with {status}").into()) }
    }
}
