//! The contract of stores, as checks that run on any store.
#![expect(clippy::expect_used, reason = "a check that cannot be set up has failed")]

mod access;
mod audit;
mod commits;
mod effects;
mod queries;
mod runs;
mod timers;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use crate::audit::{AuditEntry, AuditHead, AuditKind, AuditRecord};
use crate::engine::{Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, Store, StoreError, TimerKey};
use crate::machine::{
    Action, Bulkhead, Effect, EffectKey, EffectKind, EntitlementChange, EntitlementKey, EventRecord, Input, InputBody,
    InputReply, Lane, Rules, RunState, TimerChange, TimerKind, step,
};
use crate::model::{Channel, ChannelType, EventId, Flow, Hooks, RunId, RunStatus, Slug, User};

#[doc(hidden)]
pub use self::{access::*, audit::*, commits::*, effects::*, queries::*, runs::*, timers::*};
#[doc(hidden)]
pub type Checked = Result<(), StoreError>;

const LEASE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const NONE: [u64; 0] = [];

/// Checks everything that the engine relies on a store for. `new` returns an empty store each time it is called.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sym_sdk::engine::StoreError> {
/// use sym_sdk::engine::MemoryStore;
///
/// sym_sdk::testing::check_store(async || MemoryStore::new()).await
/// # }
/// ```
///
/// # Errors
/// The first error of the store.
///
/// # Panics
/// If the store violates the contract; the message says how.
pub async fn check_store<S: Store>(new: impl AsyncFn() -> S) -> Checked {
    crate::store_conformance!(@list all new)
}

/// Expands to a `#[test]` for each part of the contract of stores.
///
/// The argument is an async closure that returns an empty store each time it is called, behind a type that dereferences to it: a
/// `Box`, or one that also owns a temporary directory. Use the macro in a module of its own.
///
/// ```
/// mod conformance {
///     use sym_sdk::engine::MemoryStore;
///
///     sym_sdk::testing::store_conformance!(async || Box::new(MemoryStore::new()));
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    (@list $how:ident $new:expr) => {
        $crate::store_conformance! { @$how $new;
            commit_is_atomic
            conflict_writes_nothing
            one_of_concurrent_commits_is_written
            repeated_input_returns_the_recorded_reply
            replies_to_outcomes_and_timers_are_not_recorded
            commit_without_a_state_leaves_the_run
            effects_are_claimed_by_lane_and_in_order
            lease_excludes_others_until_it_expires
            lost_leases_are_counted
            leases_are_limited_by_bulkhead
            settled_effect_is_deleted
            released_effect_can_be_claimed_again
            exclusive_effects_are_leased_one_at_a_time
            commits_lease_effects_of_their_own
            commits_lease_no_effect_before_an_older_one
            timers_fall_due_in_order
            timer_is_deleted_only_by_its_own_generation
            next_due_is_the_earliest_effect_or_timer
            holders_are_added_and_removed
            finished_runs_are_pruned_by_age
            future_due_times_are_clamped
            audit_entries_are_in_commit_order
            audit_entries_form_a_hash_chain
            each_audit_destination_has_a_cursor
            runs_are_listed_newest_first
            access_with_a_stored_expiry_is_not_reported
            access_without_a_stored_expiry_is_found
            runs_are_listed_by_requester
            runs_are_listed_by_entitlement
            stuck_and_late_access_is_counted
            access_is_listed_by_its_end
            runs_are_found_for_those_who_may_see_them
            pages_of_runs_follow_each_other
            runs_are_filtered_by_what_they_are_about
            events_are_found_by_their_ids
            audit_log_is_searched
            changes_are_listed_in_order
            fingerprints_of_inputs_are_kept
        }
    };
    (@all $new:expr; $($check:ident)*) => {{
        $($check(&$new().await).await?;)*
        Ok(())
    }};
    (@each $new:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::testing::conformance::run(async {
                    let store = ($new)().await;
                    $crate::testing::conformance::$check(&*store).await
                });
            }
        )*
    };
    ($new:expr) => {
        $crate::store_conformance!(@list each $new);
    };
}

/// Runs a check to completion.
#[doc(hidden)]
pub fn run(check: impl Future<Output = Checked>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(check).expect("the store works");
}

fn run_id(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_709_208_000 + second).expect("within the range of time")
}

/// A Run that has just been requested.
fn requested(run: RunId, now: Timestamp) -> RunState {
    let flow = Flow::builder(Slug::lossy("prod"), "acme").build();
    let actor = User::from_email("ana@example.com").expect("an e-mail address");
    let body = InputBody::Submitted {
        event: EventId::from_uuid(Uuid::from_u128(1)),
        actor: Arc::new(actor),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    };
    let input = Input::new(run, flow.srn().clone(), now, body);
    step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input).state.expect("a request that is admitted")
}

/// A commit that writes a state and nothing else.
fn commit(run: RunId, expected_version: u64, input: &str) -> Commit {
    Commit {
        run,
        expected_version,
        input: InputKey::new(input),
        reply: InputReply::Accepted { event: None },
        state: Some(Arc::new(requested(run, at(0)))),
        effects: Vec::new(),
        claims: Vec::new(),
        timers: Vec::new(),
        holds: Vec::new(),
        audit: Vec::new(),
        settles: None,
        fired: None,
    }
}

fn effect(run: RunId, seq: u64, kind: EffectKind) -> Effect {
    let state = requested(run, at(0));
    let event = state.active_event.expect("the request waits for its reducers").event;
    let bulkhead = Bulkhead::flow(&state.flow);
    Effect { key: EffectKey { run, seq }, event, kind, attempt: 1, not_before: None, exclusive: None, bulkhead }
}

fn entitlement(name: &str) -> EntitlementKey {
    serde_json::from_value(name.into()).expect("an entitlement is text")
}

fn entry(run: RunId, kind: AuditKind) -> AuditEntry {
    let state = requested(run, at(0));
    let event = state.active_event.expect("the request waits for its reducers").event;
    AuditEntry {
        run,
        flow: state.flow,
        parent: None,
        at: at(0),
        event,
        actors: Default::default(),
        status: RunStatus::Requested,
        kind,
    }
}

async fn claim(store: &impl Store, lane: Lane, now: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
    store.claim(Claim::new(lane, at(now), LEASE, limit)).await
}

fn numbers(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|claimed| claimed.effect.key.seq).collect()
}

async fn write(store: &impl Store, commit: Commit) -> Checked {
    assert_eq!(store.commit(commit).await?, Committed::WRITTEN);
    Ok(())
}
