//! Effects: claims, leases, releases and exclusion.

use super::*;

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

    assert_eq!(numbers(&claim(store, Lane::Revoke, 0, 10).await?), NONE, "lanes are separate");
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 0).await?), NONE, "a limit of 0");
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 1).await?), [1], "the oldest first");
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [3, 5]);
    assert_eq!(numbers(&claim(store, Lane::Notify, 0, 10).await?), [2]);
    assert_eq!(numbers(&claim(store, Lane::Decide, 9, 10).await?), NONE, "not before it is due");
    assert_eq!(store.next_due().await?, Some(at(10)));
    assert_eq!(numbers(&claim(store, Lane::Decide, 10, 10).await?), [4]);
    Ok(())
}

#[doc(hidden)]
pub async fn lease_excludes_others_until_it_expires(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    let claims = async |now| Ok(claim(store, Lane::Decide, now, 1).await?.first().map(|claimed| claimed.claims));
    assert_eq!(claims(0).await?, Some(1));
    assert_eq!(claims(59).await?, None, "the effect is leased");
    assert_eq!(store.next_due().await?, Some(at(60)), "a leased effect counts from the end of its lease");
    assert_eq!(claims(60).await?, Some(2), "the lease has expired, and claims are counted");
    assert_eq!(claims(61).await?, None);
    Ok(())
}

#[doc(hidden)]
pub async fn lost_leases_are_counted(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    let claimed = async |now| -> Result<_, StoreError> {
        Ok(claim(store, Lane::Decide, now, 1).await?.first().map(|claimed| (claimed.claims, claimed.lost_leases)))
    };
    assert_eq!(claimed(0).await?, Some((1, 0)));
    assert_eq!(claimed(60).await?, Some((2, 1)), "the first lease expired");
    store.release(EffectKey { run, seq: 1 }, 2, at(70)).await?;
    assert_eq!(claimed(70).await?, Some((3, 1)), "the second was released");
    assert_eq!(claimed(200).await?, Some((4, 2)));
    Ok(())
}

#[doc(hidden)]
pub async fn leases_are_limited_by_bulkhead(store: &impl Store) -> Checked {
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
    assert_eq!(claim(Lane::Decide, 0, 10).await?, [2, 5], "earlier claims count, and other bulkheads are not affected");
    assert_eq!(claim(Lane::Decide, 0, 10).await?, NONE);
    assert_eq!(claim(Lane::Notify, 0, 10).await?, [6], "the limit is per lane");
    store.release(EffectKey { run, seq: 1 }, 1, at(1_000)).await?;
    assert_eq!(claim(Lane::Decide, 0, 10).await?, [3], "a released lease no longer counts");
    let mut done = commit(run, 1, "done");
    done.settles = Some(EffectKey { run, seq: 2 });
    write(store, done).await?;
    assert_eq!(claim(Lane::Decide, 0, 10).await?, [4], "nor does that of a settled effect");
    assert_eq!(claim(Lane::Decide, 60, 10).await?, [3, 4, 5], "nor does an expired lease");
    Ok(())
}

#[doc(hidden)]
pub async fn settled_effect_is_deleted(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 1).await?), [1]);
    let mut done = commit(run, 1, "done");
    done.settles = Some(EffectKey { run, seq: 1 });
    write(store, done).await?;
    assert_eq!(store.next_due().await?, None);
    assert!(claim(store, Lane::Decide, 1_000, 10).await?.is_empty(), "also when the lease would have expired");
    store.release(EffectKey { run, seq: 1 }, 1, at(0)).await?;
    assert!(claim(store, Lane::Decide, 1_000, 10).await?.is_empty(), "a late release does not restore it");
    Ok(())
}

#[doc(hidden)]
pub async fn released_effect_can_be_claimed_again(store: &impl Store) -> Checked {
    let run = run_id(1);
    let mut first = commit(run, 0, "first");
    first.effects.push(effect(run, 1, EffectKind::Route));
    write(store, first).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 1).await?), [1]);
    store.release(EffectKey { run, seq: 1 }, 1, at(5)).await?;
    assert_eq!(store.next_due().await?, Some(at(5)));
    assert_eq!(numbers(&claim(store, Lane::Decide, 4, 1).await?), NONE);
    let again = claim(store, Lane::Decide, 5, 1).await?;
    assert_eq!(again.first().map(|claimed| claimed.claims), Some(2), "the released claim is counted");
    store.release(EffectKey { run, seq: 1 }, 1, at(5)).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 5, 1).await?), NONE, "only its holder can release a lease");
    Ok(())
}

