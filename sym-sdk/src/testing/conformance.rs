//! What every store must do, as checks that any store can be put through.
#![expect(clippy::expect_used, reason = "a check that cannot be set up has failed")]

mod access;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use crate::audit::{AuditEntry, AuditHead, AuditKind, AuditRecord};
use crate::engine::{Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, Store, StoreError, TimerKey};
use crate::machine::{
    Action, Bulkhead, Effect, EffectKey, EffectKind, EntitlementChange, EntitlementKey, Input, InputBody, InputReply,
    Lane, Rules, RunState, TimerChange, TimerKind, step,
};
use crate::model::{Channel, ChannelType, EventId, Flow, Hooks, RunId, RunStatus, Slug, User, UserId};

#[doc(hidden)]
pub use self::access::{
    access_has_its_end_in_the_store, access_without_an_end_is_found, what_is_stuck_or_late_is_counted,
};
#[doc(hidden)]
pub type Checked = Result<(), StoreError>;

const LEASE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const NONE: [u64; 0] = [];

/// Puts a store through all that the engine relies on. `new` gives an empty store each time it is called.
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
/// If the store does not do what it must; the message says what that is.
pub async fn check_store<S: Store>(new: impl AsyncFn() -> S) -> Checked {
    crate::store_conformance!(@list all new)
}

/// Writes a `#[test]` for each thing that the engine relies on a store for. Their names say what that is.
///
/// It takes what gives an empty store each time it is called, behind anything that dereferences to it: a `Box`, or a type that
/// holds the directory in which the store lies, so that it goes with the store. Put it into a module of its own.
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
            a_commit_is_written_whole
            a_conflict_writes_nothing
            of_commits_at_once_one_is_written
            a_known_input_is_answered_as_the_first_time
            a_commit_without_a_state_leaves_the_run
            effects_are_claimed_by_lane_and_in_order
            a_lease_excludes_others_until_it_ends
            claims_that_end_without_a_word_are_counted
            effects_of_one_bulkhead_get_their_part_of_the_leases
            a_settled_effect_is_gone
            a_released_effect_can_be_claimed_again
            effects_that_exclude_each_other_are_leased_one_at_a_time
            timers_fall_due_in_order
            a_timer_is_gone_only_with_its_own_generation
            the_next_to_fall_due_is_the_soonest_of_all
            holders_come_and_go
            runs_at_rest_are_pruned_by_age
            what_is_put_off_for_too_long_is_brought_forward
            audit_entries_stand_in_the_order_of_their_commits
            audit_entries_are_chained
            each_audit_destination_has_a_cursor
            runs_are_listed_newest_first
            access_has_its_end_in_the_store
            access_without_an_end_is_found
            what_is_stuck_or_late_is_counted
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

/// Runs a check to its end.
#[doc(hidden)]
pub fn run(check: impl Future<Output = Checked>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(check).expect("the store does what it is asked");
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
    let actor = User::person(UserId::from_email("ana@example.com"), "ana@example.com").expect("an e-mail address");
    let body = InputBody::Submitted {
        event: EventId::from_uuid(Uuid::from_u128(1)),
        actor: Arc::new(actor),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    };
    let input = Input::new(run, flow.srn().clone(), now, body);
    step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input).state.expect("a request that is admitted")
}

/// A commit of a Run's state and nothing else.
fn commit(run: RunId, expected_version: u64, input: &str) -> Commit {
    Commit {
        run,
        expected_version,
        input: InputKey::new(input),
        reply: InputReply::Accepted { event: None },
        state: Some(Arc::new(requested(run, at(0)))),
        effects: Vec::new(),
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
    AuditEntry { run, flow: state.flow, parent: None, at: at(0), event, status: RunStatus::Requested, kind }
}

async fn claim(store: &impl Store, lane: Lane, now: i64, limit: usize) -> Result<Vec<Claimed>, StoreError> {
    store.claim(Claim::new(lane, at(now), LEASE, limit)).await
}

fn numbers(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|claimed| claimed.effect.key.seq).collect()
}

async fn write(store: &impl Store, commit: Commit) -> Checked {
    assert_eq!(store.commit(commit).await?, Committed::Written);
    Ok(())
}

