//! A strategy that only pretends.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::{AccessRequest, AccessStrategy, Escalation, RevocationReach};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::model::{AccessTarget, StepOutput, TargetId, User};
use crate::sync::lock;

/// Grants and takes away access that does not exist, for simulations and tests: it remembers who has what. A person's id is
/// their username.
#[derive(Debug, Default)]
pub struct DryStrategy {
    granted: Mutex<BTreeSet<(TargetId, String)>>,
}

impl DryStrategy {
    /// A strategy that has granted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who has access to what.
    pub fn granted(&self) -> Vec<(TargetId, String)> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(TargetId, String)>> {
        lock(&self.granted)
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl AccessStrategy for DryStrategy {
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        done(Some(user.username().to_owned()))
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        self.lock().insert((request.target_id(), request.identity().to_owned()));
        done(Escalation::granted())
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        self.lock().remove(&(request.target_id(), request.identity().to_owned()));
        done(None)
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Everything
    }

    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        let granted = self.lock();
        let current = granted.iter().filter(|(id, _)| *id == target.id()).map(|(_, identity)| identity.clone());
        done(Some(current.collect()))
    }
}
