//! The points at which the process can be killed.
//!
//! Each commit and each effect has two: before it and after it. A point's name says what is committed or done, so what is new
//! has a new name. A name that is reached several times is told apart by its count, as in `after effect grant#2`.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;
use std::sync::Mutex;

use rustix::process::{Signal, getpid, kill_process};

/// The environment variable that says where to die.
pub const DIE_AT: &str = "CRASH_AT";

/// The file that lists the points that a process has reached.
const TRACE: &str = "points.log";

/// A point, and how often it was reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// Counts from 1 in each process.
    pub occurrence: u32,
}

impl Point {
    /// Whether something was written right before: by the store, by the service or by whoever was told of an input. Other
    /// effects leave nothing behind, and a claim no more than a count: its lease ends with its process.
    pub fn is_after_a_write(&self) -> bool {
        let written = ["commit ", "release ", "effect grant", "effect revoke", "acknowledgement", "open", "close"];
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
        let (name, occurrence) = parsed.ok_or_else(|| format!("`{text}` is no point; expected `name#count`"))?;
        Ok(Self { name: name.to_owned(), occurrence })
    }
}

/// Counts the points that this process reaches, and kills it at one.
#[derive(Debug)]
pub struct Points {
    die_at: Option<Point>,
    reached: Mutex<Reached>,
}

#[derive(Debug)]
struct Reached {
    counts: HashMap<String, u32>,
    trace: File,
}

impl Points {
    /// Writes the points that are reached into a file in `dir`.
    pub fn new(dir: &Path, die_at: Option<Point>) -> Self {
        let trace = File::create(dir.join(TRACE)).unwrap();
        Self { die_at, reached: Mutex::new(Reached { counts: HashMap::new(), trace }) }
    }

    /// The points that the last process in `dir` has reached, in order, each once.
    pub fn traced(dir: &Path) -> Vec<Point> {
        let trace = std::fs::read_to_string(dir.join(TRACE)).unwrap();
        let mut seen = HashSet::new();
        trace.lines().map(|line| line.parse().unwrap()).filter(|point: &Point| seen.insert(point.clone())).collect()
    }

    /// The process is at the point before `what`.
    pub fn before(&self, what: &str) {
        self.reach(format!("before {what}"));
    }

    /// The process is at the point after `what`.
    pub fn after(&self, what: &str) {
        self.reach(format!("after {what}"));
    }

    /// What was begun has changed nothing and is begun anew. Whether that happens is up to how threads take turns, so it does not
    /// count: a point is reached as often in one process as in the next.
    pub fn in_vain(&self, what: &str) {
        let mut reached = self.reached.lock().unwrap();
        let count = reached.counts.get_mut(&format!("before {what}")).expect("it was begun");
        *count -= 1;
    }

    fn reach(&self, name: String) {
        let mut reached = self.reached.lock().unwrap();
        let count = reached.counts.entry(name.clone()).or_default();
        *count += 1;
        let point = Point { name, occurrence: *count };
        // One write each, so that a point is in the file as soon as it is reached.
        reached.trace.write_all(format!("{point}\n").as_bytes()).unwrap();
        if self.die_at.as_ref() == Some(&point) {
            die();
        }
    }
}

/// Ends the process as a power cut would: nothing more runs, nothing is written.
fn die() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}