#[doc(hidden)]
pub async fn a_commit_is_written_whole(store: &impl Store) -> Checked {
    let run = run_id(1);
    assert!(store.load(run).await?.is_none(), "an empty store has no Run");
    assert_eq!(store.next_due().await?, None, "an empty store has nothing to do");
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    first.timers.push(TimerChange::Set { kind: TimerKind::Forward, at: at(60), generation: 1 });
    first.holds.push(EntitlementChange::Hold(entitlement("e")));
    first.audit.push(entry(run, AuditKind::Received));
    let (state, audit) = (first.state.clone(), first.audit.clone());
    write(store, first).await?;

    let stored = store.load(run).await?.expect("the Run that was written");
    assert_eq!((stored.version, Some(stored.state)), (1, state), "versions count from 1");
    assert_eq!(store.recorded_reply(&InputKey::new("first")).await?, Some(InputReply::Accepted { event: None }));
    assert_eq!(store.recorded_reply(&InputKey::new("other")).await?, None);
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [1]);
    assert_eq!(store.due_timers(at(60), 10).await?.len(), 1);
    assert_eq!(store.holders(&entitlement("e")).await?, [run]);
    assert_eq!(store.audit(None, 10).await?, audit);
    assert_eq!(store.audit(Some(run_id(2)), 10).await?, []);
    Ok(())
}

#[doc(hidden)]
pub async fn a_conflict_writes_nothing(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(Effect { not_before: Some(at(10)), ..effect(run, 1, EffectKind::OpenForm) });
    write(store, first).await?;
    for (version, input) in [(0, "second"), (2, "third")] {
        let mut late = commit(run, version, input);
        late.effects.push(effect(run, 2, EffectKind::Route));
        late.settles = Some(EffectKey { run, seq: 1 });
        late.timers.push(TimerChange::Set { kind: TimerKind::Forward, at: at(0), generation: 1 });
        late.holds.push(EntitlementChange::Hold(entitlement("e")));
        late.audit.push(entry(run, AuditKind::Received));
        assert_eq!(store.commit(late).await?, Committed::Conflict, "version {version} is not the stored one");
        assert_eq!(store.recorded_reply(&InputKey::new(input)).await?, None, "the input was not taken");
    }
    assert_eq!(store.next_due().await?, Some(at(10)), "no effect and no timer was written, and none was settled");
    assert_eq!(store.holders(&entitlement("e")).await?, []);
    assert_eq!(store.audit(None, 10).await?, []);
    write(store, commit(run, 1, "second")).await?;
    assert_eq!(store.load(run).await?.map(|stored| stored.version), Some(2));
    Ok(())
}

#[doc(hidden)]
pub async fn of_commits_at_once_one_is_written(store: &impl Store) -> Checked {
    let inputs = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let commits = join_all(inputs.map(|input| store.commit(commit(run_id(1), 0, input)))).await;
    let written = commits.iter().filter(|committed| matches!(committed, Ok(Committed::Written))).count();
    assert_eq!(written, 1, "of commits on the same version one is written: {commits:?}");
    Ok(())
}

#[doc(hidden)]
pub async fn a_known_input_is_answered_as_the_first_time(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "same");
    first.reply = InputReply::Accepted { event: Some(EventId::from_uuid(Uuid::from_u128(7))) };
    first.effects.push(effect(run, 1, EffectKind::Route));
    let reply = first.reply.clone();
    write(store, first).await?;
    // The key counts, whatever the version.
    for version in [0, 1] {
        let mut again = commit(run, version, "same");
        again.effects.push(effect(run, 2, EffectKind::Route));
        again.settles = Some(EffectKey { run, seq: 1 });
        assert_eq!(store.commit(again).await?, Committed::Duplicate(reply.clone()));
    }
    assert_eq!(store.load(run).await?.map(|stored| stored.version), Some(1));
    let due = claim(store, Lane::Decide, 0, 10).await?;
    assert!(due.is_empty(), "a duplicate settles its effect and writes nothing else: {due:?}");
    Ok(())
}

