//! The people who can decide a request, and those who cannot although one might expect it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Runtime;
use super::flows::FlowEntry;
use crate::audit::{AuditEntry, AuditKind};
use crate::engine::StoredRun;
use crate::error::{ErrorKind, Result, codes};
use crate::machine::{self, EffectError, RunState};
use crate::model::{HandlerRef, RunId, Step, User, UserId, UserRole};
use crate::routing::{PermissionLevel, PermissionScope};

/// The name of the reducer that returns the permissions.
const GET_PERMISSIONS: &str = "get_permissions";

/// The people who can decide a request or its extension, or who could have decided it.
///
/// They follow from the permissions with which it was routed, and from the users as the directory has them now.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Deciders {
    /// The users whom the permissions name and whose approval counts.
    pub users: Vec<Arc<User>>,
    /// The level that the permissions admit instead of naming users. `None` also for a request that is not routed.
    pub level: Option<PermissionLevel>,
    /// The administrators who are not named and whose approval counts: they can decide every request.
    pub admins: Vec<Arc<User>>,
    /// Those who cannot approve, each with the reason: the requester, and people whom the permissions name.
    pub barred: Vec<BarredApprover>,
    /// The people whom the permissions name and the directory does not know.
    pub unknown: Vec<UserId>,
    /// Those who have approved so far.
    pub approved: Vec<Arc<User>>,
    /// The number of approvals that are needed.
    pub needed: u8,
    /// The reducer that returned the permissions. `None` if the flow has none: then administrators decide.
    pub reducer: Option<HandlerRef>,
}

/// Somebody who cannot approve a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BarredApprover {
    /// The user.
    pub user: Arc<User>,
    /// The reason.
    pub reason: EffectError,
}

impl Runtime {
    /// Returns who can decide the request of a Run, or its extension, and who cannot. After the decision, it tells who could have.
    ///
    /// # Errors
    /// If there is no such Run, or the store or the directory fails.
    pub async fn deciders(&self, run: RunId) -> Result<Deciders> {
        let stored = self.run(run).await?;
        self.deciders_of(&stored).await
    }

    /// Returns who can decide the request of a Run that was read already.
    ///
    /// # Errors
    /// If the store or the directory fails.
    pub async fn deciders_of(&self, run: &StoredRun) -> Result<Deciders> {
        let state = &*run.state;
        let of_extension = state.extension.as_deref().filter(|extension| extension.routing.is_some());
        let routing = of_extension.map_or(state.routing.as_ref(), |extension| extension.routing.as_ref());
        let Some(routing) = routing else { return Ok(Deciders::default()) };
        let approved = of_extension.map_or(state.run.approvals(), |extension| &extension.approvals);
        let permission = &routing.permission;
        let mut deciders = Deciders {
            approved: approved.to_vec(),
            needed: permission.required_approvals(),
            reducer: self.permissions_reducer(state).await?,
            ..Deciders::default()
        };
        let mut candidates = BTreeMap::new();
        let users = self.executor.ask_directory(self.executor.directory.users()).await?;
        let admins = users.iter().filter(|user| user.role() == UserRole::Admin);
        candidates.extend(admins.map(|user| (user.id(), user.clone())));
        match permission.approve_deny() {
            PermissionScope::Level(level) => deciders.level = Some(*level),
            PermissionScope::Users(named) => {
                for id in named.as_user_ids().iter() {
                    match users.iter().find(|user| user.id() == id) {
                        Some(user) => drop(candidates.insert(id, user.clone())),
                        None => deciders.unknown.push(id),
                    }
                }
            }
        }
        if let Some(requester) = state.requester_id().and_then(|id| users.iter().find(|user| user.id() == id)) {
            candidates.insert(requester.id(), requester.clone());
        }
        let removed;
        let rules = match self.executor.flows.by_srn(&state.flow) {
            Ok(entry) => entry.rules(),
            Err(_) => {
                removed = FlowEntry::removed(&state.flow);
                removed.rules()
            }
        };
        let mut candidates: Vec<_> = candidates.into_values().collect();
        candidates.sort_by(|one, other| one.username().cmp(other.username()));
        for user in candidates {
            let is_named = permission.approve_deny().names(&user);
            let verdict =
                if user.is_locked() { Err(locked(&user)) } else { machine::approver_verdict(&rules, state, &user) };
            match verdict {
                Err(reason) => deciders.barred.push(BarredApprover { user, reason }),
                Ok(()) if is_named => deciders.users.push(user),
                Ok(()) if user.is_admin() => deciders.admins.push(user),
                // A requester who may approve is one of those of the level.
                Ok(()) => {}
            }
        }
        Ok(deciders)
    }

    /// Returns the reducer that returned the permissions of a Run's request, or of its last extension.
    async fn permissions_reducer(&self, state: &RunState) -> Result<Option<HandlerRef>> {
        let record = self.engine.audit(Some(state.run.id()), usize::MAX).await?;
        let routed =
            |entry: &&AuditEntry| entry.event.name == Step::Request && matches!(entry.kind, AuditKind::Routed { .. });
        let Some(event) = record.iter().rfind(routed).map(|entry| entry.event.id) else { return Ok(None) };
        let mut called = record.iter().filter(|entry| entry.event.id == event).filter_map(|entry| entry.kind.handler());
        Ok(called.rfind(|handler| handler.name() == GET_PERMISSIONS).cloned())
    }
}

fn locked(user: &User) -> EffectError {
    EffectError::new(ErrorKind::Forbidden, codes::USER_LOCKED, format!("{} is locked", user.username()))
}
