//! People who leave or lose a role while a request waits.

use sym_sdk::audit::AuditKind;
use sym_sdk::directory::UserChange;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Reconcile, Submission};

use super::locking_store::LockingStore;
use super::*;

const GUEST: &str = "the requester is no longer a member, and guests are not granted access";
const GONE: &str = "the requester is no longer a user";
const LOCKED: &str = "the requester is locked";

async fn make_guest(runtime: &Runtime, name: &str) {
    runtime.directory().set_role(user_id(runtime, name).await, UserRole::Guest).await.unwrap();
}

async fn delete(runtime: &Runtime, name: &str) {
    runtime.directory().delete_user(user_id(runtime, name).await).await.unwrap();
}

/// Locks somebody, and does not end yet what they have asked for: a decision can come between both.
async fn lock(world: &World, runtime: &Runtime, name: &str) {
    let id = user_id(runtime, name).await;
    assert!(world.users.change_user(id, UserChange::Locked(true)).await.unwrap().unwrap().is_locked());
}

/// W1.
#[tokio::test]
async fn requester_who_was_made_a_guest_is_granted_nothing() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    make_guest(&runtime, "ana").await;
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(refused.message(), format!("this request is closed, and no access is granted: {GUEST}"));
    assert_closed(&world, &runtime, run, codes::NOT_PERMITTED, GUEST).await;
    let told =
        format!("Your request for prod was closed without access: {GUEST}. Make a new request if you still need it");
    assert_eq!(world.messages_to("ana"), [told]);
}

/// W2.
#[tokio::test]
async fn requester_who_was_deleted_is_granted_nothing_and_sent_nothing() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    delete(&runtime, "ana").await;
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(refused.message(), format!("this request is closed, and no access is granted: {GONE}"));
    assert_closed(&world, &runtime, run, codes::UNKNOWN_USER, GONE).await;
    assert!(world.messages_to("ana").is_empty());
}

#[tokio::test]
async fn requester_who_is_locked_is_granted_nothing() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    lock(&world, &runtime, "ana").await;
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(refused.message(), format!("this request is closed, and no access is granted: {LOCKED}"));
    assert_closed(&world, &runtime, run, codes::USER_LOCKED, LOCKED).await;
}

/// Their approval may have been made by whoever they were locked because of.
#[tokio::test]
async fn approval_of_somebody_who_is_locked_does_not_count() {
    let world = World::new();
    let runtime = with_two_approvals(&world).await;
    let run = request(&runtime, "1h").await;
    approve(&runtime, run, "ben").await;
    lock(&world, &runtime, "ben").await;
    approve(&runtime, run, "cho").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Requested);
    assert_eq!(approved_by(&runtime, run).await, ["cho@example.com"]);
    let withdrawn = |kind: &AuditKind| match kind {
        AuditKind::ApprovalWithdrawn { approver, error } => {
            approver == "ben@example.com" && error.message == "ben@example.com is locked"
        }
        _ => false,
    };
    assert!(kinds(&runtime, run).await.iter().any(withdrawn));
    approve(&runtime, run, "dan").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
}

/// W1, W2, in a flow that grants nothing itself.
#[tokio::test]
async fn requester_is_looked_at_again_in_approval_only_flows() {
    let world = World::new();
    let runtime = world.builder(support::flows(&["prod"])).registry(plain()).build().await.unwrap();
    let run = runtime.submit(Submission::request("prod", "ana@example.com")).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    make_guest(&runtime, "ana").await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(status(&runtime, run).await, RunStatus::Errored);
}

/// W1, between the approval and the grant.
#[tokio::test]
async fn requester_is_looked_at_again_before_the_grant() {
    for steps in 0.. {
        let world = World::new();
        let runtime = world.start(config()).await;
        let run = request(&runtime, "1h").await;
        runtime.directory().contact("ben@example.com").await.unwrap();
        runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        for _ in 0..steps {
            runtime.run_one().await.unwrap();
        }
        if world.grants() > 0 {
            assert!(steps >= 2, "there are steps between approval and grant: {steps}");
            return;
        }
        make_guest(&runtime, "ana").await;
        runtime.run_until_idle().await.unwrap();
        assert_closed(&world, &runtime, run, codes::NOT_PERMITTED, GUEST).await;
        assert_eq!(world.messages_to("ben").len(), 1, "after {steps} steps: {:?}", world.messages_to("ben"));
    }
}

