//! The process of a server under load: its start, CPU time, memory and end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::Outcome;

/// The time limit for a server to become idle, to answer or to end.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The CPU time per [`IDLE_INTERVAL`] below which a server counts as idle.
const IDLE_CPU_TIME: Duration = Duration::from_millis(3);

/// The interval at which the CPU time of a server is compared.
const IDLE_INTERVAL: Duration = Duration::from_millis(150);

/// A server that is running, and exchanges lines over its standard input and output. It ends when its standard input does.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    pid: Pid,
    clock: ClockId,
}

impl ServerProcess {
    /// Starts a server. Returns also the first line that it prints, within this time.
    ///
    /// # Errors
    /// If it cannot be started, or prints no line.
    pub async fn start(mut command: Command, within: Duration) -> Outcome<(Self, String)> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdin = child.stdin.take().ok_or("the server has no standard input")?;
        let stdout = child.stdout.take().ok_or("the server has no standard output")?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(within, stdout.next_line()).await??;
        let line = line.ok_or_else(|| format!("{command:?} exited before it listened"))?;
        let pid = Pid::from_raw(child.id().and_then(|id| i32::try_from(id).ok()).ok_or("the server has exited")?);
        let clock = clock_getcpuclockid(pid)?;
        Ok((Self { child, stdin, stdout, pid, clock }, line))
    }

    /// Sends a line, and returns the one that the server answers with.
    ///
    /// # Errors
    /// If there is no answer in time.
    pub async fn ask(&mut self, line: &str) -> Outcome<String> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        let answer = tokio::time::timeout(TIMEOUT, self.stdout.next_line()).await??;
        Ok(answer.ok_or("the server exited while it was measured")?)
    }

    /// Returns the CPU time of all threads of the server so far.
    ///
    /// # Errors
    /// If the server has exited.
    pub fn cpu_time(&self) -> Outcome<Duration> {
        Ok(Duration::from_nanos(u64::try_from(self.clock.now()?.num_nanoseconds())?))
    }

    /// Returns the largest resident memory of the server so far, in MiB.
    ///
    /// # Errors
    /// If the server has exited.
    pub fn peak_memory(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc")?;
        let kib: f64 = peak.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1_024.0)
    }

    /// Waits until the server has finished all work, including work after responses.
    ///
    /// # Errors
    /// If it does not in time.
    pub async fn wait_until_idle(&self) -> Outcome<()> {
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

    /// Stops the server, and returns the line that it prints at its end, if any.
    ///
    /// # Errors
    /// If it does not end in time, or fails.
    pub async fn stop(self) -> Outcome<Option<String>> {
        let Self { mut child, stdin, mut stdout, .. } = self;
        drop(stdin);
        let last = tokio::time::timeout(TIMEOUT, stdout.next_line()).await??;
        let status = tokio::time::timeout(TIMEOUT, child.wait()).await??;
        if status.success() { Ok(last) } else { Err(format!("the server exited with {status}").into()) }
    }
}
