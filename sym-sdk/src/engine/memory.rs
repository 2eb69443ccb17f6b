//! A store in memory, for tests and simulations.
//!
//! Its order is deterministic: the same calls give the same results, so simulations can be replayed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;

use super::health::{AccessHealth, Backlog};
use super::store::{
    Claim, Claimed, Commit, Committed, DueTimer, InputFingerprint, InputKey, RunFilter, Store, StoreError, StoredRun,
    TimerKey,
};
use crate::audit::{AuditEntry, AuditHead, AuditRecord, StoredEntry, count_events};
use crate::directory::EventQuery;
use crate::future::BoxFuture;
use crate::machine::{
    Bulkhead, Effect, EffectKey, EntitlementChange, EntitlementKey, InputReply, Lane, TimerChange, TimerKind,
};
use crate::model::RunId;
use crate::sync::lock;
use crate::time::TimestampExt;

/// A [`Store`] in memory, with a deterministic order. Its contents are lost with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    runs: BTreeMap<RunId, StoredRun>,
    replies: HashMap<InputKey, ReplyRow>,
    effects: HashMap<EffectKey, EffectRow>,
    /// Effects by lane and by the time from which they can be claimed, then by commit order.
    due: BTreeMap<Lane, BTreeMap<(Timestamp, u64), EffectKey>>,
    leased: HashSet<EffectKey>,
    leased_exclusively: HashMap<EntitlementKey, EffectKey>,
    timers: BTreeMap<TimerKey, (Timestamp, u64)>,
    /// Timers that end access come first.
    timers_due: BTreeMap<Reverse<TimerKind>, BTreeSet<(Timestamp, RunId)>>,
    holders: HashMap<EntitlementKey, BTreeSet<RunId>>,
    audit: Vec<AuditEntry>,
    /// The same entries as a hash chain.
    chain: Vec<AuditRecord>,
    cursors: HashMap<String, u64>,
    order: u64,
}

#[derive(Debug)]
struct ReplyRow {
    run: Option<RunId>,
    at: Timestamp,
    reply: InputReply,
    fingerprint: Option<InputFingerprint>,
}

#[derive(Debug)]
struct EffectRow {
    effect: Effect,
    due: Timestamp,
    /// The time from which it could have been executed.
    since: Timestamp,
    order: u64,
    claims: u32,
    lost: u32,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the audit entries after the first `count`.
    pub(crate) fn entries_after(&self, count: usize) -> Vec<AuditEntry> {
        self.tables().audit.get(count..).unwrap_or_default().to_vec()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}

impl Tables {
    /// Writes a commit. `stored` are its audit entries in their stored form.
    fn commit(&mut self, commit: Commit, stored: Vec<StoredEntry>) -> Committed {
        if let Some(row) = self.replies.get(&commit.input) {
            let reply = row.reply.clone();
            self.settle(&commit);
            return Committed::Duplicate(reply);
        }
        let version = self.runs.get(&commit.run).map_or(0, |run| run.version);
        if version != commit.expected_version {
            return Committed::Conflict;
        }
        self.settle(&commit);
        let (run, at) = (commit.reply_owner(), commit.at().unwrap_or(Timestamp::MIN));
        let records_reply = commit.records_reply();
        if let Some(state) = commit.state {
            self.runs.insert(commit.run, StoredRun::new(version + 1, state));
        }
        let (mut claims, mut leased) = (commit.claims, Vec::new());
        for effect in commit.effects {
            self.order += 1;
            let (key, lane) = (effect.key, effect.lane());
            let due = effect.not_before.unwrap_or(Timestamp::MIN);
            let claim = claims.iter_mut().find(|claim| claim.lane == lane && claim.limit > 0);
            let claim = claim.filter(|claim| due <= claim.now && self.leases_at_once(&effect, claim));
            self.due.entry(lane).or_default().insert((due, self.order), key);
            self.effects
                .insert(key, EffectRow { effect, due, since: due.max(at), order: self.order, claims: 0, lost: 0 });
            if let Some(claim) = claim {
                claim.limit -= 1;
                self.lease(key, claim.now.plus(claim.lease));
                leased.push(key);
            }
        }
        for change in commit.timers {
            match change {
                TimerChange::Set { kind, at, generation } => {
                    self.set_timer(TimerKey::new(commit.run, kind), at, generation)
                }
                TimerChange::Cancel { kind } => self.remove_timer(TimerKey::new(commit.run, kind), None),
            }
        }
        for change in commit.holds {
            match change {
                EntitlementChange::Hold(key) => {
                    self.holders.entry(key).or_default().insert(commit.run);
                }
                EntitlementChange::Release(key) => {
                    if let Some(holders) = self.holders.get_mut(&key) {
                        holders.remove(&commit.run);
                        if holders.is_empty() {
                            self.holders.remove(&key);
                        }
                    }
                }
            }
        }
        self.audit.extend(commit.audit);
        for entry in stored {
            self.chain.push(AuditRecord::after(&self.audit_head(), entry));
        }
        if records_reply {
            let fingerprint = commit.input.fingerprint();
            self.replies.insert(commit.input, ReplyRow { run, at, reply: commit.reply, fingerprint });
        }
        Committed::Written { leased }
    }

