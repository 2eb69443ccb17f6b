//! A custom strategy. Access does not expire, so somebody has to revoke it.

use std::sync::{Arc, Mutex, PoisonError};

use sym_sdk::BoxFuture;
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach};

/// Members decide, but not on their own requests.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member).allow_self_approval(false)
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
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        let name = user.username().split('@').next().map(str::to_owned);
        Box::pin(async move { Ok(name) })
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        Box::pin(async move { self.change(request, true).map(|()| Escalation::granted()) })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move { self.change(request, false).map(|()| None) })
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Everything
    }
}
