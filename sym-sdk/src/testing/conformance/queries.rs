//! Queries: Runs as somebody may see them, pages, events, searches of the audit log, and changes.

use super::*;
use crate::audit::HandlerResult;
use crate::engine::{AuditOrder, AuditQuery, InputFingerprint, Relation, RunCursor, RunQuery, Viewer};
use crate::machine::Routing;
use crate::model::{AccessTarget, HandlerRef, UserId, UserRole};
use crate::routing::{PermissionLevel, PermissionScope, RequestPermission, UserIds};

/// Creates a person of a role.
fn person(name: &str, role: UserRole) -> Arc<User> {
    Arc::new(User::from_email(&format!("{name}@example.com")).expect("an e-mail address").with_role(role))
}

/// Returns a request of somebody, created at this second and routed with these permissions, or not routed.
fn request(number: u128, second: i64, requester: &Arc<User>, permission: Option<RequestPermission>) -> RunState {
    let mut state = requested(run_id(number), at(second));
    state.run = state.run.clone().with_actor(crate::model::Step::Request, requester.clone());
    if let Some(permission) = permission {
        state.run = state.run.clone().with_status(RunStatus::Requested);
        state.routing = Some(Routing::new(permission, Vec::new()));
        state.active_event = None;
        state.pending.clear();
    }
    state
}

async fn put(store: &impl Store, state: RunState) -> Checked {
    let run = state.run.id();
    let version = store.load(run).await?.map_or(0, |stored| stored.version);
    let commit = commit(run, version, &format!("{run}:{version}"));
    write(store, Commit { state: Some(Arc::new(state)), ..commit }).await
}

/// Returns the numbers of the Runs that a query finds, on all pages.
async fn found(store: &impl Store, filter: &RunFilter, viewer: Option<&Viewer>) -> Result<Vec<u128>, StoreError> {
    let query = || RunQuery::new(filter.clone(), viewer.cloned()).with_limit(2);
    let (mut numbers, mut cursor): (Vec<u128>, Option<RunCursor>) = (Vec::new(), None);
    loop {
        let query = match cursor {
            Some(cursor) => query().after(cursor).expect("a cursor of this query"),
            None => query(),
        };
        let page = store.find_runs(&query).await?;
        assert!(page.runs.len() <= 2, "at most the limit");
        assert_eq!(store.count_runs(&query).await?, page.runs.len(), "what is counted is what is found");
        numbers.extend(page.runs.iter().map(|run| run.state.run.id().as_uuid().as_u128()));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(numbers);
        }
    }
}