    fn audit_head(&self) -> AuditHead {
        self.chain.last().map_or(AuditHead::START, AuditRecord::head)
    }

    fn prune(&mut self, before: Timestamp, limit: usize) -> usize {
        let runs = self.runs.iter().filter(|(_, run)| run.state.is_prunable() && run.state.updated_at < before);
        let mut runs: Vec<_> = runs.map(|(id, run)| (run.state.updated_at, *id)).collect();
        runs.sort_unstable();
        runs.truncate(limit);
        for (_, run) in &runs {
            self.runs.remove(run);
            self.replies.retain(|_, row| row.run != Some(*run));
            let effects: Vec<_> = self.effects.keys().filter(|key| key.run == *run).copied().collect();
            effects.into_iter().for_each(|key| self.remove_effect(key));
            for kind in [TimerKind::Lifetime, TimerKind::Forward, TimerKind::Expire, TimerKind::Warn, TimerKind::Remind]
            {
                self.remove_timer(TimerKey::new(*run, kind), None);
            }
        }
        let replies = self.replies.iter().filter(|(_, row)| row.run.is_none() && row.at < before);
        let mut replies: Vec<_> = replies.map(|(key, row)| (row.at, key.clone())).collect();
        replies.sort_unstable();
        replies.truncate(limit);
        for (_, key) in &replies {
            self.replies.remove(key);
        }
        runs.len() + replies.len()
    }

    fn settle(&mut self, commit: &Commit) {
        if let Some(key) = commit.settles {
            self.remove_effect(key);
        }
        if let Some((key, generation)) = commit.fired {
            self.remove_timer(key, Some(generation));
        }
    }

    fn remove_effect(&mut self, key: EffectKey) {
        let Some(row) = self.effects.remove(&key) else { return };
        if let Some(lane) = self.due.get_mut(&row.effect.lane()) {
            lane.remove(&(row.due, row.order));
        }
        self.end_lease(&row.effect);
    }

    fn end_lease(&mut self, effect: &Effect) {
        self.leased.remove(&effect.key);
        if let Some(exclusive) = &effect.exclusive
            && self.leased_exclusively.get(exclusive) == Some(&effect.key)
        {
            self.leased_exclusively.remove(exclusive);
        }
    }

    fn set_timer(&mut self, key: TimerKey, at: Timestamp, generation: u64) {
        self.remove_timer(key, None);
        self.timers.insert(key, (at, generation));
        self.timers_due.entry(Reverse(key.kind)).or_default().insert((at, key.run));
    }

    fn remove_timer(&mut self, key: TimerKey, generation: Option<u64>) {
        match self.timers.get(&key).copied() {
            Some((at, live)) if generation.is_none_or(|generation| generation == live) => {
                self.timers.remove(&key);
                if let Some(due) = self.timers_due.get_mut(&Reverse(key.kind)) {
                    due.remove(&(at, key.run));
                }
            }
            _ => {}
        }
    }

    fn holding(&self) -> impl Iterator<Item = &StoredRun> {
        self.runs.values().filter(|run| run.state.may_hold_access())
    }

    fn has_expiry(&self, run: &StoredRun) -> bool {
        let id = run.state.run.id();
        run.state.pending_expiry().is_some_and(|end| {
            let timer = self.timers.get(&TimerKey::new(id, TimerKind::Expire)).map(|(_, generation)| *generation);
            end.timer.is_none_or(|end| timer == Some(end.generation))
                && end.effect.is_none_or(|seq| self.effects.contains_key(&EffectKey { run: id, seq }))
        })
    }

