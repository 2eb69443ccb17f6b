//! A custom strategy. Access does not expire, so somebody has to revoke it.

use std::sync::{Arc, Mutex, PoisonError};

use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};

/// Members decide, but not on their own requests.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).allow_self_approval(false)
}

/// Notifies one channel.
#[reducer]
pub fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#access-requests")?)])
}

/// A door with a list of people. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<Mutex<Vec<String>>>);

impl Door {
    /// The entries of the list, as `person: door`.
    pub fn open_for(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, request: &AccessRequest<'_>, may_pass: bool) -> Result<()> {
        let entry = format!("{}: {}", request.identity(), request.target().setting("door_id")?);
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|known| *known != entry);
        if may_pass {
            list.push(entry);
        }
        Ok(())
    }
}

impl AccessStrategy for Door {
    /// People are identified by the local part of their e-mail address.
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        let name = user.username().split('@').next().map(str::to_owned);
        Ok(name)
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        self.change(request, true).map(|()| GrantResult::granted())
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.change(request, false).map(|()| None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }
}
