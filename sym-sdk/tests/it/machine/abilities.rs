//! Abilities with the reasons for what somebody cannot do, and decisions about what was shown.

use std::sync::Arc;

use sym_sdk::error::codes;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{ErrorKind, Notification, PermissionLevel, PermissionScope, RequestPermission, user_ids};

use super::harness::*;

fn of(world: &World, who: &User, channel: ChannelType) -> Abilities {
    let rules = Rules { flow: &world.flow, hooks: world.hooks };
    abilities(&rules, world.state(), who, channel, world.now)
}

fn code(verdict: &Verdict) -> String {
    verdict.as_ref().map_or_else(|error| error.code.to_string(), |()| "yes".to_owned())
}

#[test]
fn verdicts_name_the_reason() {
    let [ana, ben, _, ada, gus] = everybody();
    let mut world = World::access();
    world.open(&ana);
    let verdicts = |world: &World, who| {
        let abilities = of(world, who, ChannelType::Api);
        [&abilities.view, &abilities.approve, &abilities.deny, &abilities.revoke, &abilities.write_off].map(code)
    };
    let (own, refused, nothing) = ("SymSDK:SELF_APPROVAL", "SymSDK:NOT_PERMITTED", "DeescalateAPI:INVALID_RUN");
    assert_eq!(verdicts(&world, &ana), ["yes", own, "yes", nothing, refused]);
    assert_eq!(verdicts(&world, &ben), ["yes", "yes", "yes", nothing, refused]);
    assert_eq!(verdicts(&world, &ada), ["yes", "yes", "yes", nothing, nothing]);
    assert_eq!(verdicts(&world, &gus), ["SymSDK:UNKNOWN_RUN", refused, refused, nothing, refused]);
    world.approve(&ben);
    world.settle();
    let decided = "SymSDK:ALREADY_DECIDED";
    assert_eq!(verdicts(&world, &ben), ["yes", decided, decided, "yes", refused]);
}

#[test]
fn the_command_line_only_takes_access_away() {
    let [ana, _, _, ada, _] = everybody();
    let mut world = World::access();
    world.open(&ana);
    let abilities = of(&world, &ada, ChannelType::Cli);
    assert_eq!([&abilities.approve, &abilities.deny].map(code), ["SymSDK:NOT_PERMITTED"; 2]);
    world.approve(&ada);
    world.settle();
    assert_eq!(of(&world, &ada, ChannelType::Cli).revoke, Ok(()));
    // Nobody says there that a bot has done what they did.
    let bot = User::bot(UserId::from_bot_name("ci"), "ci").with_role(UserRole::Admin);
    assert_eq!(of(&world, &bot, ChannelType::Api).revoke, Ok(()));
    assert_eq!(code(&of(&world, &bot, ChannelType::Cli).revoke), "SymSDK:NOT_PERMITTED");
}

/// Before it is routed, a Run is visible to whoever began it, the bot that did so for them, and administrators.
#[test]
fn visibility_follows_the_permissions() {
    let [ana, ben, cho, ada, gus] = everybody();
    let mut world = World::access();
    world.permission = RequestPermission::decided_by(PermissionLevel::Admin)
        .seen_by(serde_json::from_value::<sym_sdk::prelude::PermissionScope>(serde_json::json!([gus.id()])).unwrap());
    let bot = User::bot(UserId::from_bot_name("ci"), "ci");
    let other = User::bot(UserId::from_bot_name("cd"), "cd");
    world.request(&ana);
    let sees = |world: &World| [&ana, &ben, &ada, &gus].map(|user| world.state().is_visible_to(user));
    assert_eq!(sees(&world), [true, false, true, false], "before it is routed");
    world.settle();
    assert_eq!(sees(&world), [true, false, true, true]);
    assert!(!world.state().is_visible_to(&cho));

    let mut world = World::access();
    world.permission = RequestPermission::admins_only();
    world.request_through(&ana, Channel::of_bot(&bot));
    assert!(world.state().is_visible_to(&bot) && !world.state().is_visible_to(&other));
    let person = User::person(bot.id(), "ci@example.com").unwrap();
    assert!(!world.state().is_visible_to(&person), "no person is a bot");
}

