//! What people do, one story for each flow. A story that is told again, to a later process, says the same.

use sym_sdk::model::{RunId, RunStatus, Step};
use sym_sdk::runtime::Submission;

use crate::child::{Child, PEOPLE};
use crate::flows::{BY_CODE, BY_HAND, DENIED, DURATIONS, EXPIRED, REJECTED, SHARED, TARGETS, UNDELIVERABLE, WHOLE};

const ANA: &str = PEOPLE[0];
const BEN: &str = PEOPLE[1];
const CYD: &str = PEOPLE[2];

/// The flows that have a story.
pub const STORIES: [&str; 8] = [WHOLE, DENIED, EXPIRED, UNDELIVERABLE, BY_HAND, REJECTED, BY_CODE, SHARED];

fn request(flow: &str, duration: &str) -> Submission {
    Submission::request(flow, ANA).input("target_srn", TARGETS[0]).input("duration", duration)
}

/// Plays a flow's story to its end.
pub async fn play(child: &Child, flow: &str) {
    let ends = tell(child, flow).await;
    child.until_all_is_done().await;
    for (run, end) in ends {
        assert_eq!(child.status(run).await, end, "Run {run} of `{flow}`");
    }
}

/// What is done, and how the Runs then end.
async fn tell(child: &Child, flow: &str) -> Vec<(RunId, RunStatus)> {
    let hour = DURATIONS[0];
    match flow {
        WHOLE => {
            let form = child.take("prompt", Submission::prompt(WHOLE, ANA)).await;
            let run = child.take("request", request(WHOLE, hour).form(form)).await;
            child.until(run, |state| state.current_notification == 1).await;
            child.refuse("ana approves", Submission::approve(run, ANA)).await;
            child.take("ben approves", Submission::approve(run, BEN)).await;
            child.take("cyd approves", Submission::approve(run, CYD)).await;
            vec![(run, RunStatus::Deescalated)]
        }
        DENIED => {
            let run = child.take("request", request(DENIED, hour)).await;
            child.take("ben denies", Submission::deny(run, BEN)).await;
            child.refuse("cyd approves", Submission::approve(run, CYD)).await;
            vec![(run, RunStatus::Denied)]
        }
        EXPIRED => vec![(child.take("request", request(EXPIRED, hour)).await, RunStatus::Expired)],
        UNDELIVERABLE => {
            let run = child.take("request", request(UNDELIVERABLE, hour)).await;
            child.until(run, |state| state.current_notification == 1).await;
            child.take("ben denies", Submission::deny(run, BEN)).await;
            vec![(run, RunStatus::Denied)]
        }
        BY_HAND => {
            let run = child.take("request", request(BY_HAND, hour)).await;
            child.take("ben approves", Submission::approve(run, BEN)).await;
            child.until(run, |state| state.run.actor(Step::Escalate).is_some()).await;
            child.take("ben revokes", Submission::revoke(run, BEN)).await;
            vec![(run, RunStatus::Deescalated)]
        }
        REJECTED => {
            let run = child.take("request", request(REJECTED, hour)).await;
            child.take("ben approves", Submission::approve(run, BEN)).await;
            vec![(run, RunStatus::Errored)]
        }
        BY_CODE => vec![(child.take("request", request(BY_CODE, hour)).await, RunStatus::Deescalated)],
        SHARED => {
            let mut ends = Vec::new();
            for (name, duration) in [("short", hour), ("long", DURATIONS[1])] {
                let run = child.take(name, request(SHARED, duration)).await;
                child.take(&format!("ben approves the {name} one"), Submission::approve(run, BEN)).await;
                ends.push((run, RunStatus::Deescalated));
            }
            ends
        }
        other => panic!("there is no story of `{other}`"),
    }
}
