//! A strategy that records access and calls no service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, PriorState, RevocationScope};
use crate::error::Result;
use crate::model::{AccessTarget, StepOutput, TargetId, User};
use crate::sync::lock;

/// Records who has access to what without calling any service, for simulations and tests. A user's id is their username.
#[derive(Debug, Default)]
pub struct SimulatedStrategy {
    granted: Mutex<BTreeSet<(TargetId, String)>>,
    lesser: Mutex<BTreeMap<(TargetId, String), PriorState>>,
}

impl SimulatedStrategy {
    /// Creates a strategy that has granted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the targets and the ids that have access to them.
    pub fn granted(&self) -> Vec<(TargetId, String)> {
        self.lock().iter().cloned().collect()
    }

    /// Sets the lesser access that an id has to a target. A grant raises it, and a revocation that is handed it restores it.
    ///
    /// ```
    /// use sym_sdk::model::{AccessTarget, Slug};
    /// use sym_sdk::strategy::{AccessStrategy, PriorAccess, PriorState, SimulatedStrategy};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::Error> {
    /// let (strategy, target) = (SimulatedStrategy::new(), AccessTarget::new("acme", "wiki_space", Slug::parse("ops")?));
    /// let reader = PriorState::new("role=reader")?;
    /// strategy.set_lesser_access(target.id(), "ana@example.com", reader.clone());
    /// assert_eq!(strategy.prior_access(&target, "ana@example.com").await?, PriorAccess::Lesser(reader));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_lesser_access(&self, target: TargetId, identity: impl Into<String>, state: PriorState) {
        lock(&self.lesser).insert((target, identity.into()), state);
    }

    /// Returns the lesser access that an id has to a target; `None` while a grant has raised it, and without any.
    pub fn lesser_access(&self, target: TargetId, identity: &str) -> Option<PriorState> {
        lock(&self.lesser).get(&(target, identity.to_owned())).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(TargetId, String)>> {
        lock(&self.granted)
    }
}

impl AccessStrategy for SimulatedStrategy {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let key = (request.target_id(), request.identity().to_owned());
        lock(&self.lesser).remove(&key);
        self.lock().insert(key);
        Ok(GrantResult::granted())
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let key = (request.target_id(), request.identity().to_owned());
        self.lock().remove(&key);
        let mut lesser = lock(&self.lesser);
        match request.prior() {
            Some(prior) => lesser.insert(key, PriorState::new(prior)?),
            None => lesser.remove(&key),
        };
        Ok(None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let granted = self.lock();
        let current = granted.iter().filter(|(id, _)| *id == target.id()).map(|(_, identity)| identity.clone());
        Ok(Some(current.collect()))
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        let key = (target.id(), identity.to_owned());
        if self.lock().contains(&key) {
            return Ok(PriorAccess::Sufficient);
        }
        Ok(lock(&self.lesser).get(&key).cloned().map_or(PriorAccess::None, PriorAccess::Lesser))
    }
}