#[doc(hidden)]
pub async fn a_commit_without_a_state_leaves_the_run(store: &impl Store) -> Checked {
    let (known, unknown) = (run_id(1), run_id(2));
    write(store, commit(known, 0, "requested")).await?;
    write(store, Commit { state: None, ..commit(known, 1, "refused") }).await?;
    assert_eq!(store.load(known).await?.map(|stored| stored.version), Some(1), "it has not changed");

    let mut refused = Commit { state: None, ..commit(unknown, 0, "refused at once") };
    refused.audit.push(entry(unknown, AuditKind::Received));
    write(store, refused).await?;
    assert!(store.load(unknown).await?.is_none(), "a Run that is absent stays so");
    assert_eq!(store.audit(Some(unknown), 10).await?.len(), 1, "but it is on the record");
    assert!(store.recorded_reply(&InputKey::new("refused at once")).await?.is_some(), "and is answered the same again");
    write(store, commit(unknown, 0, "accepted")).await
}

#[doc(hidden)]
pub async fn effects_are_claimed_by_lane_and_in_order(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects = vec![
        effect(run, 1, EffectKind::Route),
        effect(run, 2, EffectKind::UpdateMessages),
        effect(run, 3, EffectKind::OpenForm),
        Effect { not_before: Some(at(10)), ..effect(run, 4, EffectKind::Route) },
    ];
    write(store, first).await?;
    let mut second = commit(run, 1, "second");
    second.effects.push(effect(run, 5, EffectKind::Route));
    write(store, second).await?;

    assert_eq!(numbers(&claim(store, Lane::Revoke, 0, 10).await?), NONE, "each lane has its own");
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 0).await?), NONE, "a limit of none");
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 1).await?), [1], "the oldest first");
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [3, 5]);
    assert_eq!(numbers(&claim(store, Lane::Notify, 0, 10).await?), [2]);
    assert_eq!(numbers(&claim(store, Lane::Decide, 9, 10).await?), NONE, "not before its time");
    assert_eq!(store.next_due().await?, Some(at(10)));
    assert_eq!(numbers(&claim(store, Lane::Decide, 10, 10).await?), [4]);
    Ok(())
}

#[doc(hidden)]
pub async fn a_lease_excludes_others_until_it_ends(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    let claims = async |now| Ok(claim(store, Lane::Decide, now, 1).await?.first().map(|claimed| claimed.claims));
    assert_eq!(claims(0).await?, Some(1));
    assert_eq!(claims(59).await?, None, "it is leased");
    assert_eq!(store.next_due().await?, Some(at(60)), "a lease counts from its end");
    assert_eq!(claims(60).await?, Some(2), "the lease has ended, and claims are counted");
    assert_eq!(claims(61).await?, None);
    Ok(())
}

#[doc(hidden)]
pub async fn claims_that_end_without_a_word_are_counted(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    let claimed = async |now| -> Result<_, StoreError> {
        Ok(claim(store, Lane::Decide, now, 1).await?.first().map(|claimed| (claimed.claims, claimed.lost_leases)))
    };
    assert_eq!(claimed(0).await?, Some((1, 0)));
    assert_eq!(claimed(60).await?, Some((2, 1)), "the first lease ran out");
    store.release(EffectKey { run, seq: 1 }, 2, at(70)).await?;
    assert_eq!(claimed(70).await?, Some((3, 1)), "the second was given back");
    assert_eq!(claimed(200).await?, Some((4, 2)));
    Ok(())
}

#[doc(hidden)]
pub async fn effects_of_one_bulkhead_get_their_part_of_the_leases(store: &impl Store) -> Checked {
    let run = run_id(1);
    let of = |seq, flow: &str| {
        let bulkhead = Bulkhead::flow(Flow::builder(Slug::lossy(flow), "acme").build().srn());
        Effect { bulkhead, ..effect(run, seq, EffectKind::Route) }
    };
    let mut first = commit(run, 0, "first");
    first.effects = vec![of(1, "busy"), of(2, "busy"), of(3, "busy"), of(4, "busy"), of(5, "other")];
    first.effects.push(Effect { kind: EffectKind::UpdateMessages, ..of(6, "busy") });
    write(store, first).await?;
    let claim = async |lane, now, limit| -> Result<_, StoreError> {
        Ok(numbers(&store.claim(Claim::new(lane, at(now), LEASE, limit).per_bulkhead(2)).await?))
    };
    assert_eq!(claim(Lane::Decide, 0, 1).await?, [1]);
    assert_eq!(claim(Lane::Decide, 0, 10).await?, [2, 5], "earlier claims count, and the others need not wait");
    assert_eq!(claim(Lane::Decide, 0, 10).await?, NONE);
    assert_eq!(claim(Lane::Notify, 0, 10).await?, [6], "each lane has leases of its own");
    store.release(EffectKey { run, seq: 1 }, 1, at(1_000)).await?;
    assert_eq!(claim(Lane::Decide, 0, 10).await?, [3], "what is given back makes room");
    let mut done = commit(run, 1, "done");
    done.settles = Some(EffectKey { run, seq: 2 });
    write(store, done).await?;
    assert_eq!(claim(Lane::Decide, 0, 10).await?, [4], "and so does what is settled");
    assert_eq!(claim(Lane::Decide, 60, 10).await?, [3, 4, 5], "and a lease that has run out");
    Ok(())
}

