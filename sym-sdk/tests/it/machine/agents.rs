//! Agents ask, and people decide: the rules for bots with an owner.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::error::codes;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{PermissionLevel, RequestPermission, user_ids};

use super::harness::*;

fn agent_of(owner: &User) -> Arc<User> {
    Arc::new(User::agent(UserId::from_bot_name("coder"), "coder", owner))
}

fn admitting() -> FlowParams {
    let mut params = FlowParams::default();
    params.allowed_sources = Some([Source::Mcp].into());
    params
}

fn world(params: FlowParams) -> World {
    let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
    World::new(flow(true, params), Hooks::NONE, permission)
}

fn request_for(world: &World, duration: Option<Duration>) -> Action {
    let mut request = RequestInput::default();
    request.target = world.flow.strategy().map(|strategy| strategy.targets()[0].clone());
    request.duration = duration;
    Action::Request(Box::new(request))
}

/// Makes the request of an agent of Ana's, and executes all effects.
fn open(world: &mut World) -> Arc<User> {
    let [ana, ..] = everybody();
    let agent = agent_of(&ana);
    let request = request_for(world, Some(HOUR));
    assert!(matches!(world.act_through(&agent, ChannelType::Mcp, request), InputReply::Accepted { .. }));
    world.settle();
    agent
}

fn refusal(reply: &InputReply) -> (String, String) {
    match reply {
        InputReply::Refused { error, .. } => (error.code.to_string(), error.message.clone()),
        reply => panic!("not refused: {reply:?}"),
    }
}

#[test]
fn flows_admit_agents_only_if_they_say_so() {
    let [ana, ..] = everybody();
    let agent = agent_of(&ana);
    let sources = [
        (None, false),
        (Some(vec![]), false),
        (Some(vec![Source::Api, Source::Slack, Source::Web]), false),
        (Some(vec![Source::Api, Source::Mcp]), true),
    ];
    for (sources, is_admitted) in sources {
        let mut params = FlowParams::default();
        params.allowed_sources = sources.map(|sources| sources.into_iter().collect());
        let mut world = world(params);
        let request = request_for(&world, Some(HOUR));
        let reply = world.act_through(&agent, ChannelType::Mcp, request);
        assert_eq!(matches!(reply, InputReply::Accepted { .. }), is_admitted, "{reply:?}");
    }
}

#[test]
fn agents_act_through_mcp_and_nobody_else_does() {
    let [ana, ..] = everybody();
    let agent = agent_of(&ana);
    let mut params = FlowParams::default();
    params.allowed_sources = Some(Source::ALL.into());
    for channel in [ChannelType::Slack, ChannelType::Api, ChannelType::Web, ChannelType::Cli] {
        let mut world = world(params.clone());
        let request = request_for(&world, Some(HOUR));
        let (code, message) = refusal(&world.act_through(&agent, channel, request));
        assert_eq!(code, codes::NOT_PERMITTED.to_string());
        assert_eq!(message, "coder is an agent, and agents act through MCP alone");
    }
    let bot = Arc::new(User::bot(UserId::from_bot_name("ci"), "ci"));
    for person in [&ana, &bot] {
        let mut world = world(params.clone());
        let request = request_for(&world, Some(HOUR));
        let (code, _) = refusal(&world.act_through(person, ChannelType::Mcp, request));
        assert_eq!(code, codes::NOT_PERMITTED.to_string());
    }
}

