//! Kills the process at its crash points: at each point of every scenario, and at pairs of points of the longest.
//!
//! `CRASH_PAIRS=all` takes all pairs rather than every fifth, which takes some minutes more.
//! `CRASH_REPLAY="FLOW: POINT"`, or several points separated by ` | `, runs a single case, as a failure prints it.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crash::configured::Configured;
use crash::flows::{BY_HOOK, WHOLE};
use crash::golden;
use crash::parent::{End, Job, RunDir, for_each};
use crash::points::Point;
use crash::progress::Progress;
use crash::scenarios::SCENARIOS;

/// The environment variable with a single case.
const REPLAY: &str = "CRASH_REPLAY";

/// The environment variable that asks for all pairs, if it is `all`.
const PAIRS: &str = "CRASH_PAIRS";

/// Of this many pairs, one is a case by default. Each point is the first of some and the second of others all the same.
const PAIRS_PER_CASE: usize = 5;

/// The maximum percentage of kills that do not happen: due to scheduling, a process does not always reach a point as often as the
/// one before it.
const MAX_MISSED_PERCENT: usize = 5;

/// Runs one test at a time: each keeps both cores busy.
static SERIAL: Mutex<()> = Mutex::new(());

/// A scenario, and the points at which successive processes are killed.
#[derive(Clone)]
struct Case {
    scenario: &'static str,
    points: Vec<Point>,
}

impl Case {
    fn new(scenario: &'static str) -> Self {
        Self { scenario, points: Vec::new() }
    }

    fn then(&self, point: &Point) -> Self {
        let mut points = self.points.clone();
        points.push(point.clone());
        Self { scenario: self.scenario, points }
    }

    fn start(&self) -> RunDir {
        RunDir::new(Path::new(env!("CARGO_BIN_EXE_crash-child")), Job::Scenario(self.scenario))
    }

    /// Kills the process at the last of the points. `None` if it was not reached.
    fn kill(&self, dir: RunDir) -> Result<Option<RunDir>, String> {
        match dir.run(self.points.last()) {
            Ok(End::Killed) => Ok(Some(dir)),
            Ok(End::Done) => Ok(None),
            Err(error) => Err(self.failed(dir, &error)),
        }
    }

    /// Runs the process to its end, and checks the promises. Returns the points that it has reached.
    fn finish(&self, dir: RunDir) -> Result<Vec<Point>, String> {
        let done = match dir.run(None) {
            Ok(End::Done) => dir.check(),
            Ok(End::Killed) => Err("the process was killed by something else".to_owned()),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(dir.points()),
            Err(error) => Err(self.failed(dir, &error)),
        }
    }

    /// Adds how to reproduce a failure.
    fn failed(&self, dir: RunDir, error: &str) -> String {
        let points: Vec<_> = self.points.iter().map(Point::to_string).collect();
        format!(
            "{error}\n\nto reproduce: {REPLAY}='{}: {}' cargo test -p crash --test crashes one_case\nfiles: {}",
            self.scenario,
            points.join(" | "),
            dir.keep().display()
        )
    }
}

/// Counts of cases, and of those whose last point was not reached.
#[derive(Default)]
struct Tally {
    cases: AtomicUsize,
    missed: AtomicUsize,
}

impl Tally {
    fn count(&self, reached: bool) {
        self.cases.fetch_add(1, Ordering::Relaxed);
        self.missed.fetch_add(usize::from(!reached), Ordering::Relaxed);
    }

    fn end(self, progress: &Progress) {
        let (cases, missed) = (self.cases.into_inner(), self.missed.into_inner());
        progress.end(&format!("{cases} done, {missed} of them not reached"));
        assert!(missed * 100 <= cases * MAX_MISSED_PERCENT, "{missed} of {cases} crash points were not reached");
    }
}

fn points_of(scenario: &'static str) -> Vec<Point> {
    let case = Case::new(scenario);
    case.finish(case.start()).expect("the scenario completes")
}

#[test]
fn every_reached_point_is_listed() {
    let _serial = SERIAL.lock();
    let reached: Vec<_> = SCENARIOS.iter().flat_map(|scenario| points_of(scenario)).collect();
    golden::check(&reached);
}

