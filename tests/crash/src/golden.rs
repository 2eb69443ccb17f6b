//! The list of points: every name that the stories reach, and no other.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::points::Point;

/// The environment variable that has the list written anew.
const WRITE: &str = "CRASH_WRITE_POINTS";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("points.txt")
}

/// What commits and effects are called, without `before` and `after`.
fn names(points: &[Point]) -> BTreeSet<String> {
    let name = |point: &Point| point.name.split_once(' ').map_or(point.name.clone(), |(_, what)| what.to_owned());
    points.iter().map(name).collect()
}

/// Compares the points that were reached with the list.
///
/// # Panics
/// If they differ, with what to do.
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
        "the points have changed.\n\nNot listed, so a commit or an effect is new or other than it was: {new:#?}\n\n\
         Not reached any more: {missed:#?}\n\n\
         Each commit and each effect must be one that the process may die at. If `src/check.rs` says what must hold of the \
         new ones, and a story in `src/script.rs` reaches all that are still there, write the list anew with `{WRITE}=1` and \
         commit it. An effect that is carried out by a new kind of call needs points of its own around it, as `src/service.rs` \
         and `src/front_end.rs` have them."
    );
}