#[test]
fn owners_do_not_approve_the_requests_of_their_agents() {
    let [ana, ben, ..] = everybody();
    let mut world = world(admitting());
    open(&mut world);
    let (code, message) = refusal(&world.approve(&ana));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("SymSDK:SELF_APPROVAL", "nobody can approve the request of their own agent")
    );
    // Deleted and added again, she is the same person.
    let again = Arc::new(User::person(UserId::random(), "ana@example.com").unwrap());
    assert_eq!(refusal(&world.approve(&again)).0, "SymSDK:SELF_APPROVAL");
    // What is offered agrees with what is refused.
    let rules = Rules { flow: &world.flow, hooks: world.hooks };
    let offered = abilities(&rules, world.state(), &ana, ChannelType::Slack, world.now);
    assert!(offered.approve.is_err() && offered.deny.is_ok() && offered.view.is_ok());
    assert!(approver_verdict(&rules, world.state(), &ana).is_err());
    world.approve(&ben);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn owners_approve_where_self_approval_is_allowed() {
    let [ana, ..] = everybody();
    let mut world = world(admitting());
    world.permission = world.permission.clone().allow_self_approval(true);
    open(&mut world);
    world.approve(&ana);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn owners_withdraw_and_give_back_for_their_agents() {
    let [ana, ben, cho, ..] = everybody();
    let mut params = admitting();
    params.require_denial_reason = true;
    let mut withdrawn = world(params);
    withdrawn.permission = RequestPermission::admins_only();
    open(&mut withdrawn);
    assert!(withdrawn.state().is_visible_to(&ana) && !withdrawn.state().is_visible_to(&cho));
    assert_eq!(refusal(&withdrawn.deny(&cho)).0, "SymSDK:NOT_PERMITTED");
    withdrawn.deny(&ana);
    withdrawn.settle();
    assert_eq!(withdrawn.status(), RunStatus::Denied);

    let mut held = world(admitting());
    held.permission = RequestPermission::decided_by(user_ids([ben.clone()]).or(PermissionLevel::Admin))
        .seen_by(PermissionLevel::Admin);
    open(&mut held);
    held.approve(&ben);
    held.settle();
    assert_eq!(refusal(&held.revoke(&cho)).0, "SymSDK:NOT_PERMITTED");
    held.revoke(&ana);
    held.settle();
    assert!(!held.granted);
}

#[test]
fn agents_decide_nothing_whatever_names_them() {
    let [ana, ben, ..] = everybody();
    let agent = Arc::new(User::agent(UserId::from_bot_name("reviewer"), "reviewer", &ben));
    let mut world = world(admitting());
    world.permission = RequestPermission::decided_by(user_ids([agent.clone()]).or(PermissionLevel::Admin))
        .seen_by(PermissionLevel::Admin);
    let own = open(&mut world);
    for channel in [ChannelType::Mcp, ChannelType::Api, ChannelType::Slack, ChannelType::Sdk] {
        for action in [Action::approve(), Action::deny(), Action::Revoke] {
            let reply = world.act_through(&agent, channel, action);
            assert!(matches!(reply, InputReply::Refused { .. }), "{channel} {reply:?}");
        }
        // Not even as an administrator, which the directory would refuse.
        let admin = Arc::new(User::clone(&agent).with_role(UserRole::Admin));
        assert_eq!(refusal(&world.act_through(&admin, channel, Action::approve())).0, "SymSDK:NOT_PERMITTED");
    }
    assert_eq!(refusal(&world.approve(&ana)).0, "SymSDK:NOT_PERMITTED");
    // An agent withdraws what it has asked for.
    world.act_through(&own, ChannelType::Mcp, Action::deny());
    world.settle();
    assert_eq!(world.status(), RunStatus::Denied);
}

#[test]
fn durations_of_agents_are_bounded() {
    let [ana, ben, ..] = everybody();
    let mut params = admitting();
    params.allowed_sources = Some([Source::Mcp, Source::Slack].into());
    params.max_agent_duration = Some(HOUR / 2);
    let agent = agent_of(&ana);
    for duration in [Some(HOUR), None] {
        let mut world = world(params.clone());
        let request = request_for(&world, duration);
        let (code, _) = refusal(&world.act_through(&agent, ChannelType::Mcp, request));
        assert_eq!(code, codes::INVALID_DURATION.to_string());
    }
    let mut of_person = world(params.clone());
    of_person.escalate(&ana, &ben);
    assert!(of_person.granted);

    // A hook may not give more either: what is about to be granted is checked.
    let mut world = world(params);
    let request = request_for(&world, Some(HOUR / 6));
    world.act_through(&agent, ChannelType::Mcp, request);
    world.settle();
    let mut state = world.state().clone();
    let target = world.flow.strategy().unwrap().targets()[0].clone();
    assert_eq!(check_grant(&world.flow, &state, &target, Some(&agent)), Ok(()));
    let mut json = serde_json::to_value(&state).unwrap();
    json["request"]["duration"] = serde_json::to_value(HOUR).unwrap();
    state = serde_json::from_value(json).unwrap();
    let error = check_grant(&world.flow, &state, &target, Some(&agent)).unwrap_err();
    assert_eq!(error.message, "flow `prod` gives agents at most 30m, and this is for 1h");
}

#[test]
fn agents_are_given_no_extensions() {
    let [_, ben, ..] = everybody();
    let mut world = world(admitting());
    let agent = open(&mut world);
    world.approve(&ben);
    world.settle();
    world.advance(HOUR / 2);
    let reply = world.act_through(&agent, ChannelType::Mcp, Action::Extend(ExtensionInput::new(HOUR)));
    assert_eq!(refusal(&reply).1, "agents are given no extensions");
}
