//! Model checking of the machine: its promises in every state that one request can reach, with a requester, two approvers,
//! repeated clicks, timers, late and misleading outcomes, failures and a crash.
//!
//! The model checker calls the machine itself. It visits each state once, and reports the path to a state that breaks a promise.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "clippy's exception for tests leaves out their helpers")]

mod surroundings;
mod world;

use stateright::{Checker, Model, Property};
use sym_sdk::machine::Access;
use sym_sdk::model::{Hook, Hooks, RunStatus, Step};

use surroundings::{Change, Configured, Standing};
use world::{Bounds, Click, Move, Person, Request, World};

impl Model for Request {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![self.begin()]
    }

    fn actions(&self, state: &World, actions: &mut Vec<Move>) {
        actions.extend(self.moves(state));
    }

    fn next_state(&self, state: &World, action: Move) -> Option<World> {
        Some(self.after(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("P2: grants are approved, and their expiry is committed first", |_, world: &World| {
                !world.seen.broken.is_some_and(|promise| promise.starts_with("P2"))
            }),
            Property::always("P4: each vote counts once, and there is one decision", |_, world: &World| {
                let votes = world.run.as_ref().map_or(0, |run| run.run.approvals().len());
                let broken = world.seen.broken.is_some_and(|promise| promise.starts_with("P4"));
                !broken && world.seen.decisions <= 1 && votes <= world.approved.len()
            }),
            Property::always(
                "P5: nothing is granted to somebody who may not get it any more, or by a vote that does not count any more",
                |_, world: &World| !world.seen.broken.is_some_and(|promise| promise.starts_with("P5")),
            ),
            Property::always("P7: an outcome counts once", |_, world: &World| {
                !world.seen.broken.is_some_and(|promise| promise.starts_with("P7"))
            }),
            Property::always("P3: a Run accounts for the access that it may have given", |_, world: &World| {
                !world.held || world.run.as_ref().is_some_and(|run| run.may_hold_access())
            }),
            Property::always("P3: if no move is left, the Run has ended", |model: &Self, world: &World| {
                !model.moves(world).is_empty() || has_ended(world)
            }),
            Property::eventually("P3: every Run ends, and leaves no access", |_, world: &World| has_ended(world)),
            Property::sometimes("access is granted and revoked", |_, world: &World| {
                world.seen.was_held && !world.held && status(world) == Some(RunStatus::Deescalated)
            }),
        ];
        if self.bounds.changes.1 > 0 {
            properties.extend([
                Property::sometimes("a vote is withdrawn", |_, world: &World| world.seen.withdrew_a_vote),
                Property::sometimes("a request is closed because its requester changed", |_, world: &World| {
                    world.seen.closed_for_its_requester
                }),
                Property::sometimes("a grant is refused right before the call", |_, world: &World| {
                    world.seen.refused_a_grant
                }),
                Property::sometimes("a request is closed with its flow", |_, world: &World| {
                    world.seen.closed_with_its_flow
                }),
                Property::sometimes("access ends whose flow is gone", |_, world: &World| {
                    let is_gone = world.surroundings.configured == Configured::Removed;
                    is_gone && world.seen.was_held && has_ended(world)
                }),
                Property::sometimes("a grant whose outcome was lost is revoked after a change", |_, world: &World| {
                    world.seen.lost_an_outcome && world.seen.refused_a_grant && world.seen.was_held && has_ended(world)
                }),
            ]);
        } else {
            properties.push(Property::sometimes("a request expires", |_, world: &World| {
                status(world) == Some(RunStatus::Expired)
            }));
        }
        if self.bounds.approvals > 1 && self.bounds.duplicates > 0 {
            properties.extend([
                Property::sometimes("a second vote is refused", |_, world: &World| world.seen.refused_a_second_vote),
                Property::sometimes("a click after the decision is refused", |_, world: &World| {
                    world.seen.refused_after_a_decision
                }),
                Property::sometimes("a request is denied", |_, world: &World| status(world) == Some(RunStatus::Denied)),
            ]);
        }
        if self.bounds.faults > 0 {
            properties.extend([
                Property::sometimes("a grant that reported a failure is revoked", |_, world: &World| {
                    world.seen.was_held && has_ended(world) && status(world) == Some(RunStatus::Errored)
                }),
                Property::sometimes("a grant is late", |_, world: &World| world.seen.granted_after_the_end),
                Property::sometimes("a grant lands after its revocation", |_, world: &World| {
                    world.seen.landed_after_the_revocation
                }),
                Property::sometimes("an outcome is lost with its process", |_, world: &World| {
                    world.seen.lost_an_outcome
                }),
                Property::sometimes("a revocation waits for its target", |_, world: &World| {
                    let run = world.run.as_ref();
                    world.held && run.is_some_and(|run| matches!(run.access, Access::Revoking { .. }))
                }),
            ]);
        }
        properties
    }
}

fn status(world: &World) -> Option<RunStatus> {
    world.run.as_ref().map(|run| run.run.status())
}

fn has_ended(world: &World) -> bool {
    !world.held && world.run.as_ref().is_some_and(|run| run.is_finished() && run.pending.is_empty())
}

fn explore(name: &str, bounds: Bounds) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = Request::new(bounds).checker().threads(threads).spawn_bfs().join();
    println!("{name}: {} states, {} of them different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
}

use Click::{Approve, Deny, Request as Ask, Revoke};
use Person::{Ana, Ben, Cho};

/// Bounds without changes.
const UNCHANGED: Bounds =
    Bounds { approvals: 1, clicks: &[], faults: 0, crashes: 0, duplicates: 0, changes: (&[], 0), hooks: Hooks::NONE };

/// Two approvals are required, and people click in any order.
#[test]
fn two_approvals() {
    let clicks = &[(Ana, Ask, 1), (Ben, Approve, 2), (Cho, Approve, 1), (Cho, Deny, 1), (Ana, Revoke, 1)];
    explore("two approvals", Bounds { approvals: 2, clicks, faults: 0, crashes: 0, duplicates: 1, ..UNCHANGED });
}

/// One approval is required; the target fails and the process crashes.
#[test]
fn one_approval_and_failures() {
    let clicks = &[(Ana, Ask, 1), (Ben, Approve, 1), (Ana, Revoke, 1)];
    explore(
        "one approval and failures",
        Bounds { approvals: 1, clicks, faults: 2, crashes: 1, duplicates: 1, ..UNCHANGED },
    );
}

/// The configuration and the people change between the steps of a request that two people have to approve.
#[test]
fn two_approvals_and_changes() {
    let clicks = &[(Ana, Ask, 1), (Ben, Approve, 2), (Cho, Approve, 1), (Ana, Revoke, 1)];
    let hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    explore("two approvals and changes", Bounds { approvals: 2, clicks, changes: (CHANGES, 2), hooks, ..UNCHANGED });
}

const CHANGES: &[Change] = &[
    Change::Becomes(Ana, Standing::Guest),
    Change::Becomes(Ana, Standing::Deleted),
    Change::Becomes(Ana, Standing::Member),
    Change::Becomes(Ben, Standing::Guest),
    Change::Becomes(Ben, Standing::Member),
    Change::RestartsWith(Configured::OtherAccount),
    Change::RestartsWith(Configured::Removed),
    Change::RestartsWith(Configured::Unchanged),
];
