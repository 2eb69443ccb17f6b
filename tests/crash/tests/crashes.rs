//! Kills the process at its points: at each of every story, and at all pairs of the longest.
//!
//! `CRASH_REPLAY="FLOW: POINT"`, or with several points and ` | ` between them, has one case done, as a failure prints it.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crash::flows::WHOLE;
use crash::golden;
use crash::parent::{End, Job, Place, for_each};
use crash::points::Point;
use crash::progress::Progress;
use crash::script::STORIES;

/// The environment variable that names one case.
const REPLAY: &str = "CRASH_REPLAY";

/// So many of a hundred deaths may not come about: threads take turns, so a process does not always reach a point as often as
/// the one before it.
const MISSES_MAX: usize = 5;

/// One test at a time: each keeps both cores busy.
static TURN: Mutex<()> = Mutex::new(());

/// A story, and where its processes die, one after the other.
#[derive(Clone)]
struct Case {
    story: &'static str,
    deaths: Vec<Point>,
}

impl Case {
    fn new(story: &'static str) -> Self {
        Self { story, deaths: Vec::new() }
    }

    fn and(&self, point: &Point) -> Self {
        let mut deaths = self.deaths.clone();
        deaths.push(point.clone());
        Self { story: self.story, deaths }
    }

    fn begin(&self) -> Place {
        Place::new(Path::new(env!("CARGO_BIN_EXE_crash-child")), Job::Story(self.story))
    }

    /// Has the process die at the last of the points. `None` if it did not get there.
    fn die(&self, place: Place) -> Result<Option<Place>, String> {
        match place.run(self.deaths.last()) {
            Ok(End::Killed) => Ok(Some(place)),
            Ok(End::Done) => Ok(None),
            Err(error) => Err(self.failed(place, &error)),
        }
    }

    /// Has the process go on to the end, and checks what it leaves. Gives the points that this one has reached.
    fn finish(&self, place: Place) -> Result<Vec<Point>, String> {
        let done = match place.run(None) {
            Ok(End::Done) => place.check(),
            Ok(End::Killed) => Err("somebody else has killed the process".to_owned()),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(place.points()),
            Err(error) => Err(self.failed(place, &error)),
        }
    }

    /// What to do to see it again.
    fn failed(&self, place: Place, error: &str) -> String {
        let deaths: Vec<_> = self.deaths.iter().map(Point::to_string).collect();
        format!(
            "{error}\n\nto see it again: {REPLAY}='{}: {}' cargo test -p crash --test crashes one_case\nfiles: {}",
            self.story,
            deaths.join(" | "),
            place.keep().display()
        )
    }
}

/// Cases that were tried, and those whose last death did not come about.
#[derive(Default)]
struct Tally {
    tried: AtomicUsize,
    missed: AtomicUsize,
}

impl Tally {
    fn count(&self, died: bool) {
        self.tried.fetch_add(1, Ordering::Relaxed);
        self.missed.fetch_add(usize::from(!died), Ordering::Relaxed);
    }

    fn end(self, progress: &Progress) {
        let (tried, missed) = (self.tried.into_inner(), self.missed.into_inner());
        progress.end(&format!("{tried} done, of which {missed} were not reached"));
        assert!(missed * 100 <= tried * MISSES_MAX, "{missed} of {tried} deaths did not come about");
    }
}

fn points_of(story: &'static str) -> Vec<Point> {
    let case = Case::new(story);
    case.finish(case.begin()).expect("the story comes to its end")
}

#[test]
fn each_point_is_listed() {
    let _turn = TURN.lock();
    let reached: Vec<_> = STORIES.iter().flat_map(|story| points_of(story)).collect();
    golden::check(&reached);
}

/// At each point of the longest story, and of the others where they get to what none before them has done.
#[test]
fn a_process_may_die_anywhere() {
    let _turn = TURN.lock();
    let mut known = HashSet::new();
    let mut cases = Vec::new();
    for story in STORIES {
        let points = points_of(story);
        let new = points.iter().filter(|point| story == WHOLE || !known.contains(&point.name));
        cases.extend(new.map(|point| Case::new(story).and(point)));
        known.extend(points.into_iter().map(|point| point.name));
    }
    let (progress, tally) = (Progress::new("deaths"), Tally::default());
    for_each(&cases, |case| {
        let died = case.die(case.begin())?;
        tally.count(died.is_some());
        if let Some(place) = died {
            case.finish(place)?;
        }
        progress.add(1, cases.len());
        Ok(())
    });
    tally.end(&progress);
}

/// The second process dies too, at each of its points.
///
/// What a death leaves is what was written before it, so of the points between which nothing is written one stands for all:
/// the one right after the last write.
#[test]
fn a_process_may_die_anywhere_and_the_next_one_too() {
    let _turn = TURN.lock();
    let writes = |points: Vec<Point>| points.into_iter().filter(Point::is_after_a_write).collect::<Vec<_>>();
    let first: Vec<_> = writes(points_of(WHOLE)).iter().map(|point| Case::new(WHOLE).and(point)).collect();
    let (progress, tally) = (Progress::new("pairs of deaths"), Tally::default());
    for_each(&first, |case| {
        let Some(dead) = case.die(case.begin())? else { return Ok(()) };
        for point in writes(case.finish(dead.copy())?) {
            let case = case.and(&point);
            let died = case.die(dead.copy())?;
            tally.count(died.is_some());
            if let Some(place) = died {
                case.finish(place)?;
            }
            progress.add(1, format_args!("about {}", first.len() * first.len() / 2));
        }
        Ok(())
    });
    tally.end(&progress);
}

/// The case that is named, if one is.
#[test]
fn one_case() {
    let Ok(named) = std::env::var(REPLAY) else { return };
    let (story, deaths) = named.split_once(": ").expect("a case is `FLOW: POINT | POINT`");
    let story = STORIES.iter().find(|known| **known == story).expect("the flow has a story");
    let mut case = Case::new(story);
    let mut place = case.begin();
    for point in deaths.split(" | ") {
        case = case.and(&point.parse().expect("a point is `name#count`"));
        place = case.die(place).unwrap_or_else(|error| panic!("{error}")).expect("the point is reached");
    }
    case.finish(place).unwrap_or_else(|error| panic!("{error}"));
}
