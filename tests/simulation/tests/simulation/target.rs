//! The service in which access is granted. Its own journal is the ground truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::engine::Store;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::machine::{EffectKey, EffectKind, PendingEffect, RunState};
use sym_sdk::model::{AccessTarget, RunId, StepOutput, User, UserId};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, resource_by_settings};

use crate::asked::Asked;
use crate::declared::{Declared, resource};
use crate::disk::at_once;
use crate::fault::Place;
use crate::people::People;
use crate::promises;
use crate::staff::Staff;
use crate::world::{LONGEST_CALL, World};

/// A piece of access: the account and the group, and the identity of the person.
pub(crate) type Piece = (String, String);

/// The idempotency key of a call, and the number of the attempt.
pub(crate) type CallKey = (EffectKey, u32);

/// The service. Clones share their state.
#[derive(Clone)]
pub(crate) struct Target {
    world: World,
    people: People,
    staff: Staff,
    asked: Asked,
    journal: Arc<Mutex<Journal>>,
}

#[derive(Default)]
struct Journal {
    held: BTreeSet<Piece>,
    /// The access that a revocation took away after its caller had given up, and that was not granted since.
    lost_to_late_revocations: BTreeSet<Piece>,
    /// The request of each call.
    calls: BTreeMap<CallKey, (Place, Piece)>,
    /// The calls of crashed processes that were made before they were on record, and not again since: they are lost to the record.
    lost: BTreeSet<CallKey>,
    /// The calls known to be on record whose results the current process has, or has given up waiting for.
    returned: BTreeSet<CallKey>,
    /// The time of the last attempt at a revocation, by Run.
    revocations: BTreeMap<RunId, Timestamp>,
    /// The users for whom access was granted to identities, by account.
    owners: BTreeMap<(String, String), UserId>,
}

impl Target {
    pub(crate) fn new(world: World, people: People, staff: Staff, asked: Asked) -> Self {
        Self { world, people, staff, asked, journal: Arc::default() }
    }

    /// Returns the access that exists.
    pub(crate) fn held(&self) -> BTreeSet<Piece> {
        self.lock().held.clone()
    }

    /// Returns the calls so far, with their keys.
    pub(crate) fn calls(&self) -> BTreeMap<CallKey, (Place, Piece)> {
        self.lock().calls.clone()
    }

    /// Returns whether a call is lost to the record, because its process crashed.
    pub(crate) fn is_lost(&self, call: &CallKey) -> bool {
        self.lock().lost.contains(call)
    }

    /// Records that the process has crashed, and which of its calls nobody will know of: those of revocations that it has only predicted,
    /// since the store took no writes, however long that was so.
    pub(crate) fn process_crashed(&self, committed: &dyn Store) {
        let is_on_record = |key: EffectKey| {
            let run = at_once(committed.load(key.run)).unwrap();
            run.is_some_and(|run| key.seq < run.state.next_seq)
        };
        let mut journal = self.lock();
        journal.returned.clear();
        let revocations = journal.calls.iter().filter(|(_, (place, _))| *place == Place::Revoke);
        let lost: Vec<_> = revocations.map(|(call, _)| *call).filter(|(key, _)| !is_on_record(*key)).collect();
        journal.lost.extend(lost);
    }

    /// Returns the time of the last attempt to revoke the access of a Run, by the clock that is never set.
    pub(crate) fn last_revocation(&self, run: RunId) -> Option<Timestamp> {
        self.lock().revocations.get(&run).copied()
    }

    /// Returns the strategy of a process in one account. It reads the committed state when it is called.
    pub(crate) fn client(&self, committed: Arc<dyn Store>, declared: Arc<Declared>, account: &str) -> Result<Client> {
        Ok(Client { target: self.clone(), committed, declared, account: account.to_owned() })
    }

    /// Returns whether a revocation that landed late has taken the access away.
    pub(crate) fn was_lost_to_late_revocation(&self, piece: &Piece) -> bool {
        self.lock().lost_to_late_revocations.contains(piece)
    }