#[doc(hidden)]
pub async fn runs_are_found_for_those_who_may_see_them(store: &impl Store) -> Checked {
    let [ana, ben] = ["ana", "ben"].map(|name| person(name, UserRole::Member));
    let (ada, gus) = (person("ada", UserRole::Admin), person("gus", UserRole::Guest));
    let named = |users: &[&Arc<User>]| {
        let ids: UserIds = users.iter().map(|user| user.id()).collect();
        PermissionScope::try_from(ids).expect("there are users")
    };
    let decided_by = |scope: PermissionScope| RequestPermission::decided_by(scope);
    put(store, request(1, 1, &ana, None)).await?;
    put(store, request(2, 2, &ana, Some(RequestPermission::admins_only()))).await?;
    put(store, request(3, 3, &ana, Some(RequestPermission::decided_by(PermissionLevel::Member)))).await?;
    let seen_by_all = RequestPermission::admins_only().seen_by(PermissionLevel::AllUsers);
    put(store, request(4, 4, &ana, Some(seen_by_all))).await?;
    put(store, request(5, 5, &ana, Some(decided_by(named(&[&gus])).seen_by(PermissionLevel::Admin)))).await?;
    put(store, request(6, 6, &ana, Some(RequestPermission::admins_only().seen_by(named(&[&ben]))))).await?;
    let own = RequestPermission::decided_by(PermissionLevel::Member).allow_self_approval(true);
    put(store, request(7, 7, &ben, Some(own))).await?;

    let all = RunFilter::default();
    let related =
        async |user: &Arc<User>, relation| found(store, &all, Some(&Viewer::new(user.clone()).related(relation))).await;
    assert_eq!(found(store, &all, None).await?, [7, 6, 5, 4, 3, 2, 1], "newest first");
    assert_eq!(related(&ada, Relation::Visible).await?, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(related(&ana, Relation::Visible).await?, [7, 6, 5, 4, 3, 2, 1], "her own, and what members see");
    assert_eq!(related(&ben, Relation::Visible).await?, [7, 6, 4, 3]);
    assert_eq!(related(&gus, Relation::Visible).await?, [5, 4], "each once");
    assert_eq!(related(&ana, Relation::Mine).await?, [6, 5, 4, 3, 2, 1]);
    assert_eq!(related(&ada, Relation::CanDecide).await?, [7, 6, 5, 4, 3, 2], "all that are routed");
    assert_eq!(related(&ana, Relation::CanDecide).await?, [7], "not her own");
    assert_eq!(related(&ben, Relation::CanDecide).await?, [7, 3], "his own, which he may approve");
    assert_eq!(related(&gus, Relation::CanDecide).await?, [5]);
    assert_eq!(related(&ben, Relation::Decided).await?, [0; 0]);

    // What is decided waits no longer, and whoever has decided finds it.
    let mut decided = request(3, 3, &ana, Some(RequestPermission::decided_by(PermissionLevel::Member)));
    decided.run = decided.run.clone().with_status(RunStatus::Denied);
    let mut decision = EventRecord::request_of(&decided).expect("a request");
    decision.actor = ben.clone();
    decided.decision = Some(Arc::new(decision));
    put(store, decided).await?;
    assert_eq!(related(&ben, Relation::CanDecide).await?, [7]);
    assert_eq!(related(&ben, Relation::Decided).await?, [3]);
    assert_eq!(related(&ada, Relation::Decided).await?, [0; 0]);
    // Permissions that change are those that count.
    put(store, request(5, 5, &ana, Some(decided_by(named(&[&ben]))))).await?;
    assert_eq!(related(&gus, Relation::Visible).await?, [4]);
    assert_eq!(related(&ben, Relation::Visible).await?, [7, 6, 5, 4, 3]);
    Ok(())
}

#[doc(hidden)]
pub async fn pages_of_runs_follow_each_other(store: &impl Store) -> Checked {
    let ana = person("ana", UserRole::Member);
    // Several were created at the same time.
    for number in 1..=5 {
        put(store, request(number, i64::try_from(number / 3).expect("a small number"), &ana, None)).await?;
    }
    let query = || RunQuery::new(RunFilter::default(), None).with_limit(2);
    let numbers = |page: &crate::engine::RunPage| -> Vec<u128> {
        page.runs.iter().map(|run| run.state.run.id().as_uuid().as_u128()).collect()
    };
    let first = store.find_runs(&query()).await?;
    assert_eq!(numbers(&first), [5, 4]);
    let next = first.next.expect("a next page");
    // What begins meanwhile is not on the pages that follow.
    put(store, request(9, 9, &ana, None)).await?;
    let second = store.find_runs(&query().after(next).expect("a cursor of this query")).await?;
    assert_eq!(numbers(&second), [3, 2]);
    let third = second.next.and_then(|next| query().after(next).ok()).expect("a next page");
    let third = store.find_runs(&third).await?;
    assert_eq!((numbers(&third), third.next), (vec![1], None));
    let whole = store.find_runs(&query().with_limit(6)).await?;
    assert_eq!((whole.runs.len(), whole.next), (6, None), "a page that is just full is the last one");
    assert_eq!(store.count_runs(&query().with_limit(5)).await?, 5, "no more are counted than the limit");
    assert_eq!(store.count_runs(&query().with_limit(9)).await?, 6);
    Ok(())
}

#[doc(hidden)]
pub async fn runs_are_filtered_by_what_they_are_about(store: &impl Store) -> Checked {
    let (ana, ben) = (person("ana", UserRole::Member), person("ben", UserRole::Member));
    let open = Some(RequestPermission::admins_only());
    let mut for_target = request(1, 1, &ana, open.clone());
    if let Some(request) = &mut for_target.request {
        request.target = Some(AccessTarget::new("acme", "okta_group", Slug::lossy("db")));
    }
    put(store, for_target).await?;
    put(store, request(2, 2, &ben, open)).await?;
    put(store, request(3, 3, &ben, None)).await?;
    let filter = RunFilter::default;
    for (filter, expected) in [
        (RunFilter { target: Some("db".into()), ..filter() }, vec![1]),
        (RunFilter { target: Some("d".into()), ..filter() }, vec![]),
        (RunFilter { open: true, ..filter() }, vec![2, 1]),
        (RunFilter { source: Some(ChannelType::Api), ..filter() }, vec![3, 2, 1]),
        (RunFilter { source: Some(ChannelType::Slack), ..filter() }, vec![]),
        (RunFilter { requester: Some(ben.id()), ..filter() }, vec![3, 2]),
        (RunFilter { requester: Some(UserId::from_email("cy@example.com")), ..filter() }, vec![]),
        (RunFilter { since: Some(at(2)), ..filter() }, vec![3, 2]),
        (RunFilter { until: Some(at(2)), ..filter() }, vec![1]),
        (RunFilter { since: Some(at(2)), until: Some(at(3)), ..filter() }, vec![2]),
        (RunFilter { status: Some(RunStatus::Requested), flow: Some("prod".into()), ..filter() }, vec![2, 1]),
    ] {
        assert_eq!(found(store, &filter, None).await?, expected, "{filter:?}");
        let viewer = Viewer::new(person("ada", UserRole::Admin));
        assert_eq!(found(store, &filter, Some(&viewer)).await?, expected, "{filter:?}");
        let listed = store.runs(filter.clone(), 10).await?;
        assert_eq!(listed.len(), expected.len(), "{filter:?}");
    }
    Ok(())
}

#[doc(hidden)]
pub async fn events_are_found_by_their_ids(store: &impl Store) -> Checked {
    let received = entry(run_id(1), AuditKind::Received);
    let event = received.event.id;
    assert_eq!(store.run_of_event(event).await?, None);
    write(store, Commit { audit: vec![received], ..commit(run_id(1), 0, "a") }).await?;
    assert_eq!(store.run_of_event(event).await?, Some(run_id(1)));
    assert_eq!(store.run_of_event(EventId::from_uuid(Uuid::from_u128(77))).await?, None);
    Ok(())
}

#[doc(hidden)]
pub async fn audit_log_is_searched(store: &impl Store) -> Checked {
    let by = |name: &str, number: u128, second, kind| {
        let entry = entry(run_id(number), kind);
        let mut event = EventRecord::clone(&entry.event);
        event.actor = person(name, UserRole::Member);
        event.id = EventId::from_uuid(Uuid::from_u128(100 + number));
        AuditEntry { at: at(second), event: Arc::new(event), ..entry }
    };
    let called = || AuditKind::HandlerCalled {
        handler: HandlerRef::new("on_request", "flows", "src/flows.rs", 1),
        result: HandlerResult::Continued,
    };
    let first = vec![by("ana", 1, 1, AuditKind::Received), by("ana", 1, 1, called())];
    write(store, Commit { audit: first, ..commit(run_id(1), 0, "a") }).await?;
    // The clock was set back in between.
    let second = vec![by("ben", 2, 5, AuditKind::Received), by("ben", 2, 2, AuditKind::Completed)];
    write(store, Commit { audit: second, ..commit(run_id(2), 0, "b") }).await?;
    let error =
        crate::machine::EffectError::new(crate::error::ErrorKind::Forbidden, crate::error::codes::NOT_PERMITTED, "no");
    let third = vec![by("cy", 3, 3, AuditKind::Refused { error })];
    write(store, Commit { state: None, audit: third, ..commit(run_id(3), 0, "c") }).await?;

    let all = AuditQuery::default;
    let numbers = async |query: AuditQuery| -> Result<Vec<u64>, StoreError> {
        let (mut numbers, mut after) = (Vec::new(), query.after);
        loop {
            let page = store.find_audit(&AuditQuery { after, limit: 2, ..query.clone() }).await?;
            assert!(page.records.len() <= 2, "at most the limit");
            numbers.extend(page.records.iter().map(|record| record.seq));
            after = page.next;
            if after.is_none() {
                return Ok(numbers);
            }
        }
    };
    let id = |name: &str| Some(person(name, UserRole::Member).id());
    let event = |number: u128| Some(EventId::from_uuid(Uuid::from_u128(100 + number)));
    for (query, expected) in [
        (all(), vec![5, 4, 3, 2, 1]),
        (AuditQuery { order: AuditOrder::OldestFirst, ..all() }, vec![1, 2, 3, 4, 5]),
        (AuditQuery { order: AuditOrder::OldestFirst, after: Some(3), ..all() }, vec![4, 5]),
        (AuditQuery { after: Some(3), ..all() }, vec![2, 1]),
        (AuditQuery { since: Some(at(2)), ..all() }, vec![5, 4, 3]),
        (AuditQuery { until: Some(at(3)), ..all() }, vec![4, 2, 1]),
        (AuditQuery { since: Some(at(2)), until: Some(at(4)), ..all() }, vec![5, 4]),
        (AuditQuery { since: Some(at(9)), ..all() }, vec![]),
        (AuditQuery { actor: id("ana"), ..all() }, vec![2, 1]),
        (AuditQuery { flow: Some("prod".into()), ..all() }, vec![5, 4, 3, 2, 1]),
        (AuditQuery { flow: Some("other".into()), ..all() }, vec![]),
        (AuditQuery { run: Some(run_id(2)), ..all() }, vec![4, 3]),
        (AuditQuery { event: event(1), ..all() }, vec![2, 1]),
        (AuditQuery { event: event(3), ..all() }, vec![5]),
        (AuditQuery { event: event(9), ..all() }, vec![]),
        (AuditQuery { kind: Some("received".into()), ..all() }, vec![3, 1]),
        (AuditQuery { handler: Some("on_request".into()), ..all() }, vec![2]),
        (AuditQuery { actor: id("ben"), kind: Some("completed".into()), since: Some(at(1)), ..all() }, vec![4]),
        (AuditQuery { text: Some("BEN@example".into()), ..all() }, vec![4, 3]),
        (AuditQuery { text: Some("on_request  ana".into()), ..all() }, vec![2]),
        (AuditQuery { text: Some("on_request ben".into()), ..all() }, vec![]),
        (AuditQuery { text: Some(run_id(2).to_string()), order: AuditOrder::OldestFirst, ..all() }, vec![3, 4]),
        (AuditQuery { text: Some("received".into()), actor: id("ana"), ..all() }, vec![1]),
        (AuditQuery { text: Some("not_permitted".into()), ..all() }, vec![5]),
        (AuditQuery { text: Some(" ".into()), after: Some(3), ..all() }, vec![2, 1]),
        // No patterns: there is no such text.
        (AuditQuery { text: Some("b%n".into()), ..all() }, vec![]),
        (AuditQuery { text: Some("b_n".into()), ..all() }, vec![]),
    ] {
        assert_eq!(numbers(query.clone()).await?, expected, "{query:?}");
    }
    Ok(())
}

#[doc(hidden)]
pub async fn changes_are_listed_in_order(store: &impl Store) -> Checked {
    for number in 1..=3 {
        let audit = vec![entry(run_id(number), AuditKind::Received)];
        write(store, Commit { audit, ..commit(run_id(number), 0, &number.to_string()) }).await?;
    }
    let records = store.audit_after(1, 10).await?;
    let changes = store.changes_after(1, 10).await?;
    let listed: Vec<_> = changes.iter().map(|change| (change.seq, change.tag, change.run, change.at)).collect();
    let expected = |index: usize, number| (records[index].seq, records[index].hash.tag(), run_id(number), at(0));
    assert_eq!(listed, [expected(0, 2), expected(1, 3)]);
    assert_eq!(store.changes_after(1, 1).await?.len(), 1);
    assert_eq!(store.changes_after(3, 1).await?, []);
    Ok(())
}

#[doc(hidden)]
pub async fn fingerprints_of_inputs_are_kept(store: &impl Store) -> Checked {
    let key = InputKey::new("a").with_content("one");
    write(store, Commit { input: key.clone(), ..commit(run_id(1), 0, "a") }).await?;
    write(store, commit(run_id(2), 0, "b")).await?;
    let recorded = async |key: &str| store.recorded_fingerprint(&InputKey::new(key)).await;
    assert_eq!(recorded("a").await?, Some(InputFingerprint::of("one")));
    assert_eq!(recorded("b").await?, None);
    assert_eq!(recorded("c").await?, None);
    // The key alone tells inputs apart.
    let other = Commit { input: InputKey::new("a").with_content("two"), ..commit(run_id(1), 1, "a") };
    assert!(matches!(store.commit(other).await?, Committed::Duplicate(_)));
    assert_eq!(recorded("a").await?, Some(InputFingerprint::of("one")));
    Ok(())
}