/// A bot that asks in somebody's name and approves would have decided alone.
#[test]
fn a_bot_does_not_approve_what_it_has_requested_for_somebody_else() {
    let ana = user("ana", UserRole::Member);
    let bot = |name: &str| Arc::new(User::bot(UserId::from_bot_name(name), name));
    let (ci, cd) = (bot("ci"), bot("cd"));
    // The same bot under another id: it was deleted, and added again.
    let again = Arc::new(User::bot(UserId::from_bot_name("other"), "CI").with_role(UserRole::Admin));
    let named = user_ids([&*ci, &*cd, &*again]);
    let decided_by = RequestPermission::decided_by(PermissionScope::try_from(named).unwrap());
    for allows_self_approval in [false, true] {
        let mut world = World::access();
        world.permission = decided_by.clone().allow_self_approval(allows_self_approval);
        world.request_through(&ana, Channel::of_bot(&ci));
        world.settle();
        for (who, may_approve) in [(&ci, allows_self_approval), (&again, allows_self_approval), (&cd, true)] {
            let expected = if may_approve { "yes" } else { "SymSDK:SELF_APPROVAL" };
            let abilities = of(&world, who, ChannelType::Api);
            assert_eq!([&abilities.approve, &abilities.deny].map(code), [expected, "yes"], "{}", who.username());
            let rules = Rules { flow: &world.flow, hooks: world.hooks };
            assert_eq!(code(&approver_verdict(&rules, world.state(), who)), expected);
        }
        let reply = world.act_through(&ci, ChannelType::Api, Action::approve());
        if !allows_self_approval {
            expect_test::expect![
                "ci has made this request for somebody else, and cannot approve it (SymSDK:SELF_APPROVAL)"
            ]
            .assert_eq(&world.refusal(&reply));
            world.act_through(&cd, ChannelType::Api, Action::approve());
        }
        world.settle();
        assert_eq!(world.status(), RunStatus::Escalated);
        // Its extension is no different.
        world.advance(HOUR / 2);
        world.extend(&ana, HOUR / 6);
        let expected = if allows_self_approval { "yes" } else { "SymSDK:SELF_APPROVAL" };
        assert_eq!(code(&of(&world, &ci, ChannelType::Api).approve), expected);
    }
}

#[test]
fn a_request_that_its_hook_has_not_let_pass_is_visible_to_its_requester() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(sym_sdk::prelude::Step::Request));
    world.request(&ana);
    assert_eq!(world.state().requester_id(), Some(ana.id()));
    let hook = world.find(is_hook(Hook::On(sym_sdk::prelude::Step::Request))).unwrap();
    world.fail(hook, false);
    world.settle();
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(world.state().is_visible_to(&ana) && !world.state().is_visible_to(&ben));
}

#[test]
fn nobody_decides_what_they_have_not_seen() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    let timed = |notification: &Notification| notification.clone().timeout(HOUR);
    world.notifications = [timed(&world.notifications[0]), timed(&world.notifications[0])].into();
    world.request(&ana);
    let digest = |world: &World| RequestDigest::of(world.state());
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    world.settle();
    let seen = digest(&world).unwrap();
    assert_eq!(seen.to_string().parse::<RequestDigest>().unwrap(), seen);
    world.advance(HOUR);
    world.settle();
    assert_ne!(digest(&world), Some(seen), "it was forwarded");
    let approve = |seen| Action::Approve { decision_message: None, duration: None, extension: None, seen };
    let deny = |seen| Action::Deny { decision_message: None, extension: None, seen };
    for action in [approve(Some(seen)), deny(Some(seen))] {
        let InputReply::Refused { error, .. } = world.act(&ben, action) else { panic!("not refused") };
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, codes::REQUEST_CHANGED));
    }
    let current = digest(&world);
    world.act(&ben, approve(current));
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);

    // The decision on an extension is about that.
    world.advance(HOUR / 2);
    world.extend(&ana, HOUR / 6);
    let extension = world.extension().id;
    let approve = |seen| Action::Approve { decision_message: None, duration: None, extension: Some(extension), seen };
    let InputReply::Refused { error, .. } = world.act(&ben, approve(current)) else { panic!("not refused") };
    assert_eq!(error.code, codes::REQUEST_CHANGED);
    let current = digest(&world);
    assert!(matches!(world.act(&ben, approve(current)), InputReply::Accepted { .. }));
}

#[test]
fn malformed_digests_are_refused() {
    for text in ["", "abc", &"g".repeat(64), &"0".repeat(65), &"\u{e9}".repeat(32)] {
        let error = text.parse::<RequestDigest>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
    }
}
