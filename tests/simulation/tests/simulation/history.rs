//! The history of one world, from its first request to the last revocation.

use std::time::Duration;

use jiff::ToSpan;
use sym_sdk::clock::Clock;
use sym_sdk::engine::StoredRun;
use sym_sdk::machine::Access;
use sym_sdk::model::RunId;

use crate::asked::Asked;
use crate::declared::Declared;
use crate::disk::{Disk, Medium, at_once};
use crate::flows::{DURATIONS, POLICIES, TARGETS};
use crate::liveness::{Live, Liveness};
use crate::outage::OutageKind;
use crate::people::{ADMIN, ALIAS, GUEST, MEMBERS, NAMESAKE, OUTSIDER, People, ROOT, Wish, WishAction};
use crate::process::Process;
use crate::promises::{self, Memory};
use crate::staff::{By, Staff};
use crate::target::Target;
use crate::trouble::Trouble;
use crate::world::World;

/// The durations of outages.
const OUTAGES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(15 * 60), Duration::from_secs(3 * 3600)];

/// The durations of outages that begin while somebody has access, so that it ends in them.
const LONG_OUTAGES: [Duration; 2] = [Duration::from_secs(3600), Duration::from_secs(6 * 3600)];

/// The average number of moves after which an outage begins while somebody has access, in worlds with outages.
const MOVES_OF_ACCESS: usize = 150;

/// The average number of moves after which the clock is set while somebody has access and the store takes no writes: the end of access is
/// corrected in memory alone then.
const MOVES_OF_CLOCK: usize = 150;

/// The average number of moves after which somebody changes whose approval is to count, in worlds where people change.
const MOVES_OF_APPROVAL: usize = 80;

/// The number of moves while faults occur.
const STEPS: usize = 900;

/// The maximum number of moves without faults. Every world settles long before it.
const STEPS_TO_REST: usize = 100_000;

pub(crate) struct History {
    world: World,
    disk: Disk,
    staff: Staff,
    people: People,
    target: Target,
    asked: Asked,
    /// The configuration that the next process will read.
    declared: Declared,
    process: Process,
    memory: Memory,
    liveness: Liveness,
    /// The Runs in the store, as they are since the last commit.
    runs: Vec<StoredRun>,
    /// The maximum number of requests, and of other actions.
    requests: usize,
    deeds: usize,
}

impl History {
    pub(crate) async fn begin(world: World, medium: Medium) -> Self {
        let disk = Disk::new(medium);
        let staff = Staff::new(world.clone()).await;
        let (people, asked, declared) = (People::default(), Asked::default(), Declared::default());
        let target = Target::new(world.clone(), people.clone(), staff.clone(), asked.clone());
        let process = Process::start(&world, &staff, &target, disk.store(), &declared);
        let (requests, deeds) = (3 + world.below(8), 10 + world.below(60));
        let (memory, liveness) = (Memory::default(), Liveness::default());
        let runs = Vec::new();
        Self { world, disk, staff, people, target, asked, declared, process, memory, liveness, runs, requests, deeds }
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
        // A call that was released may be made yet.
        self.look().await;
        self.world.log("no more faults from here");
        self.world.calm_down();
        self.world.outage.end(self.world.clock.steady_now());
        self.liveness.outage_ended();
        self.staff.restore();
        if self.world.troubles.has(Trouble::Configuration) {
            self.declared = Declared::everything();
            self.crash().await;
        }
        if self.come_to_rest().await {
            let store = self.disk.store();
            promises::check_settled(&self.world, &self.memory, &self.people, &self.target, &*store);
        }
    }

    /// Lets all tasks run until they wait, and checks the invariants. Returns whether anything has changed.
    async fn look(&mut self) -> bool {
        self.world.schedule.idle().await;
        if self.world.troubles.has(Trouble::People) {
            self.staff.note();
        }
        self.world.next_move();
        let has_changed = self.world.has_changed();
        if has_changed {
            let store = self.disk.store();
            self.runs = at_once(store.runs(Default::default(), usize::MAX)).unwrap();
            self.asked.note(&self.process.declared, &self.runs);
            let (world, staff, asked, target) = (&self.world, &self.staff, &self.asked, &self.target);
            promises::hold(world, staff, asked, &mut self.memory, target, &self.runs, &*store);
            self.check_liveness();
        }
        has_changed
    }

