//! The number of people who can approve a request, by what the directory knows.
//!
//! Administrators count: they can approve every request. The requester does not, nor the bot that has made the request for them, unless the
//! permissions allow self-approval. Where people can join whom the directory does not know yet, the number is not known.

use std::collections::BTreeSet;

use super::effect_executor::EffectExecutor;
use crate::error::Result;
use crate::machine::{RunState, is_not_own_request};
use crate::model::{Flow, User, UserRole};
use crate::routing::{PermissionLevel, PermissionScope, RequestPermission};

/// Counts the people who can approve a request, up to the number needed. `None` if it is not known.
pub(super) async fn possible_approvers(
    executor: &EffectExecutor,
    flow: &Flow,
    permission: &RequestPermission,
    state: &RunState,
) -> Option<usize> {
    if executor.has_unknown_approvers {
        return None;
    }
    let count = executor.ask_directory(count(executor, flow, permission, state)).await;
    // The count only serves a warning: the request can be decided without it.
    count.unwrap_or_else(|error| {
        tracing::warn!(%error, flow = %flow.name(), "the approvers of a request could not be counted");
        None
    })
}

async fn count(
    executor: &EffectExecutor,
    flow: &Flow,
    permission: &RequestPermission,
    state: &RunState,
) -> Result<Option<usize>> {
    let directory = &executor.directory;
    let scope = permission.approve_deny();
    let needed = usize::from(permission.required_approvals());
    let allows_guests = flow.params().allow_guest_interaction;
    let can_approve = |user: &User| {
        scope.admits_approval(user)
            && (user.role() != UserRole::Guest || allows_guests)
            && !user.is_agent()
            && (permission.self_approval_allowed() || is_not_own_request(state, user).is_ok())
    };
    let mut possible = BTreeSet::new();
    match scope {
        PermissionScope::Level(PermissionLevel::Admin) => {}
        PermissionScope::Level(level) => {
            let admits_strangers = *level == PermissionLevel::AllUsers && allows_guests;
            if admits_strangers || directory.admits_unknown_members() {
                return Ok(None);
            }
        }
        PermissionScope::Users(named) => {
            for id in named.as_user_ids().iter() {
                // Somebody unknown may be about to join.
                if directory.user(id).await?.is_none_or(|user| can_approve(&user)) {
                    possible.insert(id);
                }
                if possible.len() >= needed {
                    return Ok(Some(needed));
                }
            }
        }
    }
    let users = directory.users().await?;
    possible.extend(users.iter().filter(|user| can_approve(user)).map(|user| user.id()));
    Ok(Some(possible.len().min(needed)))
}
