//! The history of one world, from its first request to the last revocation.

use std::time::Duration;

use jiff::ToSpan;
use sym_sdk::clock::Clock;
use sym_sdk::directory::Directory;
use sym_sdk::machine::Access;

use crate::disk::{Disk, Medium, at_once};
use crate::flows::{DURATIONS, POLICIES, Policy, TARGETS};
use crate::liveness::Liveness;
use crate::people::{ADMIN, GUEST, MEMBERS, People, Wish, WishAction};
use crate::process::{self, Process};
use crate::promises::{self, Memory};
use crate::target::Target;
use crate::world::World;

/// The number of moves while faults occur.
const STEPS: usize = 900;

/// The maximum number of moves without faults. Every world settles long before it.
const STEPS_TO_REST: usize = 100_000;

pub(crate) struct History {
    world: World,
    disk: Disk,
    directory: Directory,
    people: People,
    target: Target,
    process: Process,
    memory: Memory,
    liveness: Liveness,
    /// The maximum number of requests, and of other actions.
    requests: usize,
    deeds: usize,
}

impl History {
    pub(crate) async fn begin(world: World, medium: Medium) -> Self {
        let disk = Disk::new(medium);
        let directory = process::directory().await;
        let people = People::default();
        let target = Target::new(world.clone(), people.clone());
        let process = Process::start(&world, &directory, &target, disk.store());
        let (requests, deeds) = (3 + world.below(8), 10 + world.below(60));
        let (memory, liveness) = (Memory::default(), Liveness::default());
        Self { world, disk, directory, people, target, process, memory, liveness, requests, deeds }
    }

    /// Runs the history. It stops at the first broken promise.
    pub(crate) async fn run(mut self) {
        for _ in 0..STEPS {
            self.look().await;
            if self.world.what_broke().is_some() {
                return;
            }
            self.something_happens().await;
        }
        self.world.log("no more faults from here");
        self.world.calm_down();
        if self.come_to_rest().await {
            let store = self.disk.store();
            promises::check_settled(&self.world, &self.memory, &self.people, &self.target, &*store);
        }
    }

    /// Lets all tasks run until they wait, and checks the invariants. Returns whether anything has changed.
    async fn look(&mut self) -> bool {
        self.world.schedule.idle().await;
        let has_changed = self.world.has_changed();
        if has_changed {
            let store = self.disk.store();
            promises::hold(&self.world, &mut self.memory, &self.target, &*store);
            self.check_liveness();
        }
        has_changed
    }

    async fn something_happens(&mut self) {
        let waiting = self.world.schedule.waiting();
        match self.world.below(1000) {
            0..2 => self.crash().await,
            2..4 => self.set_clock(),
            4..7 => self.somebody_leaves(),
            7..40 => self.somebody_acts(),
            40..70 => self.time_passes(!waiting.is_empty()),
            _ if waiting.is_empty() => self.time_passes(false),
            _ => self.release(&waiting),
        }
    }

