//! Stores of tests that differ from another in a few calls.

use sym_sdk::BoxFuture;
use sym_sdk::engine::StoreError;

pub(crate) type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Forwards calls to the member `store`: all that a [`Store`](sym_sdk::engine::Store) must have but `runs`, `commit` and
/// `clamp_future_due_times`.
macro_rules! forward_to_store {
    () => {
        fn load(
            &self,
            run: sym_sdk::model::RunId,
        ) -> $crate::store_forwarding::StoreFuture<'_, Option<sym_sdk::engine::StoredRun>> {
            self.store.load(run)
        }

        fn recorded_reply(
            &self,
            key: &sym_sdk::engine::InputKey,
        ) -> $crate::store_forwarding::StoreFuture<'_, Option<sym_sdk::machine::InputReply>> {
            self.store.recorded_reply(key)
        }

        fn claim(
            &self,
            claim: sym_sdk::engine::Claim,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::engine::Claimed>> {
            self.store.claim(claim)
        }

        fn release(
            &self,
            key: sym_sdk::machine::EffectKey,
            claims: u32,
            not_before: jiff::Timestamp,
        ) -> $crate::store_forwarding::StoreFuture<'_, ()> {
            self.store.release(key, claims, not_before)
        }

        fn due_timers(
            &self,
            now: jiff::Timestamp,
            limit: usize,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::engine::DueTimer>> {
            self.store.due_timers(now, limit)
        }

        fn next_due(&self) -> $crate::store_forwarding::StoreFuture<'_, Option<jiff::Timestamp>> {
            self.store.next_due()
        }

        fn backlog(
            &self,
            now: jiff::Timestamp,
            late: jiff::Timestamp,
        ) -> $crate::store_forwarding::StoreFuture<'_, sym_sdk::engine::Backlog> {
            self.store.backlog(now, late)
        }

        fn holders(
            &self,
            key: &sym_sdk::machine::EntitlementKey,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::model::RunId>> {
            self.store.holders(key)
        }

        fn prune(&self, before: jiff::Timestamp, limit: usize) -> $crate::store_forwarding::StoreFuture<'_, usize> {
            self.store.prune(before, limit)
        }

        fn runs_missing_expiry(
            &self,
            limit: usize,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::engine::StoredRun>> {
            self.store.runs_missing_expiry(limit)
        }

        fn access_health(
            &self,
            late: jiff::Timestamp,
        ) -> $crate::store_forwarding::StoreFuture<'_, sym_sdk::engine::AccessHealth> {
            self.store.access_health(late)
        }

        fn audit(
            &self,
            run: Option<sym_sdk::model::RunId>,
            limit: usize,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::audit::AuditEntry>> {
            self.store.audit(run, limit)
        }

        fn count_events<'a>(
            &'a self,
            count: &'a sym_sdk::directory::EventQuery,
        ) -> $crate::store_forwarding::StoreFuture<'a, u64> {
            self.store.count_events(count)
        }

        fn audit_after(
            &self,
            seq: u64,
            limit: usize,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::audit::AuditRecord>> {
            self.store.audit_after(seq, limit)
        }

        fn audit_before(
            &self,
            run: sym_sdk::model::RunId,
            seq: u64,
        ) -> $crate::store_forwarding::StoreFuture<'_, Vec<sym_sdk::audit::AuditRecord>> {
            self.store.audit_before(run, seq)
        }

        fn audit_head(&self) -> $crate::store_forwarding::StoreFuture<'_, sym_sdk::audit::AuditHead> {
            self.store.audit_head()
        }

        fn audit_cursor(&self, destination: &str) -> $crate::store_forwarding::StoreFuture<'_, u64> {
            self.store.audit_cursor(destination)
        }

        fn set_audit_cursor(&self, destination: &str, seq: u64) -> $crate::store_forwarding::StoreFuture<'_, ()> {
            self.store.set_audit_cursor(destination, seq)
        }
    };
}

pub(crate) use forward_to_store;
