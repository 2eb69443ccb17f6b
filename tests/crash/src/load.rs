//! Many Runs at once: several people who ask, decide and revoke as they like.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use sym_sdk::runtime::Submission;

use crate::child::{Child, PEOPLE, Told};
use crate::flows::{ALL, DURATIONS, TARGETS};

/// So much time passes with each commit, so that timers fall due while much is going on.
pub const TICK: Duration = Duration::from_millis(20);

/// Has this many Runs made, and lets time pass until all of them have ended. The seed decides who does what, and when.
pub async fn play(child: Child, seed: u64, runs: u64) {
    let child = Arc::new(child);
    let people: Vec<_> = (0..runs).map(|run| tokio::spawn(make_a_run(child.clone(), seed, run))).collect();
    for person in people {
        while !person.is_finished() {
            child.let_time_pass().await;
        }
        person.await.unwrap();
    }
    child.until_all_is_done().await;
    Arc::into_inner(child).expect("everyone has gone").stop().await;
}

/// One request, and what people do about it.
async fn make_a_run(child: Arc<Child>, seed: u64, number: u64) {
    // Each Run has its own, so that what happens to one does not depend on the others.
    let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let flow = ALL[rng.usize(..ALL.len())];
    let requester = PEOPLE[rng.usize(..PEOPLE.len())];
    let target = TARGETS[rng.usize(..TARGETS.len())];
    let duration = DURATIONS[rng.usize(..DURATIONS.len())];
    pause(&child, &mut rng, &format!("{number} request")).await;
    let request = Submission::request(flow, requester).input("target_srn", target).input("duration", duration);
    let Told::Taken { run, .. } = child.submit(&format!("{number} request"), request).await else {
        panic!("request {number} was refused");
    };
    for act in 0..rng.usize(1..8) {
        let who = PEOPLE[rng.usize(..PEOPLE.len())];
        let submission = match rng.u8(..10) {
            0 => Submission::deny(run, who),
            1 | 2 => Submission::revoke(run, who),
            _ => Submission::approve(run, who),
        };
        let key = format!("{number} act {act}");
        if rng.bool() {
            pause(&child, &mut rng, &key).await;
        }
        // A click that is sent twice at once is one.
        let (once, again) = tokio::join!(child.submit(&key, submission.clone()), child.submit(&key, submission));
        assert_eq!(once, again, "`{key}` was told two things");
    }
}

/// Up to twenty minutes, unless an earlier process was told already what comes next.
async fn pause(child: &Child, rng: &mut Rng, next: &str) {
    let time = Duration::from_secs(rng.u64(..20 * 60));
    if !child.was_told(next) {
        child.clock().sleep(time).await;
    }
}
