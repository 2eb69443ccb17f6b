//! Crash points: the points at which the process can be killed.
//!
//! Each commit and each effect has two, before and after it. The name of a point says what is committed or executed, so a new kind
//! of commit has a new name. Points with the same name are response apart by a count, as in `after effect grant#2`.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;
use std::sync::Mutex;

use rustix::process::{Signal, getpid, kill_process};

/// The environment variable with the crash point.
pub const KILL_AT: &str = "CRASH_AT";

/// The file name of the trace of reached points.
const TRACE: &str = "points.log";

/// A crash point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// The name.
    pub name: String,
    /// The number of times the name was reached, from 1 in each process.
    pub occurrence: u32,
}

impl Point {
    /// Whether it directly follows a durable write: of the store, of the service or of an acknowledgement. Other effects leave
    /// nothing behind, and a claim only a count: its lease ends with its process.
    pub fn is_after_a_write(&self) -> bool {
        let written =
            ["commit ", "release ", "effect grant", "effect revoke", "acknowledgement", "open", "close", "change "];
        self.name.strip_prefix("after ").is_some_and(|what| written.iter().any(|written| what.starts_with(written)))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.occurrence)
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.rsplit_once('#').and_then(|(name, count)| Some((name, count.parse().ok()?)));
        let (name, occurrence) =
            parsed.ok_or_else(|| format!("`{text}` is not a crash point; expected `name#count`"))?;
        Ok(Self { name: name.to_owned(), occurrence })
    }
}

/// Counts the points that this process reaches, and kills it at one of them.
#[derive(Debug)]
pub struct Points {
    kill_at: Option<Point>,
    reached: Mutex<Reached>,
}

#[derive(Debug)]
struct Reached {
    counts: HashMap<String, u32>,
    trace: File,
}

impl Points {
    /// Starts a trace of the reached points in `dir`.
    pub fn new(dir: &Path, kill_at: Option<Point>) -> Self {
        let trace = File::create(dir.join(TRACE)).unwrap();
        Self { kill_at, reached: Mutex::new(Reached { counts: HashMap::new(), trace }) }
    }

    /// Returns the points that the last process in `dir` has reached, in order and without repetitions.
    pub fn traced(dir: &Path) -> Vec<Point> {
        let trace = std::fs::read_to_string(dir.join(TRACE)).unwrap();
        let mut seen = HashSet::new();
        trace.lines().map(|line| line.parse().unwrap()).filter(|point: &Point| seen.insert(point.clone())).collect()
    }

    /// Reaches the point before something.
    pub fn before(&self, what: &str) {
        self.reach(format!("before {what}"));
    }

    /// Reaches the point after something.
    pub fn after(&self, what: &str) {
        self.reach(format!("after {what}"));
    }

    /// Takes back the point before something that has had no effect and is retried. Whether that happens depends on scheduling, so
    /// it must not count: each process has to reach a point equally often.
    pub fn retract(&self, what: &str) {
        let mut reached = self.reached.lock().unwrap();
        let count = reached.counts.get_mut(&format!("before {what}")).expect("its point before was reached");
        *count -= 1;
    }

    fn reach(&self, name: String) {
        let mut reached = self.reached.lock().unwrap();
        let count = reached.counts.entry(name.clone()).or_default();
        *count += 1;
        let point = Point { name, occurrence: *count };
        // Written at once, so that a point is in the file as soon as it is reached.
        reached.trace.write_all(format!("{point}\n").as_bytes()).unwrap();
        if self.kill_at.as_ref() == Some(&point) {
            kill_self();
        }
    }
}

/// Kills the process: nothing more runs, and nothing is flushed.
fn kill_self() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}
