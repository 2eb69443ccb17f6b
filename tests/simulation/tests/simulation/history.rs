//! What happens in one world, from its first request to the last revocation.

use std::time::Duration;

use jiff::ToSpan;
use sym_sdk::clock::Clock;
use sym_sdk::directory::Directory;
use sym_sdk::machine::Access;

use crate::disk::{Disk, Medium, at_once};
use crate::flows::{DURATIONS, POLICIES, Policy, TARGETS};
use crate::people::{ADMIN, Deed, GUEST, MEMBERS, People, Wish};
use crate::process::{self, Process};
use crate::promises::{self, Memory};
use crate::target::Target;
use crate::world::World;

/// How much happens while things go wrong.
const STEPS: usize = 900;

/// Left alone, every world comes to rest long before this.
const STEPS_TO_REST: usize = 100_000;

pub(crate) struct History {
    world: World,
    disk: Disk,
    directory: Directory,
    people: People,
    target: Target,
    process: Process,
    memory: Memory,
    /// How many requests are made at the most, and what else people do.
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
        Self { world, disk, directory, people, target, process, memory: Memory::default(), requests, deeds }
    }

    /// All that happens. It stops where a promise is broken.
    pub(crate) async fn run(mut self) {
        for _ in 0..STEPS {
            self.look().await;
            if self.world.what_broke().is_some() {
                return;
            }
            self.something_happens().await;
        }
        self.world.tell("from here on nothing goes wrong");
        self.world.calm_down();
        if self.come_to_rest().await {
            let store = self.disk.store();
            promises::kept(&self.world, &self.memory, &self.people, &self.target, &*store);
        }
    }

    /// Waits until everybody waits, and checks what must hold at all times. Says whether anything has changed.
    async fn look(&mut self) -> bool {
        self.world.schedule.idle().await;
        let has_changed = self.world.has_changed();
        if has_changed {
            let store = self.disk.store();
            promises::hold(&self.world, &mut self.memory, &self.target, &*store);
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
        self.world.tell(format_args!("{point} goes on"));
        self.world.schedule.release(ticket);
    }

    /// A moment while calls are under way, and otherwise until somebody has waited long enough; now and then longer, as if the
    /// machine had been asleep.
    fn time_passes(&self, calls_wait: bool) {
        let next = self.world.clock.until_somebody_wakes().unwrap_or_default();
        let up_to = |most: usize| Duration::from_millis(self.world.below(most) as u64);
        let time = match self.world.below(40) {
            0 => up_to(600_000),
            1..4 => next,
            _ if calls_wait => up_to(200),
            _ => next,
        };
        self.world.clock.pass(time);
        self.world.tell("time has passed");
    }

    fn set_clock(&self) {
        let by = (1 + self.world.below(360) as i64).minutes();
        let (how, by) = if self.world.once_in(2) { ("back", -by) } else { ("ahead", by) };
        self.world.count(format!("clock {how}"));
        self.world.tell(format_args!("the clock is set {how} by {by:#}"));
        self.world.clock.set(self.world.clock.now() + by);
    }

    /// The process dies wherever it stands, and a new one starts on what is left.
    async fn crash(&mut self) {
        self.world.count("crash");
        self.world.tell("the process dies");
        // Nothing of it may be left when the next one starts, so the new one is not started in its place.
        self.process = Process::dead();
        self.people.cut_off();
        self.world.schedule.idle().await;
        self.disk.reopen();
        self.process = Process::start(&self.world, &self.directory, &self.target, self.disk.store());
    }

    /// Somebody does not wait to be told.
    fn somebody_leaves(&mut self) {
        if let Some(number) = self.process.forget_one(&self.world) {
            self.people.left(number);
            self.world.count("somebody left");
            self.world.tell(format_args!("nobody waits to be told of wish {number}"));
        }
    }

    fn somebody_acts(&mut self) {
        let wishes = self.people.wishes();
        if !wishes.is_empty() && self.world.once_in(8) {
            let number = self.world.below(wishes.len());
            self.world.count(if wishes[number].under_way > 0 { "duplicate at once" } else { "duplicate later" });
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
        // Mostly people do what can be done; and now and then what cannot.
        match self.world.below(20) {
            0 => self.wish(self.anybody(), Deed::Deny(run)),
            1 => self.wish(requester, Deed::Deny(run)),
            2 => self.wish(self.anybody(), Deed::Revoke(run)),
            3 => self.wish(self.anybody(), Deed::Approve(run)),
            4 => self.wish(requester, Deed::Approve(run)),
            5..7 if is_stuck => self.wish(ADMIN, Deed::WriteOff(run)),
            7..20 if is_stuck => self.wish(requester, Deed::Revoke(run)),
            5..9 if is_held => self.wish(requester, Deed::Revoke(run)),
            5..12 if is_open => {
                self.world.count("approvals at once");
                for who in [MEMBERS[2], MEMBERS[3], ADMIN] {
                    self.wish(who, Deed::Approve(run));
                }
            }
            12.. if is_open => self.wish(self.world.one_of(&[MEMBERS[2], MEMBERS[3], ADMIN]), Deed::Approve(run)),
            _ => {}
        }
    }

    fn request(&mut self) {
        // Few people and targets, so that Runs share access.
        let who = if self.world.once_in(12) { GUEST } else { self.world.one_of(&MEMBERS[..2]) };
        let policy = &POLICIES[self.world.below(POLICIES.len())];
        let target = self.world.one_of(&TARGETS);
        let duration = policy.ends.then(|| self.world.one_of(&DURATIONS));
        self.wish(who, Deed::Request { flow: policy.flow, target, duration, urgent: self.world.once_in(4) });
    }

    fn anybody(&self) -> &'static str {
        let [ana, ben, cho, dan] = MEMBERS;
        self.world.one_of(&[ana, ben, cho, dan, ADMIN, GUEST])
    }

    fn wish(&mut self, who: &'static str, deed: Deed) {
        let number = self.people.wish(who, deed);
        self.world.tell(format_args!("wish {number}: {who} wants {deed:?}"));
        self.process.submit(&self.world, &self.people, number);
    }

    /// Lets everything take its course. Says whether it came to an end.
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
                _ if due.is_none() && self.process.is_up() => return true,
                Some(time) => {
                    // Workers look again and again for what somebody else has leased.
                    patience = (2 * patience).clamp(Duration::from_millis(1), Duration::from_secs(600));
                    self.world.clock.pass(time.max(until_due).max(patience));
                    self.world.tell("time has passed");
                }
                None => {
                    self.world.broken(format_args!("P3: nobody takes care of what falls due at {due:?}"));
                    return false;
                }
            }
        }
        self.world.broken("P3: left alone, the world does not come to rest");
        false
    }

    /// People who were not told what became of their wish ask again, and access without an end of its own is taken away by hand.
    /// Says whether anybody did anything.
    fn ask_once_more(&mut self) -> bool {
        let wishes = self.people.wishes();
        let waits = |(_, wish): &(usize, &Wish)| wish.answer.is_none() && wish.under_way == 0;
        let unanswered: Vec<_> = wishes.iter().enumerate().filter(waits).map(|(number, _)| number).collect();
        for number in &unanswered {
            self.process.submit(&self.world, &self.people, *number);
        }
        let mut acted = !unanswered.is_empty();
        for run in at_once(self.disk.store().runs(Default::default(), usize::MAX)).unwrap() {
            let policy = Policy::of(run.state.flow.slug());
            let run_id = run.state.run.id();
            let is_at_rest = run.state.active_event.is_none();
            if matches!(run.state.access, Access::Held(_)) && !policy.ends && is_at_rest {
                self.wish(ADMIN, Deed::Revoke(run_id));
                acted = true;
            }
        }
        acted
    }
}
