//! Commits: atomicity, conflicts and repeated inputs.

use super::*;

#[doc(hidden)]
pub async fn commit_is_atomic(store: &impl Store) -> Checked {
    let run = run_id(1);
    assert!(store.load(run).await?.is_none(), "an empty store has no Run");
    assert_eq!(store.next_due().await?, None, "nothing is due in an empty store");
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
pub async fn conflict_writes_nothing(store: &impl Store) -> Checked {
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
        assert_eq!(store.recorded_reply(&InputKey::new(input)).await?, None, "no reply was recorded");
    }
    assert_eq!(store.next_due().await?, Some(at(10)), "no effect and no timer was written or settled");
    assert_eq!(store.holders(&entitlement("e")).await?, []);
    assert_eq!(store.audit(None, 10).await?, []);
    write(store, commit(run, 1, "second")).await?;
    assert_eq!(store.load(run).await?.map(|stored| stored.version), Some(2));
    Ok(())
}

#[doc(hidden)]
pub async fn one_of_concurrent_commits_is_written(store: &impl Store) -> Checked {
    let inputs = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let commits = join_all(inputs.map(|input| store.commit(commit(run_id(1), 0, input)))).await;
    let written = commits.iter().filter(|committed| matches!(committed, Ok(Committed::Written { .. }))).count();
    assert_eq!(written, 1, "of commits on the same version one is written: {commits:?}");
    Ok(())
}

#[doc(hidden)]
pub async fn repeated_input_returns_the_recorded_reply(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "same");
    first.reply = InputReply::Accepted { event: Some(EventId::from_uuid(Uuid::from_u128(7))) };
    first.effects.push(effect(run, 1, EffectKind::Route));
    let reply = first.reply.clone();
    write(store, first).await?;
    // The key decides, whatever the version.
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
pub async fn replies_to_outcomes_and_timers_are_not_recorded(store: &impl Store) -> Checked {
    let run = run_id(1);
    write(store, commit(run, 0, "first")).await?;
    let settles = Some(EffectKey { run, seq: 1 });
    write(store, Commit { settles, ..commit(run, 1, "outcome") }).await?;
    let fired = Some((TimerKey::new(run, TimerKind::Forward), 1));
    write(store, Commit { fired, ..commit(run, 2, "timer") }).await?;
    for input in ["outcome", "timer"] {
        assert_eq!(store.recorded_reply(&InputKey::new(input)).await?, None, "{input}");
    }
    // One that is repeated is told by the version.
    let again = store.commit(Commit { settles, ..commit(run, 1, "outcome") }).await?;
    assert_eq!(again, Committed::Conflict);
    Ok(())
}

#[doc(hidden)]
pub async fn commit_without_a_state_leaves_the_run(store: &impl Store) -> Checked {
    let (known, unknown) = (run_id(1), run_id(2));
    write(store, commit(known, 0, "requested")).await?;
    write(store, Commit { state: None, ..commit(known, 1, "refused") }).await?;
    assert_eq!(store.load(known).await?.map(|stored| stored.version), Some(1), "the Run has not changed");

    let mut refused = Commit { state: None, ..commit(unknown, 0, "refused at once") };
    refused.audit.push(entry(unknown, AuditKind::Received));
    write(store, refused).await?;
    assert!(store.load(unknown).await?.is_none(), "the Run is still absent");
    assert_eq!(store.audit(Some(unknown), 10).await?.len(), 1, "the refusal is audited");
    assert!(store.recorded_reply(&InputKey::new("refused at once")).await?.is_some(), "its reply is recorded");
    write(store, commit(unknown, 0, "accepted")).await
}