/// W1. The look at other Runs takes as long as the store does, and they were looked up before it.
#[tokio::test]
async fn requester_is_looked_at_again_after_the_look_at_other_runs() {
    let users = Arc::new(MemoryDirectory::new());
    let directory = Directory::from_store(users.clone(), ["example.com"]);
    let ana = directory.contact("ana@example.com").await.unwrap().into_user();
    let store = LockingStore::new(users.clone(), ana.id());
    let strategy = RecordingStrategy::new().with_levels("group_id");
    let world = World { strategy, ..World::on(store.clone(), users) };
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    approve(&runtime, run, "ben").await;
    assert_eq!(store.looks(), 2, "one before the grant was requested, and one before it was made");
    assert_closed(&world, &runtime, run, codes::USER_LOCKED, LOCKED).await;
}

/// W1, for access that is granted again.
#[tokio::test]
async fn requester_is_looked_at_again_before_access_is_granted_again() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    approve(&runtime, run, "ben").await;
    let (admins, identity) = world.strategy.granted().pop().unwrap();
    world.strategy.revoke_externally(&admins, &identity);
    make_guest(&runtime, "ana").await;
    runtime.reconcile(Reconcile::new().regrant_missing()).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.grants(), 1, "not granted again");
    let failed = |kind: &AuditKind| matches!(kind, AuditKind::RegrantFailed { error, .. } if error.message == GUEST);
    assert!(kinds(&runtime, run).await.iter().any(failed));
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
}

/// W1, when a hook decides.
#[tokio::test]
async fn hooks_cannot_approve_for_a_requester_who_was_made_a_guest() {
    mod automatic {
        use sym_sdk::prelude::*;

        #[hook]
        pub(super) fn on_request() -> Option<NextEvent> {
            Some(ApprovalTemplate::approve())
        }
    }
    let world = World::new();
    let runtime = world.start_with(plain().merge(handlers![automatic::on_request])).await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    make_guest(&runtime, "ana").await;
    runtime.run_until_idle().await.unwrap();
    assert_closed(&world, &runtime, run, codes::NOT_PERMITTED, GUEST).await;
    assert_eq!(world.messages_to("ana").len(), 1);
}

mod listed {
    use std::sync::Mutex;

    use sym_sdk::prelude::*;

    /// The user names of those who are on call now.
    #[derive(Default)]
    pub(super) struct OnCall(pub(super) std::sync::Arc<Mutex<Vec<String>>>);

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(2)
    }

    /// The example of the guide.
    #[hook]
    pub(super) fn on_approve(event: &Event, on_call: State<OnCall>) -> Option<NextEvent> {
        let on_call = on_call.0.lock().unwrap();
        let mut approvers = event.run().approvals().iter().map(|user| &**user).chain([event.user()]);
        let gone = approvers.find(|user| !on_call.iter().any(|name| name == user.username()))?;
        let message = format!("{} is not on call any more, so this takes a new request", gone.username());
        Some(ApprovalTemplate::ignore().message(message))
    }
}

/// K1: permissions are those of the time of the request; a hook looks again at a list that can change.
#[tokio::test]
async fn a_hook_refuses_the_earlier_approval_of_somebody_who_has_left_the_list() {
    for leaves in [false, true] {
        let world = World::new();
        let on_call = listed::OnCall::default();
        let names = on_call.0.clone();
        names.lock().unwrap().extend(["ben@example.com".to_owned(), "cleo@example.com".to_owned()]);
        let builder = world.builder(config()).registry(handlers![listed::get_permissions, listed::on_approve]);
        let runtime = builder.state(on_call).build().await.unwrap();
        let run = request(&runtime, "1h").await;
        try_approve(&runtime, run, "ben").await.unwrap();
        if leaves {
            names.lock().unwrap().remove(0);
        }
        try_approve(&runtime, run, "cleo").await.unwrap();
        let expected = if leaves { RunStatus::Requested } else { RunStatus::Escalated };
        assert_eq!(status(&runtime, run).await, expected);
        assert_eq!(world.grants(), usize::from(!leaves));
    }
}

