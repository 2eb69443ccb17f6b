//! Timers and due times.

use super::*;

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
    assert_eq!(store.due_timers(at(30), 2).await?, [third, first], "expiries come first, up to the limit");
    assert_eq!(store.due_timers(at(30), 10).await?, [third, first, second], "timers stay until a commit fires them");
    Ok(())
}

#[doc(hidden)]
pub async fn timer_is_deleted_only_by_its_own_generation(store: &impl Store) -> Checked {
    let run = run_id(1);
    let key = TimerKey::new(run, TimerKind::Expire);
    let set = |second, generation| TimerChange::Set { kind: TimerKind::Expire, at: at(second), generation };
    let mut first = commit(run, 0, "first");
    first.timers = vec![set(10, 1)];
    write(store, first).await?;
    let mut replaced = commit(run, 1, "replaced");
    replaced.timers = vec![set(50, 2)];
    write(store, replaced).await?;
    assert_eq!(store.due_timers(at(49), 10).await?, [], "the later setting replaces the earlier one");

    let mut stale = commit(run, 2, "stale");
    stale.fired = Some((key, 1));
    write(store, stale).await?;
    assert_eq!(
        store.due_timers(at(50), 10).await?,
        [DueTimer::new(key, at(50), 2)],
        "the old generation does not delete it"
    );

    let mut fired_and_set = commit(run, 3, "fired and set");
    fired_and_set.fired = Some((key, 2));
    fired_and_set.timers = vec![set(90, 3)];
    write(store, fired_and_set).await?;
    assert_eq!(
        store.due_timers(at(90), 10).await?,
        [DueTimer::new(key, at(90), 3)],
        "the commit that fires a timer can set it again"
    );

    let mut cancelled = commit(run, 4, "cancelled");
    cancelled.timers = vec![TimerChange::Cancel { kind: TimerKind::Expire }];
    write(store, cancelled).await?;
    assert_eq!(store.due_timers(at(1_000), 10).await?, []);
    assert_eq!(store.next_due().await?, None);
    Ok(())
}

#[doc(hidden)]
pub async fn next_due_is_the_earliest_effect_or_timer(store: &impl Store) -> Checked {
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
    assert_eq!(store.next_due().await?, Some(at(30)), "the lease expires later");
    Ok(())
}

#[doc(hidden)]
pub async fn future_due_times_are_clamped(store: &impl Store) -> Checked {
    let run = run_id(1);
    let scheduled = |seq, second| Effect { not_before: Some(at(second)), ..effect(run, seq, EffectKind::Route) };
    let mut first = commit(run, 0, "first");
    first.effects = vec![effect(run, 1, EffectKind::Route), scheduled(2, 50), scheduled(3, 10_000)];
    write(store, first).await?;
    assert_eq!(numbers(&store.claim(Claim::new(Lane::Decide, at(0), SECOND * 20_000, 1)).await?), [1]);
    assert_eq!(store.clamp_future_due_times(at(100)).await?, 2, "one scheduled effect, and one lease");
    assert_eq!(numbers(&claim(store, Lane::Decide, 99, 10).await?), [2]);
    assert_eq!(numbers(&claim(store, Lane::Decide, 100, 10).await?), [1, 3]);
    assert_eq!(store.clamp_future_due_times(at(1_000)).await?, 0);
    Ok(())
}