#[doc(hidden)]
pub async fn a_settled_effect_is_gone(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 1).await?), [1]);
    let mut done = commit(run, 1, "done");
    done.settles = Some(EffectKey { run, seq: 1 });
    write(store, done).await?;
    assert_eq!(store.next_due().await?, None);
    assert!(claim(store, Lane::Decide, 1_000, 10).await?.is_empty(), "also when the lease would have ended");
    store.release(EffectKey { run, seq: 1 }, 1, at(0)).await?;
    assert!(claim(store, Lane::Decide, 1_000, 10).await?.is_empty(), "nor does a late release bring it back");
    Ok(())
}

#[doc(hidden)]
pub async fn a_released_effect_can_be_claimed_again(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 1).await?), [1]);
    store.release(EffectKey { run, seq: 1 }, 1, at(5)).await?;
    assert_eq!(store.next_due().await?, Some(at(5)));
    assert_eq!(numbers(&claim(store, Lane::Decide, 4, 1).await?), NONE);
    let again = claim(store, Lane::Decide, 5, 1).await?;
    assert_eq!(again.first().map(|claimed| claimed.claims), Some(2), "and has been claimed all the same");
    store.release(EffectKey { run, seq: 1 }, 1, at(5)).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 5, 1).await?), NONE, "only its holder gives a lease back");
    Ok(())
}

#[doc(hidden)]
pub async fn effects_that_exclude_each_other_are_leased_one_at_a_time(store: &impl Store) -> Checked {
    let exclusive =
        |run, seq, name: &str| Effect { exclusive: Some(entitlement(name)), ..effect(run, seq, EffectKind::Route) };
    // Of two Runs: it is the access that must not be changed from two sides.
    let mut one = commit(run_id(1), 0, "one");
    one.effects = vec![exclusive(run_id(1), 1, "shared")];
    let mut two = commit(run_id(2), 0, "two");
    two.effects = vec![exclusive(run_id(2), 2, "shared"), exclusive(run_id(2), 3, "own")];
    write(store, one).await?;
    write(store, two).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [1, 3], "one of those with the same key");
    assert_eq!(numbers(&claim(store, Lane::Decide, 1, 10).await?), NONE);

    store.release(EffectKey { run: run_id(1), seq: 1 }, 1, at(100)).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 2, 10).await?), [2], "a lease that is given back excludes nobody");
    let mut done = commit(run_id(2), 1, "done");
    done.settles = Some(EffectKey { run: run_id(2), seq: 2 });
    write(store, done).await?;
    let again = numbers(&claim(store, Lane::Decide, 100, 10).await?);
    assert!(again.contains(&1), "nor does a settled one: {again:?}");

    // A lease that has run out excludes nobody either: its holder may be gone for good.
    let mut third = commit(run_id(3), 0, "third");
    third.effects = vec![exclusive(run_id(3), 4, "shared")];
    write(store, third).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 159, 10).await?), NONE);
    let taken = claim(store, Lane::Decide, 160, 10).await?;
    let shared = taken.iter().filter(|taken| taken.effect.exclusive == Some(entitlement("shared"))).count();
    assert_eq!(shared, 1, "and still only one is leased");
    Ok(())
}

