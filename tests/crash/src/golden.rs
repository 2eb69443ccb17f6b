//! The list of crash points, which contains exactly the names that the scenarios reach.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::points::Point;

/// The environment variable that rewrites the list.
const WRITE: &str = "CRASH_WRITE_POINTS";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("points.txt")
}

/// Returns the names of commits and effects, without `before` and `after`.
fn names(points: &[Point]) -> BTreeSet<String> {
    let name = |point: &Point| point.name.split_once(' ').map_or(point.name.clone(), |(_, what)| what.to_owned());
    points.iter().map(name).collect()
}

/// Compares the reached points with the list.
///
/// # Panics
/// If they differ; the message says what to do.
pub fn check(points: &[Point]) {
    let reached = names(points);
    if std::env::var_os(WRITE).is_some() {
        let text: String = reached.iter().map(|name| format!("{name}\n")).collect();
        std::fs::write(path(), text).unwrap();
    }
    let listed: BTreeSet<_> = std::fs::read_to_string(path()).unwrap().lines().map(str::to_owned).collect();
    let new: Vec<_> = reached.difference(&listed).collect();
    let missed: Vec<_> = listed.difference(&reached).collect();
    assert!(
        new.is_empty() && missed.is_empty(),
        "the crash points have changed.\n\nNot listed, because a commit or an effect is new or has changed: {new:#?}\n\n\
         No longer reached: {missed:#?}\n\n\
         The process must survive being killed at each commit and each effect. If `src/check.rs` checks the promises about the \
         new ones, and a scenario in `src/scenarios.rs` reaches all that still exist, rewrite the list with `{WRITE}=1` and \
         commit it. An effect that is executed by a new kind of call needs crash points around that call, as in `src/service.rs` \
         and `src/front_end.rs`."
    );
}
