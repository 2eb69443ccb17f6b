//! A limit of the changes of assignments that are in flight at once.
//!
//! Above ten or twenty, calls of one instance fail in turns with conflicts and throttling, and none gets through. Clients of one instance share
//! the limit, and revocations come first: they go before grants that wait, and some places are theirs alone. Nobody's access lasts longer
//! because many others get some.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

/// The maximum number of changes in flight for one instance.
const MAX_IN_FLIGHT: usize = 8;

/// The number of changes in flight at which no further grant begins. A grant can keep its place for almost a minute.
const MAX_BEFORE_GRANT: usize = 6;

/// The limits of all instances that are in use, by ARN.
static INSTANCES: Mutex<BTreeMap<String, Weak<InFlight>>> = Mutex::new(BTreeMap::new());

#[derive(Debug, Default)]
pub(super) struct InFlight {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    waiting_revocations: usize,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Grant,
    Revocation,
}

impl InFlight {
    /// Returns the limit of an instance.
    pub(super) fn of(arn: &str) -> Arc<Self> {
        let mut instances = INSTANCES.lock().unwrap_or_else(PoisonError::into_inner);
        instances.retain(|_, instance| instance.strong_count() > 0);
        match instances.get(arn).and_then(Weak::upgrade) {
            Some(instance) => instance,
            None => {
                let instance = Arc::new(Self::default());
                instances.insert(arn.to_owned(), Arc::downgrade(&instance));
                instance
            }
        }
    }

    /// Waits until a change may begin. A grant waits as long as a revocation does.
    pub(super) async fn begin(&self, change: Change) -> Permit<'_> {
        let _waiting = (change == Change::Revocation).then(|| Waiting::new(self));
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                let may_begin = match change {
                    Change::Grant => state.running < MAX_BEFORE_GRANT && state.waiting_revocations == 0,
                    Change::Revocation => state.running < MAX_IN_FLIGHT,
                };
                if may_begin {
                    state.running += 1;
                    return Permit(self);
                }
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permission to make one change, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit<'a>(&'a InFlight);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.changed.notify_waiters();
    }
}

/// A revocation that waits.
struct Waiting<'a>(&'a InFlight);

impl<'a> Waiting<'a> {
    fn new(of: &'a InFlight) -> Self {
        of.lock().waiting_revocations += 1;
        Self(of)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting_revocations -= 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// IC05: at most 8 at once, of which 2 are revocations, and revocations before grants, also one that comes later.
    #[test]
    fn limits_what_is_in_flight_and_lets_revocations_go_first() {
        let limit = InFlight::default();
        let begin = |change| limit.begin(change).now_or_never();
        let mut running: Vec<_> = (0..MAX_BEFORE_GRANT).map(|_| begin(Change::Grant).unwrap()).collect();
        assert!(begin(Change::Grant).is_none(), "grants leave room for revocations");
        running.extend((MAX_BEFORE_GRANT..MAX_IN_FLIGHT).map(|_| begin(Change::Revocation).unwrap()));
        assert!(begin(Change::Grant).is_none() && begin(Change::Revocation).is_none());

        let mut grant = Box::pin(limit.begin(Change::Grant));
        assert!((&mut grant).now_or_never().is_none());
        let mut revocation = Box::pin(limit.begin(Change::Revocation));
        assert!((&mut revocation).now_or_never().is_none());
        running.pop();
        assert!((&mut grant).now_or_never().is_none(), "the revocation goes first");
        let revoking = (&mut revocation).now_or_never().unwrap();
        assert!((&mut grant).now_or_never().is_none());
        drop(revoking);
        running.truncate(MAX_BEFORE_GRANT - 1);
        assert!((&mut grant).now_or_never().is_some());

        // A revocation that is given up holds nothing up.
        let full: Vec<_> = std::iter::from_fn(|| begin(Change::Grant)).collect();
        drop(Box::pin(limit.begin(Change::Revocation)));
        drop(full);
        assert!(begin(Change::Grant).is_some());
    }

    #[test]
    fn clients_of_an_instance_share_its_limit() {
        let first = InFlight::of("arn:aws:sso:::instance/ssoins-limit");
        assert!(Arc::ptr_eq(&first, &InFlight::of("arn:aws:sso:::instance/ssoins-limit")));
        assert!(!Arc::ptr_eq(&first, &InFlight::of("arn:aws:sso:::instance/ssoins-other")));
    }
}
