//! Listings of Runs, their holders, and pruning.

use super::*;

#[doc(hidden)]
pub async fn holders_are_added_and_removed(store: &impl Store) -> Checked {
    let hold = |run, version, input, change| Commit { holds: vec![change], ..commit(run, version, input) };
    let key = entitlement("e");
    write(store, hold(run_id(1), 0, "a", EntitlementChange::Hold(key.clone()))).await?;
    write(store, hold(run_id(2), 0, "b", EntitlementChange::Hold(key.clone()))).await?;
    write(store, hold(run_id(2), 1, "c", EntitlementChange::Hold(key.clone()))).await?;
    assert_eq!(store.holders(&key).await?, [run_id(1), run_id(2)], "each Run is listed once");
    assert_eq!(store.holders(&entitlement("other")).await?, []);
    write(store, hold(run_id(1), 1, "d", EntitlementChange::Release(key.clone()))).await?;
    assert_eq!(store.holders(&key).await?, [run_id(2)]);
    write(store, hold(run_id(1), 2, "e", EntitlementChange::Release(key.clone()))).await?;
    write(store, hold(run_id(2), 2, "f", EntitlementChange::Release(key.clone()))).await?;
    assert_eq!(store.holders(&key).await?, []);
    Ok(())
}

#[doc(hidden)]
pub async fn finished_runs_are_pruned_by_age(store: &impl Store) -> Checked {
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
    assert_eq!(store.prune(at(5), 10).await?, 0, "nothing is old enough");
    assert_eq!(store.prune(at(30), 1).await?, 2, "one Run, and one reply that belongs to none");
    assert_eq!(left().await?, [false, true, true, true], "the oldest first");
    assert_eq!(store.prune(at(30), 10).await?, 1);
    assert_eq!(left().await?, [false, false, true, true], "Runs that are too young or not finished stay");
    for gone in ["1", "2", "refused"] {
        assert_eq!(store.recorded_reply(&InputKey::new(gone)).await?, None, "{gone}");
    }
    for kept in ["3", "4"] {
        assert!(store.recorded_reply(&InputKey::new(kept)).await?.is_some(), "{kept}");
    }
    assert_eq!(store.audit(None, 10).await?.len(), 5, "the audit log stays complete");
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
