//! The process of the server: its start, CPU time, memory and end.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use load_api::Outcome;
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::serve::{Listening, Submit, Submitted};

/// The time limit for the server to fill its store and listen.
const START_TIMEOUT: Duration = Duration::from_secs(3_600);

/// The time limit for the server to become idle, to answer a command or to end.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The CPU time per [`IDLE_INTERVAL`] below which the server counts as idle.
const IDLE_CPU_TIME: Duration = Duration::from_millis(3);

/// The interval at which the CPU time of the server is compared.
const IDLE_INTERVAL: Duration = Duration::from_millis(150);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admins: Vec<String>,
    pub(crate) members: Vec<String>,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    pid: Pid,
    clock: ClockId,
}

impl Server {
    /// Starts the server on a new store in this directory, filled with this many Runs.
    pub(crate) async fn start(dir: &Path, runs: u32) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--db").arg(dir.join("load.db")).arg("--runs").arg(runs.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdin = child.stdin.take().ok_or("the server has no standard input")?;
        let stdout = child.stdout.take().ok_or("the server has no standard output")?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_TIMEOUT, stdout.next_line()).await??;
        let Listening { port, admins, members } =
            serde_json::from_str(&line.ok_or("the server exited before it listened")?)?;
        let pid = Pid::from_raw(child.id().and_then(|id| i32::try_from(id).ok()).ok_or("the server has exited")?);
        let clock = clock_getcpuclockid(pid)?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), admins, members, child, stdin, stdout, pid, clock })
    }

    /// Submits requests to the engine alone, and returns the time until the last one was accepted.
    pub(crate) async fn submit(&mut self, command: &Submit) -> Outcome<Duration> {
        self.stdin.write_all(format!("{}\n", serde_json::to_string(command)?).as_bytes()).await?;
        let line = tokio::time::timeout(TIMEOUT, self.stdout.next_line()).await??;
        let Submitted { seconds } = serde_json::from_str(&line.ok_or("the server exited while it was measured")?)?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// Returns the CPU time of all threads of the server so far.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        Ok(Duration::from_nanos(u64::try_from(self.clock.now()?.num_nanoseconds())?))
    }

    /// Returns the largest resident memory of the server so far, in MiB.
    pub(crate) fn peak_memory(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc")?;
        let kib: f64 = peak.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1_024.0)
    }

    /// Waits until the server has finished all work, including work after responses.
    pub(crate) async fn wait_until_idle(&self) -> Outcome<()> {
        let begun = Instant::now();
        let mut before = self.cpu_time()?;
        while begun.elapsed() < TIMEOUT {
            tokio::time::sleep(IDLE_INTERVAL).await;
            let now = self.cpu_time()?;
            if now.saturating_sub(before) < IDLE_CPU_TIME {
                return Ok(());
            }
            before = now;
        }
        Err(format!("the server was not idle within {TIMEOUT:?}").into())
    }

    /// Stops the server.
    pub(crate) async fn stop(self) -> Outcome<()> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        let status = tokio::time::timeout(TIMEOUT, child.wait()).await??;
        if status.success() { Ok(()) } else { Err(format!("the server exited with {status}").into()) }
    }
}
