//! Starts the process, has it killed, and starts it again.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::check::broken_promises;
use crate::points::{DIE_AT, Point, Points};

/// What the process says before it fails.
const SAID: &str = "said.log";

/// What the process does.
#[derive(Clone, Debug)]
pub enum Job {
    /// A flow's story.
    Story(&'static str),
    /// Many Runs.
    Load {
        /// Who does what when.
        seed: u64,
        /// How many.
        runs: u64,
    },
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was done.
    Done,
    /// It was killed.
    Killed,
}

/// The files of a process, and how it is started on them.
#[derive(Debug)]
pub struct Place {
    program: PathBuf,
    job: Job,
    dir: TempDir,
}

impl Place {
    /// An empty directory for this program.
    ///
    /// It is in memory if the system has room there: to a process that is killed memory is as durable as a disk, and faster.
    pub fn new(program: &Path, job: Job) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { program: program.to_owned(), job, dir: dir.unwrap() }
    }

    /// A directory with the same files.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new(&self.program, self.job.clone());
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.dir.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// Starts the process, to die at this point if it gets there.
    pub fn start(&self, die_at: Option<&Point>) -> Child {
        let said = File::create(self.dir.path().join(SAID)).unwrap();
        let mut command = Command::new(&self.program);
        command.arg(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).env_remove(DIE_AT);
        match &self.job {
            Job::Story(flow) => command.args(["story", flow]),
            Job::Load { seed, runs } => command.args(["load".to_owned(), seed.to_string(), runs.to_string()]),
        };
        if let Some(point) = die_at {
            command.env(DIE_AT, point.to_string());
        }
        command.spawn().unwrap()
    }

    /// Starts the process and waits for its end.
    ///
    /// # Errors
    /// If it failed, with what it said.
    pub fn run(&self, die_at: Option<&Point>) -> Result<End, String> {
        self.end_of(self.start(die_at).wait().unwrap())
    }

    /// How the process ended.
    ///
    /// # Errors
    /// If it failed, with what it said.
    pub fn end_of(&self, status: ExitStatus) -> Result<End, String> {
        if status.success() {
            return Ok(End::Done);
        }
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(End::Killed);
        }
        let said = std::fs::read_to_string(self.dir.path().join(SAID)).unwrap();
        Err(format!("the process failed with {status}: {said}"))
    }

    /// The points that the last process has reached.
    pub fn points(&self) -> Vec<Point> {
        Points::traced(self.dir.path())
    }

    /// Checks what must hold once the process has ended by itself.
    ///
    /// # Errors
    /// All that does not.
    pub fn check(&self) -> Result<(), String> {
        let broken = broken_promises(self.dir.path());
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }

    /// Keeps the files for somebody to look at.
    pub fn keep(mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        self.dir.path().to_owned()
    }
}

/// Does the same to each item, two at a time, until one fails.
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