    async fn something_happens(&mut self) {
        if self.world.occurs(Trouble::Configuration) {
            let what = self.declared.change(&self.world);
            self.world.count(format!("configuration: {what}"));
            self.world.log(format_args!("configuration: {what}"));
            return self.crash().await;
        }
        if self.world.occurs(Trouble::People) {
            let approvers = self.approvers();
            return self.staff.change(&mut self.process, &approvers);
        }
        if self.an_approver_changes() {
            return;
        }
        if self.world.occurs(Trouble::Outage) {
            return self.begin_outage(&OUTAGES);
        }
        if self.world.troubles.has(Trouble::Outage) && self.world.once_in(MOVES_OF_ACCESS) && self.somebody_has_access()
        {
            return self.begin_outage(&LONG_OUTAGES);
        }
        if self.world.outage.refused_since().is_some()
            && self.somebody_has_access()
            && self.world.once_in(MOVES_OF_CLOCK)
        {
            return self.set_clock();
        }
        let waiting = self.world.schedule.waiting();
        // While nothing can be written, little happens in many moves, and access lasts for hours.
        let passes = if self.world.outage.refused_since().is_some() { 120 } else { 70 };
        let chance = self.world.below(1000);
        match chance {
            0..2 => self.crash().await,
            2..4 => self.set_clock(),
            4..7 => self.somebody_leaves(),
            7..40 => self.somebody_acts(),
            40.. if chance < passes => self.time_passes(!waiting.is_empty()),
            _ if waiting.is_empty() => self.time_passes(false),
            _ => self.release(&waiting),
        }
    }