mod two {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(2)
    }

    #[hook]
    pub(super) fn on_approve() {}
}

async fn with_two_approvals(world: &World) -> Runtime {
    world.start_with(handlers![two::get_permissions, get_request_notifications]).await
}

async fn approved_by(runtime: &Runtime, run: RunId) -> Vec<String> {
    state(runtime, run).await.run.approvals().iter().map(|user| user.username().to_owned()).collect()
}

/// W3.
#[tokio::test]
async fn approval_of_somebody_who_may_not_approve_any_more_does_not_count() {
    for (is_deleted, why) in [
        (false, "ben@example.com is not permitted to decide this request"),
        (true, "ben@example.com is no longer a user"),
    ] {
        let world = World::new();
        let runtime = with_two_approvals(&world).await;
        let run = request(&runtime, "1h").await;
        approve(&runtime, run, "ben").await;
        if is_deleted {
            delete(&runtime, "ben").await;
        } else {
            make_guest(&runtime, "ben").await;
        }
        approve(&runtime, run, "cho").await;
        assert_eq!(status(&runtime, run).await, RunStatus::Requested);
        assert_eq!(approved_by(&runtime, run).await, ["cho@example.com"]);
        assert_eq!(
            world.messages_to("cho"),
            [
                "Your approval for prod was counted. The approval of ben@example.com no longer counts, because they may not \
              approve it any more: 1 more approval is needed"
            ]
        );
        let withdrawn = |kind: &AuditKind| match kind {
            AuditKind::ApprovalWithdrawn { approver, error } => approver == "ben@example.com" && error.message == why,
            _ => false,
        };
        assert!(kinds(&runtime, run).await.iter().any(withdrawn), "{why}");
        approve(&runtime, run, "dan").await;
        assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    }
}

/// W3: whoever is a member again may approve again.
#[tokio::test]
async fn withdrawn_approval_can_be_given_again() {
    let world = World::new();
    let runtime = with_two_approvals(&world).await;
    let run = request(&runtime, "1h").await;
    approve(&runtime, run, "ben").await;
    make_guest(&runtime, "ben").await;
    approve(&runtime, run, "cho").await;
    runtime.directory().set_role(user_id(&runtime, "ben").await, UserRole::Member).await.unwrap();
    approve(&runtime, run, "ben").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
}

/// W3, with a hook between the approval and its count, which a restart can stretch.
#[tokio::test]
async fn approver_is_looked_at_again_after_the_hook() {
    let world = World::new();
    let handlers = handlers![two::get_permissions, two::on_approve, get_request_notifications];
    let runtime = world.start_with(handlers).await;
    let run = request(&runtime, "1h").await;
    approve(&runtime, run, "ben").await;
    runtime.directory().contact("cho@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "cho@example.com")).await.unwrap();
    make_guest(&runtime, "cho").await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Requested);
    assert_eq!(approved_by(&runtime, run).await, ["ben@example.com"]);
    assert_eq!(world.messages_to("cho"), ["cho@example.com is not permitted to decide this request"]);
    make_guest(&runtime, "ben").await;
    approve(&runtime, run, "dan").await;
    assert_eq!(approved_by(&runtime, run).await, ["dan@example.com"]);
}

/// Somebody else may have the address that the requester had, and is not the requester.
#[tokio::test]
async fn denial_by_somebody_with_the_former_address_of_the_requester_is_no_withdrawal() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    let ana = runtime.directory().user_by_email("ana@example.com").await.unwrap().unwrap();
    let renamed = User::person(ana.id(), "ana.new@example.com").unwrap().with_role(UserRole::Member);
    runtime.directory().put_user(renamed).await.unwrap();
    runtime.directory().contact("ana@example.com").await.unwrap();
    runtime.submit(Submission::deny(run, "ana@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Denied);
    let told: Vec<_> = world.delivery.messages().into_iter().map(|(_, text)| text).collect();
    assert!(told.iter().all(|text| !text.contains("withdrawn")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("denied")), "{told:?}");
}
