//! The service in which access is granted. Its own journal is the ground truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sym_sdk::clock::Clock;
use sym_sdk::engine::{InputKey, Store};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};

use crate::disk::at_once;
use crate::fault::Place;
use crate::people::People;
use crate::promises;
use crate::world::World;

/// A piece of access: the name of the target and the identity of the person.
pub(crate) type Piece = (String, String);

/// The service. Clones share their state.
#[derive(Clone)]
pub(crate) struct Target {
    world: World,
    people: People,
    journal: Arc<Mutex<Journal>>,
}

#[derive(Default)]
struct Journal {
    held: BTreeSet<Piece>,
    /// The request under each key.
    calls: BTreeMap<EffectKey, (Place, Piece)>,
}

impl Target {
    pub(crate) fn new(world: World, people: People) -> Self {
        Self { world, people, journal: Arc::default() }
    }

    /// Returns the access that exists.
    pub(crate) fn held(&self) -> BTreeSet<Piece> {
        self.lock().held.clone()
    }

    /// Returns the calls so far, with their keys.
    pub(crate) fn calls(&self) -> BTreeMap<EffectKey, (Place, Piece)> {
        self.lock().calls.clone()
    }

    /// Returns the strategy of a process. It reads the committed state when it is called.
    pub(crate) fn client(&self, committed: Arc<dyn Store>) -> Client {
        Client { target: self.clone(), committed }
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The strategy.
pub(crate) struct Client {
    target: Target,
    committed: Arc<dyn Store>,
}

impl Client {
    /// Checks the promises at each call.
    fn check(&self, place: Place, request: &AccessRequest<'_>) {
        let (world, key) = (&self.target.world, request.idempotency_key());
        let piece = piece(request);
        world.log(format_args!("{place:?} {} for {} ({key})", piece.0, piece.1));
        let asked = (place, piece);
        let before = self.target.lock().calls.insert(key, asked.clone());
        world.check(before.is_none_or(|before| before == asked), || format!("P7: key {key} stands for two calls"));
        let outcome = at_once(self.committed.recorded_reply(&InputKey::effect(key))).unwrap();
        world
            .check(outcome.is_none(), || format!("P7: {place:?} {key} was carried out after its outcome was recorded"));
        let run = at_once(self.committed.load(key.run)).unwrap();
        let Some(run) = run else { return world.broken(format_args!("P2: {key} is of a Run that is not committed")) };
        if place == Place::Grant {
            let timers = at_once(self.committed.due_timers(jiff::Timestamp::MAX, usize::MAX)).unwrap();
            promises::may_be_granted(world, &self.target.people, &run.state, &timers, world.clock.now());
        }
    }

    async fn call(&self, place: Place, point: &'static str, request: &AccessRequest<'_>) -> Result<()> {
        self.check(place, request);
        let (target, piece) = (&self.target, piece(request));
        let done = || {
            target.world.log(format_args!("{place:?} of {} for {} takes effect", piece.0, piece.1));
            let mut journal = target.lock();
            if place == Place::Grant {
                journal.held.insert(piece)
            } else {
                journal.held.remove(&piece)
            };
            target.world.changed();
        };
        target.world.call(place, point, done).await
    }
}

fn piece(request: &AccessRequest<'_>) -> Piece {
    (request.target().name().to_string(), request.identity().to_owned())
}

impl AccessStrategy for Client {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        let name = user.username().split('@').next().map(str::to_owned);
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

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let current = move || {
            let held = self.target.held();
            let current = held.into_iter().filter(|(name, _)| *name == target.name().to_string());
            Some(current.map(|(_, identity)| identity).collect())
        };
        self.target.world.call(Place::List, "list", current).await
    }
}