    /// Returns the people who have approved a request that is still open, or are about to.
    fn approvers(&self) -> Vec<&'static str> {
        let is_open = |run: RunId| self.runs.iter().any(|known| known.state.run.id() == run && known.state.is_open());
        let wishes = self.people.wishes();
        let approvals = wishes.iter().filter(|wish| matches!(wish.action, WishAction::Approve(run) if is_open(run)));
        approvals.filter(|wish| wish.in_flight > 0 || wish.taken().is_some()).map(|wish| wish.who).collect()
    }

    fn release(&self, waiting: &[(u64, &'static str)]) {
        let (ticket, point) = waiting[self.world.below(waiting.len())];
        self.world.log(format_args!("{point} goes on"));
        self.world.schedule.release(ticket);
    }

    /// Advances the clock: a little while calls are in flight, and otherwise to the next deadline; occasionally further, as if the
    /// machine had been suspended, and more often while the store takes no writes: what waits for the end of an outage waits for long.
    fn time_passes(&mut self, calls_wait: bool) {
        let next = self.world.clock.until_somebody_wakes().unwrap_or_default();
        let up_to = |most: usize| Duration::from_millis(self.world.below(most) as u64);
        let takes_writes = self.world.outage.refused_since().is_none();
        let time = match self.world.below(40) {
            0 => up_to(600_000),
            4..24 if !takes_writes => up_to(900_000),
            1..4 => next,
            _ if calls_wait => up_to(200),
            _ => next,
        };
        self.pass(time);
    }

    /// Changes somebody who has approved a request that is still open, or is about to: what they may do is looked at again until the
    /// request is decided. Returns whether there was anybody.
    fn an_approver_changes(&mut self) -> bool {
        if !self.world.troubles.has(Trouble::People) || !self.world.once_in(MOVES_OF_APPROVAL) {
            return false;
        }
        let approvers = self.approvers();
        self.staff.change_approver(&mut self.process, &approvers)
    }

    fn somebody_has_access(&self) -> bool {
        self.runs.iter().any(|run| matches!(run.state.access, Access::Held(_)))
    }

    fn begin_outage(&self, durations: &[Duration]) {
        let nth = OutageKind::EveryNth(2 + self.world.below(6) as u32);
        let kind = self.world.one_of(&[OutageKind::Full, OutageKind::ReadOnly, OutageKind::Dead, nth]);
        let until = self.world.clock.steady_now() + self.world.one_of(durations);
        if self.world.outage.begin(kind, until) {
            self.world.count(format!("outage: {}", kind.name()));
            self.world.log(format_args!("the store has an outage: {kind:?}"));
        }
    }

    /// Advances time, and lets happen what services do meanwhile.
    fn pass(&mut self, time: Duration) {
        // Before, so that nothing counts that falls due meanwhile.
        self.check_liveness();
        let hangs = |(_, point): &(u64, &str)| *point == "committed" || point.starts_with("store.");
        let hung = self.world.schedule.waiting().iter().any(hangs);
        self.world.clock.pass(time);
        self.liveness.time_passed(time, hung);
        self.world.log("time has passed");
        if self.world.outage.end_if_over(self.world.clock.steady_now()) {
            self.world.log("the store works again");
            self.liveness.outage_ended();
        }
        self.world.land_late_effects();
        self.check_liveness();
    }

    fn check_liveness(&mut self) {
        let Some(runtime) = self.process.runtime() else { return self.liveness.no_process() };
        let (world, staff, target, declared) = (&self.world, &self.staff, &self.target, &self.process.declared);
        self.liveness.check(&Live { world, staff, target, runs: &self.runs, declared, runtime: &runtime });
    }

    fn set_clock(&mut self) {
        let by = (1 + self.world.below(360) as i64).minutes();
        let (how, by) = if self.world.once_in(2) { ("back", -by) } else { ("ahead", by) };
        self.world.count(format!("clock {how}"));
        self.world.log(format_args!("the clock is set {how} by {by:#}"));
        self.memory.note_due(&self.runs, self.world.clock.now());
        self.world.clock.set(self.world.clock.now() + by);
        if by.is_negative() {
            let outage = &self.world.outage;
            self.liveness.clock_went_back(outage.kind().is_none(), outage.refused_since().is_some());
            self.memory.clock_went_back(&self.runs, self.world.clock.now());
        }
    }

    /// Crashes the process, and starts a new one on the same store.
    async fn crash(&mut self) {
        self.world.count("crash");
        self.world.log("the process crashes");
        // The old process is dropped first, so that nothing of it is left when the new one starts.
        self.process = Process::dead();
        self.liveness.process_crashed();
        self.check_liveness();
        self.world.process_crashed();
        self.people.cut_off();
        self.world.schedule.idle().await;
        self.target.process_crashed(&*self.disk.store());
        self.disk.reopen();
        self.process = Process::start(&self.world, &self.staff, &self.target, self.disk.store(), &self.declared);
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
            return self.process.submit(&self.world, &self.staff, &self.people, number);
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
        let has_changing_people = self.world.troubles.has(Trouble::People);
        let who = match self.world.below(24) {
            0..2 => GUEST,
            2 if has_changing_people => OUTSIDER,
            3..6 if has_changing_people => self.world.one_of(&[ALIAS, NAMESAKE]),
            _ => self.world.one_of(&MEMBERS[..2]),
        };
        let policy = &POLICIES[self.world.below(POLICIES.len())];
        let target = self.world.one_of(&TARGETS);
        // A flow may have got or lost its durations.
        let has_duration = self.process.declared.place(policy.flow, target).map_or(policy.ends, |place| place.ends);
        let duration = has_duration.then(|| self.world.one_of(&DURATIONS));
        self.wish(who, WishAction::Request { flow: policy.flow, target, duration, urgent: self.world.once_in(4) });
    }

    fn anybody(&self) -> &'static str {
        let [ana, ben, cho, dan] = MEMBERS;
        match self.world.troubles.has(Trouble::People) {
            true => self.world.one_of(&[ana, ben, cho, dan, ADMIN, GUEST, ALIAS, OUTSIDER, NAMESAKE]),
            false => self.world.one_of(&[ana, ben, cho, dan, ADMIN, GUEST]),
        }
    }

    fn wish(&mut self, who: &'static str, action: WishAction) {
        let by = if self.world.troubles.has(Trouble::People) {
            self.world.one_of(&[By::Address, By::Id])
        } else {
            By::Address
        };
        let number = self.people.wish(who, by, action);
        self.world.log(format_args!("wish {number}: {who} wants {action:?}"));
        self.process.submit(&self.world, &self.staff, &self.people, number);
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
            self.process.submit(&self.world, &self.staff, &self.people, *number);
        }
        let mut acted = !unanswered.is_empty();
        let lasts = |run: &&StoredRun| matches!(&run.state.access, Access::Held(grant) if grant.until.is_none());
        let lasting = self.runs.iter().filter(lasts).filter(|run| run.state.active_event.is_none());
        for run in lasting.map(|run| run.state.run.id()).collect::<Vec<_>>() {
            self.wish(ROOT, WishAction::Revoke(run));
            acted = true;
        }
        acted
    }
}