    fn claim(&mut self, claim: &Claim) -> Vec<Claimed> {
        let until = claim.now.plus(claim.lease);
        // Effects claimed here exclude each other from now on, unless their leases expire immediately.
        let mut excluded = HashSet::new();
        let mut taken = self.leased_by_bulkhead(claim);
        let due = self.due.get(&claim.lane).into_iter().flat_map(|lane| lane.range(..=(claim.now, u64::MAX)));
        let chosen = due.map(|(_, key)| *key).filter(|key| self.is_claimable(*key, claim.now)).filter(|key| {
            let exclusive = self.effects.get(key).and_then(|row| row.effect.exclusive.as_ref());
            exclusive.is_none_or(|exclusive| until <= claim.now || excluded.insert(exclusive))
        });
        let chosen = chosen.filter(|key| {
            if !is_limited(claim) {
                return true;
            }
            let bulkhead = self.effects.get(key).map(|row| &row.effect.bulkhead);
            bulkhead.is_some_and(|bulkhead| {
                let taken = taken.entry(bulkhead).or_default();
                *taken += 1;
                *taken <= claim.per_bulkhead
            })
        });
        let chosen: Vec<_> = chosen.take(claim.limit).collect();
        let claimed = |key| {
            self.lease(key, until);
            let row = self.effects.get(&key)?;
            Some(Claimed::new(row.effect.clone(), row.claims, row.lost))
        };
        chosen.into_iter().filter_map(claimed).collect()
    }

    /// Whether a claim leases an effect in the commit that adds it: none that is older is due, and nothing excludes it.
    fn leases_at_once(&self, effect: &Effect, claim: &Claim) -> bool {
        let due = self.due.get(&claim.lane).into_iter().flat_map(|lane| lane.range(..=(claim.now, u64::MAX)));
        let bulkhead = &effect.bulkhead;
        due.filter_map(|(_, key)| self.effects.get(key)).all(|older| older.effect.bulkhead != *bulkhead)
            && self.leased_by_bulkhead(claim).get(bulkhead).copied().unwrap_or_default() < claim.per_bulkhead
            && self.is_free(effect.exclusive.as_ref(), effect.key, claim.now)
    }

    /// Counts the leased effects of the lane, by bulkhead.
    fn leased_by_bulkhead(&self, claim: &Claim) -> HashMap<&Bulkhead, usize> {
        let mut taken = HashMap::new();
        if !is_limited(claim) {
            return taken;
        }
        let leased = self.leased.iter().filter_map(|key| self.effects.get(key));
        for row in leased.filter(|row| row.due > claim.now && row.effect.lane() == claim.lane) {
            *taken.entry(&row.effect.bulkhead).or_default() += 1;
        }
        taken
    }

    /// Whether no effect that excludes this one is leased. An expired lease excludes nothing.
    fn is_claimable(&self, key: EffectKey, now: Timestamp) -> bool {
        self.is_free(self.effects.get(&key).and_then(|row| row.effect.exclusive.as_ref()), key, now)
    }

    fn is_free(&self, exclusive: Option<&EntitlementKey>, key: EffectKey, now: Timestamp) -> bool {
        let holder = exclusive.and_then(|exclusive| self.leased_exclusively.get(exclusive));
        let other = holder.filter(|holder| **holder != key).and_then(|holder| self.effects.get(holder));
        other.is_none_or(|other| other.due <= now)
    }

    fn lease(&mut self, key: EffectKey, until: Timestamp) {
        self.set_due(key, until);
        let Some(row) = self.effects.get_mut(&key) else { return };
        row.claims += 1;
        if !self.leased.insert(key) {
            row.lost += 1;
        }
        if let Some(exclusive) = &row.effect.exclusive {
            self.leased_exclusively.insert(exclusive.clone(), key);
        }
    }

