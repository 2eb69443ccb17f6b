//! Users over time: first contact, addresses that change hands, locks and deletions.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use sym_sdk::audit::AuditKind;
use sym_sdk::engine::WorkerLimits;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::machine::UserAction;
use sym_sdk::model::{RunId, UserId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::testing::Harness;

use super::{HOUR, MINUTE, plain};

const GRACE: Duration = Duration::from_secs(20);

async fn harness() -> Harness {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(plain());
    builder.admin("ada@example.com").build().await.unwrap()
}

async fn request(harness: &mut Harness, email: &str) -> RunId {
    harness.request("prod").by(email).duration("1h").await.unwrap()
}

async fn access(harness: &mut Harness, email: &str) -> RunId {
    let run = request(harness, email).await;
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

async fn user(runtime: &Runtime, email: &str) -> Arc<User> {
    runtime.directory().user_by_email(email).await.unwrap().unwrap()
}

/// Returns the actions of administrators on users, as the log has them.
async fn record(runtime: &Runtime) -> Vec<String> {
    let entries = runtime.audit(None, usize::MAX).await.unwrap();
    let of_users = entries.iter().filter_map(|entry| match &entry.kind {
        AuditKind::UserAction { action, username, refusal, .. } => Some(format!(
            "{} {username} by {}: {}{}",
            action.past_participle(),
            entry.event.actor.username(),
            entry.event.reason.as_deref().unwrap_or_default(),
            refusal.as_ref().map(|error| format!(" ({})", error.code)).unwrap_or_default()
        )),
        _ => None,
    });
    of_users.collect()
}

// First contact.

/// Whoever has just appeared may be somebody with a second address. They are told to look again, and are known then.
#[tokio::test]
async fn nobody_decides_with_their_first_contact() {
    let mut harness = harness().await;
    let run = request(&mut harness, "ana@example.com").await;
    let runtime = harness.runtime().clone();
    let decide = async |submission: Submission| runtime.submit(submission).await.map(drop);
    for submission in [
        Submission::approve(run, "cy@example.com").into(),
        Submission::deny(run, "di@example.com").into(),
        Submission::approve(run, "guest@elsewhere.example").into(),
    ] {
        let error = decide(submission).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, &codes::FIRST_CONTACT));
    }
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    let error = decide(Submission::approve(run, "eve@example.com").into()).await.unwrap_err();
    expect![[r#"
        eve@example.com was unknown until now, and nobody decides with their first contact (SymSDK:FIRST_CONTACT)
          help: you are known from now on: look at the request again, and repeat your decision"#]]
    .assert_eq(&error.report().to_string());
    decide(Submission::approve(run, "cy@example.com").into()).await.unwrap();
    // A person may begin with a request, though.
    request(&mut harness, "fay@example.com").await;
}

#[tokio::test]
async fn aliases_of_a_mailbox_cannot_approve_each_others_requests() {
    for (plus_aliases, refused) in [(true, true), (false, false)] {
        let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(plain());
        let mut harness = builder.runtime(move |builder| builder.plus_aliases(plus_aliases)).build().await.unwrap();
        for (requester, approver) in [
            ("ana@example.com", "ana+2@example.com"),
            ("ben+1@example.com", "ben@example.com"),
            ("cy+1@example.com", "CY+2@example.com"),
        ] {
            let run = request(&mut harness, requester).await;
            let approved = harness.approve_as(run, approver).await.map_err(|error| error.code().clone());
            let expected = if refused { Err(codes::SELF_APPROVAL) } else { Ok(()) };
            assert_eq!(approved, expected, "{requester} {approver}");
        }
        let run = request(&mut harness, "ana@example.com").await;
        harness.approve_as(run, "anna@example.com").await.unwrap();
    }
}

/// W21: the same address with a composed and a decomposed letter is one person, and so is one in capital letters.
#[tokio::test]
async fn spellings_of_an_address_are_one_person() {
    let mut harness = harness().await;
    let run = request(&mut harness, "ren\u{e9}@example.com").await;
    for same in ["rene\u{301}@example.com", "Rene\u{301}@EXAMPLE.com", "REN\u{c9}@example.com"] {
        let error = harness.approve_as(run, same).await.unwrap_err();
        assert_eq!(*error.code(), codes::SELF_APPROVAL, "{same}");
    }
    let runtime = harness.runtime();
    let composed = user(runtime, "ren\u{e9}@example.com").await;
    assert_eq!(user(runtime, "rene\u{301}@example.com").await.id(), composed.id());
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(2)
}

/// Two addresses of one mailbox are one vote.
#[tokio::test]
async fn aliases_of_a_mailbox_vote_once() {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers![get_permissions]);
    let mut harness = builder.build().await.unwrap();
    let run = request(&mut harness, "ana@example.com").await;
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let again = harness.approve_as(run, "ben+2@example.com").await.unwrap_err();
    assert_eq!(*again.code(), codes::ALREADY_DECIDED);
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
}

// Addresses that change hands.

/// W15: Ana is renamed, and somebody else gets her old address. They are a new person: they can work, they have no rights in what
/// Ana asked, and no text tells them about Ana.
#[tokio::test]
async fn the_next_owner_of_an_address_is_somebody_else() {
    let mut harness = harness().await;
    let asked = request(&mut harness, "ana@example.com").await;
    let runtime = harness.runtime().clone();
    let ana = user(&runtime, "ana@example.com").await;
    let renamed = User::person(ana.id(), "ana.lee@example.com").unwrap();
    runtime.directory().put_user(renamed).await.unwrap();

    request(&mut harness, "ana@example.com").await;
    let other = user(&runtime, "ana@example.com").await;
    assert_ne!(other.id(), ana.id());
    harness.deny_as(asked, "ana.lee@example.com").await.unwrap();
    assert_eq!(harness.status(asked).await.unwrap(), RunStatus::Denied);
}

mod admins_only {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }
}