#[doc(hidden)]
pub async fn timers_fall_due_in_order(store: &impl Store) -> Checked {
    let set = |kind, second, generation| TimerChange::Set { kind, at: at(second), generation };
    let mut one = commit(run_id(1), 0, "one");
    one.timers = vec![set(TimerKind::Forward, 20, 1), set(TimerKind::Expire, 30, 2)];
    let mut two = commit(run_id(2), 0, "two");
    two.timers = vec![set(TimerKind::Forward, 10, 1)];
    write(store, one).await?;
    write(store, two).await?;
    let due = |run, kind, second, generation| DueTimer::new(TimerKey::new(run_id(run), kind), at(second), generation);
    let (first, second, third) =
        (due(2, TimerKind::Forward, 10, 1), due(1, TimerKind::Forward, 20, 1), due(1, TimerKind::Expire, 30, 2));
    assert_eq!(store.next_due().await?, Some(at(10)));
    assert_eq!(store.due_timers(at(9), 10).await?, []);
    assert_eq!(store.due_timers(at(25), 10).await?, [first, second]);
    assert_eq!(store.due_timers(at(30), 2).await?, [third, first], "what ends access comes first, up to the limit");
    assert_eq!(store.due_timers(at(30), 10).await?, [third, first, second], "they stay until a commit takes them");
    Ok(())
}

#[doc(hidden)]
pub async fn a_timer_is_gone_only_with_its_own_generation(store: &impl Store) -> Checked {
    let run = run_id(1);
    let key = TimerKey::new(run, TimerKind::Expire);
    let set = |second, generation| TimerChange::Set { kind: TimerKind::Expire, at: at(second), generation };
    let mut first = commit(run, 0, "first");
    first.timers = vec![set(10, 1)];
    write(store, first).await?;
    let mut replaced = commit(run, 1, "replaced");
    replaced.timers = vec![set(50, 2)];
    write(store, replaced).await?;
    assert_eq!(store.due_timers(at(49), 10).await?, [], "the later setting holds");

    let mut stale = commit(run, 2, "stale");
    stale.fired = Some((key, 1));
    write(store, stale).await?;
    assert_eq!(store.due_timers(at(50), 10).await?, [DueTimer::new(key, at(50), 2)], "an old one fired");

    let mut fired_and_set = commit(run, 3, "fired and set");
    fired_and_set.fired = Some((key, 2));
    fired_and_set.timers = vec![set(90, 3)];
    write(store, fired_and_set).await?;
    assert_eq!(store.due_timers(at(90), 10).await?, [DueTimer::new(key, at(90), 3)], "set anew by what it set off");

    let mut cancelled = commit(run, 4, "cancelled");
    cancelled.timers = vec![TimerChange::Cancel { kind: TimerKind::Expire }];
    write(store, cancelled).await?;
    assert_eq!(store.due_timers(at(1_000), 10).await?, []);
    assert_eq!(store.next_due().await?, None);
    Ok(())
}

#[doc(hidden)]
pub async fn the_next_to_fall_due_is_the_soonest_of_all(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.timers = vec![TimerChange::Set { kind: TimerKind::Expire, at: at(30), generation: 1 }];
    write(store, first).await?;
    assert_eq!(store.next_due().await?, Some(at(30)));
    let mut second = commit(run, 1, "second");
    second.effects = vec![Effect { not_before: Some(at(20)), ..effect(run, 1, EffectKind::UpdateMessages) }];
    write(store, second).await?;
    assert_eq!(store.next_due().await?, Some(at(20)));
    assert_eq!(numbers(&claim(store, Lane::Notify, 20, 1).await?), [1]);
    assert_eq!(store.next_due().await?, Some(at(30)), "the lease ends later");
    Ok(())
}

#[doc(hidden)]
pub async fn audit_entries_stand_in_the_order_of_their_commits(store: &impl Store) -> Checked {
    let (one, other) = (run_id(1), run_id(2));
    for (run, version, input) in [(other, 0, "a"), (one, 0, "b"), (other, 1, "c")] {
        let audit = vec![entry(run, AuditKind::Received)];
        write(store, Commit { audit, ..commit(run, version, input) }).await?;
    }
    let runs = async |run, limit| -> Result<Vec<RunId>, StoreError> {
        Ok(store.audit(run, limit).await?.iter().map(|entry| entry.run).collect())
    };
    assert_eq!(runs(None, 10).await?, [other, one, other]);
    assert_eq!(runs(Some(one), 10).await?, [one]);
    assert_eq!(runs(None, 2).await?, [other, one]);
    Ok(())
}