    fn set_due(&mut self, key: EffectKey, due: Timestamp) {
        if let Some(row) = self.effects.get_mut(&key) {
            let lane = self.due.entry(row.effect.lane()).or_default();
            lane.remove(&(row.due, row.order));
            row.due = due;
            lane.insert((due, row.order), key);
        }
    }
}

/// Whether a claim limits the leases of each bulkhead. Those of tests and simulations, which do one thing at a time, do not.
fn is_limited(claim: &Claim) -> bool {
    claim.per_bulkhead < usize::MAX
}

fn newest_first(runs: &mut [StoredRun]) {
    runs.sort_by_key(|run| std::cmp::Reverse((run.state.created_at, run.state.run.id())));
}

/// Wraps a result: the tables are in memory, so nothing waits.
fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Store for MemoryStore {
    fn load(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>, StoreError>> {
        ready(self.tables().runs.get(&run).cloned())
    }

    fn recorded_reply(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputReply>, StoreError>> {
        ready(self.tables().replies.get(key).map(|row| row.reply.clone()))
    }

    fn recorded_fingerprint(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputFingerprint>, StoreError>> {
        ready(self.tables().replies.get(key).and_then(|row| row.fingerprint))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, StoreError>> {
        match AuditEntry::all_to_stored(&commit.audit) {
            Ok(stored) => ready(self.tables().commit(commit, stored)),
            Err(error) => Box::pin(std::future::ready(Err(StoreError::Refused(error.into())))),
        }
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        ready(self.tables().claim(&claim))
    }

    fn due_effects(&self, lane: Lane, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Effect>, StoreError>> {
        let tables = self.tables();
        let due = tables.due.get(&lane).into_iter().flat_map(|lane| lane.range(..=(now, u64::MAX)));
        let due = due.filter_map(|(_, key)| tables.effects.get(key)).map(|row| row.effect.clone());
        ready(due.take(limit).collect())
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut tables = self.tables();
        if let Some(row) = tables.effects.get(&key).filter(|row| row.claims == claims) {
            let effect = row.effect.clone();
            tables.set_due(key, not_before);
            tables.end_lease(&effect);
        }
        ready(())
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> BoxFuture<'_, Result<usize, StoreError>> {
        let mut tables = self.tables();
        let later: Vec<_> = tables.effects.values().filter(|row| row.due > latest).map(|row| row.effect.key).collect();
        later.iter().for_each(|key| tables.set_due(*key, latest));
        ready(later.len())
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>> {
        let tables = self.tables();
        let due = tables.timers_due.iter().flat_map(|(Reverse(kind), timers)| {
            let due = timers.iter().take_while(|(at, _)| *at <= now);
            due.map(|(at, run)| (*at, TimerKey::new(*run, *kind)))
        });
        let timers = due.take(limit).filter_map(|(at, key)| {
            let (_, generation) = tables.timers.get(&key)?;
            Some(DueTimer::new(key, at, *generation))
        });
        ready(timers.collect())
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let tables = self.tables();
        let effects = tables.due.values().filter_map(|lane| lane.keys().next()).map(|(at, _)| *at);
        let timers = tables.timers_due.values().filter_map(|timers| timers.first()).map(|(at, _)| *at);
        ready(effects.chain(timers).min())
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> BoxFuture<'_, Result<Backlog, StoreError>> {
        let tables = self.tables();
        let mut backlog = Backlog::default();
        for row in tables.effects.values().filter(|row| row.due <= now) {
            backlog.count(row.since, late);
        }
        for (at, _) in tables.timers.values().filter(|(at, _)| *at <= now) {
            backlog.count(*at, late);
        }
        backlog.stuck = tables.runs.values().filter(|run| run.state.is_stuck()).count();
        ready(backlog)
    }

    fn holders(&self, key: &EntitlementKey) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        let tables = self.tables();
        ready(tables.holders.get(key).map(|holders| holders.iter().copied().collect()).unwrap_or_default())
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>> {
        let tables = self.tables();
        let mut runs: Vec<_> = tables.runs.values().filter(|run| filter.matches(&run.state)).cloned().collect();
        newest_first(&mut runs);
        runs.truncate(limit);
        ready(runs)
    }

    fn prune(&self, before: Timestamp, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>> {
        ready(self.tables().prune(before, limit))
    }

    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>> {
        let tables = self.tables();
        let mut runs: Vec<_> = tables.holding().filter(|run| !tables.has_expiry(run)).cloned().collect();
        newest_first(&mut runs);
        runs.truncate(limit);
        ready(runs)
    }

    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth, StoreError>> {
        let tables = self.tables();
        let mut health = AccessHealth::default();
        for run in tables.holding() {
            *health.holding.entry(run.state.flow.slug().to_owned()).or_default() += 1;
            health.late += u64::from(run.state.access_until().is_some_and(|until| until < late));
            health.stuck += u64::from(run.state.is_stuck());
            health.missing_expiry += u64::from(!tables.has_expiry(run));
        }
        ready(health)
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        let tables = self.tables();
        let entries = tables.audit.iter().filter(|entry| run.is_none_or(|run| entry.run == run));
        ready(entries.take(limit).cloned().collect())
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64, StoreError>> {
        ready(count_events(&self.tables().audit, count))
    }

    fn audit_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>> {
        // Records are numbered from 1 without gaps.
        let after = usize::try_from(seq).unwrap_or(usize::MAX);
        ready(self.tables().chain.iter().skip(after).take(limit).cloned().collect())
    }

    fn audit_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>> {
        let tables = self.tables();
        let records = tables.audit.iter().zip(&tables.chain).take_while(|(_, record)| record.seq < seq);
        ready(records.filter(|(entry, _)| entry.run == run).map(|(_, record)| record.clone()).collect())
    }

    fn audit_head(&self) -> BoxFuture<'_, Result<AuditHead, StoreError>> {
        ready(self.tables().audit_head())
    }

    fn audit_cursor(&self, destination: &str) -> BoxFuture<'_, Result<u64, StoreError>> {
        ready(self.tables().cursors.get(destination).copied().unwrap_or(0))
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.tables().cursors.insert(destination.to_owned(), seq);
        ready(())
    }
}