    /// Has a call take effect.
    fn apply(&self, place: Place, piece: Piece, is_late: bool) {
        let how = if is_late { "takes effect late" } else { "takes effect" };
        self.world.log(format_args!("{place:?} of {} for {} {how}", piece.0, piece.1));
        let mut journal = self.lock();
        if place == Place::Grant {
            journal.lost_to_late_revocations.remove(&piece);
            if journal.held.insert(piece) && is_late {
                self.world.count("late grant gave access");
            }
        } else if journal.held.remove(&piece) && is_late {
            self.world.count("late revocation took access");
            journal.lost_to_late_revocations.insert(piece);
        }
        self.world.changed();
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The strategy.
pub(crate) struct Client {
    target: Target,
    committed: Arc<dyn Store>,
    /// The configuration of its process.
    declared: Arc<Declared>,
    account: String,
}

impl Client {
    fn piece(&self, request: &AccessRequest<'_>) -> Piece {
        (resource(Some(&self.account), request.target()), request.identity().to_owned())
    }

    /// Checks the promises at each call.
    fn check(&self, place: Place, request: &AccessRequest<'_>) {
        let (world, key) = (&self.target.world, request.idempotency_key());
        let piece = self.piece(request);
        world.log(format_args!("{place:?} {} for {} ({key})", piece.0, piece.1));
        let asked_piece = piece.clone();
        let asked = (place, piece);
        let call = (key, request.attempt());
        self.target.lock().lost.remove(&call);
        let before = self.target.lock().calls.insert(call, asked.clone());
        world.check(before.is_none_or(|before| before == asked), || format!("P7: key {key} stands for two calls"));
        let run = at_once(self.committed.load(key.run)).unwrap();
        let Some(run) = run else { return world.broken(format_args!("P2: {key} is of a Run that is not committed")) };
        let is_awaited = match place {
            Place::Grant => run.state.pending.values().any(|pending| is_attempt(pending, key, request.attempt())),
            // A revocation that an operator has replaced may still be executed. Its outcome is stale then.
            _ => !world.is_settled(key),
        };
        world.check(is_awaited, || format!("P7: {place:?} {key} was carried out after its outcome was recorded"));
        let has_returned = self.target.lock().returned.contains(&call);
        world.check(!has_returned, || {
            format!("P7: {place:?} {key} was carried out again by a process that has its outcome")
        });
        let asked = self.target.asked.place(key.run);
        let is_there =
            asked.as_ref().is_some_and(|asked| asked_piece.0 == format!("{}/{}", asked.account, asked.group));
        world.check(is_there, || format!("P5: {place:?} of Run {} at {}, asked for {asked:?}", key.run, asked_piece.0));
        if place == Place::Revoke {
            self.target.lock().revocations.insert(key.run, world.clock.steady_now());
            if world.outage.refused_since().is_some() {
                world.count("revocation attempted while the store takes no writes");
            }
        }
        if place == Place::Grant {
            self.check_owner(&run.state, request);
            promises::as_it_was_asked(world, &self.target.staff, &self.declared, asked.as_ref(), &run.state);
            let timers = at_once(self.committed.due_timers(jiff::Timestamp::MAX, usize::MAX)).unwrap();
            promises::may_be_granted(world, &self.target.people, &run.state, &timers, world.clock.now());
        }
    }

    /// Nobody becomes somebody else: an identity stays that of one user.
    fn check_owner(&self, state: &RunState, request: &AccessRequest<'_>) {
        let Some(requester) = state.run.requester().map(User::id) else { return };
        let account = (self.account.clone(), request.identity().to_owned());
        let owner = *self.target.lock().owners.entry(account).or_insert(requester);
        self.target.world.check(owner == requester, || {
            format!("P5: {requester} gets access as {}, who is {owner}", request.identity())
        });
    }

    async fn call(&self, place: Place, point: &'static str, request: &AccessRequest<'_>) -> Result<()> {
        self.check(place, request);
        let (target, piece, is_called) = (self.target.clone(), self.piece(request), Arc::new(AtomicBool::new(true)));
        let call = (request.idempotency_key(), request.attempt());
        // The outcome of a call that was only predicted is dropped if the Run goes on otherwise.
        let call = target.world.is_known(&call).then_some(call);
        // Dropped when the caller has the answer, or has given up.
        let _caller = Caller { is_called: is_called.clone(), call, target: target.clone() };
        let done = move || target.apply(place, piece, !is_called.load(Ordering::Relaxed));
        self.target.world.call_that_may_land_late(place, point, done).await
    }
}

/// The caller of the service, until it has an answer or has given up.
struct Caller {
    is_called: Arc<AtomicBool>,
    /// The call, if the process knows that it is on record.
    call: Option<CallKey>,
    target: Target,
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.is_called.store(false, Ordering::Relaxed);
        self.target.lock().returned.extend(self.call);
    }
}

/// Returns whether an effect is this attempt at the grant with this key.
fn is_attempt(pending: &PendingEffect, key: EffectKey, attempt: u32) -> bool {
    let is_of_key = matches!(&pending.kind, EffectKind::Grant { operation, .. } if *operation == Some(key.seq));
    is_of_key && pending.attempt == attempt
}

impl AccessStrategy for Client {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        // The service ignores tags of addresses.
        let name = user.username().split(['@', '+']).next().map(str::to_owned);
        self.target.world.call(Place::Identify, "identify", || name).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        match self.call(Place::Grant, "grant", request).await {
            Ok(()) => Ok(GrantResult::granted()),
            // A service has two ways to refuse.
            Err(error) if error.kind() == ErrorKind::Forbidden && self.target.world.once_in(2) => {
                Ok(GrantResult::rejected([error.to_string()]))
            }
            Err(error) => Err(error),
        }
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.call(Place::Revoke, "revoke", request).await.map(|()| None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    fn resource(&self, target: &AccessTarget) -> String {
        // Two targets can be one group.
        resource_by_settings(target)
    }

    fn settle_time(&self) -> Duration {
        LONGEST_CALL
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let current = move || {
            let held = self.target.held();
            let resource = resource(Some(&self.account), target);
            let current = held.into_iter().filter(|(name, _)| *name == resource);
            Some(current.map(|(_, identity)| identity).collect())
        };
        self.target.world.call(Place::List, "list", current).await
    }
}