/// A requester may always withdraw a request; somebody with the requester's former address may not.
#[tokio::test]
async fn rights_do_not_come_with_an_address() {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers![admins_only::get_permissions]);
    let mut harness = builder.build().await.unwrap();
    let asked = request(&mut harness, "ana@example.com").await;
    let runtime = harness.runtime().clone();
    let ana = user(&runtime, "ana@example.com").await;
    runtime.directory().put_user(User::person(ana.id(), "ana.lee@example.com").unwrap()).await.unwrap();
    let error = harness.deny_as(asked, "ana@example.com").await.unwrap_err();
    assert_eq!(*error.code(), codes::NOT_PERMITTED);
    harness.deny_as(asked, "ana.lee@example.com").await.unwrap();
}

// Deletion.

/// Finding 9: Eve is made a guest, refused, and deleted. Her next click made her a member.
#[tokio::test]
async fn deleted_users_do_not_come_back_by_a_click() {
    let mut harness = harness().await;
    request(&mut harness, "eve@example.com").await;
    let runtime = harness.runtime().clone();
    let eve = user(&runtime, "eve@example.com").await;
    runtime.directory().set_role(eve.id(), UserRole::Guest).await.unwrap();
    runtime.delete_user("eve@example.com", "ada@example.com", "left").await.unwrap();

    let asked = request(&mut harness, "ana@example.com").await;
    for submission in [
        Submission::from(Submission::request("prod", "eve@example.com").input("duration", "1h")),
        Submission::from(Submission::request("prod", "Eve@Example.com").input("duration", "1h")),
        Submission::from(Submission::approve(asked, "eve@example.com")),
    ] {
        let error = runtime.submit(submission).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, &codes::USER_DELETED));
        assert!(!error.report().to_string().contains(&eve.id().to_string()));
    }
    assert_eq!(runtime.directory().user_by_email("eve@example.com").await.unwrap(), None);

    let restored = runtime.restore_user(eve.id(), "ada@example.com", "came back").await.unwrap();
    assert_eq!((restored.id(), restored.role()), (eve.id(), UserRole::Guest), "as she was");
}

