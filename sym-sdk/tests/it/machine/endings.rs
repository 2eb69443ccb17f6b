//! Every way in which a Run ends, and who hears what of it.

use std::time::Duration;

use expect_test::expect;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{NextEvent, Notification, SlackChannelName, Step};
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

fn ana() -> std::sync::Arc<User> {
    user("ana", UserRole::Member)
}

fn ben() -> std::sync::Arc<User> {
    user("ben", UserRole::Member)
}

fn ada() -> std::sync::Arc<User> {
    user("ada", UserRole::Admin)
}

/// Ana has made a request, which is open.
fn open(hooks: &[Step]) -> World {
    let mut world = World::access();
    for step in hooks {
        world.hooks = world.hooks.with(Hook::On(*step));
    }
    world.notifications =
        vec![Notification::to(SlackChannelName::new("#requests").unwrap()).timeout(Duration::from_secs(600))];
    world.open(&ana());
    world
}

/// Ben has approved Ana's request, and its next effect of this kind is returned.
fn approved(hooks: &[Step], wanted: impl Fn(&EffectKind) -> bool) -> (World, u64) {
    let mut world = open(hooks);
    world.approve(&ben());
    let seq = world.settle_until(wanted);
    (world, seq)
}

/// Ana has access.
fn escalated() -> World {
    let mut world = open(&[]);
    world.approve(&ben());
    world.settle();
    world
}

fn answer(mut world: World, step: Step, next: NextEvent) -> World {
    let hook = world.settle_until(is_hook(Hook::On(step)));
    world.finish(hook, verdict(Hook::On(step), HookResult::Fire(Box::new(next))));
    world
}

fn fail_hook(mut world: World, step: Step) -> World {
    let hook = world.settle_until(is_hook(Hook::On(step)));
    world.fail(hook, false);
    world
}

fn requested(hooks: &[Step]) -> World {
    let mut world = World::access();
    for step in hooks {
        world.hooks = world.hooks.with(Hook::On(*step));
    }
    world.request(&ana());
    world
}

fn acted(mut world: World, act: impl Fn(&mut World) -> InputReply) -> World {
    let reply = act(&mut world);
    assert!(matches!(reply, InputReply::Accepted { .. }), "{reply:?}");
    world
}

fn failed_grant(outcome: Outcome) -> World {
    let (mut world, seq) = approved(&[], is_grant);
    world.finish(seq, outcome);
    world
}

fn error(code: sym_sdk::error::ErrorCode) -> EffectError {
    EffectError::new(ErrorKind::Strategy, code, "the details are for operators")
}

fn written_off() -> World {
    let mut world = acted(escalated(), |world| world.revoke(&ben()));
    let revocation = world.settle_until(is_revoke);
    world.fail(revocation, true);
    acted(world, |world| world.write_off(&ada(), "removed by hand"))
}

fn form_failed() -> World {
    let mut world = acted(World::access(), |world| world.act(&ana(), Action::Prompt));
    let form = world.settle_until(|kind| matches!(kind, EffectKind::OpenForm));
    world.fail(form, false);
    world
}

fn undeliverable() -> World {
    let mut world = requested(&[]);
    let delivery = world.settle_until(|kind| matches!(kind, EffectKind::Deliver { .. }));
    world.fail(delivery, false);
    world
}

fn delivered_to_nobody() -> World {
    let mut world = requested(&[]);
    let route = world.settle_until(|kind| matches!(kind, EffectKind::Route));
    let mut routing = Routing::new(world.permission.clone(), world.notifications.clone());
    routing.continue_on_delivery_failure = false;
    world.finish(route, Outcome::Routed { handlers: vec![], routing });
    let delivery = world.settle_until(|kind| matches!(kind, EffectKind::Deliver { .. }));
    world.fail(delivery, false);
    world
}

fn approval_only() -> World {
    let mut world = World::access();
    world.flow = flow(false, FlowParams::default());
    world.open(&ana());
    acted(world, |world| world.approve(&ben()))
}

fn expired() -> World {
    let mut world = open(&[]);
    world.advance(Duration::from_secs(600));
    world
}

fn unrouted() -> World {
    let mut world = requested(&[]);
    let route = world.settle_until(|kind| matches!(kind, EffectKind::Route));
    world.fail(route, false);
    world
}

