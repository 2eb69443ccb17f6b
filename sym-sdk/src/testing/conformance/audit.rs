//! The audit log and the cursors of its destinations.

use super::*;

#[doc(hidden)]
pub async fn audit_entries_are_in_commit_order(store: &impl Store) -> Checked {
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
pub async fn audit_entries_form_a_hash_chain(store: &impl Store) -> Checked {
    let (one, other) = (run_id(1), run_id(2));
    assert_eq!(store.audit_head().await?, AuditHead::START, "an empty log");
    assert_eq!(store.audit_after(0, 10).await?, []);
    let entries = |run| vec![entry(run, AuditKind::Received), entry(run, AuditKind::Completed)];
    write(store, Commit { audit: entries(one), ..commit(one, 0, "a") }).await?;
    write(store, Commit { audit: Vec::new(), ..commit(one, 1, "b") }).await?;
    // Neither of these is written, nor takes a number.
    store.commit(Commit { audit: entries(one), ..commit(one, 0, "late") }).await?;
    store.commit(Commit { audit: entries(one), ..commit(one, 2, "a") }).await?;
    write(store, Commit { audit: entries(other), ..commit(other, 0, "c") }).await?;
    write(store, Commit { audit: entries(one), ..commit(one, 2, "d") }).await?;

    let written: Vec<_> = [one, other, one].into_iter().flat_map(entries).collect();
    let records = store.audit_after(0, 10).await?;
    let mut head = AuditHead::START;
    for (record, entry) in records.iter().zip(&written) {
        let stored = entry.to_stored().expect("entries have a stored form");
        assert_eq!(*record, AuditRecord::after(&head, stored), "each record follows the one before it, with its event");
        head = record.head();
    }
    assert_eq!(records.len(), written.len());
    assert_eq!(store.audit_head().await?, head);
    assert_eq!(store.audit(None, 10).await?, written);

    assert_eq!(store.audit_after(1, 3).await?, records[1..4], "at most the limit");
    assert_eq!(store.audit_after(6, 10).await?, []);
    let of_one: Vec<_> = [0, 1, 4].map(|index| records[index].clone()).into();
    assert_eq!(store.audit_before(one, 6).await?, of_one, "only of this Run, and before that number");
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