/// Kills at each point of the longest scenario, and at the points of the others that no scenario before them reaches.
#[test]
fn promises_hold_after_a_kill_at_any_point() {
    let _serial = SERIAL.lock();
    let mut known = HashSet::new();
    let mut cases = Vec::new();
    for scenario in SCENARIOS {
        let points = points_of(scenario);
        let new = points.iter().filter(|point| scenario == WHOLE || !known.contains(&point.name));
        cases.extend(new.map(|point| Case::new(scenario).then(point)));
        known.extend(points.into_iter().map(|point| point.name));
    }
    let (progress, tally) = (Progress::new("kills"), Tally::default());
    for_each(&cases, |case| {
        let killed = case.kill(case.start())?;
        tally.count(killed.is_some());
        if let Some(dir) = killed {
            case.finish(dir)?;
        }
        progress.add(1, cases.len());
        Ok(())
    });
    tally.end(&progress);
}

/// Kills the second process as well: of its points, at every fifth, or at all if that is asked for.
///
/// A kill leaves what was written before it, so of the points between two writes one stands for all: the one directly after the
/// first write.
#[test]
fn promises_hold_after_kills_at_two_points() {
    let _serial = SERIAL.lock();
    let writes = |points: Vec<Point>| points.into_iter().filter(Point::is_after_a_write).collect::<Vec<_>>();
    let first: Vec<_> = writes(points_of(WHOLE)).iter().map(|point| Case::new(WHOLE).then(point)).collect();
    let stride = if std::env::var(PAIRS).is_ok_and(|pairs| pairs == "all") { 1 } else { PAIRS_PER_CASE };
    let (progress, tally) = (Progress::new("pairs of kills"), Tally::default());
    let numbered: Vec<_> = first.iter().enumerate().collect();
    for_each(&numbered, |(number, case)| {
        let Some(dead) = case.kill(case.start())? else { return Ok(()) };
        let second = writes(case.finish(dead.copy())?);
        for (_, point) in second.iter().enumerate().filter(|(second, _)| (number + second) % stride == 0) {
            let case = case.then(point);
            let killed = case.kill(dead.copy())?;
            tally.count(killed.is_some());
            if let Some(dir) = killed {
                case.finish(dir)?;
            }
            progress.add(1, format_args!("about {}", first.len() * first.len() / 2 / stride));
        }
        Ok(())
    });
    tally.end(&progress);
}

/// The program is restarted with another configuration, after any write: access that was given before ends in time where it was given, none
/// is given elsewhere, and nothing that was acknowledged is lost. A kill leaves what was written before it, so one point stands for all
/// between two writes.
#[test]
fn promises_hold_after_a_restart_with_another_configuration() {
    let _serial = SERIAL.lock();
    let writes = |scenario| points_of(scenario).into_iter().filter(Point::is_after_a_write);
    let cases: Vec<_> = [WHOLE, BY_HOOK]
        .into_iter()
        .flat_map(|scenario| writes(scenario).map(move |point| Case::new(scenario).then(&point)))
        .flat_map(|case| Configured::CHANGED.map(|configured| (case.clone(), configured)))
        .collect();
    let (progress, tally) = (Progress::new("restarts with another configuration"), Tally::default());
    for_each(&cases, |(case, configured)| {
        let killed = case.kill(case.start())?;
        tally.count(killed.is_some());
        if let Some(dir) = killed {
            dir.configure(*configured);
            case.finish(dir).map_err(|error| format!("{configured:?}: {error}"))?;
        }
        progress.add(1, cases.len());
        Ok(())
    });
    tally.end(&progress);
}

/// Replays a single case, if one is given.
#[test]
fn one_case() {
    let Ok(named) = std::env::var(REPLAY) else { return };
    let (scenario, points) = named.split_once(": ").expect("a case is `FLOW: POINT | POINT`");
    let scenario = SCENARIOS.iter().find(|known| **known == scenario).expect("the flow has a scenario");
    let mut case = Case::new(scenario);
    let mut dir = case.start();
    for point in points.split(" | ") {
        case = case.then(&point.parse().expect("a point is `name#count`"));
        dir = case.kill(dir).unwrap_or_else(|error| panic!("{error}")).expect("the point is reached");
    }
    case.finish(dir).unwrap_or_else(|error| panic!("{error}"));
}