#[doc(hidden)]
pub async fn audit_entries_are_chained(store: &impl Store) -> Checked {
    let (one, other) = (run_id(1), run_id(2));
    assert_eq!(store.audit_head().await?, AuditHead::START, "an empty log");
    assert_eq!(store.audit_after(0, 10).await?, []);
    let entries = |run| vec![entry(run, AuditKind::Received), entry(run, AuditKind::Completed)];
    write(store, Commit { audit: entries(one), ..commit(one, 0, "a") }).await?;
    write(store, Commit { audit: Vec::new(), ..commit(one, 1, "b") }).await?;
    // Neither of these is written, and neither takes a number.
    store.commit(Commit { audit: entries(one), ..commit(one, 0, "late") }).await?;
    store.commit(Commit { audit: entries(one), ..commit(one, 2, "a") }).await?;
    write(store, Commit { audit: entries(other), ..commit(other, 0, "c") }).await?;
    write(store, Commit { audit: entries(one), ..commit(one, 2, "d") }).await?;

    let written: Vec<_> = [one, other, one].into_iter().flat_map(entries).collect();
    let records = store.audit_after(0, 10).await?;
    let mut head = AuditHead::START;
    for (record, entry) in records.iter().zip(&written) {
        let text = entry.to_canonical().expect("an entry has a JSON form");
        assert_eq!(*record, AuditRecord::after(&head, text), "each record follows from the one before it");
        head = record.head();
    }
    assert_eq!(records.len(), written.len());
    assert_eq!(store.audit_head().await?, head);
    assert_eq!(store.audit(None, 10).await?, written);

    assert_eq!(store.audit_after(1, 3).await?, records[1..4], "not more than the limit");
    assert_eq!(store.audit_after(6, 10).await?, []);
    let of_one: Vec<_> = [0, 1, 4].map(|index| records[index].clone()).into();
    assert_eq!(store.audit_before(one, 6).await?, of_one, "of this Run, and before that number");
    assert_eq!(store.audit_before(one, 1).await?, []);
    Ok(())
}

#[doc(hidden)]
pub async fn each_audit_destination_has_a_cursor(store: &impl Store) -> Checked {
    assert_eq!(store.audit_cursor("a").await?, 0);
    store.set_audit_cursor("a", 7).await?;
    store.set_audit_cursor("b", 3).await?;
    store.set_audit_cursor("a", 9).await?;
    assert_eq!((store.audit_cursor("a").await?, store.audit_cursor("b").await?), (9, 3));
    Ok(())
}

#[doc(hidden)]
pub async fn holders_come_and_go(store: &impl Store) -> Checked {
    let hold = |run, version, input, change| Commit { holds: vec![change], ..commit(run, version, input) };
    let key = entitlement("e");
    write(store, hold(run_id(1), 0, "a", EntitlementChange::Hold(key.clone()))).await?;
    write(store, hold(run_id(2), 0, "b", EntitlementChange::Hold(key.clone()))).await?;
    write(store, hold(run_id(2), 1, "c", EntitlementChange::Hold(key.clone()))).await?;
    assert_eq!(store.holders(&key).await?, [run_id(1), run_id(2)], "each Run once");
    assert_eq!(store.holders(&entitlement("other")).await?, []);
    write(store, hold(run_id(1), 1, "d", EntitlementChange::Release(key.clone()))).await?;
    assert_eq!(store.holders(&key).await?, [run_id(2)]);
    write(store, hold(run_id(1), 2, "e", EntitlementChange::Release(key.clone()))).await?;
    write(store, hold(run_id(2), 2, "f", EntitlementChange::Release(key.clone()))).await?;
    assert_eq!(store.holders(&key).await?, []);
    Ok(())
}

