//! The parent: starts the process under test, kills it, and starts it again.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::check::broken_promises;
use crate::configured::Configured;
use crate::points::{KILL_AT, Point, Points};

/// The file name of the process's standard error.
const STDERR: &str = "stderr.log";

/// The work of the process.
#[derive(Clone, Debug)]
pub enum Job {
    /// The scenario of a flow.
    Scenario(&'static str),
    /// Many concurrent Runs.
    Load {
        /// The seed of all choices.
        seed: u64,
        /// The number of Runs.
        runs: u64,
    },
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It finished its work.
    Done,
    /// It was killed.
    Killed,
}

/// A directory with the files of a process, which is started on them.
#[derive(Debug)]
pub struct RunDir {
    program: PathBuf,
    job: Job,
    dir: TempDir,
}

impl RunDir {
    /// Creates an empty directory for this program.
    ///
    /// It is in memory if the system supports that: for a process that is killed, memory is as durable as a disk, and faster.
    pub fn new(program: &Path, job: Job) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { program: program.to_owned(), job, dir: dir.unwrap() }
    }

    /// Copies the directory.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new(&self.program, self.job.clone());
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.dir.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// Sets the configuration of the next process.
    pub fn configure(&self, configured: Configured) {
        configured.set(self.dir.path());
    }

    /// Starts the process, which kills itself at this point if it reaches it.
    pub fn start(&self, kill_at: Option<&Point>) -> Child {
        let stderr = File::create(self.dir.path().join(STDERR)).unwrap();
        let mut command = Command::new(&self.program);
        command.arg(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).env_remove(KILL_AT);
        match &self.job {
            Job::Scenario(flow) => command.args(["scenario", flow]),
            Job::Load { seed, runs } => command.args(["load".to_owned(), seed.to_string(), runs.to_string()]),
        };
        if let Some(point) = kill_at {
            command.env(KILL_AT, point.to_string());
        }
        command.spawn().unwrap()
    }

    /// Starts the process and waits for its end.
    ///
    /// # Errors
    /// If it failed, with its standard error.
    pub fn run(&self, kill_at: Option<&Point>) -> Result<End, String> {
        self.end_of(self.start(kill_at).wait().unwrap())
    }

    /// Returns how the process ended.
    ///
    /// # Errors
    /// If it failed, with its standard error.
    pub fn end_of(&self, status: ExitStatus) -> Result<End, String> {
        if status.success() {
            return Ok(End::Done);
        }
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(End::Killed);
        }
        let stderr = std::fs::read_to_string(self.dir.path().join(STDERR)).unwrap();
        Err(format!("the process failed with {status}: {stderr}"))
    }

    /// Returns the points that the last process has reached.
    pub fn points(&self) -> Vec<Point> {
        Points::traced(self.dir.path())
    }

    /// Checks the promises once the process has finished its work.
    ///
    /// # Errors
    /// All broken promises.
    pub fn check(&self) -> Result<(), String> {
        let broken = broken_promises(self.dir.path());
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }

    /// Keeps the directory for inspection.
    pub fn keep(mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        self.dir.path().to_owned()
    }
}

/// Applies a function to each item, two at a time, until one fails.
///
/// # Panics
/// With the first failure.
pub fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = Mutex::new(items.iter());
    let failed = Mutex::new(None);
    let worker = || {
        while failed.lock().unwrap().is_none() {
            let Some(item) = next.lock().unwrap().next() else { return };
            if let Err(error) = work(item) {
                failed.lock().unwrap().get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        scope.spawn(worker);
    });
    if let Some(error) = failed.into_inner().unwrap() {
        panic!("{error}");
    }
}