/// An approver's address is given to somebody else: the request's list of approvers does not admit them.
#[tokio::test]
async fn approver_lists_are_not_inherited() {
    #[reducer]
    async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
        let owner = directory.get_or_create_user_by_email("owner@example.com").await?;
        Ok(RequestPermission::decided_by(user_ids([owner]).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Member))
    }

    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers![get_permissions]);
    let mut harness = builder.admin("ada@example.com").build().await.unwrap();
    let run = request(&mut harness, "ana@example.com").await;
    let runtime = harness.runtime().clone();
    runtime.delete_user("owner@example.com", "ada@example.com", "left").await.unwrap();
    let next = runtime.admit_user("owner@example.com", UserRole::Member, "ada@example.com", "hired").await.unwrap();
    let error = harness.approve_as(run, "owner@example.com").await.unwrap_err();
    assert_eq!(*error.code(), codes::NOT_PERMITTED);
    assert_eq!(user(&runtime, "owner@example.com").await.id(), next.id());
    // A new request has the new owner on its list.
    let run = request(&mut harness, "ana@example.com").await;
    harness.approve_as(run, "owner@example.com").await.unwrap();
}

#[tokio::test]
async fn deleting_a_user_ends_what_they_have() {
    let mut harness = harness().await;
    let (held, open) = (access(&mut harness, "eve@example.com").await, request(&mut harness, "eve@example.com").await);
    let other = access(&mut harness, "ana@example.com").await;
    assert_eq!(harness.granted().len(), 2);
    let ended = harness.runtime().delete_user("eve@example.com", "ada@example.com", "left").await.unwrap();
    assert_eq!((ended.revoking, ended.denied, ended.failed), (vec![held], vec![open], vec![]));
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    assert_eq!(harness.status(open).await.unwrap(), RunStatus::Denied);
    assert_eq!(harness.status(other).await.unwrap(), RunStatus::Escalated);
}

/// Code that deletes a user in the directory alone does not leave their access behind.
#[tokio::test]
async fn a_running_program_ends_access_of_users_deleted_by_code() {
    let mut harness = harness().await;
    let run = access(&mut harness, "eve@example.com").await;
    let runtime = harness.runtime().clone();
    let eve = user(&runtime, "eve@example.com").await;
    runtime.directory().delete_user(eve.id()).await.unwrap();
    let workers = runtime.start(WorkerLimits::default());
    let ended = async {
        loop {
            let changed = runtime.engine().next_commit();
            if runtime.run(run).await.unwrap().state.run.status() == RunStatus::Deescalated {
                return;
            }
            changed.await;
        }
    };
    tokio::time::timeout(GRACE, ended).await.expect("the access ends");
    workers.shutdown(GRACE).await;
    assert!(harness.granted().is_empty());
}

// Locks.

#[tokio::test]
async fn locked_users_do_nothing_and_keep_nothing() {
    let mut harness = harness().await;
    let (held, open) = (access(&mut harness, "eve@example.com").await, request(&mut harness, "eve@example.com").await);
    let asked = request(&mut harness, "ana@example.com").await;
    let runtime = harness.runtime().clone();
    let ended = runtime.lock_user("eve@example.com", "ada@example.com", "lost her laptop").await.unwrap();
    assert_eq!((ended.revoking, ended.denied), (vec![held], vec![open]));
    for submission in [
        Submission::from(Submission::request("prod", "eve@example.com").input("duration", "1h")),
        Submission::from(Submission::prompt("prod", "eve@example.com")),
        Submission::from(Submission::approve(asked, "eve@example.com")),
        Submission::from(Submission::deny(asked, user(&runtime, "eve@example.com").await)),
        Submission::from(Submission::revoke(held, user(&runtime, "eve@example.com").await.id())),
    ] {
        let error = runtime.submit(submission).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, &codes::USER_LOCKED));
    }
    harness.advance(MINUTE).await.unwrap();
    assert!(harness.granted().is_empty());

    runtime.unlock_user("eve@example.com", "ada@example.com", "found it").await.unwrap();
    harness.advance(MINUTE).await.unwrap();
    assert!(harness.granted().is_empty(), "access that ended does not come back");
    access(&mut harness, "eve@example.com").await;
    assert_eq!(
        record(&runtime).await,
        [
            "locked eve@example.com by ada@example.com: lost her laptop",
            "unlocked eve@example.com by ada@example.com: found it"
        ]
    );
}