fn unidentified() -> World {
    let (mut world, identify) = approved(&[], |kind| matches!(kind, EffectKind::Identify { .. }));
    world.fail(identify, false);
    world
}

fn lost_grant() -> World {
    let (mut world, grant) = approved(&[], is_grant);
    world.effects.remove(&grant);
    let state = world.state.as_mut().unwrap();
    state.pending.remove(&grant);
    world.input(InputBody::Rearm);
    world
}

fn forwarded_with_failing_hook() -> World {
    let mut world = open(&[Step::RequestExpire]);
    world.advance(Duration::from_secs(600));
    fail_hook(world, Step::RequestExpire)
}

/// W30. A person who is told nothing waits, asks around, or believes to have access.
#[test]
fn everybody_concerned_hears_how_a_run_ends() {
    let ends: Vec<(&str, World)> = vec![
        ("the form fails", form_failed()),
        ("a hook does not open the form", {
            let mut world = World::access();
            world.hooks = Hooks::NONE.with(Hook::On(Step::Prompt));
            let world = acted(world, |world| world.act(&ana(), Action::Prompt));
            answer(world, Step::Prompt, ApprovalTemplate::ignore())
        }),
        ("a hook ignores the request", {
            answer(requested(&[Step::Request]), Step::Request, ApprovalTemplate::ignore())
        }),
        ("a hook denies the request", {
            let deny = ApprovalTemplate::deny().reason("production is frozen");
            answer(requested(&[Step::Request]), Step::Request, deny)
        }),
        ("a hook approves, and another ignores that", {
            let world = requested(&[Step::Request, Step::Approve]);
            let world = answer(world, Step::Request, ApprovalTemplate::approve());
            answer(world, Step::Approve, ApprovalTemplate::ignore())
        }),
        ("`on_request` fails", fail_hook(requested(&[Step::Request]), Step::Request)),
        ("the reducers fail", unrouted()),
        ("nobody can be notified", undeliverable()),
        ("nobody can be notified, and the request stays open", delivered_to_nobody()),
        ("nobody acts", expired()),
        ("`on_request_expire` fails", forwarded_with_failing_hook()),
        ("the requester withdraws", acted(open(&[]), |world| world.deny(&ana()))),
        ("an approver denies", acted(open(&[]), |world| world.deny(&ben()))),
        ("`on_deny` fails", fail_hook(acted(open(&[Step::Deny]), |world| world.deny(&ben())), Step::Deny)),
        ("`on_approve` fails", fail_hook(acted(open(&[Step::Approve]), |world| world.approve(&ben())), Step::Approve)),
        ("approved, without access to give", approval_only()),
        ("a hook stops the grant", {
            let world = acted(open(&[Step::Escalate]), |world| world.approve(&ben()));
            answer(world, Step::Escalate, ApprovalTemplate::ignore().message("the target is frozen"))
        }),
        ("`on_escalate` fails", {
            fail_hook(acted(open(&[Step::Escalate]), |world| world.approve(&ben())), Step::Escalate)
        }),
        ("the requester has no account", unidentified()),
        ("the strategy refuses", failed_grant(Outcome::Rejected { output: None, errors: vec!["secret".into()] })),
        ("the grant fails", failed_grant(Outcome::Failed(error(codes::HANDLER_FAILED)))),
        ("the time passes before the grant", failed_grant(Outcome::Failed(error(codes::ACCESS_EXPIRED)))),
        ("the store loses the grant", lost_grant()),
        ("the access expires", {
            let mut world = escalated();
            world.advance(HOUR);
            world
        }),
        ("the requester ends the access", acted(escalated(), |world| world.revoke(&ana()))),
        ("an administrator ends the access", acted(escalated(), |world| world.revoke(&ada()))),
        ("an administrator writes the access off", written_off()),
        ("access that no request gave is removed", acted(World::access(), |world| world.remove(&ada()))),
    ];
    let mut table = String::new();
    for (end, mut world) in ends {
        world.settle();
        table += &format!("{end}: {}\n", world.status());
        for (to, text) in world.messages() {
            let to = to.trim_end_matches("@example.com");
            table += &format!("    {to}: {text}\n");
        }
    }
    expect![[r#"
        the form fails: prompted
            ana: The form of prod could not be opened (SymSDK:HANDLER_FAILED); its operators have been notified
        a hook does not open the form: pending
            ana: The flow prod did not open its form for you
        a hook ignores the request: pending
            ana: The flow prod did not accept your request
        a hook denies the request: denied
            ana: Your request for prod was denied: production is frozen
        a hook approves, and another ignores that: pending
            ana: The flow prod did not accept your request
        `on_request` fails: errored
            ana: Your request for prod has failed: something went wrong before anybody was asked (SymSDK:HANDLER_FAILED). Its operators have been notified
        the reducers fail: errored
            ana: Your request for prod has failed: something went wrong before anybody was asked (SymSDK:HANDLER_FAILED). Its operators have been notified
        nobody can be notified: expired
            ana: Your request for prod is closed: nobody could be notified of it. Contact an administrator, then request again
        nobody can be notified, and the request stays open: requested
            ana: Your request for prod could not be delivered to anybody who can decide it. Contact an administrator
        nobody acts: expired
            ana: Your request for prod has expired: nobody acted on it in time
        `on_request_expire` fails: errored
            ana: Your request for prod has failed: something went wrong when its time was up (SymSDK:HANDLER_FAILED). Its operators have been notified
        the requester withdraws: denied
            ana: You have withdrawn your request for prod
        an approver denies: denied
            ana: ben@example.com denied your request for prod
        `on_deny` fails: errored
            ana: Your request for prod has failed: something went wrong while it was denied (SymSDK:HANDLER_FAILED). Its operators have been notified
            ben: The request of ana@example.com for prod has failed: something went wrong while it was denied (SymSDK:HANDLER_FAILED). Its operators have been notified
        `on_approve` fails: errored
            ana: Your request for prod has failed: something went wrong while it was approved (SymSDK:HANDLER_FAILED). Its operators have been notified
            ben: The request of ana@example.com for prod has failed: something went wrong while it was approved (SymSDK:HANDLER_FAILED). Its operators have been notified
        approved, without access to give: approved
            ana: ben@example.com approved your request for prod
        a hook stops the grant: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: the target is frozen
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: the target is frozen
        `on_escalate` fails: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: something went wrong (SymSDK:HANDLER_FAILED), and the operators have been notified
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: something went wrong (SymSDK:HANDLER_FAILED), and the operators have been notified
        the requester has no account: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: something went wrong (SymSDK:HANDLER_FAILED), and the operators have been notified
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: something went wrong (SymSDK:HANDLER_FAILED), and the operators have been notified
        the strategy refuses: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: something went wrong (AccessStrategy:REPORTED_ERRORS), and the operators have been notified
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: something went wrong (AccessStrategy:REPORTED_ERRORS), and the operators have been notified
        the grant fails: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: something went wrong (SymSDK:HANDLER_FAILED), and the operators have been notified
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: something went wrong (SymSDK:HANDLER_FAILED), and the operators have been notified
        the time passes before the grant: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: its time had passed by then
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: its time had passed by then
        the store loses the grant: errored
            ana: ben@example.com approved your request for prod
            ana: Your request for prod was approved, but you were not given access to admins: something went wrong (SymSDK:STORE), and the operators have been notified
            ben: The request of ana@example.com for prod, which you approved, did not give access to admins: something went wrong (SymSDK:STORE), and the operators have been notified
        the access expires: deescalated
            ana: ben@example.com approved your request for prod
            ana: You have access to admins until 2024-02-29 13:00:00 UTC
            ana: Your access to admins has ended
        the requester ends the access: deescalated
            ana: ben@example.com approved your request for prod
            ana: You have access to admins until 2024-02-29 13:00:00 UTC
            ana: Your access to admins has ended
        an administrator ends the access: deescalated
            ana: ben@example.com approved your request for prod
            ana: You have access to admins until 2024-02-29 13:00:00 UTC
            ana: Your access to admins has ended
        an administrator writes the access off: errored
            ana: ben@example.com approved your request for prod
            ana: You have access to admins until 2024-02-29 13:00:00 UTC
            ana: Your access to admins should have ended, but could not be taken away automatically. An administrator takes care of it
        access that no request gave is removed: deescalated
    "#]].assert_eq(&table);
}