#[doc(hidden)]
pub async fn runs_at_rest_are_pruned_by_age(store: &impl Store) -> Checked {
    let changed = |number: u128, second, over| {
        let run = run_id(number);
        let mut state = requested(run, at(second));
        if over {
            (state.closed, state.active_event) = (true, None);
            state.pending.clear();
        }
        let audit = vec![AuditEntry { at: at(second), ..entry(run, AuditKind::Received) }];
        Commit { state: Some(Arc::new(state)), audit, ..commit(run, 0, &number.to_string()) }
    };
    for (number, second, over) in [(1, 10, true), (2, 20, true), (3, 30, true), (4, 0, false)] {
        write(store, changed(number, second, over)).await?;
    }
    let audit = vec![AuditEntry { at: at(5), ..entry(run_id(9), AuditKind::Received) }];
    write(store, Commit { state: None, audit, ..commit(run_id(9), 0, "refused") }).await?;
    let left = async || -> Result<Vec<bool>, StoreError> {
        let mut left = Vec::new();
        for number in 1..=4 {
            left.push(store.load(run_id(number)).await?.is_some());
        }
        Ok(left)
    };
    assert_eq!(store.prune(at(5), 10).await?, 0, "nothing is so old");
    assert_eq!(store.prune(at(30), 1).await?, 2, "one Run, and one answer that belongs to none");
    assert_eq!(left().await?, [false, true, true, true], "the oldest first");
    assert_eq!(store.prune(at(30), 10).await?, 1);
    assert_eq!(left().await?, [false, false, true, true], "what is too young stays, and what is not over");
    for gone in ["1", "2", "refused"] {
        assert_eq!(store.recorded_reply(&InputKey::new(gone)).await?, None, "{gone}");
    }
    for kept in ["3", "4"] {
        assert!(store.recorded_reply(&InputKey::new(kept)).await?.is_some(), "{kept}");
    }
    assert_eq!(store.audit(None, 10).await?.len(), 5, "the record stays whole");
    Ok(())
}

#[doc(hidden)]
pub async fn what_is_put_off_for_too_long_is_brought_forward(store: &impl Store) -> Checked {
    let run = run_id(1);
    let put_off = |seq, second| Effect { not_before: Some(at(second)), ..effect(run, seq, EffectKind::Route) };
    let mut first = commit(run, 0, "first");
    first.effects = vec![effect(run, 1, EffectKind::Route), put_off(2, 50), put_off(3, 10_000)];
    write(store, first).await?;
    assert_eq!(numbers(&store.claim(Claim::new(Lane::Decide, at(0), SECOND * 20_000, 1)).await?), [1]);
    assert_eq!(store.clamp_future_due_times(at(100)).await?, 2, "an effect, and a lease");
    assert_eq!(numbers(&claim(store, Lane::Decide, 99, 10).await?), [2]);
    assert_eq!(numbers(&claim(store, Lane::Decide, 100, 10).await?), [1, 3]);
    assert_eq!(store.clamp_future_due_times(at(1_000)).await?, 0);
    Ok(())
}

#[doc(hidden)]
pub async fn runs_are_listed_newest_first(store: &impl Store) -> Checked {
    for number in 1..=3 {
        let run = run_id(number);
        let begun = at(0).saturating_add(SECOND * u32::try_from(number).expect("a small number"));
        let state = requested(run, begun.expect("within the range of time"));
        write(store, Commit { state: Some(Arc::new(state)), ..commit(run, 0, &number.to_string()) }).await?;
    }
    let ids = async |filter, limit| -> Result<Vec<RunId>, StoreError> {
        Ok(store.runs(filter, limit).await?.iter().map(|run| run.state.run.id()).collect())
    };
    assert_eq!(ids(RunFilter::default(), 10).await?, [run_id(3), run_id(2), run_id(1)]);
    assert_eq!(ids(RunFilter::default(), 2).await?, [run_id(3), run_id(2)]);
    let of_flow = |name: &str| RunFilter { flow: Some(name.to_owned()), ..RunFilter::default() };
    assert_eq!(ids(of_flow("prod"), 10).await?.len(), 3);
    assert_eq!(ids(of_flow("other"), 10).await?.len(), 0);
    let denied = RunFilter { status: Some(RunStatus::Denied), ..RunFilter::default() };
    assert_eq!(ids(denied, 10).await?.len(), 0);
    let holding = RunFilter { may_hold_access: true, ..RunFilter::default() };
    assert_eq!(ids(holding, 10).await?.len(), 0);
    Ok(())
}