    fn release(&self, waiting: &[(u64, &'static str)]) {
        let (ticket, point) = waiting[self.world.below(waiting.len())];
        self.world.log(format_args!("{point} goes on"));
        self.world.schedule.release(ticket);
    }

    /// Advances the clock: a little while calls are in flight, and otherwise to the next deadline; occasionally further, as if the
    /// machine had been suspended.
    fn time_passes(&mut self, calls_wait: bool) {
        let next = self.world.clock.until_somebody_wakes().unwrap_or_default();
        let up_to = |most: usize| Duration::from_millis(self.world.below(most) as u64);
        let time = match self.world.below(40) {
            0 => up_to(600_000),
            1..4 => next,
            _ if calls_wait => up_to(200),
            _ => next,
        };
        self.pass(time);
    }

    /// Advances time, and lets happen what services do meanwhile.
    fn pass(&mut self, time: Duration) {
        // Before, so that nothing counts that falls due meanwhile.
        self.check_liveness();
        self.world.clock.pass(time);
        self.world.log("time has passed");
        self.world.land_late_effects();
        self.check_liveness();
    }

    fn check_liveness(&mut self) {
        let (store, is_up) = (self.disk.store(), self.process.is_up());
        self.liveness.check(&self.world, &self.target, &*store, is_up);
    }

    fn set_clock(&self) {
        let by = (1 + self.world.below(360) as i64).minutes();
        let (how, by) = if self.world.once_in(2) { ("back", -by) } else { ("ahead", by) };
        self.world.count(format!("clock {how}"));
        self.world.log(format_args!("the clock is set {how} by {by:#}"));
        self.world.clock.set(self.world.clock.now() + by);
    }

    /// Crashes the process, and starts a new one on the same store.
    async fn crash(&mut self) {
        self.world.count("crash");
        self.world.log("the process crashes");
        // The old process is dropped first, so that nothing of it is left when the new one starts.
        self.process = Process::dead();
        self.check_liveness();
        self.people.cut_off();
        self.world.schedule.idle().await;
        self.disk.reopen();
        self.process = Process::start(&self.world, &self.directory, &self.target, self.disk.store());
    }

    /// A caller stops waiting for the reply.
    fn somebody_leaves(&mut self) {
        if let Some(number) = self.process.forget_one(&self.world) {
            self.people.left(number);
            self.world.count("caller left");
            self.world.log(format_args!("the caller of wish {number} has left"));
        }
    }

    fn somebody_acts(&mut self) {
        let wishes = self.people.wishes();
        if !wishes.is_empty() && self.world.once_in(8) {
            let number = self.world.below(wishes.len());
            self.world.count(if wishes[number].in_flight > 0 { "concurrent duplicate" } else { "later duplicate" });
            return self.process.submit(&self.world, &self.people, number);
        }
        if self.requests > 0 && self.world.once_in(4) {
            self.requests -= 1;
            return self.request();
        }
        let runs: Vec<_> = wishes.iter().filter_map(Wish::begun).collect();
        if runs.is_empty() || self.deeds == 0 {
            return;
        }
        self.deeds -= 1;
        let (requester, run) = self.world.one_of(&runs);
        let state = at_once(self.disk.store().load(run)).unwrap().map(|stored| stored.state);
        let is_open = state.as_ref().is_some_and(|state| state.is_open());
        let is_held = state.as_ref().is_some_and(|state| matches!(state.access, Access::Held(_)));
        let is_stuck = state.is_some_and(|state| state.is_stuck());
        // Most actions are possible, and some are not.
        match self.world.below(20) {
            0 => self.wish(self.anybody(), WishAction::Deny(run)),
            1 => self.wish(requester, WishAction::Deny(run)),
            2 => self.wish(self.anybody(), WishAction::Revoke(run)),
            3 => self.wish(self.anybody(), WishAction::Approve(run)),
            4 => self.wish(requester, WishAction::Approve(run)),
            5..7 if is_stuck => self.wish(ADMIN, WishAction::WriteOff(run)),
            7..20 if is_stuck => self.wish(requester, WishAction::Revoke(run)),
            5..9 if is_held => self.wish(requester, WishAction::Revoke(run)),
            5..12 if is_open => {
                self.world.count("concurrent approvals");
                for who in [MEMBERS[2], MEMBERS[3], ADMIN] {
                    self.wish(who, WishAction::Approve(run));
                }
            }
            12.. if is_open => self.wish(self.world.one_of(&[MEMBERS[2], MEMBERS[3], ADMIN]), WishAction::Approve(run)),
            _ => {}
        }
    }

    fn request(&mut self) {
        // There are few people and targets, so that Runs share entitlements.
        let who = if self.world.once_in(12) { GUEST } else { self.world.one_of(&MEMBERS[..2]) };
        let policy = &POLICIES[self.world.below(POLICIES.len())];
        let target = self.world.one_of(&TARGETS);
        let duration = policy.ends.then(|| self.world.one_of(&DURATIONS));
        self.wish(who, WishAction::Request { flow: policy.flow, target, duration, urgent: self.world.once_in(4) });
    }

    fn anybody(&self) -> &'static str {
        let [ana, ben, cho, dan] = MEMBERS;
        self.world.one_of(&[ana, ben, cho, dan, ADMIN, GUEST])
    }

    fn wish(&mut self, who: &'static str, action: WishAction) {
        let number = self.people.wish(who, action);
        self.world.log(format_args!("wish {number}: {who} wants {action:?}"));
        self.process.submit(&self.world, &self.people, number);
    }

    /// Runs without faults until the world settles, and returns whether it has.
    async fn come_to_rest(&mut self) -> bool {
        let mut patience = Duration::ZERO;
        for _ in 0..STEPS_TO_REST {
            if self.look().await {
                patience = Duration::ZERO;
            }
            if self.world.what_broke().is_some() {
                return false;
            }
            let waiting = self.world.schedule.waiting();
            if !waiting.is_empty() {
                self.release(&waiting);
                continue;
            }
            if self.process.is_up() && self.ask_once_more() {
                continue;
            }
            let due = at_once(self.disk.store().next_due()).unwrap();
            let now = self.world.clock.now();
            let until_due = due.and_then(|due| due.duration_since(now).try_into().ok()).unwrap_or_default();
            match self.world.clock.until_somebody_wakes() {
                _ if due.is_none() && self.process.is_up() => match self.world.until_late_effect() {
                    Some(time) => self.pass(time),
                    None => return true,
                },
                Some(time) => {
                    // Workers poll for effects that another one has leased.
                    patience = (2 * patience).clamp(Duration::from_millis(1), Duration::from_secs(600));
                    self.pass(time.max(until_due).max(patience));
                }
                None => {
                    self.world.broken(format_args!("P3: nothing handles what is due at {due:?}"));
                    return false;
                }
            }
        }
        self.world.broken("P3: the world does not settle without faults");
        false
    }

    /// Resubmits wishes without a reply, and revokes access that has no expiry. Returns whether there was anything to do.
    fn ask_once_more(&mut self) -> bool {
        let wishes = self.people.wishes();
        let waits = |(_, wish): &(usize, &Wish)| wish.answer.is_none() && wish.in_flight == 0;
        let unanswered: Vec<_> = wishes.iter().enumerate().filter(waits).map(|(number, _)| number).collect();
        for number in &unanswered {
            self.process.submit(&self.world, &self.people, *number);
        }
        let mut acted = !unanswered.is_empty();
        for run in at_once(self.disk.store().runs(Default::default(), usize::MAX)).unwrap() {
            let policy = Policy::of(run.state.flow.slug());
            let run_id = run.state.run.id();
            let is_between_events = run.state.active_event.is_none();
            if matches!(run.state.access, Access::Held(_)) && !policy.ends && is_between_events {
                self.wish(ADMIN, WishAction::Revoke(run_id));
                acted = true;
            }
        }
        acted
    }
}