#[doc(hidden)]
pub async fn exclusive_effects_are_leased_one_at_a_time(store: &impl Store) -> Checked {
    let exclusive =
        |run, seq, name: &str| Effect { exclusive: Some(entitlement(name)), ..effect(run, seq, EffectKind::Route) };
    // Of two Runs: the key stands for access, which must not be changed concurrently.
    let mut one = commit(run_id(1), 0, "one");
    one.effects = vec![exclusive(run_id(1), 1, "shared")];
    let mut two = commit(run_id(2), 0, "two");
    two.effects = vec![exclusive(run_id(2), 2, "shared"), exclusive(run_id(2), 3, "own")];
    write(store, one).await?;
    write(store, two).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [1, 3], "one effect of each key");
    assert_eq!(numbers(&claim(store, Lane::Decide, 1, 10).await?), NONE);

    store.release(EffectKey { run: run_id(1), seq: 1 }, 1, at(100)).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 2, 10).await?), [2], "a released lease excludes nothing");
    let mut done = commit(run_id(2), 1, "done");
    done.settles = Some(EffectKey { run: run_id(2), seq: 2 });
    write(store, done).await?;
    let again = numbers(&claim(store, Lane::Decide, 100, 10).await?);
    assert!(again.contains(&1), "nor does that of a settled effect: {again:?}");

    // Nor does an expired lease, whose holder may be gone for good.
    let mut third = commit(run_id(3), 0, "third");
    third.effects = vec![exclusive(run_id(3), 4, "shared")];
    write(store, third).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 159, 10).await?), NONE);
    let taken = claim(store, Lane::Decide, 160, 10).await?;
    let shared = taken.iter().filter(|taken| taken.effect.exclusive == Some(entitlement("shared"))).count();
    assert_eq!(shared, 1, "still only one is leased");
    Ok(())
}

/// Commits effects with claims of them, and returns the numbers of those that are leased.
async fn commit_and_claim(store: &impl Store, mut commit: Commit, claims: Vec<Claim>) -> Result<Vec<u64>, StoreError> {
    commit.claims = claims;
    let leased = match store.commit(commit).await? {
        Committed::Written { leased } => Some(leased),
        _ => None,
    };
    Ok(leased.expect("the commit is written").into_iter().map(|key| key.seq).collect())
}

#[doc(hidden)]
pub async fn commits_lease_effects_of_their_own(store: &impl Store) -> Checked {
    let run = run_id(1);
    let exclusive = |seq| Effect { exclusive: Some(entitlement("e")), ..effect(run, seq, EffectKind::OpenForm) };
    let mut first = commit(run, 0, "first");
    first.effects = vec![
        effect(run, 1, EffectKind::Route),
        effect(run, 2, EffectKind::UpdateMessages),
        effect(run, 3, EffectKind::OpenForm),
        Effect { not_before: Some(at(10)), ..effect(run, 4, EffectKind::Route) },
    ];
    let in_lane = |lane, limit| Claim::new(lane, at(0), LEASE, limit);
    assert_eq!(commit_and_claim(store, first, vec![in_lane(Lane::Decide, 1)]).await?, [1], "as many as are claimed");
    assert_eq!(numbers(&claim(store, Lane::Decide, 59, 10).await?), [3, 4], "the others are due");
    let expired = claim(store, Lane::Decide, 60, 1).await?;
    let counts: Vec<_> =
        expired.iter().map(|claimed| (claimed.effect.key.seq, claimed.claims, claimed.lost_leases)).collect();
    assert_eq!(counts, [(1, 2, 1)], "it counts as claimed once, and a lease ends");
    assert_eq!(numbers(&claim(store, Lane::Notify, 0, 10).await?), [2], "lanes are separate");

    let (mut second, mut third) = (commit(run, 1, "second"), commit(run, 2, "third"));
    second.effects = vec![exclusive(5), exclusive(6)];
    third.effects = vec![exclusive(7)];
    let claims = || vec![Claim::new(Lane::Decide, at(60), LEASE, 10)];
    assert_eq!(commit_and_claim(store, second, claims()).await?, [5], "one of those that exclude each other");
    assert_eq!(commit_and_claim(store, third, claims()).await?, NONE);
    let again = Commit { claims: claims(), ..commit(run, 1, "again") };
    assert_eq!(store.commit(again).await?, Committed::Conflict);
    Ok(())
}

#[doc(hidden)]
pub async fn commits_lease_no_effect_before_an_older_one(store: &impl Store) -> Checked {
    let run = run_id(1);
    let of = |seq, flow: &str| {
        let bulkhead = Bulkhead::flow(Flow::builder(Slug::lossy(flow), "acme").build().srn());
        Effect { bulkhead, ..effect(run, seq, EffectKind::Route) }
    };
    let claims = |limit| vec![Claim::new(Lane::Decide, at(0), LEASE, 10).per_bulkhead(limit)];
    let with = |version, input, effects| Commit { effects, ..commit(run, version, input) };
    write(store, with(0, "first", vec![of(1, "behind")])).await?;
    let second = with(1, "second", vec![of(2, "behind"), of(3, "other"), of(4, "other")]);
    assert_eq!(
        commit_and_claim(store, second, claims(1)).await?,
        [3],
        "neither before an older one, nor beyond the limit"
    );
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [1, 2, 4]);
    let third = with(2, "third", vec![of(5, "behind")]);
    assert_eq!(commit_and_claim(store, third, claims(2)).await?, NONE, "leases of claims count");
    write(store, Commit { settles: Some(EffectKey { run, seq: 1 }), ..commit(run, 3, "done") }).await?;
    assert_eq!(numbers(&claim(store, Lane::Decide, 0, 10).await?), [5]);
    let fourth = with(4, "fourth", vec![of(6, "behind")]);
    assert_eq!(commit_and_claim(store, fourth, claims(3)).await?, [6]);
    Ok(())
}