/// Approved, and not yet granted.
#[tokio::test]
async fn nothing_more_is_granted_to_a_locked_user() {
    let mut harness = harness().await;
    let run = request(&mut harness, "eve@example.com").await;
    let runtime = harness.runtime().clone();
    runtime.directory().get_or_create_user_by_email("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    runtime.lock_user("eve@example.com", "ada@example.com", "").await.unwrap();
    harness.advance(MINUTE).await.unwrap();
    assert!(harness.granted().is_empty());
    assert!(harness.strategy("test").unwrap().calls().iter().all(|call| !call.is_grant));
}

#[tokio::test]
async fn only_administrators_act_on_users() {
    let mut harness = harness().await;
    let run = access(&mut harness, "eve@example.com").await;
    let runtime = harness.runtime().clone();
    for by in ["ben@example.com", "eve@example.com"] {
        let error = runtime.lock_user("eve@example.com", by, "").await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, &codes::NOT_PERMITTED));
        let error = runtime.delete_user("ada@example.com", by, "").await.unwrap_err();
        assert_eq!(*error.code(), codes::NOT_PERMITTED);
    }
    assert!(!user(&runtime, "eve@example.com").await.is_locked());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(record(&runtime).await[0], "locked eve@example.com by ben@example.com:  (SymSDK:NOT_PERMITTED)");
    let error = runtime.lock_user("nobody@example.com", "ada@example.com", "").await.unwrap_err();
    assert_eq!(*error.code(), codes::UNKNOWN_USER);
    let error = runtime.restore_user(UserId::random(), "ada@example.com", "").await.unwrap_err();
    assert_eq!(*error.code(), codes::UNKNOWN_USER);
}

/// One locks and the other unlocks at once: both are on record, in the order in which they took effect or close to it, and the access
/// has ended either way.
#[tokio::test]
async fn concurrent_locks_and_unlocks_are_each_complete() {
    let mut harness = harness().await;
    let run = access(&mut harness, "eve@example.com").await;
    let runtime = harness.runtime().clone();
    let bob = User::person(UserId::random(), "bob@example.com").unwrap().with_role(UserRole::Admin);
    runtime.directory().put_user(bob).await.unwrap();
    for _ in 0..4 {
        let (locked, unlocked) = tokio::join!(
            runtime.lock_user("eve@example.com", "ada@example.com", "suspicious"),
            runtime.unlock_user("eve@example.com", "bob@example.com", "it was me"),
        );
        locked.unwrap();
        unlocked.unwrap();
    }
    assert_eq!(record(&runtime).await.len(), 8);
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    // The state is one of both, and whoever acts next decides it.
    runtime.lock_user("eve@example.com", "ada@example.com", "again").await.unwrap();
    assert!(user(&runtime, "eve@example.com").await.is_locked());
    runtime.unlock_user("eve@example.com", "bob@example.com", "again").await.unwrap();
    assert!(!user(&runtime, "eve@example.com").await.is_locked());
    access(&mut harness, "eve@example.com").await;
    harness.advance(HOUR).await.unwrap();
}

#[tokio::test]
async fn entries_about_users_are_part_of_the_verified_log() {
    let harness = harness().await;
    let runtime = harness.runtime().clone();
    runtime.directory().get_or_create_user_by_email("eve@example.com").await.unwrap();
    runtime.lock_user("eve@example.com", "ada@example.com", "why").await.unwrap();
    sym_sdk::audit::verify(&**runtime.engine()).await.unwrap();
    let entries = runtime.audit(None, usize::MAX).await.unwrap();
    let [entry] = &*entries else { panic!("one entry: {entries:#?}") };
    assert!(matches!(&entry.kind, AuditKind::UserAction { action: UserAction::Lock, refusal: None, .. }));
    let stored: AuditKind = serde_json::from_value(serde_json::to_value(&entry.kind).unwrap()).unwrap();
    assert_eq!(stored, entry.kind);
}
