//! A strategy that records access and calls no service.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};
use crate::error::Result;
use crate::model::{AccessTarget, StepOutput, TargetId, User};
use crate::sync::lock;

/// Records who has access to what without calling any service, for simulations and tests. A user's id is their username.
#[derive(Debug, Default)]
pub struct SimulatedStrategy {
    granted: Mutex<BTreeSet<(TargetId, String)>>,
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

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(TargetId, String)>> {
        lock(&self.granted)
    }
}

impl AccessStrategy for SimulatedStrategy {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        self.lock().insert((request.target_id(), request.identity().to_owned()));
        Ok(GrantResult::granted())
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.lock().remove(&(request.target_id(), request.identity().to_owned()));
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
}
