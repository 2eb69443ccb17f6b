//! Load: many concurrent Runs, with random actions of several users.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use sym_sdk::runtime::Submission;

use crate::child::{Child, Response, USERS};
use crate::flows::{ALL, DURATIONS, TARGETS};

/// The time that passes with each commit, so that timers fall due under load.
pub const TICK: Duration = Duration::from_millis(20);

/// Makes a number of requests, and advances the clock until all Runs have ended. The seed determines all actions.
pub async fn run(child: Child, seed: u64, runs: u64) {
    let child = Arc::new(child);
    let people: Vec<_> = (0..runs).map(|run| tokio::spawn(make_request(child.clone(), seed, run))).collect();
    for person in people {
        while !person.is_finished() {
            child.advance().await;
        }
        person.await.unwrap();
    }
    child.until_idle().await;
    Arc::into_inner(child).expect("all tasks have ended").stop().await;
}

/// Makes a request, and performs random actions on its Run.
async fn make_request(child: Arc<Child>, seed: u64, number: u64) {
    // Each Run has a generator of its own, so that its actions do not depend on the others.
    let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let flow = ALL[rng.usize(..ALL.len())];
    let requester = USERS[rng.usize(..USERS.len())];
    let target = TARGETS[rng.usize(..TARGETS.len())];
    let duration = DURATIONS[rng.usize(..DURATIONS.len())];
    pause(&child, &mut rng, &format!("{number} request")).await;
    let request = Submission::request(flow, requester).input("target_srn", target).input("duration", duration);
    let Response::Accepted { run, .. } = child.submit(&format!("{number} request"), request).await else {
        panic!("request {number} was refused");
    };
    for act in 0..rng.usize(1..8) {
        let who = USERS[rng.usize(..USERS.len())];
        let submission: Submission = match rng.u8(..10) {
            0 => Submission::deny(run, who).into(),
            1 | 2 => Submission::revoke(run, who).into(),
            _ => Submission::approve(run, who).into(),
        };
        let key = format!("{number} act {act}");
        if rng.bool() {
            pause(&child, &mut rng, &key).await;
        }
        // A duplicate click counts once.
        let (once, again) = tokio::join!(child.submit(&key, submission.clone()), child.submit(&key, submission));
        assert_eq!(once, again, "`{key}` got two responses");
    }
}

/// Sleeps for up to twenty minutes, unless an earlier process has already completed the next action.
async fn pause(child: &Child, rng: &mut Rng, next: &str) {
    let time = Duration::from_secs(rng.u64(..20 * 60));
    if !child.is_acknowledged(next) {
        child.clock().sleep(time).await;
    }
}
