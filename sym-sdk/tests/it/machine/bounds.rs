//! Bounds of the state of a Run.

use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::Step;
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

#[test]
fn recorded_time_never_decreases() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    let before = world.state().updated_at;
    world.now -= 5 * HOUR;
    world.approve(&ben);
    world.settle();
    assert_eq!(world.state().updated_at, before);
    let (end, _) = world.timers[&TimerKind::Expire];
    assert_eq!(end, world.now + HOUR, "access ends by the clock that fires its timer");
}

#[test]
fn repeated_inputs_do_not_grow_the_state() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.permission = world.permission.clone().approvals(3);
    world.open(&ana);
    let mut sizes = Vec::new();
    for _ in 0..100 {
        // One approval counts once, one is ignored by a hook, one is refused, and all arrive at the same time.
        world.approve(&ben);
        world.approve(&cho);
        world.approve(&ana);
        while let Some(seq) = world.effects.keys().next().copied() {
            match &world.effects[&seq].kind {
                EffectKind::Hook { hook, .. } if world.effects[&seq].event.actor == cho => {
                    let hook = *hook;
                    world.finish(seq, verdict(hook, HookResult::Fire(ApprovalTemplate::ignore().into())));
                }
                _ => world.succeed(seq),
            }
        }
        sizes.push(serde_json::to_string(world.state()).unwrap().len());
    }
    assert!(sizes[99] <= sizes[0] + 8, "only numbers may get longer: {} became {}", sizes[0], sizes[99]);
    // The queue is bounded while the active event is slow.
    for _ in 0..1_000 {
        world.deny(&ben);
        world.approve(&cho);
    }
    assert!(world.state().queue.len() <= 64);
}
