//! Scenarios: the actions of users, one scenario per flow. A restarted process replays its scenario with the same keys.

use std::time::Duration;

use sym_sdk::machine::MessageRef;
use sym_sdk::model::{RunId, RunStatus, Step};
use sym_sdk::runtime::{FlowRequest, Submission};

use crate::child::{Child, USERS};
use crate::configured::Configured;
use crate::flows::{
    BY_HAND, BY_HOOK, DENIED, DURATIONS, EXPIRED, EXTENDED, FORGOTTEN, REFUSED, REJECTED, REMOVED, SHARED, TARGETS,
    UNDELIVERABLE, WHOLE,
};

const ANA: &str = USERS[0];
const BEN: &str = USERS[1];
const CYD: &str = USERS[2];

/// The flows that have a scenario.
pub const SCENARIOS: [&str; 12] =
    [WHOLE, DENIED, EXPIRED, FORGOTTEN, UNDELIVERABLE, BY_HAND, EXTENDED, REJECTED, BY_HOOK, SHARED, REFUSED, REMOVED];

fn request(flow: &str, duration: &str) -> FlowRequest {
    Submission::request(flow, ANA).input("target_srn", TARGETS[0]).input("duration", duration)
}

/// Runs the scenario of a flow, and waits until all Runs have ended, unless a restart with another configuration is part of it. Returns
/// that configuration.
pub async fn run(child: &Child, flow: &str) -> Option<Configured> {
    let ends = act(child, flow).await;
    if flow == REMOVED {
        return Some(Configured::WithoutFlows);
    }
    child.until_idle().await;
    for (run, end) in ends {
        assert_eq!(child.status(run).await, end, "Run {run} of `{flow}`");
    }
    None
}

/// Performs the actions of a scenario, and returns the expected final status of each Run.
async fn act(child: &Child, flow: &str) -> Vec<(RunId, RunStatus)> {
    let hour = DURATIONS[0];
    match flow {
        WHOLE => {
            let form = child.submit_accepted("prompt", Submission::prompt(WHOLE, ANA)).await;
            let run = child.submit_accepted("request", request(WHOLE, hour).form(form)).await;
            child.until(run, |state| state.current_notification == 1).await;
            child.submit_refused("ana approves", Submission::approve(run, ANA)).await;
            child.submit_accepted("ben approves", Submission::approve(run, BEN)).await;
            child.submit_accepted("cyd approves", Submission::approve(run, CYD)).await;
            vec![(run, RunStatus::Deescalated)]
        }
        DENIED => {
            let run = child.submit_accepted("request", request(DENIED, hour)).await;
            child.submit_accepted("ben denies", Submission::deny(run, BEN)).await;
            child.submit_refused("cyd approves", Submission::approve(run, CYD)).await;
            vec![(run, RunStatus::Denied)]
        }
        EXPIRED => vec![(child.submit_accepted("request", request(EXPIRED, hour)).await, RunStatus::Expired)],
        FORGOTTEN => vec![(child.submit_accepted("request", request(FORGOTTEN, hour)).await, RunStatus::Expired)],
        UNDELIVERABLE => {
            let run = child.submit_accepted("request", request(UNDELIVERABLE, hour)).await;
            child.until(run, |state| state.current_notification == 1).await;
            child.submit_accepted("ben denies", Submission::deny(run, BEN)).await;
            vec![(run, RunStatus::Denied)]
        }
        BY_HAND => {
            let run = child.submit_accepted("request", request(BY_HAND, hour)).await;
            child.submit_accepted("ben approves", Submission::approve(run, BEN)).await;
            child.until(run, |state| state.run.actor(Step::Escalate).is_some()).await;
            child.submit_accepted("ben revokes", Submission::revoke(run, BEN)).await;
            vec![(run, RunStatus::Deescalated)]
        }
        EXTENDED => {
            let run = child.submit_accepted("request", request(EXTENDED, hour)).await;
            child.submit_accepted("ben approves", Submission::approve(run, BEN)).await;
            child.until(run, |state| state.run.actor(Step::Escalate).is_some()).await;
            let more = Duration::from_secs(60 * 60);
            let first = child.submit_event("ana extends", Submission::extend(run, ANA, more)).await;
            let approval = Submission::approve(run, BEN).of_extension(first);
            child.submit_accepted("ben approves the extension", approval).await;
            child.submit_refused("cyd denies it", Submission::deny(run, CYD).of_extension(first)).await;
            let second = child.submit_event("ana extends again", Submission::extend(run, ANA, more)).await;
            child.submit_accepted("ben denies", Submission::deny(run, BEN).of_extension(second)).await;
            vec![(run, RunStatus::Deescalated)]
        }
        REJECTED => {
            let run = child.submit_accepted("request", request(REJECTED, hour)).await;
            child.submit_accepted("ben approves", Submission::approve(run, BEN)).await;
            vec![(run, RunStatus::Errored)]
        }
        BY_HOOK => vec![(child.submit_accepted("request", request(BY_HOOK, hour)).await, RunStatus::Deescalated)],
        SHARED => {
            let mut ends = Vec::new();
            for (name, duration) in [("short", hour), ("long", DURATIONS[1])] {
                let run = child.submit_accepted(name, request(SHARED, duration)).await;
                child.submit_accepted(&format!("ben approves the {name} one"), Submission::approve(run, BEN)).await;
                ends.push((run, RunStatus::Deescalated));
            }
            ends
        }
        REFUSED => {
            let stranger = Submission::request(REFUSED, "eve@elsewhere.test").input("target_srn", TARGETS[0]);
            child.submit_refused("a stranger requests", stranger.input("duration", hour)).await;
            child.submit_refused("a duration is not offered", request(REFUSED, "7h")).await;
            let nothing: RunId = "00000000-0000-0000-0000-000000000007".parse().unwrap();
            child.submit_refused("ana revokes nothing", Submission::revoke(nothing, ANA)).await;
            let run = child.submit_accepted("request", request(REFUSED, hour)).await;
            let elsewhere = Submission::approve(run, BEN).in_message(MessageRef::new("crash", "elsewhere"));
            child.submit_refused("ben approves in another message", elsewhere).await;
            child.submit_accepted("ben denies", Submission::deny(run, BEN)).await;
            vec![(run, RunStatus::Denied)]
        }
        REMOVED => {
            let held = child.submit_accepted("request", request(REMOVED, hour)).await;
            child.submit_accepted("ben approves", Submission::approve(held, BEN)).await;
            child.until(held, |state| state.run.actor(Step::Escalate).is_some()).await;
            child.submit_accepted("another request", request(REMOVED, DURATIONS[1])).await;
            // They end after the restart.
            vec![]
        }
        other => panic!("there is no scenario of `{other}`"),
    }
}
