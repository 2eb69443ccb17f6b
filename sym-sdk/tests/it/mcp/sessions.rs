//! The end of access with the agent: sessions that are ended, agents that are silent, and what takes nothing away.

use serde_json::json;
use sym_sdk::mcp::Mcp;
use sym_sdk::prelude::*;

use super::{HOUR, MINUTE, World, prod, run_of};

/// Requests as the agent, and has Ben approve it.
async fn hold(world: &mut World, agent: &super::Agent) -> sym_sdk::model::RunId {
    let run = agent.request().await;
    world.settle().await;
    world.approve(run).await;
    assert_eq!(world.status(run).await, RunStatus::Escalated);
    run
}

#[tokio::test]
async fn the_end_of_input_gives_back() {
    let mut world = World::start().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let run = hold(&mut world, &agent).await;
    let open = run_of(&agent.call("request_access", prod("10m")).await);
    world.settle().await;
    agent.disconnect().await;
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
    assert_eq!(world.status(open).await, RunStatus::Requested, "open requests hold nothing, and stay");
    let again = world.connect(&token).await;
    assert_eq!(run_of(&again.call("request_access", prod("10m")).await), open);
}

/// QD01: a restart, a lost network and a deploy take nothing from an agent at work.
#[tokio::test]
async fn a_stop_of_the_program_takes_nothing_away() {
    let mut world = with_short_grace().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let run = hold(&mut world, &agent).await;
    agent.stop_server().await;
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Escalated);
    // The session of before has gone without a word, and may still be there.
    let again = world.connect(&token).await;
    assert_eq!(again.request().await, run);
    again.disconnect().await;
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Escalated);
    // A new one takes over once it has been silent for the grace period.
    world.harness.advance(30 * MINUTE).await.unwrap();
    let again = world.connect(&token).await;
    again.call("list_access", json!({})).await;
    again.disconnect().await;
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
}

#[tokio::test]
async fn other_sessions_of_an_agent_keep_what_is_theirs() {
    let mut world = World::start().await;
    let token = world.token_of("coder").await;
    let (one, other) = (world.connect(&token).await, world.connect(&token).await);
    let run = hold(&mut world, &one).await;
    let others = run_of(&other.call("request_access", prod("10m")).await);
    world.settle().await;
    world.approve(others).await;
    other.disconnect().await;
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Escalated);
    assert_eq!(world.status(others).await, RunStatus::Deescalated);
}

async fn with_short_grace() -> World {
    World::with(|builder| {
        builder.declare(|config| {
            config.flows[0].params.agent_grace_period = Some("30m".into());
        })
    })
    .await
}

#[tokio::test]
async fn silence_gives_back_after_the_grace_period() {
    let mut world = with_short_grace().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let run = hold(&mut world, &agent).await;
    let mcp = world.mcp.clone();
    let runtime = world.harness.runtime().clone();
    world.harness.advance(29 * MINUTE).await.unwrap();
    assert!(mcp.end_abandoned_access(&runtime).await.unwrap().is_empty());
    // A call begins the grace period anew.
    agent.call("list_access", json!({})).await;
    world.harness.advance(29 * MINUTE).await.unwrap();
    assert!(mcp.end_abandoned_access(&runtime).await.unwrap().is_empty());
    world.harness.advance(MINUTE).await.unwrap();
    assert_eq!(mcp.end_abandoned_access(&runtime).await.unwrap(), [run]);
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
    assert!(mcp.end_abandoned_access(&runtime).await.unwrap().is_empty(), "once");
}

/// The time of the last call is stored: another process, or this one after a restart, knows it.
#[tokio::test]
async fn the_last_call_is_stored() {
    let mut world = with_short_grace().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let run = hold(&mut world, &agent).await;
    let runtime = world.harness.runtime().clone();
    // A second process, since the start.
    let other = Mcp::new();
    assert!(other.end_abandoned_access(&runtime).await.unwrap().is_empty());
    world.harness.advance(20 * MINUTE).await.unwrap();
    agent.call("list_access", json!({})).await;
    world.harness.advance(20 * MINUTE).await.unwrap();
    assert!(other.end_abandoned_access(&runtime).await.unwrap().is_empty(), "it has called the first process");
    // A process that has just started gives agents time to come back.
    world.harness.advance(15 * MINUTE).await.unwrap();
    let restarted = Mcp::new();
    assert!(restarted.end_abandoned_access(&runtime).await.unwrap().is_empty());
    assert_eq!(other.end_abandoned_access(&runtime).await.unwrap(), [run]);
}

#[tokio::test]
async fn access_that_came_late_is_there_for_the_agent_to_come_back_to() {
    let mut world = with_short_grace().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let run = agent.request().await;
    world.settle().await;
    world.harness.advance(2 * HOUR).await.unwrap();
    world.approve(run).await;
    let (mcp, runtime) = (world.mcp.clone(), world.harness.runtime().clone());
    assert!(mcp.end_abandoned_access(&runtime).await.unwrap().is_empty());
    world.harness.advance(30 * MINUTE).await.unwrap();
    assert_eq!(mcp.end_abandoned_access(&runtime).await.unwrap(), [run]);
}

/// The flow lets nobody revoke early. An agent gives back all the same, and silence takes it.
#[tokio::test]
async fn agents_give_back_where_people_may_not() {
    let mut world = World::with(|builder| builder.declare(|config| config.flows[0].params.allow_revoke = false)).await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let run = hold(&mut world, &agent).await;
    agent.call("give_back", json!({ "everything": true })).await;
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
}

#[tokio::test]
async fn sessions_of_the_past_are_forgotten() {
    let mut world = World::start().await;
    let token = world.token_of("coder").await;
    let stored = |world: &World| {
        let values = world.harness.runtime().key_value().clone();
        async move { values.paths_in("sym_mcp").await.unwrap().len() }
    };
    for _ in 0..40 {
        world.connect(&token).await.stop_server().await;
    }
    // An agent has 32 sessions, and a time of its last call.
    assert_eq!(stored(&world).await, 33);
    world.harness.advance(25 * HOUR).await.unwrap();
    let (mcp, runtime) = (Mcp::new(), world.harness.runtime().clone());
    mcp.end_abandoned_access(&runtime).await.unwrap();
    assert_eq!(stored(&world).await, 33, "it has just started");
    world.mcp.end_abandoned_access(&runtime).await.unwrap();
    assert_eq!(stored(&world).await, 1);
}
