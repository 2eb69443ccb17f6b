//! The limit on open requests: how many requests of one user may wait for a decision at the same time.
//!
//! The rate of requests is limited, too, but not their number: a program that asks slowly, and whose requests nobody decides, would bury
//! the requests of others in the channels of the approvers. The requests are counted in the store, so a restart forgets none.

use tokio::sync::{Mutex, MutexGuard};

use super::effect_executor::EffectExecutor;
use crate::engine::{Engine, RunFilter};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{RunStatus, User};

/// The number of locks that users share.
const LOCKS: usize = 64;

/// The statuses of a request that was submitted and is not decided. In the first two, its hooks or reducers have not returned yet.
const OPEN: [RunStatus; 4] = [RunStatus::Pending, RunStatus::Prompted, RunStatus::Requested, RunStatus::Forwarded];

/// Admits requests one after the other, so that those which arrive at the same time count each other.
pub(super) struct OpenRequestLimit([Mutex<()>; LOCKS]);

impl Default for OpenRequestLimit {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl OpenRequestLimit {
    /// Checks that the user may make another request. The request is counted by others once the guard is dropped, so keep it until the
    /// request is stored.
    pub(super) async fn admit(
        &self,
        executor: &EffectExecutor,
        engine: &dyn Engine,
        user: &User,
    ) -> Result<Option<MutexGuard<'_, ()>>> {
        let limit = executor.limits.open_requests;
        if limit == usize::MAX {
            return Ok(None);
        }
        let id = user.id();
        let sum = id.as_uuid().as_bytes().iter().fold(0_usize, |sum, byte| sum.wrapping_add(usize::from(*byte)));
        let index = sum % LOCKS;
        let Some(lock) = self.0.get(index) else { return Ok(None) };
        let guard = lock.lock().await;
        let mut open = 0_usize;
        for status in OPEN {
            let filter =
                RunFilter { requester: Some(user.id()), status: Some(status), active: true, ..RunFilter::default() };
            let listed = engine.runs(filter, limit.saturating_add(1)).await?;
            let waiting = listed.iter().filter(|run| run.state.request.is_some() && run.state.decision.is_none());
            open = open.saturating_add(waiting.count());
        }
        if open < limit {
            return Ok(Some(guard));
        }
        let message = format!("{} has {open} open requests, and {limit} is the limit", user.username());
        let error = Error::new(ErrorKind::Conflict, codes::TOO_MANY_OPEN_REQUESTS, message);
        Err(error.with_hint("wait until one of them is decided, or withdraw one"))
    }
}
